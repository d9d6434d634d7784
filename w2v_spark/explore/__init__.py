"""A map of the words of a model, as a folder that a browser shows."""
