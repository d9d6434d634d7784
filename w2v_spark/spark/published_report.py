"""The page about a model that is put in place with it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from w2v_spark.publishing.layout import PAGE_FILE
from w2v_spark.publishing.version import State
from w2v_spark.report.advice import advise
from w2v_spark.report.content import Content
from w2v_spark.report.page import render
from w2v_spark.storage import Directory

if TYPE_CHECKING:
    from w2v_spark.publishing.description import ModelDescription
    from w2v_spark.run.progress import Progress
    from w2v_spark.spark.output import Destination


def stage_page(
    staging: Directory, model: ModelDescription, output: Destination, report: Mapping[str, Any], before: str | None,
    progress: Progress,
) -> None:  # fmt: skip
    """Write the page about a staged result beside its parts, if the destination asks for one, and say what it warns of.

    Parameters
    ----------
    staging : Directory
        With the tables and ``history.json``.
    model : ModelDescription
        What ``model.json`` will say.
    report : mapping
        What ``report.json`` of a version will say.
    before : str, optional
        The version that readers follow now.

    Notes
    -----
    Whatever goes wrong is a warning: the model is complete without a page, and ``w2v-spark report`` makes one later.
    The vectors are mapped and gone through once. Where they cannot be mapped, in an object store, they would have to be
    read into the driver, so that there the page is made without neighbours.
    """
    if not output.page:
        return
    version: dict[str, Any] = {}
    if output.keeps_state:
        version = {"parent": before, "state": State.PUBLISHED, "gates": [], **report}
    name = posixpath.basename(output.home.path.rstrip("/"))
    try:
        content = Content.gather(staging, name, model, version, compares=staging.is_local)
        staging.write_bytes(PAGE_FILE, render(content).encode("utf-8"))
        for advice in advise(content):
            progress.say(f"{PAGE_FILE}: {advice.what}")
    except Exception as error:  # noqa: BLE001  # hours of training are not lost for a page
        progress.warn(f"no {PAGE_FILE} was written, the model is complete without it: {type(error).__name__}: {error}")
