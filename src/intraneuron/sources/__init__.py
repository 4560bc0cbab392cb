"""Sources without a model: lists of core tokens that somebody published, and the vectors of their tokens."""
