"""What of a model looks wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from w2v_spark.config import COUNTED
from w2v_spark.publishing.description import ModelDescription
from w2v_spark.report.content import Content, Round
from w2v_spark.report.markup import duration, mapping, percent, sequence, whole

_LITTLE: Final = 1_000_000  # words of text
_UNKNOWN: Final = 0.1  # share of the text that is not in the vocabulary
_RISEN: Final = 1.15  # times the lowest loss: more than a falling learning rate and short rounds account for
_INVALID: Final = 0.001  # share of bytes
_START: Final = 0.5  # share of the whole time that is not spent in rounds
_WORTH: Final = 60.0  # seconds that are not worth a thought
_IDLE: Final = 0.5  # share of the time of rounds in which workers do not train
_DRIFT: Final = 2.0  # in units of what two seeds differ by


@dataclass(frozen=True, slots=True)
class Advice:
    """A warning.

    Attributes
    ----------
    what : str
        With the numbers.
    remedy : str
        What to do. Settings are named ``section.key``.
    """

    what: str
    remedy: str


def advise(content: Content) -> tuple[Advice, ...]:
    """All warnings, what concerns the result first, then training, text and time."""
    found = [*_of_version(content)]
    if content.described is not None:
        section = "retrain" if "text" in content.version else "train"
        found += _of_rounds(content.described, content.rounds, section)
        found += _of_text(content.described, section)
        found += _of_vocabulary(content)
        found += _of_time(content.described, content.rounds)
    return tuple(found)


def unknown_share(content: Content) -> float | None:
    """The share of the text, 0..1, that is not in the vocabulary; None where it is not known."""
    described = content.described
    if described is None or not described.counted.tokens:
        return None
    if described.config.phrases.passes or described.config.text.dictionary:  # words are fewer after joining
        return None
    return max(1 - described.encoded.kept_tokens / described.counted.tokens, 0.0)


def _of_version(content: Content) -> Iterator[Advice]:
    failed = [gate for gate in map(mapping, sequence(content.version.get("gates"))) if gate.get("passed") is False]
    if failed:
        reasons = "; ".join(str(gate.get("reason", gate.get("gate", ""))) for gate in failed)
        yield Advice(
            f"Gates did not pass, so readers are not led to this version: {reasons}.",
            "Look at the quality and the drift below. Train again once the cause is mended, or change the gate.",
        )
    noise = mapping(content.version.get("drift")).get("noise")
    if isinstance(noise, int | float) and noise > _DRIFT:
        yield Advice(
            f"Words have moved {noise:.1f} times as far as two seeds differ by.",
            "Look at the words that have moved farthest. If the new text is not another kind of text on purpose, raise "
            "retrain.replay or lower retrain.learning_rate. A gate such as drift <= 2 noise keeps readers from it.",
        )


def _of_rounds(described: ModelDescription, rounds: tuple[Round, ...], section: str) -> Iterator[Advice]:
    if not rounds:
        return
    plan, last, losses = described.plan, rounds[-1], [each.loss for each in rounds if each.pairs]
    if losses and losses[-1] > _RISEN * min(losses):
        remedies = [f"lower {section}.learning_rate ({plan.learning_rate:g})"]
        if plan.shards > 1:
            remedies.append(f"use fewer shards ({plan.shards}) or more rounds ({plan.rounds})")
        if not plan.sample:
            remedies.append(f"subsample ({section}.sample)")
        yield Advice(
            f"The loss has risen: {losses[-1]:.4g} in the last round, after {min(losses):.4g}.",
            f"{', '.join(remedies).capitalize()}.",
        )
    if len(rounds) < plan.rounds:
        yield Advice(
            f"The history has {len(rounds)} of {plan.rounds} rounds, and ends at a learning rate of "
            f"{last.learning_rate:.3g}, above its end of {plan.min_learning_rate:g}.",
            "Train to the end: the last rounds, with small steps, are what settles the vectors.",
        )
    elif last.learning_rate > 1.01 * plan.mean_rate(plan.rounds - 1) + 1e-9:
        yield Advice(
            f"The learning rate has not reached its end: {last.learning_rate:.3g} in the last round, where the plan "
            f"has {plan.mean_rate(plan.rounds - 1):.3g}.",
            "Train again from the start; do not mix rounds of two plans.",
        )


def _of_text(described: ModelDescription, section: str) -> Iterator[Advice]:
    seen = described.counted
    # A retraining goes on from what its parents have read, and counting is for little text.
    needs_much = section == "train" and described.config.model.objective not in COUNTED
    if needs_much and seen.tokens < _LITTLE:
        yield Advice(
            f"The text is short: {whole(seen.tokens)} words, of {whole(_LITTLE)} that vectors need as a rule.",
            "Give more text. If there is no more, raise train.epochs, lower model.dim, or go on from vectors that were "
            "trained on a larger text.",
        )
    if seen.overlong_words:
        yield Advice(
            f"{whole(seen.overlong_words)} words were dropped because they are too long to be words.",
            "Look for encoded data, addresses or text without blanks in the input, and choose text.tokenizer for it.",
        )
    if seen.bytes and seen.invalid_bytes > _INVALID * seen.bytes:
        yield Advice(
            f"{percent(seen.invalid_bytes / seen.bytes)} of the bytes are not UTF-8 and were replaced.",
            "Name the encoding of the input, or find the files that are no text.",
        )
    lost = seen.documents - described.encoded.kept_documents
    if described.encoded.kept_documents and lost > 0.01 * seen.documents:
        yield Advice(
            f"{whole(lost)} documents have no vector, since they have no word of the vocabulary.",
            f"Lower vocabulary.min_count ({described.config.vocabulary.min_count}), or look whether they have text.",
        )


def _of_vocabulary(content: Content) -> Iterator[Advice]:
    described, share = content.described, unknown_share(content)
    if described is None:
        return
    vocabulary = described.config.vocabulary
    if 0 < vocabulary.max_size <= described.encoded.vocabulary_size:
        yield Advice(
            f"The vocabulary was cut to its {whole(vocabulary.max_size)} most frequent words.",
            "Raise vocabulary.max_size if memory allows, or raise vocabulary.min_count: equally frequent words then "
            "stay or go together.",
        )
    if share is not None and share > _UNKNOWN:
        yield Advice(
            f"{percent(share)} of the text is not in the vocabulary.",
            f"Lower vocabulary.min_count ({vocabulary.min_count}), give more text, or look whether text.tokenizer "
            f"({described.config.text.tokenizer}) suits the language; model.subwords gives rare words vectors as well.",
        )


def _of_time(described: ModelDescription, rounds: tuple[Round, ...]) -> Iterator[Advice]:
    total, trained = described.timings.get("total", 0.0), described.timings.get("rounds", 0.0)
    if total - trained > max(_START * total, _WORTH):
        yield Advice(
            f"Of {duration(total)} only {duration(trained)} were training; the rest is the start of Spark and the "
            "passes over the text.",
            "Train several models in one session, or on fewer and larger files; for a text of this size one machine is "
            "enough.",
        )
    spent = sum(each.seconds.get("total", 0.0) for each in rounds)
    idle = spent - sum(each.seconds.get("train", 0.0) for each in rounds)
    if described.plan.shards > 1 and idle > max(_IDLE * spent, _WORTH):
        yield Advice(
            f"On average a shard was trained for {percent(1 - idle / spent)} of the time of rounds; the rest is "
            "waiting for a core or for other shards, and reading, writing and merging weights.",
            f"Use fewer shards ({described.plan.shards}), not more than there are cores; rounds (train.rounds, "
            f"{described.plan.rounds}) cost time each.",
        )
