"""Sequences to k-mers: against the naive twin, at the cuts of long sequences, and what is refused."""

from __future__ import annotations

import pickle
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.naive.kmers import LETTERS, kmers, reverse_complement
from w2v_spark.config import Config, TextConfig
from w2v_spark.errors import ConfigError
from w2v_spark.text import kmers as module
from w2v_spark.text.analyzer import build_analyzer
from w2v_spark.text.kmers import KmerAnalyzer
from w2v_spark.text.words import NEW_DOCUMENT, SAME, Words


def config(**values: Any) -> TextConfig:
    return Config.from_dict({"text": {"tokenizer": "kmer", **values}}).text


def sentences(parts: Any, documents: int) -> list[list[list[str]]]:
    """The sentences of each document."""
    found: list[list[list[str]]] = [[] for _ in range(documents)]
    last = -1
    for words in parts:
        for i in range(len(words)):
            word = words.text[words.offsets[i] : words.offsets[i + 1]].tobytes().decode()
            assert (words.documents[i] != last) == (words.breaks[i] == NEW_DOCUMENT)
            last = words.documents[i]
            if words.breaks[i] != SAME:
                found[last].append([])
            found[last][-1].append(word)
    return found


def cut(text: str, **values: Any) -> list[list[str]]:
    return sentences(build_analyzer(config(**values)).words(pa.array([text])), 1)[0]


@st.composite
def settings(draw: st.DrawFn) -> dict[str, Any]:
    alphabet = draw(st.sampled_from(sorted(LETTERS)))
    strands = ["none", "both", "canonical", "random"] if alphabet in ("dna", "rna") else ["none"]
    frames = draw(st.booleans())
    k = st.integers(1, 5)
    pair = st.tuples(k, k).map(sorted)
    return {
        "k": draw(k if frames else k | pair),
        "frames": frames,
        "stride": 1 if frames else draw(st.integers(1, 7)),
        "alphabet": alphabet,
        "reverse_complement": draw(st.sampled_from(strands)),
        "unknown": draw(st.sampled_from(["split", "keep"])),
    }


SEQUENCES = st.text("ACGTACGTUacgtNnRXKLW \n\r*-7", max_size=60)


@given(st.lists(st.none() | SEQUENCES, max_size=4), settings(), st.integers(1, 20), st.integers(1, 9))
def test_kmers_are_those_of_the_naive_twin(documents, values, places, room):
    analyzer = KmerAnalyzer(config(**values), places)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BUFFER_WORDS", room)
        found = sentences(analyzer.words(pa.array(documents, pa.string())), len(documents))
    named = {**values, "strands": values["reverse_complement"], "places": places}
    del named["reverse_complement"]
    assert found == [kmers(document or "", **named) for document in documents]
    assert analyzer.seen.sequences_cut == sum(map(bool, found))


@given(SEQUENCES, st.integers(1, 5), st.integers(1, 12))
def test_no_kmer_is_lost_or_doubled_at_a_cut(text, k, places):
    letters = "".join(text.split()).upper()
    expected = sorted(letters[i : i + k] for i in range(len(letters) - k + 1) if set(letters[i : i + k]) <= set("ACGT"))
    for frames in (False, True):
        analyzer = KmerAnalyzer(config(k=k, alphabet="dna", frames=frames), places)
        found = sentences(analyzer.words(pa.array([text])), 1)[0]
        assert sorted(word for sentence in found for word in sentence) == expected


def test_frames_are_the_sentences_of_protvec():
    assert cut("MAFSAEDVLK", frames=True) == [["MAF", "SAE", "DVL"], ["AFS", "AED", "VLK"], ["FSA", "EDV"]]


def test_the_other_strand():
    assert cut("AACG", k=3, alphabet="dna", reverse_complement="both") == [["AAC", "ACG"], ["CGT", "GTT"]]
    assert cut("TTGC", k=2, alphabet="dna", reverse_complement="canonical") == [["AA", "CA", "GC"]]
    assert cut("AACG", k=4, alphabet="rna", reverse_complement="both") == [["AACG"], ["CGUU"]]
    assert reverse_complement("AACG", "rna") == "CGUU"


