"""Gates: conditions on a result, written as ``MEASURE OP [NUMBER] [incumbent] [+- NUMBER noise]``."""

from __future__ import annotations

import difflib
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from w2v_spark.errors import ConfigError, Name
from w2v_spark.evaluation.bootstrap import Difference, finite

_GATE: Final = Name("gate")
# Nothing that has matched is given back (`++`), so that what is no gate is refused at once, however long it is.
_NUMBER: Final = r"[-+]?(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][-+]?\d++)?+"
_EXPRESSION: Final = re.compile(r"(?P<measure>[^\s<>=!]++)\s*+(?P<relation>[<>]=?|[=!]++)\s*+(?P<bound>.*)")
_BOUND: Final = re.compile(
    rf"(?P<alone>{_NUMBER})\s*+noise"
    rf"|(?:(?P<number>{_NUMBER})\s*+(?:\*\s*+)?+)?(?P<incumbent>incumbent)?"
    rf"(?:\s*+(?P<sign>[-+])\s*+(?P<noise>{_NUMBER})\s*+noise)?"
)
_RELATIONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
_EXAMPLES: Final = "'analogies >= 0.50', 'wordsim353 >= incumbent - 2 noise', 'tokens >= 0.8 incumbent'"


class Scale(StrEnum):
    """What a measure can be compared with."""

    NUMBER = "a number"
    PLAIN = "a number, or the incumbent"
    NOISY = "a number, or the incumbent and its noise"
    RELATIVE = "a number: it is a comparison with the incumbent already"
    IN_NOISE = "a number of noise: it is a comparison with the incumbent already"


