"""Dictionaries: read, checked, and concepts put in the place of their forms."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.naive import dictionary as naive
from w2v_spark import KeyedVectors
from w2v_spark.config import Config
from w2v_spark.errors import ConfigError, InputError, StoreError
from w2v_spark.phrases.dictionary import Dictionary, build_dictionary, doubts_about, load_dictionary
from w2v_spark.phrases.units import Units
from w2v_spark.storage import Directory
from w2v_spark.vectors.concept_forms import ConceptForms

TEXT = Config().text


def concepts(forms: list[str], names: list[str], **text: object) -> dict[str, str]:
    table = build_dictionary(forms, names, Config.from_dict({"text": text}).text).table
    return {" ".join(row["words"]): row["concept"] for row in table.to_pylist()}


def words_of(units: Units, column: list[object], **text: object) -> list[list[str]]:
    """The sentences that an analyzer makes of documents."""
    out: list[list[str]] = []
    for words in units.analyzer(Config.from_dict({"text": text}).text).words(pa.array(column)):
        for word in range(len(words)):
            if words.breaks[word]:
                out.append([])
            out[-1].append(bytes(words.text[words.offsets[word] : words.offsets[word + 1]]).decode())
    return out


def test_concepts_take_the_place_of_the_longest_form() -> None:
    forms = ["heart attack", "heart", "Myocardial infarction", "attack rate", "heart attack rate of men"]
    units = Units(build_dictionary(forms, ["MI", "HEART", "MI", "RATE", "LONG FORM"], TEXT))
    text = "A heart attack rate. Heart attack rate of men! the HEART, of myocardial infarction; heart. Attack rate of"
    assert words_of(units, [text, None, "", "heart"]) == [
        ["a", "MI", "rate"],
        ["LONG_FORM"],
        ["the", "HEART", "of", "MI", "HEART"],
        ["RATE", "of"],
        ["HEART"],
    ]
    assert words_of(copy.deepcopy(units), ["the heart attack"]) == [["the", "MI"]]


def test_equals_the_naive_twin() -> None:
    """Long documents, so that sentences go over the ends of buffers; forms that begin alike; words without a form."""
    random = np.random.default_rng(3)
    names = [f"w{n}" for n in range(12)]
    forms = {tuple(random.choice(names, random.integers(1, 5))): f"C{n % 9}" for n in range(60)}
    sentences = [random.choice([*names, "other"], random.integers(1, 30)).tolist() for _ in range(64_000)]
    expected = [naive.replace(sentence, forms) for sentence in sentences]
    units = Units(build_dictionary([" ".join(form) for form in forms], list(forms.values()), TEXT))
    text = "\n".join(" ".join(sentence) for sentence in sentences)
    assert len(text) > 3 << 20
    assert words_of(units, [text], sentences="line") == expected
    assert words_of(units, list(sentences)) == expected


def test_a_document_ends_a_form() -> None:
    units = Units(build_dictionary(["new york"], ["NY"], TEXT))
    assert words_of(units, ["in new", "york city", "new york"]) == [["in", "new"], ["york", "city"], ["NY"]]


def test_forms_are_read_as_text_is() -> None:
    assert concepts(["ＣＴ", "Cafe\u0301 au lait", "naïve"], ["a", "b", "c"], normalize="nfkc") == {
        "ct": "a", "café au lait": "b", "naïve": "c",
    }  # fmt: skip
    assert concepts(["A b", "a b"], ["x", "y"], tokenizer="whitespace") == {"A b": "x", "a b": "y"}


def test_a_concept_that_is_a_form_stands_for_another() -> None:
    assert concepts(["a", "b", "c", "D"], ["b", "c", "TOP", "d"]) == {"a": "TOP", "b": "TOP", "c": "TOP", "d": "d"}
    assert concepts(["pe", "pulmonary embolus"], ["pulmonary embolus", "PE clot"]) == {
        "pe": "PE_clot", "pulmonary embolus": "PE_clot",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("a\tx\nA\ty\n", "has two concepts for one form: 'a' is 'x', and 'A' is 'y'; both are read as 'a'"),
        ("a\tb\nb\tc\nc\ta\n", "is cyclic: 'a' -> 'b' -> 'c' -> 'a'"),
        ("x y\tz\nz\tx y\n", "is cyclic"),
        ("", "is empty: there is no form in it"),
        ("\n  \n", "is empty"),
        ("form\tconcept\n", "is empty"),
        ("--\tdash\n", "has no form in which there is a word"),
        ("a b\n", "line 1: expected a form, a tab and a concept, found 'a b'"),
        ("a\tx\nb\t\n", "line 2: expected a form, a tab and a concept"),
        ("a\tb\tc\n", "line 1: expected a form, a tab and a concept"),
        (b"good\tword\nbad\xff\tword\n", "line 2: not UTF-8"),
        (f"a\t{'x' * 9000}\n", "bytes"),
    ],
)  # fmt: skip
def test_what_is_no_dictionary(tmp_path: Path, lines: str | bytes, message: str) -> None:
    path = tmp_path / "d.tsv"
    path.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    with pytest.raises(InputError, match=message) as error:
        load_dictionary(Config.from_dict({"text": {"dictionary": str(path)}}).text)
    assert "text.dictionary" in str(error.value)


def test_files(tmp_path: Path) -> None:
    """Lines of any kind, Parquet with and without names, and what neither is."""
    expected = {"heart attack": "MI", "mi": "MI"}
    (tmp_path / "a.tsv").write_bytes(b"\xef\xbb\xbfForm\tConcept\r\n\r\nHeart  attack \t MI\r\nmi\tMI\r\nmi\tMI")
    pair = {"concept": ["MI", "MI"], "form": ["heart attack", "MI"], "source": [1, 2]}
    pq.write_table(pa.table(pair), tmp_path / "b.parquet")
    pq.write_table(pa.table({"x": pa.array(pair["form"]).dictionary_encode(), "y": pair["concept"]}), tmp_path / "c")
    for name in ("a.tsv", "b.parquet", "c"):
        text = Config.from_dict({"text": {"dictionary": str(tmp_path / name)}}).text
        read = load_dictionary(text)
        assert read is not None
        assert {" ".join(row["words"]): row["concept"] for row in read.table.to_pylist()} == expected
    for table, message in (
        ({"a": ["x"], "b": ["y"], "c": ["z"]}, "has the columns .'a', 'b', 'c'.; expected two"),
        ({"form": [1], "concept": ["x"]}, "column 'form' is of type int64; expected strings"),
        ({"form": ["x", None], "concept": ["x", "y"]}, "column 'form' has 1 nulls"),
        ({"form": ["x", " "], "concept": ["x", "y"]}, "row 1 has an empty form"),
        ({"form": ["x"], "concept": [""]}, "the form 'x' has no concept"),
    ):
        pq.write_table(pa.table(table), tmp_path / "wrong.parquet")
        with pytest.raises(InputError, match=message):
            load_dictionary(Config.from_dict({"text": {"dictionary": str(tmp_path / "wrong.parquet")}}).text)
    invalid = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"], pa.binary()).buffers())
    pq.write_table(pa.table({"form": invalid, "concept": ["x"]}), tmp_path / "wrong.parquet")
    with pytest.raises(InputError, match="column 'form' is not UTF-8"):
        load_dictionary(Config.from_dict({"text": {"dictionary": str(tmp_path / "wrong.parquet")}}).text)
    with pytest.raises(ConfigError, match=r"cannot be read .*expected a file of forms and concepts"):
        load_dictionary(Config.from_dict({"text": {"dictionary": str(tmp_path / "missing.tsv")}}).text)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_dictionary(Config.from_dict({"text": {"dictionary": str(tmp_path)}}).text)
    (tmp_path / "gene.tsv").write_text("PAR1\tF2R\n")
    assert load_dictionary(Config.from_dict({"text": {"dictionary": str(tmp_path / "gene.tsv")}}).text) is not None
    assert load_dictionary(TEXT) is None


def test_concepts_spelled_like_other_words_are_doubted() -> None:
    dictionary = build_dictionary(["asa", "stroke", "x"], ["Aspirin", "Stroke", "MI"], TEXT)
    (doubt,) = doubts_about(dictionary, pa.array(["Stroke", "aspirin", "Aspirin", "the"]), TEXT)
    assert doubt.startswith("1 of the dictionary's concepts are other words than those of the text")
    assert "'Aspirin'" in doubt
    assert not doubts_about(dictionary, pa.array(["MI", "Aspirin"]), TEXT)
    (doubt,) = doubts_about(dictionary, pa.array(["aspirin", "the"]), TEXT)
    assert doubt.startswith("no concept of the dictionary is in the vocabulary")


def test_forms_that_cannot_be_found_are_told() -> None:
    dictionary = build_dictionary(["St. John's wort", "+++", "wort", "Dr. Smith"], ["H", "P", "W", "S"], TEXT)
    empty, broken = dictionary.doubts
    assert empty == "1 forms of the dictionary have no word, as text is read, and are left out: '+++'"
    assert broken.startswith("2 forms of the dictionary hold the end of a sentence")
    assert "'St. John's wort', 'Dr. Smith'" in broken
    with pytest.raises(InputError, match=r"the form 'xxx.*\.\.\.' has a word of more than 4096 bytes"):
        build_dictionary([f"{'x' * 5000} attack"], ["LONG"], TEXT)


def test_long_ways_end() -> None:
    names = [f"c{n}" for n in range(20_000)]
    assert set(concepts(names[:-1], names[1:]).values()) == {names[-1]}


def test_the_order_of_lines_means_nothing() -> None:
    lines = [("MI", "heart attack"), ("infarct", "heart_attack"), ("heart attack", "HA")]
    for order in itertools.permutations(lines):
        forms, names = zip(*order, strict=True)
        assert concepts(list(forms), list(names)) == {"mi": "HA", "infarct": "HA", "heart attack": "HA"}


def test_kmers_have_no_dictionary() -> None:
    with pytest.raises(ConfigError, match="sequences have no words"):
        Config.from_dict({"text": {"tokenizer": "kmer", "dictionary": "d.tsv"}})


def test_bytes(tmp_path: Path) -> None:
    dictionary = build_dictionary(["a b"], ["C"], TEXT)
    directory = Directory.open(str(tmp_path))
    directory.write_bytes("dictionary.parquet", dictionary.to_bytes())
    assert Dictionary.read(directory).table.equals(dictionary.table)
    directory.write_bytes("dictionary.parquet", b"PAR1")
    with pytest.raises(StoreError, match=r"dictionary\.parquet"):
        Units.read(directory)


def test_vector_of() -> None:
    dictionary = build_dictionary(["Heart attack", "MI", "rare thing"], ["infarct", "infarct", "rare"], TEXT)
    vectors = KeyedVectors(["the", "infarct"], np.eye(2, 3, dtype=np.float32), forms=ConceptForms(dictionary.table))
    for asked in (vectors, copy.deepcopy(vectors)):
        word, form, no_concept, nothing = map(asked.vector_of, ("the", " heart  ATTACK", "rare thing", "unknown"))
        assert (word.source, word.word) == ("word", "the")
        assert (form.source, form.word) == ("dictionary", "infarct")
        np.testing.assert_array_equal(form.vector, vectors["infarct"])
        assert no_concept == nothing == (None, None, None)
    as_it_is = ConceptForms(dictionary.table, lowers=False)
    assert as_it_is.find("Heart  attack") == as_it_is.find("heart attack") == "infarct"
    assert as_it_is.find("HEART attack") is None
    assert KeyedVectors(["new_york", "a"], np.eye(2)).vector_of("new york")[1:] == ("word", "new_york")
    assert KeyedVectors(["a", "b"], np.eye(2)).vector_of("c").source is None
