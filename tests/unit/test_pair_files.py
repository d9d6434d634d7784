"""Files of word pairs as their authors publish them, and what cannot be understood."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from w2v_spark.errors import InputError
from w2v_spark.evaluation.pair_files import Pair, read_pairs

OLD: list[Pair] = [("old", "new", 1.58), ("smart", "intelligent", 9.2), ("hard", "difficult", 8.77)]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "p.txt"


@pytest.mark.parametrize("separator", ["\t", " ", ",", ", ", "   ", ";"])
def test_pairs_in_every_dress(path: Path, separator: str) -> None:
    rows = [
        ("Word 1" if separator != " " * len(separator) else "Word1", "Word2", "Human"),
        ("a", "b", "1.5"),
        ("c", "d", "2"),
    ]
    write(path, "# from somewhere\n\n" + "\r\n".join(separator.join(row) for row in rows) + "\r\n")
    assert read_pairs(path).pairs == (("a", "b", 1.5), ("c", "d", 2.0))


SIMLEX = """word1\tword2\tPOS\tSimLex999\tconc(w1)\tconc(w2)\tconcQ\tAssoc(USF)\tSimAssoc333\tSD(SimLex)
old\tnew\tA\t1.58\t2.72\t2.81\t2\t7.25\t1\t0.41
smart\tintelligent\tA\t9.2\t1.75\t2.46\t1\t7.11\t1\t0.67
hard\tdifficult\tA\t8.77\t3.76\t2.21\t2\t5.94\t1\t1.19
"""
SIMVERB = "".join(
    f"{first}\t{second}\tV\t{score}\t{relation}\n"
    for first, second, score, relation in [
        ("take", "remove", 6.81, "SYNONYMS"), ("walk", "trail", 4.81, "NONE"), ("feed", "starve", 1.49, "NONE"),
        ("shine", "polish", 7.8, "SYNONYMS"), ("calculate", "add", 5.98, "NONE"), ("occur", "happen", 9.3, "SYNONYMS"),
        ("carve", "cut", 7.0, "NONE"), ("go", "come", 2.4, "NONE"),
    ]
)  # fmt: skip


def dress(line: str, header: str = "", start: int = 1, comma: bool = False) -> str:
    """The three pairs, each as ``line`` shows it: %i is a number, %a and %b are the words, %s is the score."""
    lines = [header] if header else []
    for number, (first, second, score) in enumerate(OLD, start):
        values = {"%i": str(number), "%a": first, "%b": second, "%s": f"{score}".replace(".", "," if comma else ".")}
        lines.append(re.sub("%[iabs]", lambda match, values=values: values[match[0]], line))  # type: ignore[misc]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        (SIMLEX, "words in columns 1 (word1) and 2 (word2), score in column 4 (SimLex999); between tabs"),
        (
            dress("%a,%b,%s,%i,7,9", "Word 1,Word 2,Human (Mean),1,2,3"),
            "score in column 3 (Human (Mean)); between commas",
        ),
        (dress("%a,%b,%s", "Word 1,Word 2,Human (mean)"), "score in column 3 (Human (mean))"),
        (dress('"%a","%b",%s'), "score in column 3; between commas"),
        (dress('"%a";"%b";"%s"', '"word1";"word2";"score"', comma=True), "between semicolons; decimal commas"),
        (dress('"%a","%b","%s"', comma=True), "between commas; decimal commas"),
        (dress('"%a" "%b" %s'), "between spaces"),
        (dress("%a;%b;%s", comma=True), "score in column 3; between semicolons; decimal commas"),
        (dress("%a %b %s", comma=True), "between spaces; decimal commas"),
        (dress("%s\t%a\t%b"), "words in columns 2 and 3, score in column 1; between tabs"),
        (dress("%i %a %b %s", start=0), "index in column 1, words in columns 2 and 3, score in column 4"),
        (dress("%i,%a,%b,%s"), "index in column 1, words in columns 2 and 3, score in column 4"),
        (dress("%i,%a,%b,%s", ",word1,word2,similarity", 0), "index in column 1, words in columns 2 (word1)"),
        (dress("7%i;%a;%b;%s", "id;w1;w2;sim"), "index in column 1 (id), words in columns 2 (w1) and 3 (w2)"),
        (dress('"%i" "%a" "%b" %s', '"word1" "word2" "score"'), "index in column 1, words in columns 2 (word1)"),
        (dress("A %a %b %s %i", "pos word1 word2 rating sd"), "columns 2 (word1) and 3 (word2), score in column 4"),
        (dress("%a\t%b\t%s\t"), "words in columns 1 and 2, score in column 3"),
        ("\ufeff" + dress("%a\t%b\t%s"), "words in columns 1 and 2, score in column 3; between tabs"),
        (
            "\ufeff" + dress("%a\t%b\t%s\r\n", "# sets\r\n#"),
            "words in columns 1 and 2, score in column 3; between tabs",
        ),
    ],
)
def test_the_columns_are_found(path: Path, text: str, read_as: str) -> None:
    content = read_pairs(write(path, text))
    assert content.pairs == tuple(OLD)
    assert not content.tagged
    assert read_as in content.read_as


def test_labels_behind_the_words_are_passed_over(path: Path) -> None:
    content = read_pairs(write(path, SIMVERB))
    assert content.pairs[:2] == (("take", "remove", 6.81), ("walk", "trail", 4.81))
    assert len(content.pairs) == 8


def test_parts_of_speech_at_words_are_seen(path: Path) -> None:
    content = read_pairs(write(path, "sun-n sunlight-n 50.0\nbright-j shine-v 44.5\n"))
    assert content.pairs == (("sun-n", "sunlight-n", 50.0), ("bright-j", "shine-v", 44.5))
    assert content.tagged
    assert "part of speech" in content.read_as
    assert not read_pairs(write(path, "sun-n sunlight 50.0\nbright-j shine-v 44.5\n")).tagged


def test_items_may_be_numbers(path: Path) -> None:
    assert read_pairs(write(path, "17 4 0.5\n9 17 0.25\n")).pairs == (("17", "4", 0.5), ("9", "17", 0.25))
    named = write(path, "item1,item2,score,n\n17,4,.5,3\n9,17,.25,8\n")
    assert read_pairs(named).pairs == (("17", "4", 0.5), ("9", "17", 0.25))
    mixed = "cat 7 1.0\n7 8 2\n9 dog 3\n"
    assert len(read_pairs(write(path, mixed)).pairs) == 3


def test_words_may_have_spaces_and_separators(path: Path) -> None:
    assert read_pairs(write(path, '"New York, NY",city,9\n"say ""hi""",word,1\n')).pairs == (
        ("New York, NY", "city", 9.0),
        ('say "hi"', "word", 1.0),
    )
    assert read_pairs(write(path, "New York\tbig city\t9\n")).pairs == (("New York", "big city", 9.0),)


