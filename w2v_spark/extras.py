"""The libraries that the base installation leaves out, and the one line that says how to get them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from w2v_spark.errors import MissingExtra

_TRAIN: Final = ("numba", "llvmlite", "threadpoolctl", "tqdm", "pandas")
_LIBRARIES: Final = {  # the top-level modules of each extra
    "train": _TRAIN,
    "spark": ("pyspark", *_TRAIN),
    "topics": ("umap", "fast_hdbscan"),
    "icu": ("icu4py",),
}
_HINTS: Final = {"pyspark": "; on a cluster that brings its own Spark, start this with spark-submit instead"}


def require(extra: str) -> None:
    """Make sure that what an extra installs is there, without importing it.

    Parameters
    ----------
    extra : str
        ``train``, ``spark`` for that and PySpark, or ``topics`` for what finds topics.

    Raises
    ------
    MissingExtra
    """
    for library in _LIBRARIES[extra]:
        if find_spec(library) is None:
            provider = "train" if extra == "spark" and library != "pyspark" else extra
            raise missing(provider, ModuleNotFoundError(name=library))


def missing(extra: str, error: ImportError) -> MissingExtra:
    """The error to raise where an import fails because an extra is not installed.

    Parameters
    ----------
    extra : str
        A key of the optional dependencies in ``pyproject.toml``: ``train``, ``spark``, ``topics``, ``icu``, ``java``.
    error : ImportError
        What the import raised.

    Returns
    -------
    MissingExtra
        One line with the library and the command that installs it::

            try:
                import numba
            except ImportError as error:
                raise missing("train", error) from error

    Raises
    ------
    ImportError
        The error itself, where a module of this package is what could not be imported.
    """
    library = (error.name or "").partition(".")[0]
    if library == __name__.partition(".")[0]:
        raise error
    what = f"{library} is not installed" if isinstance(error, ModuleNotFoundError) and library else f"{error}"
    return MissingExtra(f"{what}; run: pip install 'w2v-spark[{extra}]'{_HINTS.get(library, '')}")
