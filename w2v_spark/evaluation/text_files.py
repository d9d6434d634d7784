"""Lines of the files that hold test sets."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from w2v_spark.errors import InputError


def read_lines(path: str | PathLike[str], comment: str, encoding: str = "utf-8") -> list[tuple[int, str]]:
    """Line numbers from 1 and lines of a text; blank lines, and those that begin with ``comment``, are left out.

    A byte-order mark and carriage returns are taken off; tabs at the ends of a line stay.

    Raises
    ------
    InputError
        The file cannot be read or is not in that encoding.
    """
    try:
        text = Path(path).read_text(encoding=encoding)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not {encoding.upper()}: {error}") from error
    except LookupError as error:
        raise InputError(f"{path}: {error}") from error
    lines = ((number, line.strip(" \r")) for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1))
    return [(number, line) for number, line in lines if line.strip() and not line.startswith(comment)]
