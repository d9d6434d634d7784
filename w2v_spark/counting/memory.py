"""How much memory and space counting will need, said before it starts."""

from __future__ import annotations

from typing import Final

from w2v_spark.config import Config, Objective
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.counting.ranges import RANGE_WORK, pair_entries
from w2v_spark.counting.subspace import block_width
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.training.memory import PYTHON, MemoryEstimate

_FILE_TOKENS: Final = 1 << 23  # of a file of the corpus, at most
_PAIR: Final = 24  # bytes of a pair while it is added up


def estimate_counted(config: Config, vocabulary: Vocabulary, documents: int) -> MemoryEstimate:
    """For an objective that decomposes counts, of so many documents.

    A task counts a file of the corpus, adds up a range of rows, or multiplies one by a block of directions. The block
    is mapped where the run directory is on a local or mounted disk, and then all tasks of a machine share it.
    """
    counts = vocabulary.trained_counts
    tokens, words = vocabulary.tokens, len(vocabulary)
    if config.model.objective is Objective.LSA:
        rows, entries = documents, tokens
    else:
        shape = input_rows_of(config.model)
        window = config.text.max_sentence_length if shape.whole_sentence else shape.window
        rows, entries = words, int(pair_entries(counts, min(window, config.text.max_sentence_length)).sum())
    width = block_width(config.model.dim, config.counts.oversampling, rows, words)
    in_file = min(entries, entries * _FILE_TOKENS // max(tokens, 1) + 1)
    block = 4 * width * max(rows, words)
    counting = 8 * min(tokens, _FILE_TOKENS) + 16 * in_file
    adding = _PAIR * min(entries, RANGE_WORK) + 8 * max(rows, words)
    multiplying = block + 8 * min(entries, RANGE_WORK) + 16 * width * width
    return MemoryEstimate(
        driver=PYTHON + 250 * words + 24 * width * width,
        task=PYTHON + 8 * words + max(counting, adding, multiplying),
        run_directory=28 * entries + 2 * 4 * width * (rows + words),
        task_name="each task",
    )
