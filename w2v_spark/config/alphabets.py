"""Alphabets of sequences, and which k-mers can be made of them."""

from __future__ import annotations

from string import ascii_uppercase
from typing import TYPE_CHECKING, Final

from w2v_spark.config.choices import Alphabet, ReverseComplement, Tokenizer
from w2v_spark.errors import ConfigError, Name

if TYPE_CHECKING:
    from w2v_spark.config.text_section import TextConfig

LETTERS: Final = {
    Alphabet.PROTEIN: "ACDEFGHIKLMNPQRSTVWY",
    Alphabet.DNA: "ACGT",
    Alphabet.RNA: "ACGU",
    Alphabet.LETTERS: ascii_uppercase,
}
AMBIGUOUS: Final = {
    Alphabet.PROTEIN: "BJOUXZ",
    Alphabet.DNA: "BDHKMNRSVWY",
    Alphabet.RNA: "BDHKMNRSVWY",
    Alphabet.LETTERS: "",
}
"""Letters outside an alphabet that IUPAC has for some of it, and the two rare amino acids: no sign of another one."""

_MOST_KMERS: Final = 2**31 - 1


def k_range(text: TextConfig) -> tuple[int, int]:
    """The least and the most letters of a k-mer."""
    return (text.k, text.k) if isinstance(text.k, int) else text.k


def check_kmers(text: TextConfig) -> None:
    """Refuse settings of k-mers that contradict each other, where k-mers are wanted. Raises `ConfigError`."""
    least, most = k_range(text)
    if least > most:
        raise ConfigError(
            Name("text.k"), f" = [{least}, {most}] is not allowed: expected the smaller number first; give "
            f"[{most}, {least}]",
        )  # fmt: skip
    if text.tokenizer != Tokenizer.KMER:
        return
    if text.dictionary:
        raise ConfigError(
            Name("text.dictionary"), f" = '{text.dictionary}' is not allowed with ", Name("text.tokenizer"),
            " = 'kmer': sequences have no words that a dictionary could know; leave one of the two out",
        )  # fmt: skip
    _check_size(text, most)
    if text.alphabet not in (Alphabet.DNA, Alphabet.RNA) and text.reverse_complement != ReverseComplement.NONE:
        raise ConfigError(
            Name("text.reverse_complement"), f" = '{text.reverse_complement}' is not allowed with ",
            Name("text.alphabet"), f" = '{text.alphabet}', which has no other strand: expected 'none', or choose ",
            Name("text.alphabet"), " = 'dna' or 'rna'",
        )  # fmt: skip
    if text.frames and text.stride != 1:
        raise ConfigError(
            Name("text.stride"), f" = {text.stride} is not allowed with ", Name("text.frames"), " = true, where k-mers "
            "follow each other without overlap: expected 1; leave one of the two out",
        )  # fmt: skip
    if text.frames and least != most:
        raise ConfigError(
            Name("text.k"), f" = [{least}, {most}] is not allowed with ", Name("text.frames"), " = true, since there "
            "are as many frames as a k-mer has letters: expected one number; give one, or leave ", Name("text.frames"),
            " out",
        )  # fmt: skip


def _check_size(text: TextConfig, most: int) -> None:
    letters, limit = len(LETTERS[text.alphabet]), 1
    while letters ** (limit + 1) <= _MOST_KMERS:
        limit += 1
    if most > limit:
        raise ConfigError(
            Name("text.k"), f" = {most} is not allowed with ", Name("text.alphabet"), f" = '{text.alphabet}': "
            f"expected at most {limit}, since a vocabulary has at most 2^31 - 1 words and there are {letters}^{most} "
            "k-mers of that length; choose a smaller ", Name("text.k"),
        )  # fmt: skip
