"""What the second pass refuses: text that has changed, and text without anything to learn from."""

from __future__ import annotations

import numpy as np

from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.errors import InputError, Name


def check_counted(vocabulary: Vocabulary, tokens: int, id_sum: int) -> None:
    """Refuse text that is not what was counted: raises `InputError`."""
    expected = int(np.dot(np.arange(len(vocabulary), dtype=np.int64), vocabulary.trained_counts))
    if (tokens, id_sum) != (vocabulary.tokens, expected):
        found = f"{tokens:,}" if tokens != vocabulary.tokens else "as many, but others"
        raise InputError(
            f"the input has changed while it was read: it had {vocabulary.tokens:,} words of the vocabulary when they "
            f"were counted, and {found} when they were encoded; write or cache the result of a query that "
            "differs from run to run (rand(), limit without an order), or wait until nobody writes to the input"
        )


def check_trainable(corpus: EncodedCorpus) -> None:
    """Refuse a corpus that has no two words beside each other: raises `InputError`."""
    if corpus.tokens == corpus.sentences:
        raise InputError(
            f"there is nothing to train on: none of the {corpus.sentences:,} sentences has two words of the "
            "vocabulary; give a document or list of words a row, not a word a row, lower ",
            Name("vocabulary.min_count"), ", or see that ", Name("text.sentences"), " and ",
            Name("text.max_sentence_length"), " do not cut every word off",
        )  # fmt: skip
