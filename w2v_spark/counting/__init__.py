"""Counts of words beside each other or in documents, and the vectors that a decomposition makes of them."""
