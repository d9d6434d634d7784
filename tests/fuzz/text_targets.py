"""Text, configuration, and the files of test sets."""

from __future__ import annotations

import itertools
import json
from functools import cache

import pyarrow as pa

from tests.fuzz.target import Target, place
from w2v_spark.config import Config, TextConfig
from w2v_spark.config.choices import Apostrophes, Normalize, Sentences, Tokenizer
from w2v_spark.config.reading import preset_names, read_file
from w2v_spark.evaluation.analogies import read_analogies
from w2v_spark.evaluation.bootstrap import Difference
from w2v_spark.evaluation.categories import read_categories
from w2v_spark.evaluation.gates import Measured, known_measures, parse_gates
from w2v_spark.evaluation.outliers import read_outliers
from w2v_spark.evaluation.pair_files import read_pairs
from w2v_spark.evaluation.rnd import read_rnd
from w2v_spark.evaluation.weat import read_weat
from w2v_spark.locations import resolve
from w2v_spark.text.analyzer import Analyzer, build_analyzer

_OWN = (Tokenizer.UNICODE, Tokenizer.WHITESPACE)
_SETTINGS = list(itertools.product(_OWN, Normalize, (False, True), Apostrophes, Sentences))
_KINDS = (pa.binary(), pa.large_binary(), pa.string(), pa.list_(pa.string()))
_DOCUMENT = b"\x1e"


@cache
def _analyzer(number: int) -> Analyzer:
    tokenizer, normalize, lowercase, apostrophes, sentences = _SETTINGS[number]
    return build_analyzer(
        TextConfig(
            tokenizer=tokenizer, normalize=normalize, lowercase=lowercase, apostrophes=apostrophes, sentences=sentences
        )
    )


def tokenize(data: bytes) -> None:
    """Two bytes choose the settings and the type of the column; documents stand between record separators."""
    head, documents = data[:2].ljust(2, b"\0"), data[2:].split(_DOCUMENT)
    kind = _KINDS[head[1] % len(_KINDS)]
    if kind == pa.string():
        column = pa.array([document.decode("utf-8", "replace") for document in documents], kind)
    elif pa.types.is_list(kind):
        column = pa.array([document.decode("utf-8", "replace").split("\n") for document in documents], kind)
    else:
        column = pa.array([None if document == b"\0" else document for document in documents], kind)
    for words in _analyzer(head[0] % len(_SETTINGS)).words(column):
        text = bytes(words.text[: words.offsets[-1]])
        for start, stop in itertools.pairwise(words.offsets.tolist()):
            word = text[start:stop].decode()  # UTF-8, whatever came in
            assert word, "an empty word"
        assert len(words.breaks) == len(words.documents) == len(words.offsets) - 1


def _texts() -> list[bytes]:
    texts = [
        "The quick brown fox. It's a dog's life!\n\nRock 'n' roll, 3.14 and 1,000\t_x_ a.b@c.de",
        "Ça va? Straße, İstanbul, ΣΊΣΥΦΟΣ, ﬁne ①② e\u0301 \u1e9b\u0323 가각힣 \u1100\u1161\u11a8",
        "日本語 カタカナ ｶﾞ ไทย नमस्ते שלום \u05d0\u05b8 مَرْحَبًا \u200d👩\u200d👩\u200d👧 🇩🇪🇫🇷",
        "a\u00adb\u200bc\ufeffd\u2028e\u2029f\x85g\x0bh\x0ci\r\nj\rk",
        "x" * 300 + " " + "é" * 200 + _DOCUMENT.decode() + " " * 50,
    ]
    plain = [bytes([number, number]) + text.encode() for number, text in enumerate(texts * 9)]
    return [*plain, b"\x01\x00\xff\xfe a\xc3\x28 \xed\xa0\x80 \xf5\x90\x80\x80 \xe2\x82", b"\x02\x01\x00" + _DOCUMENT]


def configure(data: bytes) -> None:
    """A file of settings, or what is set in place of a key; what is accepted is written and read again."""
    if data[:1] == b"\x01":
        config = Config.load(None, [data[1:].decode("utf-8", "replace")])
    elif data[:1] == b"\x02":
        try:
            values = json.loads(data[1:])
        except (ValueError, RecursionError):
            return
        if not isinstance(values, dict):
            return
        config = Config.from_dict(values)
    else:
        config = Config.load(place("config.toml", data[1:]))
    assert Config.load(place("again.toml", config.to_toml().encode())) == config
    assert Config.from_dict(config.to_dict()) == config


def _configurations() -> list[bytes]:
    presets = [read_file(name) for name in preset_names()]
    overrides = [f"{s}.{k}={json.dumps(v)}" for s, keys in Config().to_dict().items() for k, v in keys.items()]
    return [
        b"\0" + Config().to_toml().encode(),
        *(b"\x02" + json.dumps(values).encode() for values in [*presets, Config().to_dict()]),
        *(b"\x01" + override.encode() for override in overrides),
        b"\0[train]\nsample = 1979-05-27T07:32:00+12:00\nepochs = 0x7fffffffffffffff\nseed = [[[{a=1}]]]\n",
        b'\0"train".epochs = 1\ntrain."sample" = 1e308\ntext = {column = """\\u0000"""}\n',
    ]


