import pickle

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.naive import tokenizer as naive
from w2v_spark.config import Apostrophes, Normalize, Sentences, TextConfig, Tokenizer
from w2v_spark.text.analyzer import build_analyzer
from w2v_spark.text.words import MAX_WORD_BYTES, NEW_DOCUMENT, SAME

SETTINGS = st.fixed_dictionaries(
    {
        "tokenizer": st.sampled_from([Tokenizer.UNICODE, Tokenizer.WHITESPACE]),
        "normalize": st.sampled_from(Normalize),
        "lowercase": st.sampled_from([True, False, "auto"]),
        "apostrophes": st.sampled_from(Apostrophes),
        "sentences": st.sampled_from(Sentences),
    }
)


def read(documents, **config):
    """Each document's sentences of words, as the scanner sees them, and the analyzer with what it has seen."""
    analyzer = build_analyzer(TextConfig(**config))
    array = documents if isinstance(documents, pa.Array) else pa.array(documents, pa.binary())
    result = [[] for _ in range(len(array))]
    for words in analyzer.words(array):
        text = words.text.tobytes()
        for i in range(len(words)):
            sentences = result[words.documents[i]]
            assert (words.breaks[i] == NEW_DOCUMENT) == (sentences == [])
            if words.breaks[i] != SAME:
                sentences.append([])
            sentences[-1].append(text[words.offsets[i] : words.offsets[i + 1]].decode())
    return result, analyzer


def words_of(text, **config):
    """The words of one document."""
    return [word for sentence in read([text.encode()], **config)[0][0] for word in sentence]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One two. Three four!", [["one", "two"], ["three", "four"]]),
        ("It is 3.14 at example.com today", [["it", "is", "3.14", "at", "example.com", "today"]]),
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
    assert read([text.encode()])[0] == [expected]


def test_options():
    assert read([b"Don't. Stop\nNow"], lowercase=False, apostrophes=Apostrophes.KEEP)[0] == [
        [["Don't"], ["Stop", "Now"]]
    ]
    assert read([b"One. Two\nthree"], sentences=Sentences.LINE)[0] == [[["one", "two"], ["three"]]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("من می\u200cخواهم کتاب\u200cها را", ["من", "می\u200cخواهم", "کتاب\u200cها", "را"]),
        ("کتاب\u200c‌ ها\u200c", ["کتاب", "ها"]),  # at the end of a word it means nothing
        ("क्\u200dष र\u200d्य അവന്\u200d", ["क्\u200dष", "र\u200d्य", "അവന്\u200d"]),
        ("Donau\u00addampf\u00adschiff Auf\u200clage non\u2060break \ufeffbom\u202c", None),
        ("I ❤\ufe0f you ☀\ufe0f, 👍🏽 me", ["i", "you", "me"]),
        ("text ´ \u0300 text\u0301\n\u0301word", ["text", "text\u0301", "word"]),
        ("\u3164 \u115f a\u3164b \u200b zero\u200bwidth", ["ab", "zero", "width"]),
        ("a\ufe0f b\U000e0101c\u034f", ["a", "bc"]),
        ("col·lecció ＡＢ：Ｃ", ["col·lecció", "ａｂ：ｃ"]),
        ('צה"ל "שלום" 5"', ['צה"ל', "שלום", "5"]),
        ("Ⅷ Ⓐ ⅷ ½", ["ⅷ", "ⓐ", "ⅷ"]),
        ("١٬٢٣٤٫٥ 1\u20442", ["١٬٢٣٤٫٥", "1\u20442"]),
        ("ab‿cd ‿ef‿ ‿", ["ab‿cd", "ef"]),
        ("東京タワー人々123ab สวัสดี๕x", ["東京タワー人々", "123ab", "สวัสดี", "๕x"]),
        ("10\u202f000 non\u202f!", ["10", "000", "non"]),
        (
            "U.S. e.g. 1,000.50 3:1 k:a a.1 1.a end.",
            ["u.s", "e.g", "1,000.50", "3", "1", "k:a", "a", "1", "1", "a", "end"],
        ),
        ("new_york __init__ _very_ ___ a._b x_1_.", ["new_york", "init", "very", "a", "b", "x_1"]),
        ("a..b a.,b 1;2 a;b a.\u00adb a\u00ad.\u0301b", ["a", "b", "a", "b", "1;2", "a", "b", "a.b", "a.\u0301b"]),
        ("dogsʼ ʼ", ["dogsʼ", "ʼ"]),
        ("كتاب\u06dd \u06dd \u0600٤", ["كتاب", "٤"]),
    ],
)
def test_word_boundaries_follow_unicode(text, expected):
    assert words_of(text) == (expected or ["donaudampfschiff", "auflage", "nonbreak", "bom"])


