"""A directory of its own for the file that ``spark-submit`` runs: Python puts the file's directory on ``sys.path``."""
