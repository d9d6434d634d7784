"""From one version to the next: weights to begin with, the rotation onto the old space, and what has moved."""
