"""Where Java and its Python workers meet on one machine: not in a directory where all that comes of it would stay."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from typing import Final

_ENABLED: Final = "spark.python.unix.domain.socket.enabled"
_DIRECTORY: Final = "spark.python.unix.domain.socket.dir"
_LONGEST: Final = 60  # of a directory; with the name of a socket in it the system allows some 100 characters


def temporary_sockets() -> dict[str, str]:
    """The settings by which they meet at sockets of a directory of this process, which goes with it.

    Spark leaves a socket there for each session. Where no directory can be made, or its name is too long for a
    socket's, they meet at a port, as they do without these settings.
    """
    try:
        path = tempfile.mkdtemp(prefix="w2v-spark-")
    except OSError:
        return {}
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return {_ENABLED: "true", _DIRECTORY: path} if len(path) <= _LONGEST else {}
