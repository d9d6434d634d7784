"""Where Spark keeps the tables of a catalog that ends with the session: not in the working directory."""

from __future__ import annotations

import atexit
import contextlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_SETTING: Final = "spark.sql.warehouse.dir"


def temporary_warehouse(configured: Mapping[str, str], conf_dir: Path) -> dict[str, str]:
    """The setting of a temporary directory, or nothing where the user has said where tables lie.

    Spark makes a folder at the first look at a table or a query, and would make it in the working directory. A catalog
    of Hive lasts longer than a session, so its tables stay where they are.

    Parameters
    ----------
    configured : mapping of str to str
        The settings that the user has chosen.
    conf_dir : Path
        Spark's ``conf`` directory.

    Notes
    -----
    The directory goes with this process unless somebody has written tables into it.
    """
    lasts = configured.get("spark.sql.catalogImplementation") == "hive" or (conf_dir / "hive-site.xml").is_file()
    if lasts or _SETTING in configured:
        return {}
    try:
        path = Path(tempfile.mkdtemp(prefix="w2v-spark-warehouse-"))
    except OSError:  # full, read-only, or gone: Spark's own default then
        return {}
    atexit.register(_remove_empty, path)
    return {_SETTING: path.as_uri()}


def _remove_empty(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.rmdir()
