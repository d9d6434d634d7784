"""The page that is put in place with a model, with a version and with a plain output."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.test_report import rounds, write_model
from tests.unit.test_versions import publish
from w2v_spark.errors import printable
from w2v_spark.publishing import version_root
from w2v_spark.publishing.description import ModelDescription
from w2v_spark.publishing.layout import PAGE_FILE, PAGE_MARK, Kind, find_foreign
from w2v_spark.publishing.manifest import Manifest
from w2v_spark.publishing.publication import Publication
from w2v_spark.publishing.versions import VersionRoot
from w2v_spark.report.page import build_report
from w2v_spark.run.progress import Progress
from w2v_spark.spark import published_report
from w2v_spark.spark.published_report import stage_page
from w2v_spark.storage import Directory

UNKNOWN = "report.html: 72.2 % of the text is not in the vocabulary.\n"  # of the model that `write_model` writes


def stage(model: Path, page: bool = True, keeps_state: bool = False, **report: Any) -> str:
    """Stage the page of a model that is complete but for its description; what was said."""
    described = ModelDescription.read(Directory.open(model))
    for name in ("model.json", "_SUCCESS"):
        (model / name).unlink()
    said = io.StringIO()
    home = Directory.open(model)
    output: Any = SimpleNamespace(page=page, keeps_state=keeps_state, home=home)
    stage_page(home, described, output, report, "before", Progress(said))
    described.write(home)
    (model / "_SUCCESS").touch()
    return said.getvalue()


def test_the_page_is_that_of_the_command(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", history=rounds())
    assert stage(model) == UNKNOWN
    assert (model / PAGE_FILE).read_text(encoding="utf-8") == build_report(model)


def test_what_the_page_warns_of_is_said(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", history=rounds((4.0, 2.0, 2.5)))
    assert stage(model) == f"report.html: The loss has risen: 2.5 in the last round, after 2.\n{UNKNOWN}"


def test_the_page_of_a_version_says_what_became_of_it(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", history=rounds())
    gates = [{"gate": "x", "passed": False, "reason": "too <b>bad</b>"}]
    stage(model, keeps_state=True, state="rejected", gates=gates)
    page = (model / PAGE_FILE).read_text(encoding="utf-8")
    assert "version, rejected; after before" in page
    assert "too &lt;b&gt;bad&lt;/b&gt;" in page


def test_nothing_is_written_unless_it_is_asked_for(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", history=rounds())
    assert stage(model, page=False) == ""
    assert not (model / PAGE_FILE).exists()


@pytest.mark.parametrize("error", [RuntimeError("no\x1b[31m room"), MemoryError(), OSError(28, "No space left")])
def test_what_goes_wrong_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(_: object) -> str:
        raise error

    monkeypatch.setattr(published_report, "render", fail)
    model = write_model(tmp_path / "model", history=rounds())
    said = stage(model)
    assert said.startswith("WARNING: no report.html was written, the model is complete without it")
    assert type(error).__name__ in said
    assert printable(said.strip()) == said.strip()
    assert not (model / PAGE_FILE).exists()


def test_no_vectors_are_read_where_they_cannot_be_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write_model(tmp_path / "model", history=rounds())
    monkeypatch.setattr(Directory, "is_local", False)
    monkeypatch.setattr("w2v_spark.report.content.open_vectors", None)
    assert stage(model) == UNKNOWN
    page = (model / PAGE_FILE).read_text(encoding="utf-8")
    assert "No words were compared" in page
    assert "How often words occur" in page


def page_of(root: VersionRoot, version: str) -> str:
    return Path(root.directory(version).file(PAGE_FILE)).read_text(encoding="utf-8")


@pytest.fixture
def paged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every staging directory gets a page, whose text is the last of a list."""
    texts = ["first"]
    open_staging = VersionRoot.open_staging

    def opened(root: VersionRoot) -> Directory:
        staging = open_staging(root)
        staging.write_bytes(PAGE_FILE, texts[-1].encode())
        return staging

    monkeypatch.setattr(VersionRoot, "open_staging", opened)
    return texts


def test_a_version_keeps_its_page_beside_the_manifest(tmp_path: Path, paged: list[str]) -> None:
    root = VersionRoot.open(tmp_path / "root")
    version = publish(root, 1.0).id
    assert page_of(root, version) == "first"
    assert PAGE_FILE not in Manifest.read(root.directory(version)).files


def test_a_later_verdict_replaces_the_page(tmp_path: Path, paged: list[str]) -> None:
    root = VersionRoot.open(tmp_path / "root")
    version = publish(root, 1.0, state="rejected").id
    paged.append("second")
    assert publish(root, 1.0).id == version
    assert page_of(root, version) == "second"
    paged.append("third")  # what is published is not taken back
    publish(root, 1.0, state="rejected")
    assert page_of(root, version) == "second"


def test_versions_take_their_pages_with_them(tmp_path: Path, paged: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    root = VersionRoot.open(tmp_path / "root")
    first, second = (publish(root, value).id for value in (1.0, 2.0))
    now = version_root.time.time()
    monkeypatch.setattr(version_root.time, "time", lambda: now + 7200)
    assert list(root.prune(1)) == [first]
    assert not Path(root.directory(first).path).exists()
    assert page_of(root, second) == "first"


def test_a_page_of_ours_is_known_and_another_file_is_not(tmp_path: Path) -> None:
    place = Directory.open(tmp_path)
    (tmp_path / PAGE_FILE).write_text(f"<head>{PAGE_MARK}")
    assert find_foreign(place, Kind.VECTORS) is None
    (tmp_path / PAGE_FILE).write_text("my own notes")
    assert find_foreign(place, Kind.VECTORS) == PAGE_FILE
    assert find_foreign(place, Kind.NEIGHBOURS) == PAGE_FILE


def test_a_result_without_a_page_leaves_no_older_one(tmp_path: Path) -> None:
    from w2v_spark.publishing.layout import MODEL_FILE, VECTORS, other_parts

    (tmp_path / "out").mkdir()
    (tmp_path / "out" / PAGE_FILE).write_text(PAGE_MARK)
    publication = Publication(Directory.open(tmp_path / "out"), overwrite=True)
    staging = publication.open_staging()
    write_model(Path(staging.path))
    names = (VECTORS, MODEL_FILE)
    publication.put_in_place(staging, names, other_parts(names))
    assert not (tmp_path / "out" / PAGE_FILE).exists()
