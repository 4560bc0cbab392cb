"""Mathematics: arrays in, arrays out. Nothing here knows a noun, a file or a model."""