@pytest.mark.parametrize("text", ["п'ять п’ять п＇ять", "a' 'b ' c''d ‘e’"])
def test_apostrophes_are_kept_or_split_by_the_setting(text):
    kept = {"п": ["п'ять", "п’ять", "п＇ять"], "a": ["a", "b", "c", "d", "e"]}[text[0]]
    assert words_of(text, apostrophes=Apostrophes.KEEP) == kept
    assert words_of(text) == {"п": ["п", "ять"] * 3, "a": ["a", "b", "c", "d", "e"]}[text[0]]


def test_normal_forms():
    text = "cafe\u0301 \u212bngström ﬁn ４２ H\u0331a \u1100\u1161\u11a8 q\u0307\u0323 а\u0301"
    composed = ["café", "ångström", "ﬁn", "４２", "\u1e96a", "각", "q\u0323\u0307", "а\u0301"]
    assert words_of(text) == composed
    assert words_of(text, normalize=Normalize.NFKC) == [*composed[:2], "fin", "42", *composed[4:]]
    assert words_of(text, normalize=Normalize.NONE) == text.replace("\u212b", "å").lower().split()


def test_only_what_has_to_be_is_normalised(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "w2v_spark.text.analyzer.normalize_documents",
        lambda text, starts, found, _: (text, (seen.append(found.tolist()), starts)[1]),
    )
    fine = ["plain " * 20, "naïve Ёлка र्य ড় बाংলা বাংলা কো עִבְרִית аа\u0301 각 ấ", "e", "", "“quoted” – …"]
    read(pa.array([*fine, "e\u0301", "x" * 40 + "e\u0301", "\u1100\u1161", "q\u0307\u0323", "\u212b"]))
    assert seen == [[False] * len(fine) + [True] * 5]


def test_what_is_not_utf8_stays_where_a_document_is_normalised():
    result, analyzer = read([b"e\xcc\x81 caf\xe9 \xed\xa0\x80 o\xcc\x81", b"\xcc"])
    assert result == [[["é", "caf", "ó"]], []]
    assert (analyzer.seen.invalid_utf8, analyzer.seen.invalid_bytes) == (5, 5)
    assert analyzer.seen.bytes == 17


def test_long_documents_are_normalised_in_pieces():
    text = " ".join(["cafe\u0301 x\u0301" + " naïve" * 1000] * 1000).encode()
    parts = build_analyzer(TextConfig()).words(pa.array([text], pa.binary()))
    found = b"".join(words.text[: words.offsets[-1]].tobytes() for words in parts)
    expected = ("caféx\u0301" + "naïve" * 1000) * 1000
    assert len(text) > 7_000_000
    assert found.decode() == expected


def test_white_space_is_all_that_separates():
    text = "-1 c++ New_York\u00a0Hund_NN\tStraße. e\u0301\n\n don't\u3000\ue000 \U0001fae8\U0001f3fd\x1f\ufe0f"
    lines = [
        ["-1", "c++", "New_York", "Hund_NN", "Straße.", "é"],
        ["don't", "\ue000", "\U0001fae8\U0001f3fd", "\ufe0f"],
    ]
    assert read([text.encode()], tokenizer=Tokenizer.WHITESPACE)[0] == [lines]
    assert lines == [line.split() for line in text.replace("e\u0301", "é").split("\n") if line]
    assert words_of("Ab İ", tokenizer=Tokenizer.WHITESPACE, lowercase=True) == ["ab", "i̇"]


