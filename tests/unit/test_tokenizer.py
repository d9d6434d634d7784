import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.naive import tokenizer as naive
from w2v_spark.config import Apostrophes, Sentences, TextConfig
from w2v_spark.text import unicode_tokenizer as tk


def sentences_of(documents, **config):
    """All documents' sentences of words, as the scanner sees them, and the tokenizer with its counters."""
    tokenizer = tk.Tokenizer(TextConfig(**config))
    result = []
    array = documents if isinstance(documents, pa.Array) else pa.array(documents, pa.binary())
    for words in tokenizer.words(array):
        text = words.text.tobytes()
        for i in range(len(words)):
            if words.breaks[i] == tk.NEW_DOCUMENT:
                result.append([])
            if words.breaks[i] != tk.SAME:
                result[-1].append([])
            result[-1][-1].append(text[words.offsets[i] : words.offsets[i + 1]].decode())
    return result, tokenizer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One two. Three four!", [["one", "two"], ["three", "four"]]),
        ("It is 3.14 at example.com today", [["it", "is", "3", "14", "at", "example", "com", "today"]]),
        ("He said “stop!” Then he left.", [["he", "said", "stop"], ["then", "he", "left"]]),
        ("approx. five apples. Six", [["approx", "five", "apples"], ["six"]]),
        ("a title\n\nand text\non two lines", [["a", "title"], ["and", "text", "on", "two", "lines"]]),
        ("東京。大阪", [["東京"], ["大阪"]]),
        ("naïve CAFÉ Straße", [["naïve", "café", "straße"]]),
        ("ΟΔΥΣΣΕΥΣ ΣΑΣ Σ", [["οδυσσευς", "σας", "σ"]]),
        ("İstanbul ȺB", [["i̇stanbul", "ⱥb"]]),
        ("don't 'quoted' rock'n'roll", [["don", "t", "quoted", "rock", "n", "roll"]]),
        ("wait... what", [["wait", "what"]]),
        ("wait... What", [["wait"], ["what"]]),
        ("", []),
        (" .!? \n\n", []),
    ],
)
def test_sentences(text, expected):
    result, _ = sentences_of([text.encode()])
    assert result == ([expected] if expected else [])


def test_options():
    assert sentences_of([b"Don't. Stop\nNow"], lowercase=False, apostrophes=Apostrophes.KEEP)[0] == [
        [["Don't"], ["Stop", "Now"]]
    ]
    assert sentences_of([b"One. Two\nthree"], sentences=Sentences.LINE)[0] == [[["one", "two"], ["three"]]]


def test_invalid_utf8_separates_and_is_counted():
    result, tokenizer = sentences_of([b"caf\xe9 ol\xc3\xa9 \xff\xfe x\xe2\x82", b"\xed\xa0\x80"])
    assert result == [[["caf", "olé", "x"]]]
    expected = b"caf\xe9 ol\xc3\xa9 \xff\xfe x\xe2\x82".decode(errors="replace").count("\ufffd") + 3
    assert tokenizer.invalid == expected


def test_overlong_words_are_dropped_and_counted():
    longest, longer = b"a" * tk.MAX_WORD_BYTES, b"b" * 100_000
    result, tokenizer = sentences_of([b"x " + longest + b" " + longer + b" y"])
    assert result == [[["x", longest.decode(), "y"]]]
    assert tokenizer.overlong == 1


def test_documents_longer_than_the_buffers():
    words = [f"w{i}" for i in range(700_000)]
    result, tokenizer = sentences_of([" ".join(words).encode(), b"second one"])
    assert result == [[words], [["second", "one"]]]
    assert tokenizer.documents == 2


def test_null_and_empty_documents():
    result, tokenizer = sentences_of(pa.array([None, "", "a b", None, "c"]))
    assert result == [[["a", "b"]], [["c"]]]
    assert tokenizer.documents == 3


def test_sliced_arrays_are_read_from_their_offset():
    result, _ = sentences_of(pa.array(["no", "yes yes", "also", "no"]).slice(1, 2))
    assert result == [[["yes", "yes"]], [["also"]]]


def test_ready_words_are_taken_as_they_are():
    column = pa.array([["New York", "Is"], [], None, [None, "", "big"], ["x" * 5000], ["Don't"]], pa.list_(pa.string()))
    result, tokenizer = sentences_of(column)
    assert result == [[["New York", "Is"]], [["big"]], [["Don't"]]]
    assert tokenizer.overlong == 1
    assert sentences_of(column.slice(3))[0] == [[["big"]], [["Don't"]]]


ALPHABET = st.sampled_from(
    [*"aAbZ09 .!?\n\t'\"’”)(…,;-_ΣσςàÀİßǅⱥȺ東。！१ًँ्0\u2028\u2029\x85\f\x00", "\U0001d400", "\U00010400"]
)


@settings(max_examples=500, deadline=None)
@given(st.text(ALPHABET | st.characters(), max_size=40), st.booleans(), st.booleans(), st.booleans())
@example("Σ.Σ ΑΣ'Σ", True, True, False)
def test_equals_the_naive_twin(text, lowercase, keep, by_line):
    data = text.encode("utf-8", "surrogatepass")
    got, _ = sentences_of(
        [data],
        lowercase=lowercase,
        apostrophes=Apostrophes.KEEP if keep else Apostrophes.SPLIT,
        sentences=Sentences.LINE if by_line else Sentences.PUNCTUATION,
    )
    expected = naive.tokenize(data, lowercase, keep, by_line)
    assert got == ([expected] if expected else [])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_decode_as_python_decodes_them(data):
    text = data.decode("utf-8", "replace")
    got, tokenizer = sentences_of([data])
    assert [w for d in got for s in d for w in s] == [text[a:b].lower() for a, b in naive.split_words(text, False)]
    assert tokenizer.invalid == text.count("\ufffd") - data.count("\ufffd".encode())