HELD_OUT_LOSS: Final = "held_out_loss"
DRIFT: Final = "drift"
OVERLAP: Final = "overlap"
ANALOGIES: Final = "analogies"
MEASURES: Final[Mapping[str, Scale]] = {
    "tokens": Scale.PLAIN,
    "documents": Scale.PLAIN,
    "vocabulary": Scale.PLAIN,
    "finite": Scale.NUMBER,
    OVERLAP: Scale.RELATIVE,
    DRIFT: Scale.IN_NOISE,
    HELD_OUT_LOSS: Scale.NOISY,
}
"""The measures that there are without a test set."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure of the candidate, and how it compares.

    Attributes
    ----------
    candidate : float
        NaN where it cannot be measured.
    incumbent : float, optional
        None where there is no incumbent.
    difference : Difference, optional
        Of a measure with noise: both on the items that both answer.
    why : str
        Why something is missing.
    """

    candidate: float
    incumbent: float | None = None
    difference: Difference | None = None
    why: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        known: dict[str, Any] = {"candidate": finite(self.candidate)}
        if self.incumbent is not None:
            known["incumbent"] = finite(self.incumbent)
        if self.difference is not None:
            known["paired"] = self.difference.to_dict()
        return known | ({"why": self.why} if self.why else {})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What has become of a gate.

    Attributes
    ----------
    gate : str
    passed : bool
    reason : str
        In words, with the numbers.
    details : dict
        The numbers, for JSON.
    """

    gate: str
    passed: bool
    reason: str
    details: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"gate": self.gate, "passed": self.passed, "reason": self.reason, **self.details}


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition.

    Attributes
    ----------
    text : str
        As the user wrote it.
    measure, relation : str
    number : float
        What the bound is, or how many times the incumbent.
    of_incumbent : bool
    noise : float
        How many times the noise comes on top, with its sign.
    """

    text: str
    measure: str
    relation: str
    number: float
    of_incumbent: bool
    noise: float

    @classmethod
    def parse(cls, text: str) -> Gate:
        """Read a condition.

        Raises
        ------
        ConfigError
            It is not of the form.
        """
        whole = _EXPRESSION.fullmatch(text.strip())
        if whole is None:
            raise _not_understood(text, "it has no comparison")
        relation = whole["relation"]
        if relation not in _RELATIONS:
            raise _not_understood(text, f"{relation!r} is none of {', '.join(_RELATIONS)}")
        bound = _BOUND.fullmatch(whole["bound"])
        if bound is None or not whole["bound"]:
            raise _not_understood(text, f"{whole['bound']!r} is no bound")
        if not all(math.isfinite(float(bound[name] or 0)) for name in ("alone", "number", "noise")):
            raise _not_understood(text, "its bound is beyond all numbers")
        if bound["alone"] is not None:
            return cls(text, whole["measure"], relation, 0.0, False, float(bound["alone"]))
        if bound["number"] is None and bound["incumbent"] is None:
            raise _not_understood(text, f"{whole['bound']!r} is no bound")
        number = 1.0 if bound["number"] is None else float(bound["number"])
        noise = float(bound["sign"] + "1") * float(bound["noise"]) if bound["noise"] else 0.0
        return cls(text, whole["measure"], relation, number, bound["incumbent"] is not None, noise)

    def check(self, known: Mapping[str, Scale]) -> None:
        """Refuse a measure that is not known, or a bound that it cannot have. Raises `ConfigError`."""
        if self.measure not in known:
            near = difflib.get_close_matches(self.measure, known, n=1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            sets = [name for name in known if name not in MEASURES]
            given = f"test sets: {', '.join(sets)}" if sets else "no test set is given"
            raise ConfigError(
                _GATE, f" {self.text!r}: there is no measure {self.measure!r}; {meant}Known are "
                f"{', '.join(MEASURES)}, and {given} (", Name("analogies"), ", ", Name("similarity"), ")",
            )  # fmt: skip
        scale = known[self.measure]
        fits = (
            (self.of_incumbent or not self.noise) if scale is Scale.NOISY
            else not self.noise if scale is Scale.PLAIN
            else not self.of_incumbent and not self.noise if scale in (Scale.NUMBER, Scale.RELATIVE)
            else not self.of_incumbent and not (self.noise and self.number)
        )  # fmt: skip
        if not fits:
            raise ConfigError(_GATE, f" {self.text!r}: {self.measure} can be compared with {scale}")

    @property
    def compares(self) -> bool:
        """Whether it needs an incumbent."""
        return self.of_incumbent or self.measure in (OVERLAP, DRIFT)

    def decide(self, measured: Measured, has_incumbent: bool) -> Verdict:
        """Whether what was measured passes."""
        if self.compares and not has_incumbent:
            return self._verdict(True, f"{self.measure}: there is no incumbent to compare with", measured)
        paired = measured.difference if self.of_incumbent else None
        value = measured.candidate if paired is None else paired.candidate
        bound = self._bound(measured, paired)
        if math.isnan(value) or math.isnan(bound):
            why = measured.why or "there is too little to measure it by"
            return self._verdict(False, f"{self.measure} cannot be compared: {why}", measured)
        passed = _RELATIONS[self.relation](value, bound)
        reason = f"{self.measure} is {value:.6g}, {'' if passed else 'not '}{self.relation} {bound:.6g}"
        if self.of_incumbent:
            reason += self._compared(measured, paired)
        return self._verdict(passed, reason, measured, value, bound)

    def _bound(self, measured: Measured, paired: Difference | None) -> float:
        if not self.of_incumbent:
            return self.number + self.noise  # of drift, which is in units of noise
        incumbent = measured.incumbent if paired is None else paired.incumbent
        if incumbent is None:
            return math.nan
        return self.number * incumbent + (self.noise * paired.noise if self.noise and paired is not None else 0.0)

    def _compared(self, measured: Measured, paired: Difference | None) -> str:
        if paired is None:
            return f" (incumbent {measured.incumbent:.6g})"
        low, high = paired.interval
        return (
            f" (incumbent {paired.incumbent:.6g}, noise {paired.noise:.3g}, difference within {low:.3g} and {high:.3g} "
            f"by {paired.items:,} items)"
        )

    def _verdict(
        self, passed: bool, reason: str, measured: Measured, value: float = math.nan, bound: float = math.nan
    ) -> Verdict:
        numbers = {"measure": self.measure, "value": finite(value), "bound": finite(bound)}
        compared = {} if measured.difference is None or not self.of_incumbent else measured.difference.to_dict()
        if self.of_incumbent and measured.incumbent is not None and not compared:
            compared = {"incumbent": finite(measured.incumbent)}
        return Verdict(self.text, passed, reason, {**numbers, **compared})


def known_measures(analogies: Sequence[str], similarity: Sequence[str]) -> dict[str, Scale]:
    """The measures that there are with some test sets, by their names.

    Raises
    ------
    ConfigError
        Two of them have one name.
    """
    known = dict(MEASURES)
    for option, names in (("analogies", analogies), ("similarity", similarity)):
        for name in names:
            if name in known:
                raise ConfigError(
                    Name(option), f": there are two measures {name!r}; give the test set another name, NAME=FILE"
                )
            known[name] = Scale.NOISY
    if len(analogies) == 1:
        known.setdefault(ANALOGIES, Scale.NOISY)
    return known


def parse_gates(texts: Iterable[str], known: Mapping[str, Scale]) -> tuple[Gate, ...]:
    """Read conditions on known measures. Raises `ConfigError`."""
    gates = tuple(Gate.parse(text) for text in texts)
    for gate in gates:
        gate.check(known)
    return gates


def _not_understood(text: str, why: str) -> ConfigError:
    return ConfigError(
        _GATE, f" {text!r} is not understood: {why}; expected MEASURE, one of {', '.join(_RELATIONS)}, and a number, "
        f"'incumbent' or both, perhaps with '+ N noise' or '- N noise', for example {_EXAMPLES}",
    )  # fmt: skip
