"""Nothing to train on is an error and never a published starting weight; little is a warning that nothing hides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.spark.documents import write_text
from tests.spark.main_job import MainJob, Model

ONE_WORD = ["cat", "dog", "cat", "dog", "cow"] * 40
PAIRS = ["cat dog", "dog cow", "cow cat"] * 400


@pytest.mark.parametrize(
    ("documents", "settings"),
    [
        (ONE_WORD, ["train.sample=0"]),
        (ONE_WORD, ["train.sample=0", "train.shards=1", "model.architecture=cbow"]),
        (ONE_WORD, ["train.sample=1e-12"]),
    ],
)
def test_no_pairs_publish_nothing(
    job: MainJob, tmp_path: Path, out: Path, documents: list[str], settings: list[str]
) -> None:
    """A resumed run, which has no round left to train, finds out as well."""
    source = write_text(tmp_path / "a.txt", documents)
    for flags in (("--quiet",), ("--quiet", "--resume")):
        code, said, err = job(source, out, *flags, settings=settings)
        assert (code, said) == (2, "")
        assert "nothing to train on: " in err
        said = err.splitlines()
        assert len(said) == 1 + ("train.sample=1e-12" in settings and "--resume" not in flags)
        assert "lower vocabulary.min_count" in said[-1]
        assert "raise train.sample" not in said[-1], "it was kept from doing harm"
        assert sorted(path.name for path in out.iterdir()) == ["_run"]


@pytest.mark.parametrize(
    ("documents", "settings"),
    [
        (["cat dog cow", "dog cow owl"], ["train.sample=1e-3"]),
        (PAIRS, ["train.sample=1e-12"]),
        (PAIRS, ["train.sample=1e-12", "model.objective=hierarchical_softmax", "train.merge=mean"]),
    ],
)
def test_a_tiny_text_is_trained_without_subsampling(
    job: MainJob, tmp_path: Path, out: Path, documents: list[str], settings: list[str]
) -> None:
    source = write_text(tmp_path / "a.txt", documents)
    code, _, err = job(source, out, "--quiet", settings=settings)
    assert code == 0, err
    (line,) = err.splitlines()
    sample = settings[0].rpartition("=")[2]
    assert line.startswith(f"WARNING: the text is so small that subsampling (sample = {float(sample):g}) would")
    model, plain = Model.read(out), tmp_path / "plain"
    assert all(record["kept"] == record["tokens"] for record in model.rounds)
    assert job(source, plain, "--quiet", settings=[*settings, "train.sample=0"])[0] == 0
    assert np.array_equal(Model.read(plain).matrix, model.matrix)


def test_few_words_kept_are_told_even_if_quiet(job: MainJob, tmp_path: Path, out: Path) -> None:
    """About 1 of 200 words is kept, so that some sentence has two."""
    source = write_text(tmp_path / "a.txt", [" ".join(["cat dog cow owl"] * 100)] * 50)
    code, _, err = job(source, out, "--quiet", settings=["train.sample=6e-6"])
    assert code == 0, err
    (line,) = err.splitlines()
    record = Model.read(out).rounds
    kept, tokens = (sum(each[key] for each in record) for key in ("kept", "tokens"))
    assert kept < 0.01 * tokens
    assert line.startswith(f"WARNING: subsampling has kept {kept:,} of {tokens:,} words in all epochs")


def test_fewer_pairs_than_words_are_told_even_if_quiet(job: MainJob, tmp_path: Path, out: Path) -> None:
    source = write_text(tmp_path / "a.txt", ["cat dog", *(f"word{number}" for number in range(100))])
    code, _, err = job(source, out, "--quiet", settings=["train.sample=0"])
    assert code == 0, err
    assert err == (
        "WARNING: 2 pairs were trained for a vocabulary of 102 words: most vectors are little more than what training "
        "starts from; give more text, raise train.epochs or train.sample, or raise vocabulary.min_count\n"
    )
