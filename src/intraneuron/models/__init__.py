"""Models and texts: where neurons sit, how models are loaded, what they read, and their rotated twins."""
