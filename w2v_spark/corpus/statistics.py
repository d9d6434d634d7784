"""What the first pass over the text saw."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class CorpusStatistics:
    """What the first pass saw.

    Attributes
    ----------
    documents, sentences, tokens : int
        Documents that are not null, sentences, and words of all kinds in them.
    distinct_words : int
        Different words before ``min_count``.
    invalid_utf8, overlong_words : int
        Byte sequences that were replaced, words that were dropped for their length.
    bytes, invalid_bytes : int
        The length of all documents, and of their byte sequences that are not UTF-8.
    letters, foreign_letters, nucleotides, sequences_cut : int
        Of sequences that were cut into k-mers, see `w2v_spark.text.words.Seen`; 0 for other text.
    """

    documents: int
    sentences: int
    tokens: int
    distinct_words: int
    invalid_utf8: int
    overlong_words: int
    bytes: int = 0
    invalid_bytes: int = 0
    letters: int = 0
    foreign_letters: int = 0
    nucleotides: int = 0
    sequences_cut: int = 0

    def __add__(self, other: CorpusStatistics) -> CorpusStatistics:
        """Of two texts together; distinct words are those of the first, since only those are counted."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in self.__slots__}
        return CorpusStatistics(**{**sums, "distinct_words": self.distinct_words})

    def to_dict(self) -> dict[str, int]:
        """Plain values for JSON."""
        return asdict(self)
