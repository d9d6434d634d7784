"""The page about a model: what it says, that nothing in it is obeyed, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import fs

from tests.commands import import_vectors, report
from tests.unit.hostile import LONG, WITHOUT_BLANKS
from w2v_spark.config import Config
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.errors import StoreError
from w2v_spark.publishing.description import EncodedStatistics, ModelDescription, write_history
from w2v_spark.report.advice import advise
from w2v_spark.report.charts import LineChart, axis
from w2v_spark.report.content import Content
from w2v_spark.report.markup import LONGEST, brief, duration, percent, show_word
from w2v_spark.report.page import build_report
from w2v_spark.report.scales import Scale
from w2v_spark.report.words import cover, spread
from w2v_spark.storage import Directory
from w2v_spark.training.plan import Plan
from w2v_spark.vectors.table import write_vectors

VOID = {"meta", "br", "rect", "path", "circle", "polyline"}
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "nav", "a", "h1", "h2",
    "h3", "p", "dl", "dt", "dd", "div", "strong", "figure", "figcaption", "svg", "desc", "path", "text", "polyline",
    "circle", "rect", "details", "summary", "table", "thead", "tbody", "tr", "th", "td", "ul", "ol", "li", "b", "bdi",
    "span", "small",
}  # fmt: skip
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "שלום",
    "nul\x00\x1b[31m",
    LONG,
    *WITHOUT_BLANKS,
]
WORDS = list(dict.fromkeys(HOSTILE)) + [f"w{row}" for row in range(100)]
PLAN = Plan(shards=2, rounds=3, epochs=5, learning_rate=0.025, min_learning_rate=0.0001, sample=0.001)
COUNTED = CorpusStatistics(50, 500, 2_000_000, 4000, 0, 0, bytes=12_000_000)


class Page(HTMLParser):
    """Elements of a page, all closed in order, their attributes, and what is written in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []
        assert self.tags <= ALLOWED
        assert len(self.ids) == len(set(self.ids))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attributes]
        self.ids += [value or "" for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        assert tag in VOID

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())


def rounds(losses: tuple[float, ...] = (4.0, 3.0, 2.5)) -> list[dict[str, Any]]:
    seconds = {"total": 2.0, "shards": 1.5, "merge": 0.5, "read": 0.1, "train": 1.2, "write": 0.1, "slowest": 1.3}
    return [
        {"round": number, "tokens": 100_000 * (number + 1), "kept": 1, "pairs": 1, "loss": loss, "slope": 0.2,
         "learning_rate": PLAN.mean_rate(number), "words_per_second": 5e4, "seconds": seconds}
        for number, loss in enumerate(losses)
    ]  # fmt: skip


def write_model(
    directory: Path, words: list[str] | None = None, history: list[dict[str, Any]] | None = None, **changes: Any
) -> Path:
    """A result as a training leaves it."""
    words = WORDS if words is None else words
    counts = np.maximum(100_000 // np.arange(1, len(words) + 1), 5)
    matrix = np.random.default_rng(3).standard_normal((len(words), 8)).astype(np.float32)
    write_vectors(fs.LocalFileSystem(), str(directory / "vectors"), pa.array(words), counts, [matrix], {})
    encoded = EncodedStatistics(len(words), int(counts.sum()), 400, "d" * 16)
    timings = {"count": 1.0, "encode": 1.0, "train": 7.0, "publish": 0.5, "rounds": 6.0, "total": 12.0}
    model = ModelDescription("run", Config(), PLAN, COUNTED, encoded, {"source": {"paths": ["<b>.txt"]}},
                             {"python": "3"}, timings)  # fmt: skip
    place = Directory.open(directory)
    dataclasses.replace(model, **changes).write(place)
    if history is not None:
        write_history(place, history)
    (directory / "_SUCCESS").touch()
    return directory


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("report") / "model", history=rounds())


def warnings_of(model: Path) -> str:
    return " ".join(f"{each.what} {each.remedy}" for each in advise(Content.read(model)))


