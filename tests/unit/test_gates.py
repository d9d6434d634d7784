"""Gates: what they say is understood or refused, and each kind passes and fails on real vectors as it should."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from w2v_spark import KeyedVectors
from w2v_spark.errors import ConfigError, InputError
from w2v_spark.evaluation.bootstrap import Difference
from w2v_spark.evaluation.gate_set import GateSet, report_of
from w2v_spark.evaluation.gates import MEASURES, Gate, Measured, Scale, known_measures, parse_gates
from w2v_spark.evaluation.measures import Result
from w2v_spark.evaluation.suite import evaluate

KNOWN = known_measures(["questions-words"], ["wordsim353", "SimLex-999"])


@pytest.mark.parametrize(
    ("text", "measure", "relation", "number", "of_incumbent", "noise"),
    [
        ("analogies >= 0.50", "analogies", ">=", 0.5, False, 0),
        ("questions-words>=.5", "questions-words", ">=", 0.5, False, 0),
        ("wordsim353 >= incumbent - 2 noise", "wordsim353", ">=", 1, True, -2),
        ("wordsim353 > incumbent", "wordsim353", ">", 1, True, 0),
        ("SimLex-999 >= 0.9 incumbent + 0.5 noise", "SimLex-999", ">=", 0.9, True, 0.5),
        ("drift <= 4 noise", "drift", "<=", 0, False, 4),
        ("drift <= 4", "drift", "<=", 4, False, 0),
        ("tokens >= 0.8 incumbent", "tokens", ">=", 0.8, True, 0),
        ("tokens >= 0.8*incumbent", "tokens", ">=", 0.8, True, 0),
        ("tokens >= 1e6", "tokens", ">=", 1e6, False, 0),
        ("held_out_loss <= incumbent + 1 noise", "held_out_loss", "<=", 1, True, 1),
        ("  finite >= 1  ", "finite", ">=", 1, False, 0),
        ("wordsim353 >= -0.1", "wordsim353", ">=", -0.1, False, 0),
    ],
)
def test_what_is_understood(
    text: str, measure: str, relation: str, number: float, of_incumbent: bool, noise: float
) -> None:
    (gate,) = parse_gates([text], KNOWN)
    assert gate == Gate(text, measure, relation, number, of_incumbent, noise)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("analogies", "it has no comparison"),
        ("", "it has no comparison"),
        ("analogies 0.5", "it has no comparison"),
        (">= 0.5", "it has no comparison"),
        ("analogies == 0.5", "'==' is none of >=, <=, >, <"),
        ("analogies >=", "'' is no bound"),
        ("analogies >= high", "'high' is no bound"),
        ("analogies <= 1e400", "its bound is beyond all numbers"),
        ("analogies >= incumbent - 1e400 noise", "its bound is beyond all numbers"),
        ("analogies >= 50 %", "'50 %' is no bound"),
        ("analogies >= 0.5 >= 0.4", "no bound"),
        ("analogies >= incumbent - noise", "'incumbent - noise' is no bound"),
        ("analogies >= - 2 noise", "'- 2 noise' is no bound"),
        ("analogies >= incumbent incumbent", "no bound"),
        ("wordsim >= 0.5", r"there is no measure 'wordsim'; did you mean 'wordsim353'\? Known are tokens, .*, and test "
         r"sets: questions-words, wordsim353, SimLex-999, analogies \(analogies, similarity\)"),
        ("token >= 5", "did you mean 'tokens'"),
        ("zzz >= 5", "there is no measure 'zzz'; Known are"),
        ("tokens >= incumbent - 2 noise", "tokens can be compared with a number, or the incumbent$"),
        ("wordsim353 >= 0.5 - 2 noise", "wordsim353 can be compared with a number, or the incumbent and its noise"),
        ("wordsim353 >= 2 noise", "wordsim353 can be compared with a number, or the incumbent and its noise"),
        ("overlap >= incumbent", "overlap can be compared with a number: it is a comparison"),
        ("drift <= incumbent", "drift can be compared with a number of noise: it is a comparison"),
        ("drift <= 1 + 2 noise", "drift can be compared with a number of noise: it is a comparison"),
        ("finite >= incumbent", "finite can be compared with a number$"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse_gates(["tokens >= 1", text], KNOWN)
    assert repr(text) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["a >= {}x", "a >= 1 incumbent - {}", "a >= 1{} x", "a{}", "{}"])
@pytest.mark.parametrize("many", ["1", " ", "=", "1 "])
def test_what_is_long_and_no_gate(text: str, many: str) -> None:
    """Refused within milliseconds: a search that tries every way to cut 200,000 digits would take hours."""
    with pytest.raises(ConfigError, match="is not understood"):
        Gate.parse(text.format(many * 200_000))


def test_without_a_test_set_the_error_says_so() -> None:
    with pytest.raises(ConfigError, match=r"no test set is given \(analogies, similarity\)"):
        parse_gates(["analogies >= 0.5"], known_measures([], []))


def test_names_of_test_sets() -> None:
    assert known_measures(["a"], ["b"]) == {**MEASURES, "a": Scale.NOISY, "b": Scale.NOISY, "analogies": Scale.NOISY}
    assert "analogies" not in known_measures(["a", "b"], []), "of which of them"
    for names in (["a", "a"], ["tokens"]):
        with pytest.raises(ConfigError, match=r"analogies: there are two measures .*NAME=FILE"):
            known_measures(names, [])
    with pytest.raises(ConfigError, match="similarity: there are two measures 'a'"):
        known_measures(["a"], ["a"])


# What is measured


PAIRED = Difference(0.6, 0.7, 0.02, (-0.14, -0.06), 100)


@pytest.mark.parametrize(
    ("text", "measured", "passed", "reason"),
    [
        ("w >= 0.5", Measured(0.5), True, "w is 0.5, >= 0.5"),
        ("w > 0.5", Measured(0.5), False, "w is 0.5, not > 0.5"),
        ("w < 0.5", Measured(0.4), True, "w is 0.4, < 0.5"),
        ("w >= incumbent - 6 noise", Measured(0.61, 0.71, PAIRED), True,
         "w is 0.6, >= 0.58 (incumbent 0.7, noise 0.02, difference within -0.14 and -0.06 by 100 items)"),
        ("w >= incumbent - 2 noise", Measured(0.61, 0.71, PAIRED), False,
         "w is 0.6, not >= 0.66 (incumbent 0.7, noise 0.02, difference within -0.14 and -0.06 by 100 items)"),
        ("w >= 0.8 incumbent", Measured(0.61, 0.71, PAIRED), True,
         "w is 0.6, >= 0.56 (incumbent 0.7, noise 0.02, difference within -0.14 and -0.06 by 100 items)"),
        ("w >= 0.605", Measured(0.61, 0.71, PAIRED), True, "w is 0.61, >= 0.605"),
        ("tokens >= 0.8 incumbent", Measured(70, 100), False, "tokens is 70, not >= 80 (incumbent 100)"),
        ("drift <= 4 noise", Measured(3.9), True, "drift is 3.9, <= 4"),
        ("drift <= 4", Measured(4.1), False, "drift is 4.1, not <= 4"),
        ("w >= 0.5", Measured(math.nan, why="unknown words"), False, "w cannot be compared: unknown words"),
        ("w >= incumbent - 2 noise",
         Measured(0.5, 0.5, Difference(1, 1, math.nan, (math.nan, math.nan), 1), "only 1 of s.txt is known to both"),
         False, "w cannot be compared: only 1 of s.txt is known to both"),
    ],
)  # fmt: skip
def test_how_a_gate_decides(text: str, measured: Measured, passed: bool, reason: str) -> None:
    gate = Gate.parse(text)
    verdict = gate.decide(measured, has_incumbent=True)
    assert (verdict.passed, verdict.reason) == (passed, reason)
    plain = json.loads(json.dumps(verdict.to_dict(), allow_nan=False))
    assert (plain["gate"], plain["passed"], plain["measure"]) == (text, passed, gate.measure)
    if gate.of_incumbent and measured.difference is PAIRED:
        assert (plain["noise"], plain["interval"], plain["items"]) == (0.02, [-0.14, -0.06], 100)


@pytest.mark.parametrize("text", ["w >= incumbent", "tokens >= 0.8 incumbent", "drift <= 4 noise", "overlap >= 0.5"])
def test_the_first_version_passes_comparisons(text: str) -> None:
    verdict = Gate.parse(text).decide(Measured(math.nan), has_incumbent=False)
    assert verdict.passed
    assert verdict.reason.endswith("there is no incumbent to compare with")
    assert not Gate.parse("w >= 0.9").decide(Measured(0.5), has_incumbent=False).passed


# Whole sets, on vectors that know the answers


GROUPS, SIZE = 12, 5


def vectors(noise: float, seed: int = 0) -> KeyedVectors:
    """Words of groups; a word's vector is that of its group and that of its place in it, and noise."""
    random = np.random.default_rng(seed)
    groups, places = random.normal(size=(GROUPS, 24)), random.normal(size=(SIZE, 24))
    words = [f"g{g}p{p}" for g in range(GROUPS) for p in range(SIZE)]
    matrix = (groups[:, None] + places[None]).reshape(-1, 24)
    return KeyedVectors(words, (matrix + noise * np.random.default_rng(9).normal(size=matrix.shape)).astype(np.float32))


