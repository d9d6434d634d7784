"""What a version is made of: ``manifest.json``, with a digest of every file and one of the content."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from pyarrow import fs as pafs

from w2v_spark.errors import StoreError
from w2v_spark.publishing.layout import COUNTS, DICTIONARY, DOCUMENTS, MANIFEST_FILE, PHRASES, STATE, TAGS, VECTORS
from w2v_spark.storage import Directory, damage_naming, errors_naming, retried

FORMAT_VERSION: Final = 1
_READ_BYTES: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of a version.

    Attributes
    ----------
    digest : str
        SHA-256 of the content, hexadecimal: of what was learned, and not of when or how fast.
    files : dict
        For each path below the version its size in bytes and its SHA-256.
    """

    digest: str
    files: dict[str, tuple[int, str]]

    @classmethod
    def build(cls, directory: Directory, names: Iterable[str]) -> Manifest:
        """Read and digest some files and folders of a directory.

        The content are the files of ``vectors``, ``documents``, ``tags`` and ``state``. In place of the files of
        ``state/counts``, whose rows come in any order, ``state/counts.json`` counts, which has a digest of the rows.

        Notes
        -----
        Cost: every file is read once, at about 1 GB/s from a local disk's cache.
        """
        files = {path: _digest(directory, path) for name in sorted(names) for path in _walk(directory, name)}
        content = "".join(f"{path} {digest}\n" for path, (_, digest) in sorted(files.items()) if _is_content(path))
        return cls(hashlib.sha256(content.encode()).hexdigest(), files)

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(size for size, _ in self.files.values())

    def write(self, directory: Directory) -> None:
        """Save as ``manifest.json``."""
        files = {path: {"bytes": size, "sha256": digest} for path, (size, digest) in self.files.items()}
        directory.write_json(MANIFEST_FILE, {
            "format_version": FORMAT_VERSION, "made_by": "w2v-spark", "digest": self.digest, "files": files,
        })  # fmt: skip

    @classmethod
    def read(cls, directory: Directory) -> Manifest:
        """Load ``manifest.json``.

        Raises
        ------
        StoreError
            It is missing, damaged, or of another format version.
        """
        value: dict[str, Any] = directory.read_json(MANIFEST_FILE)
        name = f"{directory.uri}/{MANIFEST_FILE}"
        if value.get("format_version") != FORMAT_VERSION:
            raise StoreError(
                f"{name} has format version {value.get('format_version')}, this program reads {FORMAT_VERSION}"
            )
        with damage_naming(name):
            files = {str(path): (int(file["bytes"]), str(file["sha256"])) for path, file in value["files"].items()}
            return cls(str(value["digest"]), files)

    def verify(self, directory: Directory) -> None:
        """Read all files again.

        Raises
        ------
        StoreError
            Names the first file that is missing or is not what it was.
        """
        for path, expected in self.files.items():
            with errors_naming(f"{directory.uri}/{path}"):
                found = _digest(directory, path)
            if found != expected:
                raise StoreError(
                    f"{directory.uri}/{path} is damaged: {found[0]} bytes with digest {found[1][:8]}, expected "
                    f"{expected[0]} with {expected[1][:8]}"
                )


def _is_content(path: str) -> bool:
    tables = tuple(f"{name}/" for name in (VECTORS, DOCUMENTS, TAGS, STATE))
    return path in (DICTIONARY, PHRASES) or (path.startswith(tables) and not path.startswith(f"{STATE}/{COUNTS}/"))


def _walk(directory: Directory, name: str) -> Iterator[str]:
    """Paths of all files of a file or folder, below the directory."""
    if directory.filesystem.get_file_info(directory.file(name)).type == pafs.FileType.Directory:
        for info in directory.child(name).list():
            yield from _walk(directory, posixpath.join(name, info.base_name))
    else:
        yield name


def _digest(directory: Directory, path: str) -> tuple[int, str]:
    return retried(directory.filesystem, lambda: _digest_once(directory, path))


def _digest_once(directory: Directory, path: str) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with directory.filesystem.open_input_stream(directory.file(path)) as stream:
        while block := stream.read(_READ_BYTES):
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()
