"""How many shards the job takes by itself, and what it says of it."""

from pathlib import Path

import pytest

from tests.spark.main_job import MainJob, Model


@pytest.mark.parametrize(
    ("shards", "taken", "said"),
    [
        ("auto", 1, "1 shard (of 2 side by side: with more, so short a run would take longer), 2 rounds;"),
        ("1", 1, "1 shard, 2 rounds;"),
        ("3", 3, "3 shards, 2 rounds;"),
    ],
)
def test_a_short_run_has_one_shard_unless_the_user_gives_a_number(
    job: MainJob, text: Path, out: Path, shards: str, taken: int, said: str
) -> None:
    code, printed, told = job(text, out, settings=(f"train.shards={shards}",))
    assert code == 0, told
    assert Model.read(out).description["plan"]["shards"] == taken
    assert said in printed + told