_PAIRS = [
    b"tiger\tcat\t7.35\ntiger\ttiger\t10.00\n# note\nbook\tpaper\t7.46\n",
    b"Word 1,Word 2,Human (mean)\nlove,sex,6.77\ntiger,cat,7.35\n",
    b"word1;word2;POS;SimLex999\nold;new;A;1,58\nsmart;intelligent;A;9,2\n",
    b"sun-n sunlight-n 50.0\nauto-n car-n 50.0\n",
    b'"","word1","word2","score"\n"1","a","b",2.5\n"2","c","d",3\n',
    b"\xef\xbb\xbf1\ta\tb\t0.5\r\n2\tc\td\t0.25\r\n",
    b"word1\tword2\tPOS\trelation\tscore\na\tb\tV\tSYN\t1\nc\td\tV\tNONE\t2\n",
]
_ANALOGIES = [
    b": capital-common-countries\nAthens Greece Baghdad Iraq\nAthens Greece Bangkok Thailand\n",
    b"// licence\n: gram1\nnew york\tnew york times\tboston\tboston globe\n: empty\n",
]


def read_pair_file(data: bytes) -> None:
    """Word pairs with a score."""
    delimiter = {1: ";", 2: "\t", 3: ",,", 4: "\0"}.get(data[0]) if data else None
    pairs = read_pairs(place("pairs.txt", data[1:]), delimiter, "latin-1" if data[:1] > b"\xf0" else "utf-8")
    assert all(first and second for first, second, _ in pairs.pairs)


def read_analogy_file(data: bytes) -> None:
    """Questions of four words."""
    assert any(section.questions for section in read_analogies(place("questions.txt", data)))


_WORD_SETS = [
    b'{"X": ["a", "b", "c", "d"], "Y": ["e", "f", "g", "h"], "A": ["i", "j"], "B": ["k", "l"]}',
    b'[{"name": "n", "X": {"t": ["a", "b"]}, "A": ["e", "f", "g", "h"], "B": ["i", "j", "k", "l"]}]',
    b'{"targ1": {"category": "T", "examples": ["a", "b", "c", "d"]}, "targ2": ["e", "f", "g", "h"],\n'
    b'"attr1": ["i", "\\u00e9"], "attr2": ["k", "l"]}',
]


def read_word_lists(data: bytes) -> None:
    """Words with categories, or groups of words with outliers."""
    file = place("words.txt", data[1:])
    if data[:1] == b"\0":
        assert len({category for _, category in read_categories(file).words}) > 1
    else:
        assert all(len(topic.group) > 1 and topic.outliers for topic in read_outliers(file))


def read_association_file(data: bytes) -> None:
    """Sets of words in JSON; what is accepted can be in a report."""
    file = place("sets.json", data[1:])
    for test in read_weat(file) if data[:1] == b"\0" else read_rnd(file):
        json.dumps([test.name, test.labels, test.words], ensure_ascii=False).encode()


def locate(data: bytes) -> None:
    """A path or URI."""
    text = data.decode("utf-8", "surrogateescape")
    if "\0" not in text:  # no system gives a program an argument with a NUL in it
        resolve(text)


def gate(data: bytes) -> None:
    """A condition; what is accepted gives a verdict that JSON holds."""
    known = known_measures(["questions"], ["pairs"])
    for each in parse_gates([data.decode("utf-8", "surrogateescape")], known):
        verdict = each.decide(Measured(0.5, 0.25, Difference(0.5, 0.25, 0.01, (0.2, 0.3), 10)), True)
        json.dumps(verdict.to_dict(), allow_nan=False)


TARGETS = {
    "gates": Target(
        lambda: [
            b"analogies >= 0.50",
            b"pairs >= incumbent - 2 noise",
            b"tokens>=0.8 * incumbent",
            b"drift <= 4 noise",
            b"held_out_loss < 1e-3 incumbent+.5noise",
            b"overlap == 1",
        ],
        gate,
        (b"incumbent", b" noise", b">=", b"-", b"1e308", b"questions", b"vocabulary", b"finite"),
    ),
    "tokenizer": Target(_texts, tokenize, (b"'", "\u2019".encode(), "\u0301".encode(), b". ", b"\n\n", b"\x1e")),
    "configuration": Target(_configurations, configure, (b"=", b"[train]", b'"""', b"auto", b"{", b"[", b".", b"1e")),
    "pair-files": Target(lambda: [b"\0" + pairs for pairs in _PAIRS], read_pair_file, (b"\t", b";", b",", b'"', b"\n")),
    "analogies": Target(lambda: _ANALOGIES, read_analogy_file, (b": ", b"\t", b"// ", b"\n")),
    "word-lists": Target(
        lambda: [b"\0a\tx\nb\ty\nc y\n", b"\1# topic\nlion\ntiger\n\r\ncar\nMercedes_Benz\n"],
        read_word_lists,
        (b"\t", b"\n\n", b"#", b" "),
    ),
    "word-sets": Target(
        lambda: [(b"\0" if b'Y"' in sets or b"targ2" in sets else b"\1") + sets for sets in _WORD_SETS],
        read_association_file,
        (b'"X":', b'"A":', b'["a", "b"]', b"{", b"[", b"\\ud800", b"1e999", b"null"),
    ),
    "locations": Target(
        lambda: [b"s3a://b/x?y=1", b"file:/a%20b", b"~x/y", b"hdfs:/a", b"C:\\x", b"dbfs:/x", b"a@1"],
        locate,
        (b"://", b"~", b"%", b"file:", b"//"),
    ),
}
