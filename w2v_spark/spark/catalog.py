"""A version as a table of the session's catalog, for those who ask in SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pyspark.sql import SparkSession

from w2v_spark.errors import ConfigError, Name
from w2v_spark.inputs.files import spark_path
from w2v_spark.publishing.delta import check_delta, delta_location, follow_delta
from w2v_spark.publishing.layout import VECTORS
from w2v_spark.publishing.versions import VersionRoot
from w2v_spark.spark.spark_errors import translated_errors

ROOT_PROPERTY: Final = "w2v.root"
VERSION_PROPERTY: Final = "w2v.version"
_PART: Final = re.compile(r"`((?:[^`]|``)+)`|([^.`\s;'\"()]+)")
_OPTION: Final = Name("publish-table")
_COLUMNS: Final = "id INT, word STRING, count BIGINT, vector ARRAY<FLOAT>"
_LAKE_FORMATS: Final = ("delta", "iceberg")


@dataclass(frozen=True, slots=True)
class CatalogTable:
    """A table that follows a root of versions.

    A table of Parquet files is one of the catalog alone: its location is that of a version's files, and is switched. A
    table of Delta or Iceberg has the rows copied into it, in one commit a version; which of the three a new table
    becomes, the catalog of its name says.

    Attributes
    ----------
    spark : SparkSession
    name : str
        ``catalog.schema.name``; parts may be left out, and may be in backticks.
    """

    spark: SparkSession
    name: str

    @property
    def is_of_session(self) -> bool:
        """Whether the catalog knows of the table no longer than the session lasts."""
        parts = split_name(self.name)
        catalog = parts[0] if len(parts) > 2 else self.spark.catalog.currentCatalog()
        kind = self.spark.conf.get("spark.sql.catalogImplementation", None)
        return catalog == "spark_catalog" and kind == "in-memory" and self._provider_of_catalog() == "parquet"

    @property
    def short_life(self) -> str:
        """What to warn of where `is_of_session`."""
        return (
            f"the session's catalog is kept in memory, so nobody else sees the table {self.name}, and it ends with the "
            "session; give a session with Hive's catalog (spark.sql.catalogImplementation=hive) or another one"
        )

    def check(self, root: VersionRoot) -> None:
        """Refuse, before work starts, a table that this program has not made.

        Raises
        ------
        ConfigError
            The name is none, or belongs to another table, or to one that follows another root.
        """
        *schema, table = split_name(self.name)
        if schema and not self.spark.catalog.databaseExists(_quote(schema)):
            raise ConfigError(_OPTION, f" {self.name}: there is no schema {_quote(schema)}; create it, or name another")
        if self._provider_of_catalog() not in _LAKE_FORMATS and not re.fullmatch(r"\w+", table, re.ASCII):
            raise ConfigError(_OPTION, f" {self.name} is not valid: expected letters, digits and _ in the table's name")
        if self._exists():
            followed = self._properties().get(ROOT_PROPERTY)
            if followed is None:
                raise ConfigError(
                    _OPTION, f" {self.name} is a table that this program has not made; choose another name, or drop it"
                )
            if followed != root.root.uri:
                raise ConfigError(_OPTION, f" {self.name} follows {followed}, not {root.root.uri}; choose another name")

    def follow(self, root: VersionRoot) -> str | None:
        """Let the table have what the current version has; the id of that version, None if there is none.

        Whoever has planned a query before reads the version of then to its end.

        Raises
        ------
        ConfigError
            See `check`.
        ClusterError, W2VError
            Spark or the catalog has failed: the table is as it was.
        """
        current = root.current()
        if current is None:
            return None
        self.check(root)
        with translated_errors():
            exists = self._exists()
            if exists and self._properties().get(VERSION_PROPERTY) == current:
                return current
            files = spark_path(root.directory(current).child(VECTORS).uri)
            provider = self._provider() if exists else self._provider_of_catalog()
            if provider in _LAKE_FORMATS:
                self._commit(provider, files, root, current)
            elif exists:
                self.spark.sql(f"ALTER TABLE {self._quoted} SET LOCATION {_text(files)}")
                self.spark.sql(f"ALTER TABLE {self._quoted} SET TBLPROPERTIES ({_properties(root, current)})")
                self.spark.sql(f"REFRESH TABLE {self._quoted}")
            else:
                self.spark.sql(
                    f"CREATE TABLE {self._quoted} ({_COLUMNS}) USING parquet LOCATION {_text(files)} "
                    f"TBLPROPERTIES ({_properties(root, current)})"
                )
        return current

    def _commit(self, provider: str, files: str, root: VersionRoot, version: str) -> None:
        """Replace the rows of a table of a lake format in one commit."""
        writer = self.spark.read.schema(_COLUMNS).parquet(files).writeTo(self._quoted).using(provider)
        for key, value in ((ROOT_PROPERTY, root.root.uri), (VERSION_PROPERTY, version)):
            writer = writer.tableProperty(key, value)
        writer.createOrReplace()

    @property
    def _quoted(self) -> str:
        return _quote(split_name(self.name))

    def _exists(self) -> bool:
        return bool(self.spark.catalog.tableExists(self._quoted))

    def _properties(self) -> dict[str, str]:
        return {row[0]: row[1] for row in self.spark.sql(f"SHOW TBLPROPERTIES {self._quoted}").collect()}

    def _provider(self) -> str:
        rows = self.spark.sql(f"DESCRIBE TABLE EXTENDED {self._quoted}").collect()
        return next((str(row[1]).lower() for row in rows if row[0] == "Provider"), "parquet")

    def _provider_of_catalog(self) -> str:
        """What a table becomes that is not there yet: by the class of its catalog, if that is not Spark's own."""
        parts = split_name(self.name)
        catalog = parts[0] if len(parts) > 2 else self.spark.catalog.currentCatalog()
        implementation = (self.spark.conf.get(f"spark.sql.catalog.{catalog}", None) or "").lower()
        return next((provider for provider in _LAKE_FORMATS if provider in implementation), "parquet")


