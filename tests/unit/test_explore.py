"""Maps of words: places, regions, arrays, exports, the folder and its server."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.document_models import write_model
from tests.unit.hostile import LONG, WITHOUT_BLANKS
from tests.unit.translated_spaces import make_spaces
from tests.unit.vector_files import make_table
from w2v_spark.errors import ConfigError, InputError, StoreError
from w2v_spark.explore.arrays import ArrayFiles, embed_json, quantise, quantise_cosines
from w2v_spark.explore.building import build_map
from w2v_spark.explore.exports import render_atlas, render_projector, to_cell
from w2v_spark.explore.layout import Layout, Method, main_area, nearest, place_between, principal_components, turn_like
from w2v_spark.explore.links import choose_link, link
from w2v_spark.explore.page import SCRIPTS, asset_files, render_page
from w2v_spark.explore.regions import find_regions
from w2v_spark.explore.request import Asked, Link
from w2v_spark.explore.space import Space, Words, name_spaces, show
from w2v_spark.publishing.layout import SUCCESS_FILE
from w2v_spark.storage import Directory
from w2v_spark.topics.tables import topic_schema, write_topics
from w2v_spark.vectors.keyed_vectors import KeyedVectors

HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "שלום", "👩‍👩‍👧", LONG, *WITHOUT_BLANKS]
D = 16


def unit_rows(rows: int, dim: int = D, seed: int = 1) -> np.ndarray:
    points = np.random.default_rng(seed).standard_normal((rows, dim))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(autouse=True)
def _without_umap(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """UMAP takes seconds to compile: one test has it."""
    if request.node.get_closest_marker("slow") is None:
        monkeypatch.setattr("w2v_spark.explore.layout.find_spec", lambda _: None)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    words = list(dict.fromkeys(HOSTILE)) + [f"w{row}" for row in range(150)]
    return make_table(tmp_path / "model", words, 3 * unit_rows(len(words)))


def decoded(content: dict[str, bytes], name: str, kind: str) -> np.ndarray:
    """An array as the page puts it together."""
    parts, data = 0, b""
    while (script := content.get(f"data/{name}-{parts}.js")) is not None:
        found = re.fullmatch(rb'w2v\.put\("([\w-]+)",(\d+),"([A-Za-z0-9+/=]*)"\);\n', script)
        assert found is not None
        assert (found[1].decode(), int(found[2])) == (name, parts)
        data += base64.b64decode(found[3])
        parts += 1
    return np.frombuffer(data, dtype=kind)


class TestLayout:
    def test_a_word_between_others_is_at_their_weighted_mean(self) -> None:
        points, random = unit_rows(20, 2).astype(np.float64), np.random.default_rng(2)
        ids = random.integers(-1, 20, (9, 4)).astype(np.int32)
        ids[3] = -1
        cosines = random.uniform(-1, 1, (9, 4)).astype(np.float32)
        for place, row, near in zip(place_between(points, ids, cosines), ids, cosines, strict=True):
            some = [(np.exp(float(cosine) / 0.05), points[id]) for id, cosine in zip(row, near, strict=True) if id >= 0]
            total = sum(weight for weight, _ in some)
            expected = sum(weight * point for weight, point in some) / total if some else np.zeros(2)
            assert place == pytest.approx(expected, rel=1e-9)

    def test_principal_components_are_those_of_an_svd(self) -> None:
        rows = unit_rows(50) * np.linspace(3, 0.5, D, dtype=np.float32)
        exact = rows.astype(np.float64)
        left, sizes, _ = np.linalg.svd(exact - exact.mean(axis=0), full_matrices=False)
        assert np.abs(principal_components(rows)) == pytest.approx(np.abs(left[:, :2] * sizes[:2]), abs=1e-5)

    def test_few_words_and_dimensions(self) -> None:
        for rows, dim in ((1, 4), (2, 1), (3, 2)):
            layout = Layout.build(unit_rows(rows, dim), rows)
            assert layout.points.shape == (rows, 2)
            assert np.isfinite(layout.points).all()
        assert Method.choose(5) is Method.PCA

    def test_a_turned_map_is_turned_back(self) -> None:
        places = unit_rows(40, 2).astype(np.float64)
        turn = np.array([[0.6, 0.8], [0.8, -0.6]])  # mirrored as well
        rows = np.arange(40, dtype=np.int32)
        rows[::5] = -1
        back = turn_like(places @ turn, rows, places)
        assert back - back[1] == pytest.approx(places - places[1], abs=1e-9)

    def test_islands_far_out_do_not_make_the_rest_small(self) -> None:
        points = np.random.default_rng(1).uniform(-1, 1, (1000, 2))
        points[::40] += 30
        low, high = main_area(points)
        assert np.abs([*low, *high]) == pytest.approx(1, abs=0.1)
        assert [part.tolist() for part in main_area(np.ones((1, 2)))] == [[1, 1], [1, 1]]

    def test_neighbours_are_those_of_the_table_whatever_the_batches(self, model: Path) -> None:
        words = Words.read(model, 1000)
        vectors = KeyedVectors.load(model)
        ids, cosines = nearest(words.unit, np.arange(len(words), dtype=np.int32), 10)
        for row in range(0, len(words), 7):
            answer = vectors.most_similar(words.plain[row])
            assert [words.plain[id] for id in ids[row]] == [word for word, _ in answer]
            assert cosines[row] == pytest.approx([cosine for _, cosine in answer], abs=1e-6)

    def test_others_are_among_their_neighbours(self, model: Path) -> None:
        words = Words.read(model, 1000)
        layout = Layout.build(words.unit, 100)
        ids, cosines = nearest(words.unit, np.arange(100, len(words), dtype=np.int32), 15, 100)
        assert layout.points[100:] == pytest.approx(place_between(layout.points[:100], ids, cosines))
        assert ids.max() < 100

    @pytest.mark.slow  # compiles UMAP
    def test_umap_gives_the_same_bits_and_resembles_what_it_is_told_to(self) -> None:
        groups = np.repeat(unit_rows(4), 20, axis=0) + 0.3 * unit_rows(80, seed=3)
        unit = (groups / np.linalg.norm(groups, axis=1, keepdims=True)).astype(np.float32)
        one, again = (Layout.build(unit, 70) for _ in range(2))
        assert one.method is Method.UMAP
        assert one.points.tobytes() == again.points.tobytes()
        parts = [one.points[start : start + 20] for start in (0, 20, 40)]
        middles = [part.mean(axis=0) for part in parts]
        spread = max(np.linalg.norm(part - middle, axis=1).max() for part, middle in zip(parts, middles, strict=True))
        assert min(np.linalg.norm(middles[a] - middles[b]) for a in range(3) for b in range(a)) > spread / 2
        other = Layout.build(unit, 70, (np.arange(70, dtype=np.int32), one.points))
        assert np.corrcoef(other.points[:70, 0], one.points[:70, 0])[0, 1] > 0.8
        same = np.ones((30, D), dtype=np.float32) / np.float32(np.sqrt(D))
        for rows, like in ((same, None), (unit[:30], (np.full(30, 7, dtype=np.int32), one.points))):
            layout = Layout.build(rows, len(rows), like)
            assert np.isfinite(layout.points).all()
            assert layout.method is (Method.PCA if like is None else Method.UMAP)
        assert Method.why_not_umap(30) == "UMAP cannot tell these words apart"


class TestRegions:
    def test_planted_groups_are_named_by_a_frequent_word_of_theirs(self) -> None:
        kinds = np.arange(400) % 5
        rows = unit_rows(5)[kinds] + 0.25 * unit_rows(400, seed=2)
        coarse, fine = find_regions((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32))
        assert len(coarse.names) == 10
        assert len(fine.names) == 50
        for regions in (coarse, fine):
            assert sorted(regions.sizes, reverse=True) == regions.sizes.tolist()
            assert regions.sizes.tolist() == np.bincount(regions.labels).tolist()
            for region, name in enumerate(regions.names):
                assert regions.labels[name] == region
                assert len(set(kinds[regions.labels == region])) == 1

    def test_one_word(self) -> None:
        assert [regions.names.tolist() for regions in find_regions(unit_rows(1))] == [[0], [0]]


class TestArrays:
    def test_parts_come_back_as_they_were(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("w2v_spark.explore.arrays._PART", 300)
        files = ArrayFiles()
        given = np.random.default_rng(1).standard_normal((77, 3)).astype(np.float32)
        files.add("x", given)
        files.add_json("words", HOSTILE)
        content = {f"data/{name}": data for name, data in files.files()}
        assert decoded(content, "x", "<f4").tobytes() == given.tobytes()
        assert files.described["x"] == {"type": "Float32Array", "shape": [77, 3], "parts": 4}
        assert json.loads(decoded(content, "words", "u1").tobytes()) == HOSTILE

    def test_quantised_vectors_give_cosines_to_four_digits_and_the_same_ten(self) -> None:
        unit = unit_rows(2000, 100)
        steps, factors = quantise(unit)
        rows = steps * factors[:, None].astype(np.float64)
        exact, half = (some.astype(np.float64) for some in (unit, unit.astype(np.float16)))
        errors = [np.abs(some @ some[:50].T - exact @ exact[:50].T).max() for some in (rows, half)]
        assert errors[0] < min(2.5e-5, errors[1] / 4)
        for query in range(0, 50, 5):
            best = [np.argsort(-(some @ some[query]), kind="stable")[:10] for some in (unit.astype(float), rows)]
            assert best[0].tolist() == best[1].tolist()
        assert quantise(np.zeros((1, 3), dtype=np.float32))[1].tolist() == [0.0]
        assert quantise_cosines(np.array([[1.00001, -1, 0.5]])).tolist() == [[32767, -32767, 16384]]

    def test_json_in_a_page_ends_no_script(self) -> None:
        text = embed_json({"title": "</script><!--\u2028&amp;"})
        assert not set(text) & set("<>&\u2028")
        assert json.loads(text) == {"title": "</script><!--\u2028&amp;"}

    def test_words_are_shown_and_not_obeyed(self) -> None:
        assert show("\x1b[31m\u202ea\nb\tc") == "\\x1b[31m\\u202ea\\nb\\tc"
        assert len(show(LONG)) == 80


class TestPage:
    def test_names_are_text_and_nothing_comes_from_elsewhere(self) -> None:
        page = render_page({"title": "</title><script>x</script>"})
        assert page.count("<script") == len(SCRIPTS) + 1
        assert "default-src 'none'" in page
        assets = b"".join(data for _, data in asset_files()) + page.encode()
        for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http:", "https:"):
            assert forbidden.encode() not in assets
        scripts = {f"assets/{name}" for name, _ in asset_files() if name.endswith(".js")}
        assert set(re.findall(r'src="([^"]+)"', page)) == scripts

    def test_every_element_that_a_script_asks_for_is_there(self) -> None:
        page = render_page({"title": ""})
        scripts = b"".join(data for name, data in asset_files() if name.endswith(".js")).decode()
        asked = set(re.findall(r'(?:getElementById|\$)\("([\w-]+)"\)', scripts))
        assert len(asked) > 10
        assert asked <= set(re.findall(r'id="([\w-]+)"', page))


class TestLinks:
    def test_the_same_words(self, tmp_path: Path) -> None:
        one = Words.read(make_table(tmp_path / "a", ["x", "y", "z"], unit_rows(3)), 9)
        other = Words.read(make_table(tmp_path / "b", ["z", "q", "x"], unit_rows(3, 5)), 9)
        assert choose_link(one, other) is Link.WORDS
        assert [rows.tolist() for rows in link(one, other, Link.WORDS)] == [[2, -1, 0], [2, -1, 0]]
        with pytest.raises(ConfigError, match="vectors of length 5"):
            link(one, other, Link.TRANSLATIONS)

    def test_translations_where_a_dictionary_was_used(self, tmp_path: Path) -> None:
        spaces = make_spaces(shaken=0.01)
        turned = np.linalg.lstsq(spaces.source, spaces.target[: len(spaces.source)], rcond=None)[0]
        english = make_table(tmp_path / "e", spaces.words[0], (spaces.source @ turned).astype(np.float32))
        french = make_table(tmp_path / "f", spaces.words[1], spaces.target)
        (english / "model.json").write_text(json.dumps({"alignment": {"dictionary": "en-fr.txt"}}))
        one, other = Words.read(english, 999), Words.read(french, 999)
        assert choose_link(one, other) is Link.TRANSLATIONS
        there, back = link(one, other, Link.TRANSLATIONS)
        vectors = KeyedVectors.load(english)
        answer = vectors.translate("e5", KeyedVectors.load(french), topn=1)
        assert other.plain[there[5]] == answer[0][0] == "f5"
        assert (back[:300] == np.arange(300)).mean() > 0.9


def write_topics_of(folder: Path, vectors: np.ndarray) -> Path:
    rows = [
        {
            "id": 10 + row, "title": f"<b>{row}", "size": 5, "similarity": 0.5, "level": len(vectors), "parent": None,
            "parent_level": 0, "first_leaf": row, "last_leaf": row, "words": [{"word": "w1", "similarity": 0.5}],
            "documents": [], "information_gain": None, "npmi": None, "vector": vector, "centroid": vector,
        }
        for row, vector in enumerate(vectors.tolist())
    ]  # fmt: skip
    place = Directory.open(folder).create()
    write_topics(place.child("topics"), pa.Table.from_pylist(rows, schema=topic_schema(pa.string())), {})
    place.write_json("topics.json", {"dim": vectors.shape[1]})
    place.write_bytes(SUCCESS_FILE, b"")
    return folder


class TestLayers:
    @pytest.fixture
    def documents(self, tmp_path: Path) -> Path:
        return write_model(tmp_path / "documents", pa.array([f"<i>{row}" for row in range(150)]))

    def test_documents_and_topics(self, documents: Path, tmp_path: Path) -> None:
        topics = write_topics_of(tmp_path / "topics", unit_rows(2))
        built = build_map(Asked(str(documents), topics=str(topics), documents=40, words=50))
        layers = built.layers[0]
        assert layers.documents is not None
        assert layers.topics is not None
        assert len(layers.documents.titles) == 40
        assert layers.documents.total == 148
        assert set(layers.documents.topics.tolist()) == {0, 1}
        expected = (built.spaces[0].words.unit @ layers.topics.model.vectors.T).argmax(axis=1)
        assert layers.topics.of_words.tolist() == expected.tolist()
        content = built.render()
        assert json.loads(decoded(content, "a-documents", "u1").tobytes())[0] == "<i>0"
        assert b"<b>" not in content["index.html"]

    def test_topics_of_another_model(self, documents: Path, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="topics have vectors of length 4, the words of 16"):
            build_map(Asked(str(documents), topics=str(write_topics_of(tmp_path / "topics", unit_rows(2, 4)))))

    def test_drift_of_a_version_and_of_a_table(self, documents: Path, tmp_path: Path) -> None:
        (documents / "drift").mkdir()
        table = pa.table({"word": ["w3", "gone", "w1"], "cosine": [0.25, 0.5, None]})
        pq.write_table(table, documents / "drift" / "p.parquet")
        for drift in (None, str(documents / "drift")):
            found = build_map(Asked(str(documents), drift=drift, documents=0)).layers[0].drift
            assert found is not None
            assert found[3] == pytest.approx(0.75)
            assert np.isnan(np.delete(found, 3)).all()
        pq.write_table(pa.table({"x": [1]}), tmp_path / "x.parquet")
        with pytest.raises(StoreError, match="no column 'word'"):
            build_map(Asked(str(documents), drift=str(tmp_path)))
        for missing in (tmp_path / "none", tmp_path / "x.parquet"):
            with pytest.raises(StoreError, match="give what 'w2v-spark drift' has written"):
                build_map(Asked(str(documents), drift=str(missing)))

    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ({"word": ["w1"], "cosine": ["0.5"]}, "column 'cosine' of string, and not of double"),
            ({"word": [1], "cosine": [0.5]}, "column 'word' of int64, and not of string"),
            ({"word": ["elsewhere"], "cosine": [0.5]}, "none of the words"),
        ],
    )
    def test_a_table_that_is_no_drift_of_the_model_is_refused_before_the_work(
        self, documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: Any, message: str
    ) -> None:
        monkeypatch.setattr("w2v_spark.explore.space.Space.build", None)
        pq.write_table(pa.table(columns), tmp_path / "x.parquet")
        with pytest.raises((StoreError, InputError), match=message):
            build_map(Asked(str(documents), drift=str(tmp_path)))


def test_two_spaces_have_two_names() -> None:
    assert name_spaces(["/data/english", "/data/french"]) == ["english", "french"]
    assert name_spaces(["/one/model", "two/model/"]) == ["one/model", "two/model"]
    assert name_spaces(["/one/a/b", "/two/a/b"]) == ["one/a/b", "two/a/b"]
    assert name_spaces(["/a/model", "model"]) == ["a/model", "model"]
    assert name_spaces(["/model", "/model"]) == ["model", "model"]
    assert name_spaces(["/"]) == ["model"]


class TestExports:
    def test_projector(self, model: Path) -> None:
        words, vectors = Words.read(model, 120), KeyedVectors.load(model)
        files = render_projector(words, vectors.matrix[:120])
        assert files["vectors.bytes"] == vectors.matrix[:120].tobytes()
        described = json.loads(files["projector_config.json"])["embeddings"][0]
        assert described["tensorShape"] == [120, D]
        assert {described["tensorPath"], described["metadataPath"]} <= set(files)
        text = files["projector_config.pbtxt"].decode()
        assert re.findall(r"tensor_shape: (\d+)", text) == ["120", "16"]
        lines = files["metadata.tsv"].decode("utf-8").splitlines()  # at every character that ends a line anywhere
        assert lines[0] == "word\tcount\trank"
        assert len(lines) == 121
        assert all(line.count("\t") == 2 for line in lines)
        assert lines[1].startswith("<script>alert(1)</script>\t")
        assert to_cell("a\tb\\n") == "a\\tb\\\\n"

    def test_embedding_atlas(self, model: Path, tmp_path: Path) -> None:
        space = Space.build(Words.read(model, 150), 100)
        (tmp_path / "words.parquet").write_bytes(render_atlas(space)["words.parquet"])
        table = pq.read_table(tmp_path / "words.parquet")
        assert table["text"].to_pylist() == space.words.plain
        assert table["projection_x"].to_numpy() == pytest.approx(space.layout.points[:, 0], abs=1e-6)
        near = table["neighbors"].to_pylist()[7]
        assert near["ids"] == space.ids[7].tolist()
        assert near["distances"] == pytest.approx((1 - space.cosines[7]).tolist(), abs=1e-6)