@pytest.fixture
def sets(tmp_path: Path) -> dict[str, Path]:
    random = np.random.default_rng(1)
    lines = [": places"]
    for _ in range(150):
        (g, h), (p, q) = random.choice(GROUPS, 2, replace=False), random.choice(SIZE, 2, replace=False)
        lines.append(f"g{g}p{p} g{g}p{q} g{h}p{p} g{h}p{q}")
    lines.append("unknown g0p0 g0p1 g1p0")
    (tmp_path / "grid.txt").write_text("\n".join(lines))
    good = vectors(0)
    pairs = [[f"g{g}p{p}" for g, p in zip(random.integers(GROUPS, size=2), random.integers(SIZE, size=2), strict=True)]
             for _ in range(120)]  # fmt: skip
    rows = [f"{a}\t{b}\t{good.similarity(a, b) + random.normal(0, 0.1):.3f}" for a, b in pairs if a != b]
    (tmp_path / "pairs.tsv").write_text("\n".join([*rows, "unknown\tg0p0\t1"]))
    return {"grid": tmp_path / "grid.txt", "pairs": tmp_path / "pairs.tsv"}


def verdicts(
    sets: dict[str, Path], candidate: KeyedVectors, incumbent: KeyedVectors | None, *gates: str, **later: Any
) -> dict[str, bool]:
    gate_set = GateSet.build(gates, [str(sets["grid"])], [f"mine={sets['pairs']}"], retrains=True, held_out=0.1)
    results = [None if one is None else Result(one, 1000, 50) for one in (candidate, incumbent)]
    assert results[0] is not None
    functions = {name: lambda value=value: value for name, value in later.items()}
    measured = gate_set.measure(results[0], results[1], functions)
    found = gate_set.decide(measured, incumbent is not None)
    report = report_of(found, measured, None)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    return {verdict.gate: verdict.passed for verdict in found}


