"""The map in a real browser: what it shows is what Python answers, whatever is in the words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.browser.conftest import Visit
from tests.commands import explore
from tests.unit.document_models import write_model
from tests.unit.test_explore import unit_rows, write_topics_of
from tests.unit.vector_files import make_table
from w2v_spark.explore.server import Server
from w2v_spark.explore.space import show
from w2v_spark.vectors.document_vectors import DocumentVectors
from w2v_spark.vectors.keyed_vectors import KeyedVectors

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><b>",
    "it's",
    "שלום",
    "👩‍👩‍👧",
    "line\u2028end",
    "nul\x00",
    "\u202ereversed",
    "x" * 5000,
]
WORDS = ["king", "queen", "man", "woman", *HOSTILE, *(f"w{row}" for row in range(300)), "kingdom", "viking"]


class Sites(NamedTuple):
    """Folders of maps, and the model that they are of."""

    one: Path
    two: Path
    model: Path


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """By principal components, which take no time."""
    folder = tmp_path_factory.mktemp("maps")
    random = np.random.default_rng(1)
    matrix = random.standard_normal((len(WORDS), 24)).astype(np.float32)
    matrix[1] = matrix[0] - matrix[2] + matrix[3] + 0.1 * random.standard_normal(24)
    make_table(folder / "model", WORDS, matrix)
    make_table(folder / "before", WORDS[::-2], matrix[::-2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("w2v_spark.explore.layout.find_spec", lambda _: None)
        for name, beside in (("one", []), ("two", ["--beside", str(folder / "before")])):
            assert explore(["--model", str(folder / "model"), *beside, "--output", str(folder / name)]) == 0
    return Sites(folder / "one", folder / "two", folder / "model")


@pytest.fixture(scope="session")
def server(sites: Sites) -> Iterator[str]:
    started = Server(0)
    thread = threading.Thread(target=started.serve, args=[str(sites.one)])
    thread.start()
    yield started.url
    started.close()
    thread.join(10)


def open_map(visit: Visit, address: str) -> None:
    visit.page.goto(address)
    visit.page.wait_for_selector("html[data-ready]")


def near(visit: Visit, where: str = "#selected .near") -> list[tuple[str, float]]:
    """Words with cosines, as the page lists them."""
    rows: list[Any] = visit.page.eval_on_selector_all(
        f"{where} li",
        "rows => rows.map(row => [row.querySelector('bdi').textContent, row.querySelector('.value').textContent])",
    )
    return [(word, float(value)) for word, value in rows]


def answer_of(vectors: KeyedVectors, *positive: str, negative: tuple[str, ...] = ()) -> list[tuple[str, float]]:
    return [(show(word), cosine) for word, cosine in vectors.most_similar(list(positive), list(negative))]


def assert_same(found: list[tuple[str, float]], expected: list[tuple[str, float]]) -> None:
    assert [word for word, _ in found] == [word for word, _ in expected]
    assert [cosine for _, cosine in found] == pytest.approx([cosine for _, cosine in expected], abs=6e-4)


def find(visit: Visit, text: str) -> None:
    visit.page.keyboard.press("/")
    visit.page.keyboard.type(text)
    visit.page.wait_for_selector("#found li[aria-selected=true]")


def test_a_word_is_found_and_its_neighbours_are_those_of_python(visit: Visit, sites: Sites) -> None:
    """From a disk, without a server."""
    open_map(visit, (sites.one / "index.html").as_uri())
    find(visit, "KING")
    shown = visit.page.eval_on_selector_all("#found bdi", "all => all.map(each => each.textContent)")
    assert shown == ["king", "kingdom", "viking"]
    visit.page.keyboard.press("ArrowDown")
    visit.page.keyboard.press("ArrowUp")
    visit.page.keyboard.press("Enter")
    assert visit.page.text_content("#selected h2") == "king"
    vectors = KeyedVectors.load(sites.model)
    assert_same(near(visit), answer_of(vectors, "king"))
    visit.page.click("#selected .near li:nth-child(3) button")
    third = vectors.most_similar("king")[2][0]
    assert visit.page.text_content("#selected h2") == show(third)
    assert_same(near(visit), answer_of(vectors, third))
    visit.page.keyboard.press("Escape")
    assert visit.page.is_hidden("#selected")
    assert all(url.startswith("file:") for url in visit.requests)


def test_an_analogy_is_answered(visit: Visit, sites: Sites, server: str) -> None:
    open_map(visit, server)
    assert not any("vectors" in url for url in visit.requests), "read only when they are asked for"
    for name, word in (("plus", "king"), ("minus", "man"), ("other", "woman")):
        visit.page.fill(f"#ask [name={name}]", word)
    visit.page.click("#ask button")
    visit.page.wait_for_selector("#answers li")
    expected = answer_of(KeyedVectors.load(sites.model), "king", "woman", negative=("man",))
    assert expected[0][0] == "queen"
    assert_same(near(visit, "#answers"), expected)
    visit.page.fill("#ask [name=plus]", "<b>unknown")
    visit.page.click("#ask button")
    visit.page.wait_for_function("document.getElementById('answer-status').textContent.includes('<b>unknown')")
    assert all(url.startswith((server, "data:")) for url in visit.requests)


def test_hostile_words_are_text(visit: Visit, sites: Sites) -> None:
    visit.page.on("dialog", lambda dialog: visit.complaints.append(f"dialog: {dialog.message}"))
    open_map(visit, (sites.one / "index.html").as_uri())
    before = visit.page.evaluate("document.querySelectorAll('script, img, iframe, b').length")
    for row, word in enumerate(WORDS[4 : 4 + len(HOSTILE)], 4):
        visit.page.evaluate(
            "row => { location.hash = 'word=' + encodeURIComponent(w2v.panes[0].space.texts[row]) }", row
        )
        visit.page.wait_for_function(
            "text => document.querySelector('#selected h2')?.textContent === text", arg=show(word)
        )
        assert len(near(visit)) == 10
    find(visit, "<img")
    visit.page.keyboard.type(" src=x onerror")
    visit.page.wait_for_function("document.querySelectorAll('#found bdi').length === 1")
    assert visit.page.evaluate("document.querySelectorAll('script, img, iframe, b').length") == before


def test_an_address_brings_back_word_colour_and_view(visit: Visit, server: str) -> None:
    open_map(visit, f"{server}#word=woman&colour=frequency&view=0.1000,-0.2000,3.000")
    assert visit.page.text_content("#selected h2") == "woman"
    assert visit.page.input_value("#colour") == "frequency"
    place = "w2v.panes[0].view.toText()"
    assert visit.page.evaluate(place) == "0.1000,-0.2000,3.000"
    visit.page.select_option("#colour", "cluster")
    visit.page.keyboard.press("Tab")
    visit.page.evaluate("document.activeElement.blur()")
    visit.page.keyboard.press("ArrowRight")
    visit.page.keyboard.press("+")
    moved = visit.page.evaluate(place)
    assert moved != "0.1000,-0.2000,3.000"
    visit.page.wait_for_function(
        "text => decodeURIComponent(location.hash).includes('colour=cluster&view=' + text)", arg=moved
    )
    visit.page.reload()
    visit.page.wait_for_selector("html[data-ready]")
    assert visit.page.evaluate(place) == moved
    assert visit.page.text_content("#selected h2") == "woman"
    visit.page.goto("about:blank")
    open_map(visit, f"{server}#word=not%20there")
    assert "not on this map" in (visit.page.text_content("#status") or "")


def test_a_click_on_a_point_chooses_its_word(visit: Visit, server: str) -> None:
    open_map(visit, server)
    x, y = visit.page.evaluate("w2v.panes[0].at(1)")
    visit.page.mouse.click(x, y)
    assert visit.page.text_content("#selected h2") == "queen"
    visit.page.mouse.move(x, y)
    visit.page.mouse.wheel(0, -400)
    visit.page.wait_for_function("w2v.panes[0].view.now.scale > 1.5 * w2v.panes[0].view.homeScale")


@pytest.mark.parametrize("width", [390, 900])
def test_two_maps_are_linked_on_any_screen(visit: Visit, sites: Sites, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 800})
    open_map(visit, (sites.two / "index.html").as_uri())
    find(visit, "w298")
    visit.page.keyboard.press("Enter")
    titles = "#selected h2"
    assert visit.page.eval_on_selector_all(titles, "all => all.map(each => each.textContent)") == ["w298"]
    assert "No word of" in (visit.page.text_content("#selected") or "")
    visit.page.evaluate("document.activeElement.blur()")
    find(visit, "w299")
    visit.page.keyboard.press("Enter")
    assert visit.page.eval_on_selector_all(titles, "all => all.map(each => each.textContent)") == ["w299", "w299"]
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


def test_documents_topics_and_drift_lie_on_the_map(
    visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("w2v_spark.explore.layout.find_spec", lambda _: None)
    model = write_model(tmp_path / "model", pa.array([f"<i>{row}" for row in range(150)]))
    pq.write_table(pa.table({"word": ["w3"], "cosine": [0.25]}), tmp_path / "drift.parquet")
    topics = write_topics_of(tmp_path / "topics", unit_rows(2))
    (tmp_path / "drift").mkdir()
    (tmp_path / "drift.parquet").rename(tmp_path / "drift" / "part.parquet")
    layers = ["--topics", str(topics), "--drift", str(tmp_path / "drift")]
    assert explore(["--model", str(model), *layers, "--output", str(tmp_path / "site")]) == 0
    address = (tmp_path / "site" / "index.html").as_uri()
    open_map(visit, f"{address}#document=%3Ci%3E0")
    assert visit.page.text_content("#selected h2") == "<i>0"
    assert visit.page.is_checked("#documents")
    expected = DocumentVectors.load(model).nearest_words("<i>0")
    assert_same(near(visit), [(show(word), cosine) for word, cosine in expected])
    visit.page.keyboard.press("Escape")
    assert visit.page.eval_on_selector_all("#colour option", "all => all.map(each => each.value)") == [
        "cluster", "frequency", "topic", "drift",
    ]  # fmt: skip
    for colour in ("topic", "drift"):
        visit.page.select_option("#colour", colour)
    visit.page.click("#intro .topics li:nth-child(2) button")
    assert visit.page.text_content("#selected h2") == "<b>1"
    visit.page.evaluate("location.hash = 'word=w3'")
    visit.page.wait_for_function("document.querySelector('#selected p').textContent.includes('moved by 0.750')")
    assert explore(["--model", str(model), "--beside", str(model), *layers, "--output", str(tmp_path / "two")]) == 0
    open_map(visit, f"{(tmp_path / 'two' / 'index.html').as_uri()}#colour=topic")
    for pane in (0, 1):  # of topics, and of regions where there are none
        visit.page.wait_for_function("pane => w2v.panes[pane].labels.placed?.length > 1", arg=pane)