class TestPage:
    def test_is_one_file_that_asks_for_nothing(self, model: Path) -> None:
        page = Page(build_report(model))
        for name, value in page.attributes:
            assert not name.startswith("on")
            assert name not in ("src", "srcset", "style", "xlink:href")
            assert name != "href" or value.startswith("#")
        style = build_report(model).split("<style>")[1].split("</style>")[0]
        assert "url(" not in style
        assert "@import" not in style
        assert "http" not in style
        assert {"prefers-color-scheme: dark", "@media print"} <= {
            part for part in ("prefers-color-scheme: dark", "@media print") if part in style
        }
        links = {value[1:] for name, value in page.attributes if name == "href"}
        assert links == {"warnings", "corpus", "training", "quality", "neighbours", "drift", "settings"}
        labelled = " ".join(value for name, value in page.attributes if name == "aria-labelledby").split()
        assert labelled
        assert links | set(labelled) <= set(page.ids)

    def test_hostile_words_are_text(self, model: Path) -> None:
        text = build_report(model)
        text.encode("utf-8")
        assert [character for character in text if ord(character) < 32 and character != "\n"] == []
        assert not set(text) & set("\x7f\x9b\u202e\u2066")
        assert LONG[: LONGEST + 1] not in text
        said = Page(text).text
        assert "<script>alert(1)</script>" in said  # as text: `Page` allows no such element
        assert "&lt;script&gt;" in text

    def test_says_the_numbers(self, model: Path) -> None:
        said = Page(build_report(model)).text
        for expected in (
            "2,000,000, 4,000 different ones", "4.000 in the first of 3 rounds to 2.500", "<b>.txt", "Time by stage",
            "600,000", "100,000 words/s", "2 shards, 3 rounds", "other 2.5 s · 20.8 %",
        ):  # fmt: skip
            assert expected in said

    def test_same_input_same_bytes(self, model: Path) -> None:
        assert build_report(model) == build_report(model)

    def test_every_hostile_word_can_be_a_neighbour_and_a_name(self) -> None:
        for word in WORDS:
            shown = Page(f"<p>{show_word(word)}</p>")
            assert shown.tags == {"p", "bdi"}
            assert len("".join(shown.said)) <= 10 * LONGEST

    @pytest.mark.parametrize("words", [["alone"], ["a", "b"]])
    def test_of_few_words(self, tmp_path: Path, words: list[str]) -> None:
        assert "alone" in Page(build_report(write_model(tmp_path, words, rounds((1.0,))))).text or len(words) == 2

    def test_without_history(self, tmp_path: Path) -> None:
        said = Page(build_report(write_model(tmp_path))).text
        assert "has no history" in said
        assert "Time by stage" in said
        assert "Loss at the end" not in said

    def test_damaged_history_is_an_error(self, tmp_path: Path) -> None:
        write_model(tmp_path, history=[{"round": 0}])
        with pytest.raises(StoreError, match=r"history\.json is damaged"):
            build_report(tmp_path)

    def test_of_vectors_of_another_program(self, tmp_path: Path) -> None:
        (tmp_path / "v.txt").write_text("a 1 0\nb 1 0.1\nc 0 1\n")
        assert import_vectors(["--input", f"{tmp_path}/v.txt", "--no-header", "--output", f"{tmp_path}/in"]) == 0
        said = Page(build_report(tmp_path / "in")).text
        assert "another program" in said
        assert "How often words occur is not known" in said

    def test_without_words(self, tmp_path: Path) -> None:
        write_model(tmp_path, history=rounds())
        (tmp_path / "vectors").rename(tmp_path / "elsewhere")
        assert "no vectors of words" in Page(build_report(tmp_path)).text

    def test_needs_neither_spark_nor_a_compiler(self, model: Path) -> None:
        code = (
            "import sys\nfor name in ('numba', 'pyspark', 'pandas'): sys.modules[name] = None\n"
            "from w2v_spark.report.page import build_report\nprint(len(build_report(sys.argv[1])))"
        )
        length = subprocess.run([sys.executable, "-c", code, model], capture_output=True, text=True, check=True).stdout
        assert int(length) == len(build_report(model))


