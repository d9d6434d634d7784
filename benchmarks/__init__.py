"""One program a question; see README.md."""
