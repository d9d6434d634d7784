"""Results on disk: their names, and how they are checked, staged and put in place."""
