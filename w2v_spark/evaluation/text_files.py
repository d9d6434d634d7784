"""Lines of the files that hold test sets."""

from __future__ import annotations

from w2v_spark.errors import InputError
from w2v_spark.evaluation.sources import Source, as_file


def read_text(source: Source, encoding: str = "utf-8") -> str:
    """The text of a file, without a byte-order mark. Raises `InputError` if it cannot be read in that encoding."""
    try:
        return as_file(source).read_text(encoding=encoding).removeprefix("\ufeff")
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{source}, line {line} is not {encoding.upper()} ({error.reason} at byte {error.start + 1} of the file); "
            "save the file in that encoding"
        ) from error
    except LookupError as error:
        raise InputError(f"{source}: {error}") from error


def read_lines(source: Source, comment: str | tuple[str, ...], encoding: str = "utf-8") -> list[tuple[int, str]]:
    """Line numbers from 1 and lines of a text; blank lines, and those that begin with ``comment``, are left out.

    A byte-order mark and carriage returns are taken off; tabs at the ends of a line stay.

    Raises
    ------
    InputError
        The file cannot be read or is not in that encoding.
    """
    return [(number, line) for block in read_blocks(source, comment, encoding) for number, line in block]


def read_blocks(source: Source, comment: str | tuple[str, ...], encoding: str = "utf-8") -> list[list[tuple[int, str]]]:
    """What `read_lines` gives, in the pieces between which there are blank lines; errors are the same."""
    blocks: list[list[tuple[int, str]]] = [[]]
    for number, line in enumerate(read_text(source, encoding).split("\n"), 1):
        line = line.strip(" \r")
        if not line.strip():
            blocks.append([])
        elif not line.startswith(comment):
            blocks[-1].append((number, line))
    return [block for block in blocks if block]


def read_words(source: Source, block: list[tuple[int, str]]) -> tuple[str, ...]:
    """The words of a block that has one a line, each once. Raises `InputError` that names a line with more."""
    for number, line in block:
        if len(line.split()) != 1:
            raise InputError(f"{source}, line {number}: expected one word, found {line[:80]!r}")
    return tuple(dict.fromkeys(line.strip() for _, line in block))
