"""Tokenizers that users bring: what they may give, and what is said where it is wrong."""

from __future__ import annotations

import itertools
import pickle
import re
import sys
import types
from importlib import metadata

import pyarrow as pa
import pytest

from w2v_spark.config import Config, TextConfig
from w2v_spark.errors import ConfigError, InputError
from w2v_spark.text import user_tokenizer
from w2v_spark.text.analyzer import build_analyzer
from w2v_spark.text.user_tokenizer import load_tokenizer, other_tokenizer, tokenizer_versions
from w2v_spark.text.words import NEW_DOCUMENT, NEW_SENTENCE, SAME

CALLS = itertools.count()


def letters(texts):
    return [re.findall(r"\w", text) for text in texts]


def sentences(texts):
    return [[part.split() for part in text.split(".")] for text in texts]


MINE = types.SimpleNamespace(
    letters=letters,
    sentences=sentences,
    nothing=lambda texts: [[] for _ in texts],
    raises=lambda texts: [[1 // (text != "bad")] for text in texts],
    numbers=lambda texts: [[len(text)] for text in texts],
    none=lambda texts: [None for _ in texts],
    string=list,
    fewer=lambda texts: letters(texts)[1:],
    generator=lambda texts: (each for each in letters(texts)),
    surrogate=lambda texts: [["\ud800"] for _ in texts],
    differs=lambda texts: [[f"{next(CALLS)}"] for _ in texts],
    long=lambda texts: [["x" * 5000, "", "y"] for _ in texts],
    not_a_function=3,
)


@pytest.fixture(autouse=True)
def module(monkeypatch, tmp_path):
    """A module of the user's."""
    made = types.ModuleType("my_words")
    vars(made).update(vars(MINE))
    made.__file__ = str(tmp_path / "my_words.py")
    (tmp_path / "my_words.py").write_text("first")
    monkeypatch.setitem(sys.modules, "my_words", made)
    load_tokenizer.cache_clear()
    yield made
    load_tokenizer.cache_clear()


def read(name, documents, **config):
    """Each document's sentences of words, and the analyzer."""
    text = Config.from_dict({"text": {"tokenizer": f"my_words:{name}", **config}}).text
    analyzer = pickle.loads(pickle.dumps(build_analyzer(text)))  # noqa: S301 - our own
    column = documents if isinstance(documents, pa.Array) else pa.array(documents)
    result = [[] for _ in range(len(column))]
    for words in analyzer.words(column):
        text = words.text.tobytes()
        for i in range(len(words)):
            own = result[words.documents[i]]
            assert (words.breaks[i] == NEW_DOCUMENT) == (not own)
            assert words.breaks[i] in (SAME, NEW_SENTENCE, NEW_DOCUMENT)
            if words.breaks[i] != SAME:
                own.append([])
            own[-1].append(text[words.offsets[i] : words.offsets[i + 1]].decode())
    return result, analyzer


def test_a_list_of_words_is_a_sentence_and_a_list_of_lists_is_several():
    assert read("letters", ["ab. c", None, "", "d"])[0] == [[["a", "b", "c"]], [], [], [["d"]]]
    assert read("sentences", ["a b. c", "d"])[0] == [[["a", "b"], ["c"]], [["d"]]]
    assert read("nothing", ["a b"])[0] == [[]]


def test_lines_are_texts_of_their_own_where_sentences_are_lines():
    assert read("letters", ["ab\nc\n\nd"], sentences="line")[0] == [[["a", "b"], ["c"], ["d"]]]


def test_many_texts_are_handed_on_in_parts_and_stay_one_document():
    lines = "\n".join(["ab"] * 2500)
    found, _ = read("letters", [lines, lines], sentences="line")
    assert found == [[["a", "b"]] * 2500] * 2


def test_text_is_normalised_before_and_lower_cased_after():
    assert read("letters", ["e\u0301A"])[0] == [[["é", "A"]]]
    assert read("letters", ["e\u0301A"], lowercase=True)[0] == [[["é", "a"]]]
    assert read("letters", ["ﬁ"], normalize="nfkc")[0] == [[["f", "i"]]]


def test_what_was_seen_is_counted():
    _, analyzer = read("long", pa.array([b"a\xffb", None, b"c"]))
    seen = analyzer.seen
    assert (seen.documents, seen.bytes, seen.invalid_utf8, seen.invalid_bytes, seen.overlong_words) == (2, 4, 1, 1, 2)


def test_lists_of_words_are_taken_as_they_are():
    assert read("letters", pa.array([["New York", "b"]]))[0] == [[["New York", "b"]]]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises", "'my_words:raises' raises ZeroDivisionError: integer division or modulo by zero, for the document"),
        ("numbers", "gives 3, a int, among the words"),
        ("none", "gives None instead of a list of words"),
        ("string", "gives 'bad' instead of a list of words"),
        ("fewer", "gives 0 results for 1 texts"),
        ("generator", "gives a generator for 1 texts"),
        ("surrogate", "half a surrogate pair"),
        ("differs", "gives other words for the same text when it is asked again"),
    ],
)
def test_what_is_wrong_is_said_with_the_document(name, said):
    with pytest.raises(InputError) as error:
        read(name, ["bad"])
    assert said in str(error.value)
    assert "'bad'" in str(error.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("whitspace", "did you mean 'whitespace'?"),
        ("no_such_module:words", "no_such_module cannot be imported"),
        ("my_words:leters", "has no such function, did you mean 'letters'?"),
        ("my_words:not_a_function", "has a int of that name, not a function"),
        ("", "expected one of 'unicode'"),
    ],
)
def test_a_tokenizer_that_is_not_there_is_said_before_anything_is_read(name, said):
    with pytest.raises(ConfigError) as error:
        build_analyzer(Config.from_dict({"text": {"tokenizer": name}}).text)
    assert "text.tokenizer" in str(error.value)
    assert said in str(error.value)


def test_entry_points_have_names(monkeypatch):
    point = metadata.EntryPoint("mine", "my_words:letters", user_tokenizer.GROUP)
    monkeypatch.setattr(user_tokenizer.metadata, "entry_points", lambda group: [point])
    assert load_tokenizer("mine").tokenize(["ab"]) == [["a", "b"]]


def test_another_version_of_a_tokenizer_is_told(module, tmp_path):
    config = TextConfig(tokenizer="my_words:letters")
    recorded = tokenizer_versions(config)
    assert list(other_tokenizer(config, recorded)) == []
    (tmp_path / "my_words.py").write_text("second")
    (warning,) = other_tokenizer(config, recorded)
    assert recorded["my_words"] in warning
    assert "train again" in warning
    assert "another one" in next(other_tokenizer(config, {}))
    assert list(other_tokenizer(TextConfig(), {})) == []


def test_icu_cuts_scripts_without_blanks():
    pytest.importorskip("icu4py")
    analyzer = build_analyzer(TextConfig(tokenizer="icu"))
    column, found = pa.array(["我喜欢自然语言处理。今天天气很好。", "ฉันรักภาษาไทย", "Don't STOP, 2.5!"]), []
    for words in analyzer.words(column):
        text = words.text.tobytes()
        found += [text[a:b].decode() for a, b in itertools.pairwise(words.offsets)]
    assert found[:5] == ["我", "喜欢", "自然", "语言", "处理"]
    assert found[-5:-3] == ["ภาษา", "ไทย"] or "ภาษา" in found
    assert found[-3:] == ["don't", "stop", "2.5"]
    assert tokenizer_versions(TextConfig(tokenizer="icu")) == {"icu4py": metadata.version("icu4py")}
