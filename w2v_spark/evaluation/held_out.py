"""Loss on text that nobody has trained on: the objective of training itself, without a step.

Candidate and incumbent are asked about the same words of the same sentences: those that both know. Windows and noise
words are drawn by the same numbers for both. With negative sampling noise comes from the words of the text that both
know, by the candidate's counts; with hierarchical softmax each has the tree of its own counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.config import ModelConfig, TextConfig
from w2v_spark.corpus.chunks import ChunkEncoder, decode_ids, order_chunks
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.evaluation.bootstrap import Difference, ratios
from w2v_spark.evaluation.gates import Measured
from w2v_spark.evaluation.measures import common_rows
from w2v_spark.kernels.arguments import LOSS, PAIRS, Schedule, Sentences, Weights
from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.kernels.rng import stream_key
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.models.objectives import output_rows_of
from w2v_spark.models.tables import SamplingTables
from w2v_spark.phrases.units import NO_UNITS, Units
from w2v_spark.training.file_rows import ROWS_AT_A_TIME
from w2v_spark.training.matrix_files import Matrix, MatrixReader
from w2v_spark.training.trainer import Trainer

HELD_OUT_WORDS: Final = 1_000_000
"""About so many words of the text are looked at."""
_MOST_WORDS: Final = 100_000  # of the vocabulary, the most frequent: the driver holds their rows of both matrices
_ITEMS: Final = 1_000  # stretches of text that the bootstrap draws: documents where there are not more
_NO_STEP: Final = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A result with what it was trained to: both matrices.

    Attributes
    ----------
    model : ModelConfig
    words : (V,) pyarrow string array
        In rank order.
    counts : (V,) int64
    weights : the input and the output matrix, each (rows, D) float32
        Read by ranges of rows.
    units : Units
        To which its text was joined.
    """

    model: ModelConfig
    words: pa.Array
    counts: npt.NDArray[np.int64]
    weights: tuple[MatrixReader, MatrixReader]
    units: Units = NO_UNITS


class EncodedText(NamedTuple):
    """Sentences of words of a vocabulary.

    Attributes
    ----------
    ids : (tokens,) int32
    offsets : (sentences + 1,) int32
    items : (items + 1,) int64
        The first sentence of each stretch of text, and the number of sentences.
    """

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int32]
    items: npt.NDArray[np.int64]


def measure_held_out_loss(
    documents: pa.ChunkedArray, text: TextConfig, candidate: Trained, incumbent: Trained | None
) -> Measured:
    """The mean loss of a pair, in nats, on documents that were not trained on.

    Parameters
    ----------
    documents : string, binary or list<string>
        In any order; the result does not depend on it.
    text : TextConfig
    candidate, incumbent : Trained

    Notes
    -----
    The noise is that of the mean over documents, or over 1,000 stretches of documents where there are more. Memory:
    the rows of 100,000 words of one result at a time. Cost: about that of training on the same words.
    """
    if incumbent is not None and (what := _other_loss(candidate.model, incumbent.model)):
        return Measured(float("nan"), why=f"the loss of the incumbent is another one: it has another {what}")
    if incumbent is None:
        rows: tuple[npt.NDArray[np.int64], ...] = (np.arange(min(len(candidate.words), _MOST_WORDS)),)
    else:
        rows = common_rows(candidate.words, incumbent.words, _MOST_WORDS)
    words = candidate.words.take(pa.array(rows[0]))
    encoded = encode_text(documents, text, words, candidate.units)
    if not len(encoded.ids):
        return Measured(float("nan"), why="the text that was held out has no sentence of known words")
    noise_counts = candidate.counts[rows[0]]
    found = [
        losses(encoded, one, own, noise_counts, candidate.model)
        for one, own in zip((candidate, incumbent), rows, strict=False)
        if one is not None
    ]
    (loss, pairs), *others = found
    if not pairs.sum():
        return Measured(float("nan"), why="no sentence of the text that was held out has two known words")
    value = float(loss.sum() / pairs.sum())
    if not others:
        return Measured(value)
    kept = pairs > 0  # the same in both: who is drawn does not depend on the weights
    difference: Difference = ratios(loss[kept], others[0][0][kept], (pairs[kept], others[0][1][kept]))
    return Measured(value, difference.incumbent, difference)