def test_unknown_letters_split_or_stay():
    assert cut("ACGNACT", k=3, alphabet="dna") == [["ACG"], ["ACT"]]
    assert cut("ACNG", k=3, alphabet="dna", unknown="keep") == [["ACN", "CNG"]]


def test_blanks_case_and_kind_of_column_mean_nothing():
    text = "acGT\r\nACgt aa"
    expected = cut("ACGTACGTAA", k=[2, 4], alphabet="dna", reverse_complement="random")
    for kind in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary()):
        given = build_analyzer(config(k=[2, 4], alphabet="dna", reverse_complement="random"))
        analyzer = pickle.loads(pickle.dumps(given))  # noqa: S301 - our own
        assert sentences(analyzer.words(pa.array([text, None], kind)), 2) == [expected, []]
        assert (analyzer.seen.documents, analyzer.seen.letters, analyzer.seen.foreign_letters) == (1, 10, 0)


def test_each_number_of_letters_and_each_strand_is_drawn():
    found = cut("ACGGT" * 400, k=[3, 8], alphabet="dna")
    assert {len(word) for word in found[0]} == set(range(3, 9))
    analyzer = KmerAnalyzer(config(k=5, alphabet="dna", reverse_complement="random"), 10)
    first = [each[0] for each in sentences(analyzer.words(pa.array(["ACGGT" * 100])), 1)[0]]
    assert set(first) == {"ACGGT", "CCGTA"}  # the first k-mer of a piece, and the other strand of its last


def test_a_long_sequence_is_cut_in_constant_room():
    analyzer = build_analyzer(config(k=8, alphabet="dna"))
    text = pa.array(["ACGTTGCA" * (1 << 18)])
    assert sum(len(words) for words in analyzer.words(text)) == len(text[0].as_py()) - 7


def test_ready_words_stay_as_they_are():
    (words,) = build_analyzer(config()).words(pa.array([["acg", "x"]]))
    assert isinstance(words, Words)
    assert words.text.tobytes() == b"acgx"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"k": [5, 3]}, "text.k = [5, 3] is not allowed: expected the smaller number first; give [3, 5]"),
        ({"k": 16, "alphabet": "dna"}, "text.k = 16 is not allowed: expected a finite number, at least 1 and at most"),
        ({"k": 0}, "text.k = 0 is not allowed"),
        ({"k": [0, 3]}, "text.k = 0 is not allowed"),
        ({"k": 8}, "text.k = 8 is not allowed with text.alphabet = 'protein': expected at most 7, since a vocabulary"),
        ({"k": [2, 8]}, "there are 20^8 k-mers of that length"),
        ({"k": 7, "alphabet": "letters"}, "expected at most 6"),
        ({"k": [1, 2, 3]}, "expected a whole number or two of them in brackets"),
        ({"k": "three"}, "expected a whole number or two of them in brackets"),
        ({"reverse_complement": "both"}, "text.reverse_complement = 'both' is not allowed with text.alphabet = 'prot"),
        ({"frames": True, "stride": 2}, "text.stride = 2 is not allowed with text.frames = true"),
        ({"frames": True, "k": [2, 3]}, "text.k = [2, 3] is not allowed with text.frames = true"),
        ({"stride": 0}, "text.stride = 0 is not allowed"),
        ({"alphabet": "xna"}, "expected 'protein' or 'dna' or 'rna' or 'letters'"),
    ],
)
def test_settings_that_are_refused(values, message):
    with pytest.raises(ConfigError) as caught:
        config(**values)
    assert message in str(caught.value)


def test_a_range_survives_toml_and_overrides(tmp_path):
    path = tmp_path / "a.toml"
    given = Config.load(overrides=["text.tokenizer=kmer", "text.alphabet=dna", "text.k=[3, 8]"])
    path.write_text(given.to_toml())
    assert Config.load(path) == given == Config.from_dict(given.to_dict())
    assert given.text.k == (3, 8)