def test_good_vectors_pass_and_bad_ones_fail(sets: dict[str, Path]) -> None:
    good, bad = vectors(0), vectors(3)
    absolute = ("analogies >= 0.9", "grid >= 0.9", "mine >= 0.8", "finite >= 1", "vocabulary >= 60", "documents > 49")
    relative = ("analogies >= incumbent - 2 noise", "mine >= incumbent - 2 noise", "tokens >= 0.9 incumbent")
    assert all(verdicts(sets, good, None, *absolute, *relative).values())
    assert all(verdicts(sets, good, bad, *absolute, *relative).values())
    assert all(verdicts(sets, good, vectors(0), *absolute, *relative).values()), "equal results"
    found = verdicts(sets, bad, good, *absolute, *relative)
    assert [text for text, passed in found.items() if not passed] == [*absolute[:3], *relative[:2]]


def test_a_small_loss_is_within_the_noise(sets: dict[str, Path]) -> None:
    """A little worse than the incumbent."""
    gates = "analogies >= incumbent - 3 noise", "mine >= incumbent - 3 noise"
    assert all(verdicts(sets, vectors(0.3), vectors(0.28), *gates).values())


def test_the_numbers_are_those_of_evaluate(sets: dict[str, Path], tmp_path: Path) -> None:
    import pyarrow as pa

    from w2v_spark.storage import Directory
    from w2v_spark.vectors.table import write_vectors

    some = vectors(0.5)
    place = Directory.open(tmp_path / "table")
    write_vectors(place.filesystem, place.path, pa.array(some.words), np.arange(60, 0, -1), [some.matrix], {})
    report = evaluate(tmp_path / "table", {"analogies": [sets["grid"]], "similarity": [sets["pairs"]]})
    gate_set = GateSet.build((), [str(sets["grid"])], [str(sets["pairs"])])
    measured = gate_set.measure(Result(some, 1, 1), None, {})
    assert measured["grid"].candidate == measured["analogies"].candidate == report["analogies"][0]["total"]["accuracy"]
    assert measured["pairs"].candidate == report["similarity"][0]["spearman"]