def test_invalid_utf8_separates_and_is_counted():
    result, analyzer = read([b"caf\xe9 ol\xc3\xa9 \xff\xfe x\xe2\x82", b"\xed\xa0\x80"])
    assert result == [[["caf", "olé", "x"]], []]
    expected = b"caf\xe9 ol\xc3\xa9 \xff\xfe x\xe2\x82".decode(errors="replace").count("\ufffd") + 3
    assert analyzer.seen.invalid_utf8 == expected
    assert (analyzer.seen.bytes, analyzer.seen.invalid_bytes) == (19, 8)


def test_overlong_words_are_dropped_and_counted():
    longest, longer = b"a" * MAX_WORD_BYTES, b"b" * 100_000
    result, analyzer = read([b"x " + longest + b" " + longer + b" y"])
    assert result == [[["x", longest.decode(), "y"]]]
    assert analyzer.seen.overlong_words == 1


def test_documents_longer_than_the_buffers():
    words = [f"w{i}" for i in range(700_000)]
    result, analyzer = read([" ".join(words).encode(), b"second one"])
    assert result == [[words], [["second", "one"]]]
    assert analyzer.seen.documents == 2


def test_null_and_empty_documents_keep_their_place():
    texts = [None, "", "a b", None, "c", "", None]
    expected = [[], [], [["a", "b"]], [], [["c"]], [], []]
    for kind in (
        pa.string(),
        pa.large_string(),
        pa.binary(),
        pa.large_binary(),
        pa.dictionary(pa.int32(), pa.string()),
    ):
        result, analyzer = read(pa.array(texts, pa.string()).cast(kind))
        assert result == expected
        assert analyzer.seen.documents == 4
    lists = pa.array([None if text is None else text.split() for text in texts], pa.list_(pa.string()))
    assert read(lists)[0] == read(lists.cast(pa.large_list(pa.string())))[0] == expected
    assert read(pa.array([], pa.string()))[0] == read(lists.slice(0, 0))[0] == []


def test_sliced_arrays_are_read_from_their_offset():
    assert read(pa.array(["no", "yes yes", None, "also", "no"]).slice(1, 3))[0] == [[["yes", "yes"]], [], [["also"]]]


def test_ready_words_are_taken_as_they_are():
    column = pa.array([["New York", "Is"], [], None, [None, "", "big"], ["x" * 5000], ["Don't"]], pa.list_(pa.string()))
    result, analyzer = read(column)
    assert result == [[["New York", "Is"]], [], [], [["big"]], [], [["Don't"]]]
    assert (analyzer.seen.overlong_words, analyzer.seen.bytes) == (1, 5018)
    assert read(column.slice(3))[0] == [[["big"]], [], [["Don't"]]]


def test_ready_words_that_are_not_utf8_are_replaced_and_counted():
    offsets, text = pa.array([0, 4, 6], pa.int32()), b"caf\xe9ok"
    words = pa.Array.from_buffers(pa.string(), 2, [None, offsets.buffers()[1], pa.py_buffer(text)])
    result, analyzer = read(pa.ListArray.from_arrays(pa.array([0, 2], pa.int32()), words))
    assert result == [[["caf\ufffd", "ok"]]]
    assert (analyzer.seen.invalid_utf8, analyzer.seen.invalid_bytes, analyzer.seen.bytes) == (1, 1, 6)


def test_unusable_ready_words_are_kept_as_empty_ones_where_they_are_asked_for():
    column = pa.array([[None, "a"], None, ["", "x" * 5000, "b"]], pa.list_(pa.string()))
    (words,) = build_analyzer(TextConfig()).words(column, keep_unusable=True)
    assert words.text.tobytes() == b"ab"
    assert words.offsets.tolist() == [0, 0, 1, 1, 1, 2]
    assert words.documents.tolist() == [0, 0, 2, 2, 2]


