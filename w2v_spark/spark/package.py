"""Pack this package into one zip for ``spark-submit --py-files``."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import w2v_spark


def write_package_zip(path: str | Path) -> Path:
    """Write the package as a zip that Python imports from, and return its path.

    Same sources, same bytes: entries are sorted and carry no time. Caches are left out.
    """
    path = Path(path)
    root = Path(w2v_spark.__file__).parent
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(root.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                entry = zipfile.ZipInfo(file.relative_to(root.parent).as_posix())
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, file.read_bytes())
    return path


if __name__ == "__main__":
    print(write_package_zip(*sys.argv[1:]))
