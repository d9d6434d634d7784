"""Where a training puts its result: an output directory of its own, or a root of versions.

What needs the compiler is imported by those who need it: all is checked before that, and Spark starts meanwhile.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from w2v_spark.config import Config
from w2v_spark.errors import CheckpointMismatch, ConfigError, Name, StoreError
from w2v_spark.publishing.description import ModelDescription
from w2v_spark.publishing.layout import (
    HISTORY_FILE,
    MODEL_FILE,
    PAGE_FILE,
    RUN,
    RUN_FILE,
    STATE,
    VECTORS,
    Kind,
    is_of_lock,
    other_parts,
)
from w2v_spark.publishing.lock import Lock
from w2v_spark.publishing.occupancy import check_free
from w2v_spark.publishing.publication import Publication, check_apart, check_writable
from w2v_spark.publishing.versions import VersionRoot
from w2v_spark.spark.source import Input
from w2v_spark.storage import Directory

RESULT_PARTS: Final = (VECTORS, MODEL_FILE, HISTORY_FILE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination(ABC):
    """What a training knows of the place of its result.

    Attributes
    ----------
    overwrite : bool
        Replace what an earlier job has left, as the place understands it.
    resume : bool
        Go on with an interrupted run, or start one if there is none.
    keep_run : bool
        Keep the run directory after success.
    page : bool
        Write a page about the model beside it.
    force : bool
        Train although memory is certain to be too small.
    lock : Lock, optional
        Held by this job; looked at again before the result is put in place.
    keeps_state : bool
        The result has a part ``state``, see `w2v_spark.publishing.state`.
    """

    overwrite: bool = False
    resume: bool = False
    keep_run: bool = False
    page: bool = False
    force: bool = False
    lock: Lock | None = None

    keeps_state: ClassVar[bool]

    @property
    @abstractmethod
    def home(self) -> Directory:
        """What one job at a time may have."""

    @property
    @abstractmethod
    def run(self) -> Directory:
        """The run directory."""

    @abstractmethod
    def check(self, source: Input) -> None:
        """Refuse, before Spark starts, a place that cannot be used.

        Raises
        ------
        InUse
            Another job is at work there.
        ConfigError
            What is there is neither to be replaced nor to be resumed, or nothing can be written there.
        """

    @abstractmethod
    def find_finished(self, config: Config, seen: dict[str, Any]) -> Directory | None:
        """With `resume`, the complete result of the same configuration and input, if there is one and no run goes on.

        Raises `CheckpointMismatch` where only another result would be an answer.
        """

    @abstractmethod
    def prepare(self) -> None:
        """Mark the place as one of this program, before anything is written there."""

    @abstractmethod
    def incumbent(self) -> Directory | None:
        """The result that readers follow now, if there is one beside which the new one is put."""

    @abstractmethod
    def open_staging(self) -> Directory:
        """An empty directory for the parts of the result."""

    @abstractmethod
    def publish(
        self, staging: Directory, names: Sequence[str], report: Mapping[str, Any], incumbent: Directory | None = None
    ) -> Directory:
        """Put the staged parts in place, whole or not at all; where they are.

        Parameters
        ----------
        report : mapping
            For ``report.json``, see `VersionRoot.publish`.
        incumbent : Directory, optional
            What `incumbent` was when work began.

        Raises
        ------
        NotFollowed
            The result is in place, and readers were led to another one meanwhile.
        """


@dataclass(frozen=True, slots=True)
class Output(Destination):
    """A directory of its own; an earlier result stays readable until the new one has taken its place.

    Attributes
    ----------
    directory : Directory
    """

    directory: Directory

    keeps_state = False

    def check(self, source: Input) -> None:
        """See `Destination`, and `Publication.check`."""
        uri = self.directory.uri
        check_free(self.directory)
        _check_options(self.overwrite, self.resume)
        check_apart(uri, source.locations)
        has_run, publication = self.run.exists(RUN_FILE), self.publication
        if not (self.overwrite or self.resume) and has_run:
            publication.check_own()
            raise ConfigError(
                Name("output"), f" {uri} exists; choose another directory, or give ", Name("resume"),
                " to go on with its run, or ", Name("overwrite"), " to replace it",
            )  # fmt: skip
        publication.check_place()
        if self.resume and self.is_finished and not has_run:
            return  # there is nothing to do, and nothing will be removed
        publication.check()
        parts = [info for info in self.directory.list() if info.base_name != RUN and not is_of_lock(info.base_name)]
        if self.resume and parts and not self.is_finished and not has_run:
            raise StoreError(
                Name("output"), f" {uri} holds no run to resume (no {RUN}/{RUN_FILE}); start again with ",
                Name("overwrite"),
            )  # fmt: skip

    @property
    def home(self) -> Directory:
        """See `Destination`."""
        return self.directory

    @property
    def publication(self) -> Publication:
        """The place as every command sees it."""
        return Publication(self.directory, Kind.VECTORS, self.overwrite or self.resume)

    @property
    def run(self) -> Directory:
        """See `Destination`."""
        return self.publication.run

    def find_finished(self, config: Config, seen: dict[str, Any]) -> Directory | None:
        """See `Destination`."""
        if not (self.resume and self.is_finished) or self._is_underway():
            return None
        from w2v_spark.run.manifest import check_same

        model = ModelDescription.read(self.directory)
        check_same(model.config, config, model.input, seen, self.directory)
        return self.directory

    def _is_underway(self) -> bool:
        """Whether there is a run that is to replace the complete result, rather than the one that made it."""
        from w2v_spark.run.manifest import Run

        if not self.run.exists(RUN_FILE):
            return False
        return Run.read(self.run).identity != self.directory.read_json(MODEL_FILE).get("run")

    def prepare(self) -> None:
        """See `Destination`: the run directory has a mark of its own."""

    def incumbent(self) -> Directory | None:
        """See `Destination`: what is replaced is no measure of what replaces it."""
        return None

    def open_staging(self) -> Directory:
        """See `Destination`."""
        return self.publication.open_staging()

    def publish(
        self, staging: Directory, names: Sequence[str], report: Mapping[str, Any], incumbent: Directory | None = None
    ) -> Directory:
        """See `Destination`."""
        if staging.exists(PAGE_FILE):
            names = (*names, PAGE_FILE)
        self.publication.put_in_place(staging, names, other_parts(names))
        return self.directory

    @property
    def is_finished(self) -> bool:
        """Whether a complete result is there."""
        return self.publication.is_finished


@dataclass(frozen=True, slots=True)
class VersionedOutput(Destination):
    """A root of versions: the result becomes a new one, and then the one that readers follow.

    Versions are never written over: `overwrite` starts again where there is an interrupted run.

    Attributes
    ----------
    root : VersionRoot
    """

    root: VersionRoot

    keeps_state = True

    def check(self, source: Input) -> None:
        """See `Destination`."""
        check_free(self.root.root)
        _check_options(self.overwrite, self.resume)
        check_apart(self.root.root.uri, source.locations, place=Name("publish"))
        if self.root.root.is_local:
            check_writable(Path(self.root.root.path), Name("publish"))
        self.root.check()
        if not (self.overwrite or self.resume) and self.run.exists(RUN_FILE):
            raise ConfigError(
                Name("publish"), f" {self.root.root.uri} holds an interrupted run; give ", Name("resume"),
                " to go on with it, or ", Name("overwrite"), " to start again",
            )  # fmt: skip

    @property
    def home(self) -> Directory:
        """See `Destination`."""
        return self.root.root

    @property
    def run(self) -> Directory:
        """See `Destination`."""
        return self.root.run

    def find_finished(self, config: Config, seen: dict[str, Any]) -> Directory | None:
        """See `Destination`; what the current version was made of otherwise is no matter."""
        current = self.root.current()
        if not self.resume or current is None or self.run.exists(RUN_FILE):
            return None
        from w2v_spark.run.manifest import check_same

        directory = self.root.directory(current)
        model = ModelDescription.read(directory)
        try:
            check_same(model.config, config, model.input, seen, directory)
        except CheckpointMismatch:
            return None
        return directory

    def prepare(self) -> None:
        """See `Destination`."""
        self.root.create()

    def incumbent(self) -> Directory | None:
        """See `Destination`."""
        current = self.root.current()
        return None if current is None else self.root.directory(current)

    def open_staging(self) -> Directory:
        """See `Destination`."""
        return self.root.open_staging()

    def publish(
        self, staging: Directory, names: Sequence[str], report: Mapping[str, Any], incumbent: Directory | None = None
    ) -> Directory:
        """See `Destination`."""
        expected = None if incumbent is None else id_of(incumbent)
        return self.root.directory(self.root.publish(staging, names, report, expected=expected).id)


def id_of(version: Directory) -> str:
    """The id of a version by where it is."""
    return version.path.rpartition("/")[2]


def result_parts(destination: Destination) -> tuple[str, ...]:
    """The names of all parts of a result."""
    return (*RESULT_PARTS, STATE) if destination.keeps_state else RESULT_PARTS


def _check_options(overwrite: bool, resume: bool) -> None:
    if overwrite and resume:
        raise ConfigError(Name("overwrite"), " starts again and ", Name("resume"), " goes on; give one of them")
