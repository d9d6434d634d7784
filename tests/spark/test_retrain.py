"""The command ``w2v-spark retrain``: from a version and new text to the next version."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from w2v_spark.cli.main import main
from w2v_spark.config import Config
from w2v_spark.models.tables import SamplingTables
from w2v_spark.publishing.versions import VersionRoot
from w2v_spark.spark.encode_pass import EncodePass
from w2v_spark.training.update_statistics import build_update_statistics
from w2v_spark.vectors.keyed_vectors import KeyedVectors

SETTINGS = ["model.dim=16", "train.epochs=2", "train.shards=2", "train.rounds=3", "vocabulary.min_count=2",
            "train.sample=0", "retrain.epochs=1", "retrain.replay=0.5"]  # fmt: skip


def make_documents(count: int, seed: int) -> list[str]:
    """Lines of words, some of them frequent."""
    random = np.random.default_rng(seed)
    return [" ".join(f"w{number}" for number in random.geometric(0.1, 30)) for _ in range(count)]


def settings() -> list[str]:
    return [argument for each in SETTINGS for argument in ("--set", each)]


def call(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory, spark: object) -> list[Path]:
    """Text of three nights; each has words that the others lack."""
    folder = tmp_path_factory.mktemp("nights")
    paths = []
    for night in range(3):
        lines = [f"{line} only{night} only{night} always" for line in make_documents(60, seed=night)]
        paths.append(folder / f"night-{night}.txt")
        paths[-1].write_text("\n".join(lines) + "\n")
    return paths


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, nights: list[Path]) -> Path:
    """A root with the versions of two nights."""
    root = tmp_path_factory.mktemp("root") / "vectors"
    assert call("train", "--input", nights[0], "--publish", root, "--quiet", *settings()) == 0
    assert call("retrain", "--from", root, "--input", nights[1], "--quiet") == 0
    return root


def versions(root: Path) -> list[Path]:
    opened = VersionRoot.open(root)
    return [Path(opened.directory(version.id).path) for version in opened.list()]


def report_of(version: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((version / "report.json").read_text())
    return report


def counts_of(version: Path) -> dict[str, int]:
    table = pq.read_table(version / "state" / "counts")
    return dict(zip(table["word"].to_pylist(), table["count"].to_pylist(), strict=True))


def test_counts_add_up_and_the_vocabulary_is_made_of_the_sums(root: Path, nights: list[Path]) -> None:
    words = [word for night in nights[:2] for word in night.read_text().replace(".", " ").lower().split()]
    expected = {word: words.count(word) for word in set(words)}
    first, second = versions(root)
    assert counts_of(second) == expected
    vectors = KeyedVectors.load(second)
    assert vectors.counts is not None
    assert dict(zip(vectors.words, vectors.counts.tolist(), strict=True)) == {
        word: count for word, count in expected.items() if count >= 2
    }
    assert "only0" in vectors
    assert "only1" in vectors
    assert "only1" not in KeyedVectors.load(first)


def test_it_goes_on_with_the_weights_and_turns_them_back(root: Path) -> None:
    """After one short epoch words are where they were, and without the rotation's inverse they are not."""
    first, second = (KeyedVectors.load(version) for version in versions(root))
    common = [word for word in first.words[:50] if word in second]
    cosines = [first.similarities([word], [second[word]])[0, 0] for word in common]
    assert np.median(cosines) > 0.8
    rotation = np.load(versions(root)[1] / "rotation.npy")
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(16), atol=1e-12)


def test_the_state_is_what_was_published(root: Path) -> None:
    for version in versions(root):
        vectors = KeyedVectors.load(version)
        np.testing.assert_array_equal(np.load(version / "state" / "w_in.npy"), vectors.matrix)
        assert np.load(version / "state" / "w_out.npy").shape == vectors.matrix.shape


