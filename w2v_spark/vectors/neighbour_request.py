"""What is asked of a search for all nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from w2v_spark.errors import InputError, Name, WordNotFound
from w2v_spark.publishing.versions import open_result
from w2v_spark.vectors.reading import read_words
from w2v_spark.vectors.row_stack import Ids
from w2v_spark.vectors.search.query import check_limits
from w2v_spark.vectors.search.tiled import QUERY_ROWS
from w2v_spark.vectors.table_files import TableFiles, describe_vectors

_MOST_FILES: Final = 64  # of a table that is not large: enough to keep as many cores busy
_ROWS_PER_FILE: Final = 16_384
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, checked before Spark starts.

    Attributes
    ----------
    vectors : str
        The vector table: output directory of a run, one version, or directory of Parquet files, by path or URI.
    files : TableFiles
    queries : int32, (Q,), or None
        Ids of the words that get neighbours, ascending; None for all of them.
    topn : int
    restrict : int or None
        Neighbours come from so many of the most frequent words.
    skipped : int
        Words asked for that have no vector.
    """

    vectors: str
    files: TableFiles
    queries: Ids | None
    topn: int
    restrict: int | None = None
    skipped: int = 0

    @classmethod
    def build(
        cls,
        vectors: str,
        topn: int,
        words: Sequence[str] | None = None,
        restrict: int | None = None,
        skip_unknown: bool = False,
    ) -> Request:
        """Look words up and check everything that can be checked without reading the vectors.

        Raises
        ------
        ConfigError
            ``topn`` or ``restrict`` is below 1.
        StoreError
            There is no complete vector table.
        WordNotFound
            Some of the words have no vector, and ``skip_unknown`` is not set; or none has one.
        InputError
            ``words`` is empty.
        """
        check_limits(topn, restrict, least=1)
        vectors = open_result(vectors).uri  # of one version, while newer ones come
        files = describe_vectors(vectors)
        if words is None:
            return cls(vectors, files, None, topn, restrict)
        if not words:
            raise InputError("there are no words to find neighbours for: expected a word a line")
        index = {word: row for row, word in enumerate(read_words(vectors))}
        asked = list(dict.fromkeys(words))
        unknown = [word for word in asked if word not in index]
        if unknown and (len(unknown) == len(asked) or not skip_unknown):
            shown = ", ".join(map(repr, unknown[:_SHOWN])) + (", ..." if len(unknown) > _SHOWN else "")
            remedy = () if skip_unknown else ("; leave them out or give ", Name("skip-unknown"))
            raise WordNotFound(
                f"{len(unknown)} of {len(asked)} words are not among the {len(index)} of the vocabulary: {shown}",
                *remedy,
            )
        rows = sorted(index[word] for word in asked if word in index)
        return cls(vectors, files, np.array(rows, dtype=np.int32), topn, restrict, len(unknown))

    @property
    def rows(self) -> int:
        """Q, how many words get neighbours."""
        return self.files.rows if self.queries is None else len(self.queries)

    @property
    def candidates(self) -> int:
        """Among how many words neighbours are looked for."""
        return min(self.restrict or self.files.rows, self.files.rows)

    @property
    def rows_per_file(self) -> int:
        """By the number of rows alone, so that files are the same however many tasks there are."""
        blocks = -(-self.rows // (QUERY_ROWS * _MOST_FILES))
        return min(blocks * QUERY_ROWS, _ROWS_PER_FILE)