class TestVersion:
    REPORT = {  # noqa: RUF012
        "parent": "20260101T000000Z-aaaaaaaa", "state": "rejected", "incumbent": "20260101T000000Z-aaaaaaaa",
        "gates": [{"gate": "a >= 1", "passed": False, "reason": "a is <0.5>, not >= 1"}],
        "measures": {"<i>": {"candidate": 0.5, "incumbent": 0.75}, "b": {"candidate": None, "why": "x"}},
        "text": {}, "words": {"kept": 7, "came": {"words": 2, "share_of_tokens": 0.25, "most_frequent": ["<u>", "y"]}},
        "drift": {
            "noise": 3.5, "overlap": 0.5, "overlap_of_two_seeds": 0.75, "cosine": {"q10": 0.5, "q50": 0.75, "q90": 0.9},
            "by_octave": [{"octave": 4, "words": 2, "q50": 1.5}, {"octave": 9, "words": 20, "q50": 2.5}],
            "farthest": [{"word": "<s>", "noise": 20.5, "count": 9}],
        },
    }  # fmt: skip

    def test_quality_and_drift(self, tmp_path: Path) -> None:
        write_model(tmp_path, history=rounds())
        (tmp_path / "report.json").write_text(json.dumps(self.REPORT))
        said = Page(build_report(tmp_path)).text
        for expected in (
            "Compared with 20260101T000000Z-aaaaaaaa", "<i> 0.5 0.75 -0.25", "a is <0.5>, not >= 1", "not passed",
            "2 words came, 25.0 % of the text; the most frequent: <u> , y", "<s> 20.5 9", "3.5 times as far",
            "Moved by 3.5 times", "50.0 % of ten; 75.0 % between two seeds",
        ):  # fmt: skip
            assert expected in said

    @pytest.mark.parametrize("value", [None, 3, "text", [], {}, [1], {"a": 1}])
    def test_parts_of_another_shape_are_left_out(self, tmp_path: Path, value: Any) -> None:
        write_model(tmp_path, history=rounds())
        (tmp_path / "report.json").write_text(json.dumps(dict.fromkeys(self.REPORT, value)))
        Page(build_report(tmp_path))
        (tmp_path / "report.json").write_text(json.dumps({"drift": dict.fromkeys(self.REPORT["drift"], value)}))  # type: ignore[call-overload]
        Page(build_report(tmp_path))

    def test_evaluations_of_both_forms(self, model: Path, tmp_path: Path) -> None:
        total = {"name": "total", "correct": 1, "answered": 4, "skipped": 2, "accuracy": 0.25}
        analogies = {"file": "/x/<q>.txt", "restrict": 9, "total": total, "sections": [total]}
        pairs = {"file": "ws.txt", "pairs": 7, "skipped": 1, "spearman": 0.5, "pearson": 0.75, "p_value": 0.1}
        for form in (analogies, [analogies]):
            (tmp_path / "e.json").write_text(
                json.dumps({"vectors": "m", "dim": 8, "analogies": form, "similarity": [pairs]})
            )
            said = Page(build_report(model, tmp_path / "e.json")).text
            assert "<q>.txt analogies accuracy 0.25 4 2" in said
            assert "Measured on m." in said, "who gives the evaluation of another model can see it"
            assert "ws.txt similarity spearman 0.5, pearson 0.75 7 1" in said


