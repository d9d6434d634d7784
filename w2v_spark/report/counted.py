"""What a report says of vectors that were made of counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from w2v_spark.config import Objective
from w2v_spark.publishing.description import ModelDescription, read_steps
from w2v_spark.publishing.layout import HISTORY_FILE
from w2v_spark.report.charts import LineChart, axis
from w2v_spark.report.markup import Markup, table
from w2v_spark.storage import Directory, damage_naming


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the decomposition of counts.

    Attributes
    ----------
    number : int
        From 0.
    largest, smallest : float
        Singular values.
    change, seconds : float
    """

    number: int
    largest: float
    smallest: float
    change: float
    seconds: float


def read_decomposition(directory: Directory) -> tuple[Step, ...]:
    """The steps of a result; nothing where there were none. Raises `StoreError` if the history is damaged."""
    if not directory.exists(HISTORY_FILE):
        return ()
    with damage_naming(f"{directory.uri}/{HISTORY_FILE}"):
        return tuple(
            Step(
                int(given["step"]), float(given["largest"]), float(given["smallest"]), float(given["change"]),
                float(given["seconds"]["total"]),
            )
            for given in read_steps(directory)
        )  # fmt: skip


def counted_rows(described: ModelDescription) -> list[tuple[str, str]]:
    """The settings that counting goes by."""
    model, counts = described.config.model, described.config.counts
    rows = [("Model", f"{model.objective}, {model.dim} dimensions")]
    if model.objective is Objective.LSA:
        rows.append(("Weights", f"{counts.term_weights} of words in documents"))
    else:
        rows += [
            ("Window", f"{model.window}"),
            ("Subsampling", f"{described.plan.sample:g}, in expectation"),
            ("Contexts", f"smoothed by {counts.smoothing:g}, shift {counts.shift:g}"),
            ("Published rows", f"{model.published_rows}"),
        ]
    return [*rows, ("Eigenvalue weight", f"{counts.eigenvalue_weight:g}")]


def describe_steps(steps: Sequence[Step]) -> tuple[str, str, LineChart, Markup]:
    """The last singular value by step, for a figure: where it no longer rises, the decomposition is done."""
    points = [(float(each.number + 1), each.smallest) for each in steps]
    chart = LineChart(
        "singular-values",
        "The last singular value by step",
        f"From {points[0][1]:.4g} after the first of {len(points)} steps to {points[-1][1]:.4g}.",
        axis("Step", from_zero=True),
        axis("Singular value", from_zero=True),
        points,
        show="{:.4g}".format,
    )
    rows = [
        (str(each.number + 1), f"{each.largest:.5g}", f"{each.smallest:.5g}", f"{each.change:.1e}",
         f"{each.seconds:,.1f}")
        for each in steps
    ]  # fmt: skip
    names = ("Step", "First singular value", "Last", "Change", "Seconds")
    note = "That of the last dimension. It should rise, and flatten in the end."
    return "Decomposition", note, chart, table(names, rows, words=0)