def test_a_copy_of_an_analyzer_has_seen_nothing_and_reads_alike():
    result, analyzer = read([b"Cafe\xcc\x81 one"])
    copy = pickle.loads(pickle.dumps(analyzer))  # noqa: S301 - as Spark sends it to the executors
    (words,) = copy.words(pa.array(["Cafe\u0301 one"]))
    assert words.text.tobytes()[: words.offsets[-1]].decode() == "".join(result[0][0])
    assert (analyzer.seen.documents, copy.seen.documents, copy.seen.bytes) == (1, 1, 10)


ALPHABET = st.sampled_from(
    [
        *"aAbZ09 .!?\n\t'\"’”)(…,;:-_ΣσςàÀİßǅⱥȺ東カひーगा्ىبשกʼⅧⓐ·‿。！१ًँ्0\u2028\u2029\x85\f\x00\u200c\u200d\u00ad\u200b",
        *"\u06dd\ufe0f\u2060\u180e\u3164\u0301\u0323\u0308\u202f\u0331\u1100\u1161\u11a8HTİͅ🏽❤",
        "\U0001d400",
        "\U00010400",
    ]
)
TEXTS = st.text(ALPHABET | st.characters(), max_size=40)


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.sampled_from([True, False]), st.booleans(), st.booleans())
@example("Σ.Σ ΑΣ'Σ", True, True, False)
@example("a ʼ", True, True, False)
def test_equals_the_naive_twin(text, lowercase, keep, by_line):
    data = text.encode("utf-8", "surrogatepass")
    got, _ = read(
        [data],
        normalize=Normalize.NONE,
        lowercase=lowercase,
        apostrophes=Apostrophes.KEEP if keep else Apostrophes.SPLIT,
        sentences=Sentences.LINE if by_line else Sentences.PUNCTUATION,
    )
    assert got == [naive.tokenize(data, lowercase, keep, by_line)]


@settings(max_examples=300, deadline=None)
@given(TEXTS.filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)), st.sampled_from(["NFC", "NFKC"]))
@example("H\u0331 Ϊ\u0301 \u1fba\u0345", "NFC")
def test_normalised_text_equals_the_naive_twin(text, form):
    """Words are in normal form, in lower case too."""
    got, _ = read([text.encode()], normalize=Normalize(form.lower()))
    assert got == [naive.tokenize(text.encode(), form=form)]


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.booleans())
def test_white_space_equals_the_naive_twin(text, lowercase):
    data = text.encode("utf-8", "surrogatepass")
    got, _ = read([data], tokenizer=Tokenizer.WHITESPACE, normalize=Normalize.NONE, lowercase=lowercase)
    assert got == [naive.split_at_white_space(data, lowercase)]


@settings(max_examples=500, deadline=None)
@given(st.lists(TEXTS | st.builds(lambda text, times: text * times, TEXTS, st.integers(1, 300)), max_size=4), SETTINGS)
@example(["ʼ"], {"apostrophes": Apostrophes.KEEP})
def test_every_setting_ends_and_takes_its_own_words_as_they_are(texts, config):
    """Whatever the setting: a word, read again, is that word."""
    documents, _ = read([text.encode("utf-8", "surrogatepass") for text in texts], **config)
    words = [word for sentences in documents for sentence in sentences for word in sentence]
    again, _ = read([word.encode() for word in words], **config)
    assert again == [[[word]] for word in words]
    assert all(word.strip() for word in words)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_decode_as_python_decodes_them(data):
    text = data.decode("utf-8", "replace")
    (got,), analyzer = read([data], normalize=Normalize.NONE)
    assert got == naive.tokenize(text.encode())
    assert analyzer.seen.invalid_utf8 == text.count("\ufffd") - data.count("\ufffd".encode())
    assert analyzer.seen.invalid_bytes == len(data) - len(data.decode(errors="ignore").encode())