def test_the_drift_and_the_report_say_what_has_moved(root: Path) -> None:
    first, second = versions(root)
    table = pq.read_table(second / "drift").to_pandas().set_index("word")
    old, new = KeyedVectors.load(first), KeyedVectors.load(second)
    assert set(table.index) == set(old.words) | set(new.words)
    for word in ("always", "only0"):
        assert table.loc[word, "cosine"] == pytest.approx(float(old.similarities([word], [new[word]])[0, 0]), abs=1e-5)
        assert table.loc[word, "rank_change"] == old.index(word) - new.index(word)
    assert np.isnan(table.loc["only1", "cosine"])
    report = report_of(second)
    assert report["parent"] == first.name
    assert report["words"]["came"]["words"] == len(set(new.words) - set(old.words))
    assert report["words"]["went"]["words"] == 0
    assert report["text"]["new"]["documents"] == 60
    assert 0 < report["text"]["replayed"]["documents"] < 60
    assert report["drift"]["noise"] > 0
    noise = list((root / "noise").iterdir())
    assert len(noise) == 1
    assert json.loads(noise[0].read_text())["seeds"] == [1, 2]


def test_nothing_new_publishes_nothing(root: Path, nights: list[Path], tmp_path: Path,
                                       capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    before = versions(root)
    empty, blank = tmp_path / "empty", tmp_path / "blank.txt"
    empty.mkdir()
    blank.write_text("\n\n")
    for night in (nights[1], nights[0], empty, blank):
        assert call("retrain", "--from", root, "--input", night) == 0
        shown = capsys.readouterr()
        assert "nothing to do: " in shown.out + shown.err
    assert call("retrain", "--from", root, "--input", tmp_path / "missing") == 2
    assert versions(root) == before
    assert not (root / "_run").exists()


def test_the_same_input_twice_gives_the_same_version(root: Path, nights: list[Path], tmp_path: Path) -> None:
    """From the same version: in another root, and in the same one."""
    first, second = versions(root)
    other = tmp_path / "other"
    start = f"{root}@{first.name}"
    for _ in range(2):
        assert call("retrain", "--from", start, "--input", nights[1], "--publish", other, "--quiet") == 0
        digests = [version.digest for version in VersionRoot.open(other).list()]
        assert digests == [VersionRoot.open(root).get(second.name).digest]


def test_a_half_life_lets_old_words_go(root: Path, nights: list[Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    start = f"{root}@{versions(root)[0].name}"
    arguments = ("--set", "retrain.half_life=0.1", "--replay", "0", "--skip-noise", "--quiet")
    assert call("retrain", "--from", start, "--input", nights[1], "--publish", other, *arguments) == 0
    (version,) = versions(other)
    words = KeyedVectors.load(version).words
    assert "only1" in words
    assert "only0" not in words
    assert report_of(version)["words"]["went"]["words"] > 0
    assert "noise" not in report_of(version)["drift"]


@pytest.mark.parametrize("frozen", ["input", "output"])
def test_a_frozen_matrix_stays(root: Path, nights: list[Path], tmp_path: Path, frozen: str) -> None:
    """But for the rotation, which is the identity where nothing of the published matrix has moved."""
    other, first = tmp_path / "other", versions(root)[0]
    arguments = ("--set", f"train.freeze={frozen}", "--skip-noise", "--quiet", "--replay", "0")
    assert call("retrain", "--from", f"{root}@{first.name}", "--input", nights[1], "--publish", other, *arguments) == 0
    (version,) = versions(other)
    old_words, new = KeyedVectors.load(first).words, KeyedVectors.load(version)
    rows, rotation = [new.index(word) for word in old_words], np.load(version / "rotation.npy")
    changed = {}
    for name in ("w_in", "w_out"):
        old, now = (np.load(place / "state" / f"{name}.npy") for place in (first, version))
        changed[name] = np.abs(now[rows] - old @ rotation).max()
    still, moved = ("w_in", "w_out") if frozen == "input" else ("w_out", "w_in")
    assert changed[still] < 1e-6
    assert changed[moved] > 1e-3


def test_an_interrupted_retraining_goes_on(root: Path, nights: list[Path], tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    from w2v_spark.spark.round_trainer import RoundTrainer

    class Interruption(BaseException):
        pass

    other, start = tmp_path / "other", f"{root}@{versions(root)[0].name}"
    done = []
    train = RoundTrainer.train

    def interrupted(self: Any, number: int) -> None:
        if number == 2 and not done:
            done.append(number)
            raise Interruption
        train(self, number)

    monkeypatch.setattr(RoundTrainer, "train", interrupted)
    arguments = ("retrain", "--from", start, "--input", nights[1], "--publish", other, "--quiet")
    with pytest.raises(Interruption):
        call(*arguments)
    assert call(*arguments) == 2
    of_old_text = ("retrain", "--from", start, "--input", nights[0], "--publish", other, "--quiet")
    assert call(*of_old_text, "--resume") == 0  # nothing new, and the other run stays
    assert (other / "_run" / "run.json").exists()
    assert call(*arguments, "--resume") == 0
    (version,) = VersionRoot.open(other).list()
    assert version.digest == VersionRoot.open(root).list()[1].digest
    assert report_of(versions(other)[0])["text"] == report_of(versions(root)[1])["text"]


@pytest.mark.parametrize("name", ["encode_and_count", "corpus.json"])
def test_an_interruption_while_text_is_encoded(root: Path, nights: list[Path], tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch, name: str) -> None:  # fmt: skip
    """Older text is counted when it is encoded: there is a run only after that, and then the corpus as well."""
    other, start = tmp_path / "other", f"{root}@{versions(root)[0].name}"
    arguments = ("retrain", "--from", start, "--input", nights[1], "--publish", other, "--quiet")

    class Interruption(BaseException):
        pass

    def interrupted(*_: object) -> None:
        raise Interruption

    place = (EncodePass, name) if name == "encode_and_count" else (SamplingTables, "to_bytes")
    with monkeypatch.context() as patched:
        patched.setattr(*place, interrupted)
        with pytest.raises(Interruption):
            call(*arguments)
    assert (other / "_run" / name).exists() == (name == "corpus.json")
    assert not (other / "_run" / "run.json").exists()
    assert call(*arguments, "--resume") == 0
    (version,) = VersionRoot.open(other).list()
    assert version.digest == VersionRoot.open(root).list()[1].digest


def test_older_text_that_is_none_any_more(nights: list[Path], tmp_path: Path,
                                          capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    older, root = tmp_path / "older.txt", tmp_path / "root"
    shutil.copy(nights[0], older)
    assert call("train", "--input", older, "--publish", root, "--quiet", *settings()) == 0
    older.write_bytes(older.read_bytes() + b"\xff\xfe\xfd always\n" * 50)
    capsys.readouterr()
    assert call("retrain", "--from", root, "--input", nights[1], "--replay", "1", "--skip-noise", "--quiet") == 0
    assert "WARNING: older text: 150 of " in capsys.readouterr().err


def test_loss_is_not_compared_across_thresholds_without_a_word(root: Path, nights: list[Path], tmp_path: Path,
                                                               capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    arguments = ("retrain", "--from", root, "--input", nights[2], "--publish", tmp_path / "other", "--quiet")
    gate = ("--skip-noise", "--set", "train.held_out=0.2", "--gate", "held_out_loss <= 100")
    assert call(*arguments, *gate, "--set", "retrain.sample=0.5") == 0
    assert "which alone changes held_out_loss; to compare by it, set retrain.sample to 0" in capsys.readouterr().err


def test_new_text_without_a_known_word(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.txt").write_text("entirely different things\n")
    arguments = ("retrain", "--from", root, "--input", tmp_path / "x.txt", "--publish", tmp_path / "other", "--quiet")
    assert call(*arguments, "--replay", "0") == 2
    error = capsys.readouterr().err
    assert "no word of the new text is in the vocabulary" in error
    assert "Warning" not in error


def test_gates_stand_between_retraining_and_readers(
    root: Path, nights: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that fails on the drift alone, then what passes beside it."""
    other = tmp_path / "other"
    shutil.copytree(root, other)
    opened = VersionRoot.open(other)
    before = opened.require()
    arguments = ("retrain", "--from", other, "--input", nights[2], "--gate", "tokens >= incumbent")
    assert call(*arguments, "--gate", "drift <= 0.001 noise") == 3
    assert "drift" in capsys.readouterr().err
    assert opened.require() == before
    (rejected,) = [version for version in opened.list() if version.state == "rejected"]
    report = opened.report(rejected.id)
    assert [gate["passed"] for gate in report["gates"]] == [True, False]
    assert report["parent"] == before
    assert report["drift"]["noise"] > 0.001
    assert call(*arguments, "--gate", "drift <= 1000 noise") == 0
    assert opened.report(opened.require())["parent"] == before


def test_a_rollback_meanwhile_is_not_overruled(
    root: Path, nights: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new version stays beside the one that somebody has led readers to; it was made of the one before."""
    from w2v_spark.spark.retraining import Retraining

    other = tmp_path / "other"
    shutil.copytree(root, other)
    opened = VersionRoot.open(other)
    first, second = opened.list()
    complete = Retraining.complete

    def rolled_back(self: Any, learned: Any, work: Any) -> Any:
        opened.rollback()
        return complete(self, learned, work)

    with monkeypatch.context() as patched:
        patched.setattr(Retraining, "complete", rolled_back)
        assert call("retrain", "--from", other, "--input", nights[2], "--skip-noise", "--quiet") == 3
    third = opened.list()[-1]
    assert f"version {third.id} is complete, but readers follow {first.id}" in capsys.readouterr().err
    assert opened.current() == first.id
    assert (third.state, third.parent) == ("published", second.id)
    assert not (other / "_run").exists()


def test_what_does_not_go_on_is_refused(root: Path, nights: list[Path], tmp_path: Path,
                                        capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    def refusal(*arguments: object) -> str:
        assert call("retrain", *arguments) == 2
        return capsys.readouterr().err

    assert "model.dim = 32 is not what version" in refusal(
        "--from", root, "--input", nights[2], "--set", "model.dim=32"
    )
    assert "holds no versions; train the first one with --publish" in refusal(
        "--from", tmp_path / "nothing", "--input", nights[2]
    )
    assert call("train", "--input", nights[0], "--output", tmp_path / "x", "--set", "train.freeze=output") == 2
    assert "train.freeze = 'output' needs weights to begin with" in capsys.readouterr().err
    tree = tmp_path / "tree"
    arguments = ("--set", "model.objective=hierarchical_softmax", *settings(), "--quiet")
    assert call("train", "--input", nights[0], "--publish", tree, *arguments) == 0
    assert "was trained by hierarchical softmax" in refusal("--from", tree, "--input", nights[1])


def test_a_damaged_state_is_refused(root: Path, nights: list[Path], tmp_path: Path,
                                    capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    file = versions(copy)[1] / "state" / "w_out.npy"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert call("retrain", "--from", copy, "--input", nights[2]) == 2
    assert "w_out.npy is damaged" in capsys.readouterr().err


def test_exposures_come_from_what_is_trained() -> None:
    """Words that the new text lacks are met as noise and in no window."""
    counts, trained = np.array([100, 50, 30, 20]), np.array([10, 0, 5, 0])
    config = Config().replace(train={"sample": 0.0})
    tables = SamplingTables.build(counts, config.model, 0.0)
    inputs, outputs = build_update_statistics(counts, config, tables, 3, trained)
    assert inputs.updates[[1, 3]].tolist() == [0, 0]
    assert outputs.partner_counts.tolist() == [10 / 15, 0, 5 / 15, 0]
    assert (outputs.updates > 0).all()