def test_a_quote_that_is_not_closed(path: Path) -> None:
    with pytest.raises(InputError, match=r"line 2: a field begins with a quote that is not closed, .* doubled within"):
        read_pairs(write(path, 'a\tb\t1\nto\t"\t5\n'))
    assert read_pairs(write(path, 'a\tb\t1\nto\t""""\t5\n')).pairs[1] == ("to", '"', 5.0)


def test_the_delimiter_and_the_encoding_can_be_given(path: Path) -> None:
    write(path, "a,b|c|1\né|f|2\n", "latin-1")
    assert read_pairs(path, "|", "latin-1").pairs == (("a,b", "c", 1.0), ("é", "f", 2.0))
    with pytest.raises(InputError, match="is not UTF-8"):
        read_pairs(path)
    with pytest.raises(InputError, match="unknown encoding"):
        read_pairs(path, encoding="latin-99")
    with pytest.raises(InputError, match="line 1"):
        read_pairs(path, "||", "latin-1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a b 1\nc d\n", "line 2: expected 3 fields"),
        ("a b 1\nc d e\n", "line 2"),
        ("a b\n", "line 1: expected two words and a number"),
        ("a b 1\nc d nan\n", "line 2"),
        ("a b nan\nc d 1\n", "line 1"),
        ("a b 1.5x\nc d 1\n", "line 1"),
        ("a b n/a\nc d 1\n", "line 1"),
        ("a b score\n", "no word pairs"),
        ("# only\n", "no word pairs"),
        ("", "no word pairs"),
        ("a\tb\t1\nc\t\t2\n", "line 2"),
        ("a\tb\t1\nc\td 2\ne\tf\t3\n", "line 2: expected 3 fields between tabs"),
        ('"a,b,1\nc,d,2\n', "line 1"),
        ("a;b;1,5\nc;d;2.5\n", "points and with commas"),
        ("a,b,3,94\nc,d,2,01\n", "which of columns 3, 4 is the score cannot be told; .*name the columns"),
        ("w1\tw2\tscore\tmean\na\tb\t1\t2\nc\td\t1\t3\n", r"which of columns 3 \(score\), 4 \(mean\)"),
        ("a\tb\t5.88\t7\t6\nc\td\t1\t2\t3\n", "which of columns 3, 4, 5"),
        ("N old new 1.5\n", "columns 1, 2, 3 hold text"),
        ("N old new 1.5\nN a b 2\nN c d 3\nN e f 4\nA g h 4\nA i j 4\nN k l 4\nN m n 1\n", "columns 1, 2, 3 hold text"),
        ("old new a gloss 1.5\nbad good other text 2\nup down third words 1\nx y more z 1\n", "columns 1, 2, 3, 4"),
        ("word 1 2 3\nother 2 3 4\nlast 4 5 6\n", "columns 1 hold text"),
        ("a\tb\tc\td\ne\tf\tg\th\n", "line 1: no column of numbers"),
        ("w1\tw2\tpos\trel\na\tb\tN\tx\n", "no column of numbers"),
        ("17 old new 1.5\n4 bad good 2\n", "which of columns 1, 4 is the score"),
    ],
)  # fmt: skip
def test_malformed_pairs(path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=rf"p\.txt.*{message}"):
        read_pairs(write(path, text))