def test_only_what_both_answer_is_compared(sets: dict[str, Path]) -> None:
    """The incumbent lacks half of the words: the candidate is measured on the other half, and passes there."""
    good = vectors(0)
    half = KeyedVectors(good.words[:30], good.matrix[:30])
    gate_set = GateSet.build(["analogies >= incumbent"], [str(sets["grid"])])
    measured = gate_set.measure(Result(good, 1, 1), Result(half, 1, 1), {})
    (verdict,) = gate_set.decide(measured, True)
    assert verdict.passed
    assert 0 < verdict.details["items"] < 100
    assert verdict.details["candidate"] == verdict.details["incumbent"] == 1.0


def test_measures_of_the_caller(sets: dict[str, Path]) -> None:
    good = vectors(0)
    gates = ("drift <= 4 noise", "overlap >= 0.5", "held_out_loss <= incumbent + 1 noise")
    loss = Measured(2.0, 2.1, Difference(2.0, 2.1, 0.05, (-0.2, 0.0), 50))
    later = {"drift": Measured(4.5), "overlap": Measured(0.7), "held_out_loss": loss}
    assert list(verdicts(sets, good, good, *gates, **later).values()) == [False, True, True]


def test_vectors_that_are_not_finite(sets: dict[str, Path]) -> None:
    good = vectors(0)
    matrix = good.matrix.copy()
    matrix[7, 3] = np.inf
    with np.errstate(invalid="ignore"):
        found = verdicts(sets, KeyedVectors(good.words, matrix), None, "finite >= 1")
    assert not any(found.values())


def test_vectors_that_know_nothing_of_a_set(sets: dict[str, Path]) -> None:
    others = KeyedVectors(["x", "y", "z"], np.eye(3, dtype=np.float32))
    assert not any(verdicts(sets, others, None, "analogies >= 0", "mine >= -1").values())
    assert not any(verdicts(sets, vectors(0), others, "analogies >= incumbent", "mine >= incumbent").values())


# What is refused before any work


def test_what_must_be_set_for_a_measure(sets: dict[str, Path]) -> None:
    with pytest.raises(ConfigError, match=r"no held_out_loss without text that is held out; set train\.held_out"):
        GateSet.build(["held_out_loss <= incumbent"])
    with pytest.raises(ConfigError, match="no held_out_loss of vectors that are made of counts, which predict nothing"):
        GateSet.build(["held_out_loss <= incumbent"], held_out=0.1, counted=True)
    with pytest.raises(ConfigError, match="drift is measured where a training goes on from a version"):
        GateSet.build(["drift <= 4 noise"])
    with pytest.raises(InputError, match="belong to similarity"):
        GateSet.build((), [str(sets["pairs"])])
    with pytest.raises(InputError, match="absent"):
        GateSet.build((), ["mine=absent.txt"])


def test_an_equals_sign_in_the_name_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a=b.txt").write_text(": s\na b c d\n")
    (one,) = GateSet.build((), ["a=b.txt"]).analogies
    assert (one.name, one.file) == ("a=b", "a=b.txt")
    (one,) = GateSet.build((), ["x=a=b.txt"]).analogies
    assert (one.name, one.file) == ("x", "a=b.txt")


def test_no_gates_are_false() -> None:
    assert not GateSet()
    assert GateSet.build(["tokens >= 1"])
    assert GateSet(queries=("SELECT 1",))
