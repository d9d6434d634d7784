"""Recipes: whole tasks as people have them, from the raw table to vectors that say what they should."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from tests.commands import train
from tests.spark.documents import write_parquet
from w2v_spark.vectors.keyed_vectors import KeyedVectors

SHELVES = [list(range(100, 106)), list(range(200, 206))]  # items of one shelf are looked at together
SESSIONS = """
    SELECT transform(array_sort(collect_list(struct(ts, item))), x -> x.item) AS items
    FROM {clicks}
    GROUP BY user, session
"""


@pytest.fixture
def clicks(tmp_path: Path) -> Path:
    """A click log out of order: ``user``, ``session``, ``ts``, ``item``; a session goes along one shelf."""
    draw = random.Random(7)
    rows = []
    for user, session in itertools.product(range(40), range(5)):
        shelf = draw.choice(SHELVES)
        start = draw.randrange(1_000_000)
        rows += [(user, session, start + n, draw.choice(shelf)) for n in range(8)]
    draw.shuffle(rows)
    columns = dict(zip(("user", "session", "ts", "item"), zip(*rows, strict=True), strict=True))
    return write_parquet(tmp_path / "clicks.parquet", **columns)


def test_sessions_are_collected_in_the_order_of_their_clicks(spark, tmp_path):
    rows = {"user": [1, 1, 2, 1], "session": [0, 0, 0, 0], "ts": [30, 10, 5, 20], "item": [3, 1, 9, 2]}
    source = write_parquet(tmp_path / "few.parquet", **rows)
    found = spark.sql(SESSIONS.format(clicks=f"parquet.`{source}`")).collect()
    assert sorted(row["items"] for row in found) == [[1, 2, 3], [9]]


def test_item_vectors_from_a_click_log(spark, clicks, out):
    settings = ["vocabulary.min_count=1", "model.dim=16", "model.window=3", "train.epochs=20", "train.sample=0.0"]
    changes = [item for setting in settings for item in ("--set", setting)]
    query = SESSIONS.format(clicks=f"parquet.`{clicks}`")
    assert train(["--sql", query, "--output", str(out), "--quiet", *changes]) == 0
    vectors = KeyedVectors.load(out)
    assert sorted(vectors.words) == [str(item) for shelf in SHELVES for item in shelf]
    for shelf in SHELVES:
        names = {str(item) for item in shelf}
        for item in names:
            assert {word for word, _ in vectors.most_similar(item, topn=5)} == names - {item}
