"""Two spaces: the orthogonal map of one onto another from a dictionary, and how well words are translated by it."""