def check_table(spark: SparkSession, name: str, root: VersionRoot, warn: Callable[[str], object]) -> None:
    """Refuse a table that cannot follow a root: of the session's catalog, or a Delta table at a path, ``delta:PATH``.

    What is to be warned of goes to ``warn``.

    Raises
    ------
    ConfigError, MissingExtra
    """
    location = delta_location(name)
    if location is None:
        table = CatalogTable(spark, name)
        table.check(root)
        if table.is_of_session:
            warn(table.short_life)
    else:
        check_delta(location, root)


def follow_root(spark: SparkSession, name: str, root: VersionRoot) -> None:
    """Let a table have what the current version has. Errors are those of `CatalogTable.follow` and `follow_delta`."""
    location = delta_location(name)
    if location is None:
        CatalogTable(spark, name).follow(root)
    else:
        follow_delta(location, root)


def split_name(name: str) -> list[str]:
    """The parts of a table's name, without backticks. Raises `ConfigError` if it is no name."""
    parts, end = list[str](), 0
    while (found := _PART.match(name, end)) is not None:
        parts.append(found[2] if found[1] is None else found[1].replace("``", "`"))
        end = found.end()
        if end == len(name) and len(parts) <= 3:
            return parts
        if name[end : end + 1] != ".":
            break
        end += 1
    raise ConfigError(_OPTION, f" {name!r} is not the name of a table: expected catalog.schema.name")


def _quote(parts: Sequence[str]) -> str:
    return ".".join(f"`{part.replace('`', '``')}`" for part in parts)


def _properties(root: VersionRoot, version: str) -> str:
    pairs = {ROOT_PROPERTY: root.root.uri, VERSION_PROPERTY: version}
    return ", ".join(f"{_text(key)} = {_text(value)}" for key, value in pairs.items())


def _text(value: str) -> str:
    """A string of Spark's SQL."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
