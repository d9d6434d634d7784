"""Java starts in half the time where Spark's classes are read as it last had them in memory (class data sharing).

A Java that ends writes the classes it has loaded to an archive, which the next one maps. That happens after the program
is done, so nobody waits for it; a Java that is killed leaves an archive that the next one recognises as no good and
looks past, and so does a Java with other jars or of another version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import pyspark

from w2v_spark.private_directories import find_directory
from w2v_spark.spark.java import Java
from w2v_spark.spark.java_options import options_of_user

_FOLDER: Final = "java"
_RENEWED_SINCE: Final = 19  # from here on Java replaces an archive that does not fit by itself
_QUIET: Final = "-Xshare:auto -Xlog:cds=off -Xlog:cds+dynamic=off"
_SAID: Final = ("Archive", "-Xshare", "-javaagent", "-agentlib", "-agentpath")


def archive_options(java: Java, configured: Mapping[str, str]) -> str:
    """Options with which a Java that is about to start takes the archive of the one before, and leaves one.

    Parameters
    ----------
    java : Java
    configured : mapping of str to str
        Settings of Spark.

    Returns
    -------
    str
        Empty where the user has options about archives or agents, which do not go with each other, or where there is
        no private directory to keep an archive in: its content is run.
    """
    if any(word in text for text in options_of_user(configured) for word in _SAID):
        return ""
    directory = find_directory(_FOLDER)
    if directory is None or " " in str(directory):  # Spark cuts options at blanks
        return ""
    name = hashlib.sha256(f"{java.release} {pyspark.__file__} {pyspark.__version__}".encode())
    archive = directory / f"spark-{name.hexdigest()[:16]}.jsa"
    if java.version >= _RENEWED_SINCE:
        return f"{_QUIET} -XX:+AutoCreateSharedArchive -XX:SharedArchiveFile={archive}"
    return f"{_QUIET} -XX:{'SharedArchiveFile' if archive.exists() else 'ArchiveClassesAtExit'}={archive}"
