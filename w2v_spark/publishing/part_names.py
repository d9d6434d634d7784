"""The names of a table's files: a number, and a digest of what is in them.

So no two versions have files of one name, and who has listed the files of one never reads another one's.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from typing import Final

import pyarrow.parquet as pq

from w2v_spark.storage import Directory, retried

PART: Final = re.compile(r"part-(\d{5,})(-[0-9a-f]{8})?\.parquet")
"""Of all files of our tables; earlier ones have no digest in their names."""

_FOOTER_DIGEST: Final = b"w2v.footer_sha256"  # of a footer that has digests of all that is in the file
_READ_BYTES: Final = 1 << 22


def name_by_content(table: Directory) -> None:
    """Rename the files of a table that nobody reads yet, where their names have no digest.

    Notes
    -----
    Cost: a rename a file, which on an object store is a copy; and files that do not know their own digest are read.
    """
    for info in table.list():
        found = PART.fullmatch(info.base_name)
        if found is not None and found[2] is None:
            table.move(info.base_name, table, f"part-{found[1]}-{_digest(table, info.base_name)[:8]}.parquet")


def is_named_by_content(path: str) -> bool:
    """Whether a file of that name can only be the one that it was."""
    found = PART.fullmatch(posixpath.basename(path))
    return found is not None and found[2] is not None


def _digest(table: Directory, name: str) -> str:
    return retried(table.filesystem, lambda: _digest_once(table, name))


def _digest_once(table: Directory, name: str) -> str:
    with table.filesystem.open_input_file(table.file(name)) as file:
        known = (pq.read_metadata(file).metadata or {}).get(_FOOTER_DIGEST)
    if known is not None:
        return bytes(known).decode("ascii", "replace")
    digest = hashlib.sha256()
    with table.filesystem.open_input_stream(table.file(name)) as stream:
        while block := stream.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()
