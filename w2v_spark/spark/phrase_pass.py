"""Text with phrases to an encoded corpus: chunks with gaps, a search on them, a new vocabulary, the chunks joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession

from w2v_spark.config import Config
from w2v_spark.config.choices import PhraseScorer
from w2v_spark.corpus.chunk_files import write_arrays
from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.phrases.table import PhraseTable
from w2v_spark.run.directory import CORPUS
from w2v_spark.run.progress import Progress
from w2v_spark.spark.encode_pass import EncodePass
from w2v_spark.spark.join_tasks import JoinChunks
from w2v_spark.spark.phrase_search import PhraseSearch


class JoinedText(NamedTuple):
    """What text with phrases has become.

    Attributes
    ----------
    vocabulary : Vocabulary
        Words and phrases, counted and ranked anew.
    corpus : EncodedCorpus
    phrases : PhraseTable
    counted : pa.Array of n strings and (n,) int64
        All words that phrases could be made of, and the phrases, with how often they occur now.
    """

    vocabulary: Vocabulary
    corpus: EncodedCorpus
    phrases: PhraseTable
    counted: tuple[pa.Array, npt.NDArray[np.int64]]


def counting_config(config: Config) -> Config:
    """By which words are counted for a search for phrases: all that a phrase can be made of.

    gensim's scorer asks for the number of all distinct pairs, so it needs all words.
    """
    least = 1 if config.phrases.scorer is PhraseScorer.GENSIM else config.phrases.min_count
    return config.replace(vocabulary={"min_count": min(least, config.vocabulary.min_count), "max_size": 0})


def join_text(
    spark: SparkSession,
    encode: EncodePass,
    documents: Sequence[DataFrame],
    seen: CorpusStatistics,
    progress: Progress,
    named: bool,
) -> JoinedText:
    """Find phrases, and encode the text with them.

    Parameters
    ----------
    encode : EncodePass
        With the vocabulary of `counting_config`, whose file is in the run directory.
    documents : sequence of DataFrame
    seen : CorpusStatistics
        Of the counting.
    named : bool
        See `EncodePass.encode_whole`.

    Raises
    ------
    InputError, VocabularyError
        See `EncodePass.keep`, `EncodePass.join` and `Vocabulary.build`.

    Notes
    -----
    Phrases do not depend on the files, splits and executors, and the order of the corpus is that of its words: keys
    were made before anything was joined. What a phrase takes, its words lose, so counts, ranks and all that follows
    from them are those of the joined text.
    """
    kept = encode.keep(documents, encode.vocabulary.tokens)
    corpus = encode.run.child(CORPUS)
    found = PhraseSearch.on(spark, encode, kept, seen, progress).find()
    names = pa.concat_arrays([encode.vocabulary.words.cast(pa.string()), found.table.names()])
    counts = np.delete(found.counts, len(encode.vocabulary))  # that of the gap
    there = counts > 0
    vocabulary = Vocabulary.build(names.filter(pa.array(there)), counts[there], encode.config.vocabulary)
    numbers = pc.fill_null(pc.index_in(names, vocabulary.words), -1).to_numpy(zero_copy_only=False).astype(np.int32)
    file = write_arrays(corpus, "numbers", {"numbers": np.insert(numbers, len(encode.vocabulary), -1)})
    encoded = encode.join(spark, kept, JoinChunks(corpus.uri, found.ids, file), named)
    listed = {part.file for shard in encoded.shards for part in shard.parts}
    listed |= {part.documents for shard in encoded.shards for part in shard.parts if part.documents}
    for info in corpus.list():  # the chunks, and counts of pairs
        if info.base_name not in listed:
            corpus.remove(info.base_name)
    return JoinedText(vocabulary, encoded, found.table, (names, counts))
