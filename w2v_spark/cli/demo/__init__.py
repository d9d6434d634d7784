"""The demo: word vectors of the documentation that is on this machine anyway."""
