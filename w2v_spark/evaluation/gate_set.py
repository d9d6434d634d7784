"""All gates of a result together: the conditions, the test sets and the queries that a user gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from w2v_spark.errors import ConfigError, Name
from w2v_spark.evaluation.gates import (
    ANALOGIES,
    DRIFT,
    HELD_OUT_LOSS,
    OVERLAP,
    Gate,
    Measured,
    Verdict,
    known_measures,
    parse_gates,
)
from w2v_spark.evaluation.measures import Result, measure_finite, measure_numbers, measure_set
from w2v_spark.evaluation.test_sets import TestSet

_NAMED: Final = re.compile(r"([\w.-]+)=(.+)")
_KINDS: Final = ("analogies", "similarity")
Later = Callable[[], Measured]
"""What is measured only if a gate asks for it."""


@dataclass(frozen=True, slots=True)
class GateSet:
    """What a result has to pass.

    Attributes
    ----------
    gates : tuple of Gate
    analogies, similarity : tuple of TestSet
        All test sets are measured and reported, whether or not a gate is about them.
    queries : tuple of str
        In SQL; none may return a row.
    """

    gates: tuple[Gate, ...] = ()
    analogies: tuple[TestSet, ...] = ()
    similarity: tuple[TestSet, ...] = ()
    queries: tuple[str, ...] = ()

    @classmethod
    def build(
        cls,
        gates: Sequence[str] = (),
        analogies: Sequence[str] = (),
        similarity: Sequence[str] = (),
        queries: Sequence[str] = (),
        held_out: float = 0.0,
        retrains: bool = False,
        documents: bool = False,
        counted: bool = False,
    ) -> GateSet:
        """Read what a user gives, before any work starts.

        Parameters
        ----------
        gates : sequence of str
            Conditions, see `Gate.parse`.
        analogies, similarity : sequence of str
            Files of test sets, or ``NAME=FILE``.
        queries : sequence of str
        held_out : float
            The setting ``train.held_out``.
        retrains : bool
            Whether the result is compared with the version that it goes on from, so that drift is measured.
        documents : bool
            Whether documents have rows. Text that was held out is of documents that have none.
        counted : bool
            Whether vectors are made of counts: there is no loss then.

        Raises
        ------
        ConfigError
            A condition is not of the form, or about a measure that there is not.
        InputError
            A test set cannot be read.
        """
        first, second = (
            tuple(TestSet.read(kind, *_split(spec), others=_KINDS) for spec in given)
            for kind, given in zip(_KINDS, (analogies, similarity), strict=True)
        )
        known = known_measures([one.name for one in first], [one.name for one in second])
        parsed = parse_gates(gates, known)
        asked = {gate.measure for gate in parsed}
        if HELD_OUT_LOSS in asked:
            _check_has_loss(held_out, documents, counted)
        if DRIFT in asked and not retrains:
            raise ConfigError(
                Name("gate"), f": {DRIFT} is measured where a training goes on from a version and seed noise is "
                f"measured (w2v-spark retrain, without skip-noise); {OVERLAP} compares any two results",
            )  # fmt: skip
        return cls(parsed, first, second, tuple(queries))

    def __bool__(self) -> bool:
        return bool(self.gates or self.analogies or self.similarity or self.queries)

    def asks_for(self, measure: str) -> bool:
        """Whether a gate is about a measure."""
        return any(gate.measure == measure for gate in self.gates)

    def measure(self, candidate: Result, incumbent: Result | None, later: Mapping[str, Later]) -> dict[str, Measured]:
        """Everything that gates are about, and all test sets, by name.

        Parameters
        ----------
        candidate : Result
        incumbent : Result, optional
            The result that readers follow now.
        later : mapping of str to function
            Of measures that only the caller has.
        """
        measured = measure_numbers(candidate, incumbent)
        for one in (*self.analogies, *self.similarity):
            measured[one.name] = measure_set(one, candidate, incumbent)
        if len(self.analogies) == 1:
            measured.setdefault(ANALOGIES, measured[self.analogies[0].name])
        for name, function in {"finite": lambda: measure_finite(candidate), **later}.items():
            if self.asks_for(name):
                measured[name] = function()
        return measured

    def decide(self, measured: Mapping[str, Measured], has_incumbent: bool) -> list[Verdict]:
        """What has become of each condition."""
        unmeasured = Measured(float("nan"), why="it was not measured")
        return [gate.decide(measured.get(gate.measure, unmeasured), has_incumbent) for gate in self.gates]


def report_of(verdicts: Sequence[Verdict], measured: Mapping[str, Measured], incumbent: str | None) -> dict[str, Any]:
    """What ``report.json`` says of the gates."""
    return {
        "incumbent": incumbent,
        "gates": [verdict.to_dict() for verdict in verdicts],
        "measures": {name: one.to_dict() for name, one in measured.items()},
    }


def _split(spec: str) -> tuple[str, str | None]:
    """The file of a test set, and its name where it has one of its own: ``NAME=FILE``."""
    named = _NAMED.fullmatch(spec)
    return (spec, None) if named is None or Path(spec).exists() else (named[2], named[1])


def _check_has_loss(held_out: float, documents: bool, counted: bool) -> None:
    """Refuse a gate on the loss of text that was held out, where there is none."""
    lacking = f": there is no {HELD_OUT_LOSS} "
    if documents:
        raise ConfigError(
            Name("gate"), f"{lacking}of a model of documents: those that are held out have no vectors to predict their "
            f"words by; gate it by test sets, {OVERLAP} or ", Name("gate_sql"),
        )  # fmt: skip
    if counted:
        raise ConfigError(
            Name("gate"), f"{lacking}of vectors that are made of counts, which predict nothing; gate them by test "
            f"sets, {OVERLAP} or ", Name("gate_sql"),
        )  # fmt: skip
    if not held_out:
        raise ConfigError(
            Name("gate"), f"{lacking}without text that is held out; set ", Name("train.held_out"),
            ", for example to 0.01",
        )  # fmt: skip
