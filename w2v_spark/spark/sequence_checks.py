"""What the first pass over sequences says of their alphabet."""

from __future__ import annotations

from typing import Final

from w2v_spark.config import Alphabet, TextConfig, Tokenizer
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.errors import InputError, Name

_FEW: Final = 0.5  # the share of sequences with a k-mer below which that is said
_NUCLEOTIDES: Final = 0.98  # the share of letters from which on they are no proteins


def check_sequences(statistics: CorpusStatistics, text: TextConfig, most: float) -> list[str]:
    """What to warn of where sequences hardly fit the alphabet that they are read with.

    Raises
    ------
    InputError
        More than a share ``most`` of the letters is foreign to it.
    """
    if text.tokenizer != Tokenizer.KMER or not statistics.letters:
        return []
    warnings = []
    if what := foreign_letters(statistics, text):
        if statistics.foreign_letters > most * statistics.letters:
            share = min(1.0, statistics.foreign_letters / statistics.letters + 0.005)
            raise InputError(
                *what, "; choose ", Name("text.alphabet"), ", or give ", Name("max_invalid"),
                f" {share:.2f} to train on what is left",
            )  # fmt: skip
        warnings.append("".join(map(str, what)))
    if statistics.sequences_cut < _FEW * statistics.documents:
        warnings.append(
            f"{statistics.documents - statistics.sequences_cut:,} of {statistics.documents:,} sequences have no k-mer "
            f"of the alphabet '{text.alphabet}': they are shorter than text.k = {_k(text)}, or other letters split "
            "them; see that text.alphabet is theirs"
        )
    if text.alphabet == Alphabet.PROTEIN and statistics.nucleotides > _NUCLEOTIDES * statistics.letters:
        warnings.append(
            f"{statistics.nucleotides / statistics.letters:.1%} of the letters are A, C, G, T, U or N, as in DNA and "
            "RNA; if these are no proteins, set text.alphabet = 'dna' or 'rna'"
        )
    return warnings


def foreign_letters(statistics: CorpusStatistics, text: TextConfig) -> tuple[str | Name, ...]:
    """What is to be said of letters that the alphabet knows nothing of; empty where there are none."""
    if not statistics.foreign_letters:
        return ()
    return (
        f"{statistics.foreign_letters:,} of {statistics.letters:,} letters of the sequences are foreign to ",
        Name("text.alphabet"), f" = '{text.alphabet}', and stand for none of its letters either",
    )  # fmt: skip


def _k(text: TextConfig) -> str:
    return str(text.k if isinstance(text.k, int) else list(text.k))
