"""The exceptions that users see; every one is a `W2VError`."""


class W2VError(Exception):
    """Base of all errors raised on purpose by this package."""


class ConfigError(W2VError, ValueError):
    """A setting, a path or a combination of them is not usable."""


class InputError(W2VError, ValueError):
    """The input is missing, empty, unreadable or of another shape than announced."""


class VocabularyError(W2VError, ValueError):
    """The corpus gives no vocabulary that could be trained on."""


class WordNotFound(W2VError, KeyError):
    """A word is not in the vocabulary."""

    def __str__(self) -> str:  # KeyError would show the repr of the message
        return str(self.args[0]) if self.args else ""


class StoreError(W2VError, OSError):
    """A file of ours is missing, truncated or not what it should be."""


class CheckpointMismatch(W2VError):
    """A run directory belongs to another configuration or another input."""


class DivergedError(W2VError, ArithmeticError):
    """Training produced weights that are not finite."""