class TestWarnings:
    def test_none_for_a_model_as_it_should_be(self, tmp_path: Path) -> None:
        good = dataclasses.replace(COUNTED, tokens=1_000_000)
        write_model(tmp_path, history=rounds(), counted=good, encoded=EncodedStatistics(9, 950_000, 9, "d"))
        assert warnings_of(tmp_path) == ""
        assert "Nothing looks wrong" in Page(build_report(tmp_path)).text

    @pytest.mark.parametrize(
        ("history", "changes", "expected"),
        [
            (rounds((4.0, 2.0, 2.5)), {}, "The loss has risen: 2.5 in the last round, after 2. Lower train.learn"),
            (rounds((4.0, 3.0)), {}, "The history has 2 of 3 rounds"),
            ([*rounds()[:2], {**rounds()[2], "learning_rate": 0.02}], {}, "The learning rate has not reached its end"),
            ([], {"counted": dataclasses.replace(COUNTED, tokens=999)}, "The text is short: 999 words"),
            ([], {"counted": dataclasses.replace(COUNTED, overlong_words=1234)}, "1,234 words were dropped"),
            ([], {"counted": dataclasses.replace(COUNTED, invalid_bytes=120_000)}, "1 % of the bytes are not UTF-8"),
            ([], {"encoded": EncodedStatistics(9, 1_500_000, 9, "d")}, "25.0 % of the text is not in the vocabulary"),
            ([], {"encoded": EncodedStatistics(9, 2_000_000, 9, "d", 40)}, "10 documents have no vector"),
            ([], {"config": Config.from_dict({"vocabulary": {"max_size": 9}}),
                  "encoded": EncodedStatistics(9, 2_000_000, 9, "d")}, "The vocabulary was cut to its 9"),
            ([], {"timings": {"total": 200.0, "rounds": 50.0}}, "Of 3 min 20 s only 50.0 s were training"),
            ([{**each, "seconds": {"total": 60.0, "train": 15.0}} for each in rounds()], {}, "was trained for 25.0 %"),
        ],
    )  # fmt: skip
    def test_each(self, tmp_path: Path, history: Any, changes: Any, expected: str) -> None:
        write_model(tmp_path, history=history, **changes)
        assert expected in warnings_of(tmp_path)
        write_model(tmp_path / "good", history=rounds(), encoded=EncodedStatistics(9, 1_900_000, 9, "d"))
        assert expected not in warnings_of(tmp_path / "good")

    def test_a_round_without_pairs_has_no_loss(self, tmp_path: Path) -> None:
        """Of a small text subsampling leaves nothing to the first rounds, which are short."""
        history = rounds((0.0, 4.0, 3.9))
        history[0]["pairs"] = 0
        write_model(tmp_path, history=history)
        assert "risen" not in warnings_of(tmp_path)
        page = Page(build_report(tmp_path)).text
        assert "From 4.000 in the first of 2 rounds to 3.900." in page
        history[2] |= {"pairs": 0, "loss": 0.0}
        write_model(tmp_path / "none", history=[history[0], history[2]])
        assert "Loss" not in Page(build_report(tmp_path / "none")).text

    @pytest.mark.parametrize(("last", "warned"), [(2.25, False), (2.35, True)])
    def test_a_loss_that_a_falling_rate_accounts_for_is_none(self, tmp_path: Path, last: float, warned: bool) -> None:
        write_model(tmp_path, history=rounds((4.0, 2.0, last)))
        assert ("risen" in warnings_of(tmp_path)) == warned

    def test_a_risen_loss_names_what_can_be_changed(self, tmp_path: Path) -> None:
        alone = dataclasses.replace(PLAN, shards=1)
        for number, (plan, expected) in enumerate([
            (PLAN, "Lower train.learning_rate (0.025), use fewer shards (2) or more rounds (3)."),
            (alone, "Lower train.learning_rate (0.025)."),
            (dataclasses.replace(alone, sample=0.0), "Lower train.learning_rate (0.025), subsample (train.sample)."),
        ]):  # fmt: skip
            write_model(tmp_path / str(number), history=rounds((4.0, 2.0, 2.5)), plan=plan)
            assert expected in warnings_of(tmp_path / str(number))