def encode_text(documents: pa.ChunkedArray, text: TextConfig, words: pa.Array, units: Units = NO_UNITS) -> EncodedText:
    """The sentences of some documents, without words that are not in a vocabulary, in an order of their own.

    Notes
    -----
    Documents are put in order by their content, and those beyond `HELD_OUT_WORDS` words are left out.
    """
    encoder = ChunkEncoder(WordTable.from_words(words), text.max_sentence_length, 1, 0)
    analyzer = units.analyzer(text)
    batches: list[pa.RecordBatch] = []
    for chunk in documents.chunks:
        for some in analyzer.words(chunk):
            batches += encoder.add(some)
        batches.append(encoder.finish())
    chunks = pa.Table.from_batches(batches) if batches else None
    if chunks is None or not len(chunks):
        return EncodedText(np.empty(0, np.int32), np.zeros(1, np.int32), np.zeros(1, np.int64))
    order = order_chunks(chunks["key"].to_numpy(), chunks["tie"].to_numpy())
    sizes = np.array([len(ids) // 4 for ids in chunks["ids"].to_pylist()])[order]
    wanted = max(1, int(np.searchsorted(np.cumsum(sizes), HELD_OUT_WORDS, side="right")))
    taken = chunks["ids"].take(pa.array(order[:wanted])).to_pylist()
    ids, offsets = decode_ids(np.frombuffer(b"".join(taken), np.int32))
    ends = np.searchsorted(offsets, np.concatenate([[0], np.cumsum(sizes[:wanted])]))
    chosen = np.unique(np.linspace(0, wanted, min(wanted, _ITEMS) + 1).astype(np.int64))
    return EncodedText(ids, offsets, ends[chosen])


def losses(
    text: EncodedText, trained: Trained, rows: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], model: ModelConfig
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The sum of the losses of all pairs, and the number of pairs, of each stretch of a text: (items,) float64 each.

    Parameters
    ----------
    rows : (n,) int64
        The row of each word of the text's vocabulary.
    counts : (n,) int64
        By which noise is drawn.
    model : ModelConfig
        What windows and noise are drawn by; D is the result's own.
    """
    model = replace(model, dim=trained.model.dim)
    inputs, outputs = trained.weights
    if not output_rows_of(model).of_words:
        tables, nodes = _paths_of(trained, rows, model)
    else:
        tables, nodes = SamplingTables.build(counts, model, 0.0), rows
    weights = Weights(_take(inputs, rows, model.dim), _take(outputs, nodes, model.dim))
    trainer = Trainer(model, tables)
    schedule = Schedule(np.uint64(stream_key(0, 0, 0)), *_NO_STEP)
    sums = np.zeros((len(text.items), 2))
    for number, (first, last) in enumerate(zip(text.items[:-1], text.items[1:], strict=True), 1):
        trainer.train(Sentences(text.ids, text.offsets[first : last + 1], 0), schedule, weights)
        sums[number] = trainer.statistics[[LOSS, PAIRS]]
    differences = np.diff(sums, axis=0)
    return differences[:, 0], differences[:, 1]


def _paths_of(
    trained: Trained, rows: npt.NDArray[np.int64], model: ModelConfig
) -> tuple[SamplingTables, npt.NDArray[np.int64]]:
    """The paths of some words in the tree of all, over the nodes that they pass alone; and these nodes."""
    whole = SamplingTables.build(trained.counts, model, 0.0)
    lengths = np.diff(whole.starts)[rows]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    places = np.repeat(whole.starts[rows] - starts[:-1], lengths) + np.arange(starts[-1])
    steps = whole.steps[places]
    nodes, own = np.unique(steps >> 1, return_inverse=True)
    relabelled = (2 * own + (steps & 1)).astype(np.int32)
    return whole._replace(keep=whole.keep[rows], starts=starts.astype(np.int64), steps=relabelled), nodes.astype(
        np.int64
    )


def _take(matrix: MatrixReader, rows: npt.NDArray[np.int64], dim: int) -> Matrix:
    """Some rows of a matrix, padded for the kernels."""
    taken = aligned_zeros(len(rows), padded(dim))
    order = np.argsort(rows, kind="stable")
    ascending = rows[order]
    for start in range(0, len(matrix), ROWS_AT_A_TIME):
        first, last = np.searchsorted(ascending, [start, start + ROWS_AT_A_TIME])
        if last > first:
            taken[order[first:last], :dim] = matrix[start : start + ROWS_AT_A_TIME][ascending[first:last] - start]
    return taken


def _other_loss(one: ModelConfig, other: ModelConfig) -> str:
    """What makes the losses of two models different things; empty if nothing does."""
    if one.objective is not other.objective:
        return "objective"
    if one.architecture is not other.architecture:
        return "architecture"
    is_averaged, by_noise = input_rows_of(one).averaged, output_rows_of(one).of_words
    names = ("window", "shrink_window", *(("cbow_mean",) * is_averaged), *(("negatives", "noise_exponent") * by_noise))
    return next((name for name in names if getattr(one, name) != getattr(other, name)), "")