class TestNumbers:
    def test_cover_is_what_counting_gives(self) -> None:
        counts = np.array([1000, 500, 20, 20, 7, 5, 5])
        found = {each.min_count: (each.words, each.tokens) for each in cover(counts)}
        assert found == {
            least: (int((counts >= least).sum()), int(counts[counts >= least].sum()))
            for least in (5, 10, 20, 30, 50, 100, 200, 300, 500, 1000)
        }

    def test_spread(self) -> None:
        assert spread(0, 5) == []
        assert spread(1, 5) == [1]
        assert spread(3, 30) == [1, 2, 3]
        assert spread(10_000, 5) == [1, 10, 100, 1000, 10_000]
        assert spread(10_000, 3, first=100, last=0.01) == [100]

    def test_shown(self) -> None:
        assert [brief(value) for value in (0, 7, 999, 1000, 38_007, 999_900, 4_696_501, 0.025)] == [
            "0", "7", "999", "1k", "38k", "1,000k", "4.7M", "0.025",
        ]  # fmt: skip
        assert [percent(share) for share in (0, 0.0312, 0.5, 0.99999, 1)] == [
            "0 %",
            "3.12 %",
            "50.0 %",
            "> 99.9 %",
            "100 %",
        ]
        assert [duration(value) for value in (1.26, 245, 12_000)] == ["1.3 s", "4 min 05 s", "3 h 20 min"]

    @pytest.mark.parametrize("ends", [(0.0, 1.0), (3.0, 3.0), (0.0, 0.0), (-2.0, 7e9), (1e-9, 2e-9), (2.4, 3.77)])
    def test_marks_of_a_linear_axis_lie_within(self, ends: tuple[float, float]) -> None:
        scale = Scale.fit(axis("x"), ends, 50, 350)
        marks = scale.ticks()
        assert 2 <= len(marks) <= 7
        assert all(50 - 1e-6 <= scale.place(mark) <= 350 + 1e-6 for mark in marks)

    @pytest.mark.parametrize("ends", [(1.0, 1.0), (1.0, 1e9), (5.0, 7.0), (5.0, 300_000.0)])
    def test_marks_of_a_logarithmic_axis_lie_within(self, ends: tuple[float, float]) -> None:
        scale = Scale.fit(axis("x", log=True), ends, 350, 50)
        marks = scale.ticks()
        assert 2 <= len(marks) <= 10
        assert all(50 - 1e-6 <= scale.place(mark) <= 350 + 1e-6 for mark in marks)

    def test_names_in_charts_are_text(self) -> None:
        name = "<script>&"
        chart = LineChart("x", name, name, axis(name), axis(name), [(0, 1), (1, 2)], labels=[(0, 1, name)])
        assert Page(chart.draw()).tags <= ALLOWED - {"script"}


class TestCommand:
    def test_writes_a_page(self, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        output = tmp_path / "report.html"
        assert report(["--model", str(model), "--output", str(output)]) == 0
        assert output.read_text(encoding="utf-8") == build_report(model)
        assert str(output) in capsys.readouterr().out
        assert [path.name for path in tmp_path.iterdir()] == ["report.html"]

    def test_replaces_a_report_only_when_told_to(
        self, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        output, arguments = tmp_path / "report.html", ["--model", str(model), "--output", str(tmp_path / "report.html")]
        assert report(arguments) == 0
        assert report(arguments) == 2
        assert "--overwrite" in capsys.readouterr().err
        output.write_text(output.read_text(encoding="utf-8") + "<!-- longer -->", encoding="utf-8")
        assert report([*arguments, "--overwrite"]) == 0
        assert output.read_text(encoding="utf-8") == build_report(model)

    def test_refuses_what_is_no_report(self, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        for content in (b"", b"<html>mine</html>", b"\xff" * 5000):
            (tmp_path / "mine.html").write_bytes(content)
            assert report(["--model", str(model), "--output", f"{tmp_path}/mine.html", "--overwrite"]) == 2
            assert "is no report" in capsys.readouterr().err
            assert (tmp_path / "mine.html").read_bytes() == content

    def test_refuses_places_and_models_that_are_none(
        self, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for output in (tmp_path, tmp_path / "none" / "r.html"):
            assert report(["--model", str(model), "--output", str(output)]) == 2
            assert "not a file in an existing directory" in capsys.readouterr().err
        assert report(["--model", str(tmp_path), "--output", str(tmp_path / "r.html")]) == 2
        assert "no complete result" in capsys.readouterr().err
        (tmp_path / "drift").mkdir()
        (tmp_path / "drift" / "_SUCCESS").touch()
        assert report(["--model", str(tmp_path / "drift"), "--output", str(tmp_path / "r.html")]) == 2
        assert "drift holds no model: give the output of train" in capsys.readouterr().err
        shutil.rmtree(tmp_path / "drift")
        assert list(tmp_path.iterdir()) == []

    def test_refuses_an_evaluation_that_is_none(
        self, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "e.json").write_text("[]")
        (tmp_path / "other.json").write_text('{"loss": 0.5}')
        (tmp_path / "folder").mkdir()
        for name in ("e.json", "missing.json", "other.json is no evaluation: give", "folder is a directory: give"):
            arguments = ["--model", str(model), "--output", f"{tmp_path}/r.html", "--evaluation"]
            assert report([*arguments, f"{tmp_path}/{name.partition(' ')[0]}"]) == 2
            assert name in capsys.readouterr().err
        assert not (tmp_path / "r.html").exists()
