"""What cannot be used is refused in one clear line, with exit code 2 and nothing written; interrupted runs go on."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs import train
from tests.spark.main_job import MainJob, Model, arguments
from w2v_spark.spark import job as main_job
from w2v_spark.training.history import RoundsProgress

DOCUMENTS = ["the cat sat on the mat", "the dog sat on the cat", "a dog and a cat"] * 20
PARQUET = ("--format", "parquet")


@dataclass(frozen=True)
class Refusal:
    """Runs the job on something bad and returns the one line of complaint."""

    job: MainJob

    def __call__(
        self, source: Path | list[Path], output: Path, *options: str, settings: Sequence[str] = (), code: int = 2
    ) -> str:
        before = snapshot(output)
        result, out, err = self.job(source, output, *options, "--quiet", settings=settings)
        assert (result, out) == (code, ""), err
        assert err.startswith("error: ")
        assert err.endswith("\n")
        assert err.count("\n") == 1, err
        assert snapshot(output) == before, "something was written"
        return err


def snapshot(directory: Path) -> dict[str, bytes]:
    """All files below a directory; none if it is not there, but an empty directory is something."""
    found = {str(path): path.read_bytes() if path.is_file() else b"" for path in directory.rglob("*")}
    return {**found, str(directory): b""} if directory.exists() else found


def write_text(path: Path, documents: Sequence[str] = DOCUMENTS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{document}\n" for document in documents), encoding="utf-8")
    return path


def half(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


@pytest.fixture
def job(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> MainJob:
    return MainJob(capsys)


@pytest.fixture
def refused(job: MainJob) -> Refusal:
    return Refusal(job)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text(tmp_path_factory.mktemp("text") / "a.txt")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


# Input that is not there


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing", "does not exist"),
        ("missing/*.txt", "matches no file"),
        ("missing[1].txt", "matches no file"),
        ("missing.{txt,gz}", "Path does not exist"),
        ("empty.txt", "is empty: 1 file(s) of 0 bytes"),
        ("empties", "is empty: 2 file(s) of 0 bytes"),
        ("directory", "holds no files"),
        ("hidden", "names that start with . or _ are not read"),
        ("hidden/_a.txt", "names that start with . or _ are not read"),
        ("dangling/link", "does not exist"),
        ("dangling", "is not readable"),
    ],
)
def test_input_that_is_missing_or_empty(refused, tmp_path, out, path, message):
    write_text(tmp_path / "empty.txt", [])
    write_text(tmp_path / "empties/a.txt", [])
    write_text(tmp_path / "empties/b/c.txt", [])
    (tmp_path / "directory/below").mkdir(parents=True)
    write_text(tmp_path / "hidden/_a.txt")
    write_text(tmp_path / "hidden/.b.txt")
    write_text(tmp_path / "hidden/_temporary/c.txt")
    write_text(tmp_path / "dangling/a.txt")
    (tmp_path / "dangling/link").symlink_to(tmp_path / "nowhere")
    said = refused(tmp_path / path, out)
    assert message in said
    assert path.split("/")[0] in said


def test_input_without_permission(refused, text, tmp_path, out):
    closed = write_text(tmp_path / "in" / "a.txt")
    closed.chmod(0)
    if os.access(closed, os.R_OK):
        pytest.skip("this user reads everything")
    assert f"--input {closed} is not readable" in refused([text, closed.parent], out)


def test_one_missing_input_of_several(refused, text, tmp_path, out):
    assert "missing does not exist" in refused([text, tmp_path / "missing"], out)


def test_a_scheme_that_nobody_knows(refused, text, out):
    assert "unheard" in refused([Path("unheard://of/it")], out)
    said = refused(text, out, "--output", "unheard://of/it")
    assert "unheard://of/it is not a path or URI that can be opened" in said


# Input that cannot be read


def write_cut_gzip(folder: Path) -> list[str]:
    (folder / "bad.gz").write_bytes(gzip.compress(os.urandom(10_000)))
    half(folder / "bad.gz")
    return []


def write_no_gzip(folder: Path) -> list[str]:
    write_text(folder / "bad.gz")
    return []


def write_cut_bz2(folder: Path) -> list[str]:
    (folder / "bad.bz2").write_bytes(bz2.compress("\n".join(DOCUMENTS).encode()))
    half(folder / "bad.bz2")
    return []


def write_cut_parquet(folder: Path) -> list[str]:
    pq.write_table(pa.table({"text": DOCUMENTS}), folder / "bad.parquet")
    half(folder / "bad.parquet")
    return ["--format", "parquet"]


def write_damaged_parquet(folder: Path) -> list[str]:
    pq.write_table(pa.table({"text": DOCUMENTS}), folder / "bad.parquet")
    data = bytearray((folder / "bad.parquet").read_bytes())
    data[20:60] = b"\xff" * 40  # in the first page, behind what Spark looks at before it reads
    (folder / "bad.parquet").write_bytes(data)
    return ["--format", "parquet"]


def write_text_as(name: str) -> Callable[[Path], list[str]]:
    def write(folder: Path) -> list[str]:
        write_text(folder / f"bad.{name}")
        return ["--format", name]

    return write


def write_cut_parquet_among_good(folder: Path) -> list[str]:
    (folder / "bad").mkdir()
    for name in "ab":
        pq.write_table(pa.table({"text": DOCUMENTS}), folder / f"bad/{name}.parquet")
    half(folder / "bad/b.parquet")
    return ["--format", "parquet"]


def write_parquet_of_two_types(folder: Path) -> list[str]:
    (folder / "bad").mkdir()
    pq.write_table(pa.table({"text": DOCUMENTS}), folder / "bad/a.parquet")
    pq.write_table(pa.table({"text": [1, 2]}), folder / "bad/b.parquet")
    return ["--format", "parquet"]


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (write_cut_gzip, "bad.gz cannot be read: java.io.EOFException: Unexpected end of input stream; repair it"),
        (write_no_gzip, "bad.gz cannot be read: java.io.IOException: not a gzip file; repair it or leave it out"),
        (write_cut_bz2, "bad.bz2 cannot be read"),
        (write_cut_parquet, "bad.parquet is not a Parquet file"),
        (write_damaged_parquet, "bad.parquet cannot be read"),
        (write_text_as("parquet"), "bad.parquet is not a Parquet file"),
        (write_text_as("orc"), "Malformed ORC file"),
        (write_text_as("json"), "text.column = 'text' is not in the input"),
        (write_cut_parquet_among_good, "bad/b.parquet cannot be read"),
        (write_parquet_of_two_types, "bad/b.parquet cannot be read"),
    ],
)
def test_input_that_is_corrupt_or_of_another_format(refused, tmp_path, out, write, message):
    options = write(tmp_path)
    assert message in refused(next(tmp_path.glob("bad*")), out, *options)


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Parquet file with columns of many types, none of them of text."""
    path = tmp_path_factory.mktemp("columns") / "a.parquet"
    maps = pa.array([[("a", 1)], [("b", 2)]], pa.map_(pa.string(), pa.int32()))
    table = {"number": [1, 2], "map": maps, "numbers": [[1], [2]], "lists": [[["a"]], [["b"]]],
             "record": [{"text": "a"}, {"text": "b"}], "flag": [True, False]}  # fmt: skip
    pq.write_table(pa.table(table), path)
    return path


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("number", "text.column = 'number' is of type bigint; it must be string or array<string>"),
        ("map", "is of type map<string,int>"),
        ("numbers", "is of type array<bigint>"),
        ("lists", "is of type array<array<string>>"),
        ("record", "is of type struct<text:string>"),
        ("record.text", "text.column = 'record.text' is not in the input"),
        ("flag", "is of type boolean"),
        ("text", "text.column = 'text' is not in the input; its columns are number, map, numbers, lists, record, flag"),
        ("Number", "text.column = 'Number' is not in the input"),
        ("", "text.column is empty"),
    ],
)
def test_columns_that_are_absent_or_of_another_type(refused, columns, out, column, message):
    assert message in refused(columns, out, *PARQUET, "--column", column)


@pytest.mark.parametrize(
    ("documents", "settings", "message"),
    [
        (DOCUMENTS, ["vocabulary.min_count=81"],
         "no word reaches vocabulary.min_count = 81 (the most frequent of 8 words occurs 80 times)"),
        (DOCUMENTS, ["vocabulary.min_count=61"], "only one word reaches vocabulary.min_count = 61"),
        (DOCUMENTS, ["vocabulary.max_size=1"], "only one word reaches"),
        (["word", "Word WORD"], [], "only one word reaches vocabulary.min_count = 1"),
        ([None, None], [], "0 documents hold no word"),
        (["", " ", "?! --"], [], "3 documents hold no word"),
        ([], [], "0 documents hold no word"),
    ],
)  # fmt: skip
def test_too_few_words(refused, tmp_path, out, documents, settings, message):
    pq.write_table(pa.table({"text": pa.array(documents, pa.string())}), tmp_path / "a.parquet")
    said = refused(tmp_path / "a.parquet", out, *PARQUET, settings=settings)
    assert message in said
    assert "lower vocabulary.min_count, or check" in said


# Configuration


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("model.dim=-5", "model.dim = -5 is not allowed: expected a finite number, at least 1 and at most 1024"),
        ("model.dim=0", "model.dim = 0 is not allowed"),
        ("model.dim=1025", "model.dim = 1025 is not allowed"),
        ("model.dim=8.5", "model.dim = 8.5 is not allowed: expected a whole number"),
        ("model.dim=true", "model.dim = True is not allowed: expected a whole number"),
        ("model.window=-1", "model.window = -1 is not allowed"),
        ("model.negatives=65", "model.negatives = 65 is not allowed"),
        ("train.learning_rate=nan", "train.learning_rate = nan is not allowed"),
        ("train.learning_rate=inf", "train.learning_rate = inf is not allowed"),
        ("train.learning_rate=-inf", "train.learning_rate = -inf is not allowed"),
        ("train.learning_rate=0", "train.learning_rate = 0.0 is not allowed: expected a finite number, above 0.0"),
        ("train.learning_rate=1e-5", "train.min_learning_rate = 0.0001 is above train.learning_rate = 1e-05"),
        ("train.sample=-1e-3", "train.sample = -0.001 is not allowed"),
        ("train.sample=nan", "train.sample = nan is not allowed"),
        ("train.epochs=0", "train.epochs = 0 is not allowed"),
        ("train.shards=none", "train.shards = 'none' is not allowed: expected a whole number or 'auto'"),
        ("train.rounds=-3", "train.rounds = -3 is not allowed"),
        ("train.seed=-1", "train.seed = -1 is not allowed"),
        ("vocabulary.min_count=-1", "vocabulary.min_count = -1 is not allowed"),
        ("vocabulary.max_size=-1", "vocabulary.max_size = -1 is not allowed"),
        ("model.noise_exponent=nan", "model.noise_exponent = nan is not allowed"),
        ("text.max_sentence_length=0", "text.max_sentence_length = 0 is not allowed"),
        ("model.architecture=skipgramm", "model.architecture = 'skipgramm' is not allowed: expected 'skipgram'"),
        ("model.dimm=8", "unknown key model.dimm, did you mean 'dim'?"),
        ("modle.dim=8", "unknown section [modle], did you mean 'model'?"),
        ("dim=8", "--set 'dim=8' is not of the form section.key=value"),
        ("model.dim", "--set 'model.dim' is not of the form section.key=value"),
    ],
)
def test_settings_that_are_not_allowed(refused, text, out, setting, message):
    assert message in refused(text, out, settings=[setting])


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[train]\nepoch = 3\n", "unknown key train.epoch, did you mean 'epochs'?"),
        ("[trian]\nepochs = 3\n", "unknown section [trian], did you mean 'train'?"),
        ("train = 3\n", "[train]"),
        ("[train\nepochs = 3\n", "run.toml is not valid TOML: Expected ']'"),
        ("[train]\nepochs = three\n", "run.toml is not valid TOML: Invalid value (at line 2"),
        ("[train]\nepochs = 3\nepochs = 4\n", "run.toml is not valid TOML"),
        (b"[train]\nmerge = '\xff'\n", "run.toml is not valid TOML"),
        (None, "run.toml cannot be read: No such file or directory"),
    ],
)
def test_configuration_files_with_mistakes(refused, text, tmp_path, out, toml, message):
    if toml is not None:
        (tmp_path / "run.toml").write_bytes(toml if isinstance(toml, bytes) else toml.encode())
    assert message in refused(text, out, "--config", str(tmp_path / "run.toml"))


@pytest.mark.parametrize("missing", ["--input", "--output"])
def test_input_and_output_must_be_given(capsys, missing):
    given = {"--input": ["--input", "a.txt"], "--output": ["--output", "out"]}
    del given[missing]
    with pytest.raises(SystemExit) as ending:
        train.main([word for words in given.values() for word in words])
    assert ending.value.code == 2
    assert "--input and --output are needed" in capsys.readouterr().err


# Output


def test_an_output_that_exists(refused, text, out):
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    assert f"--output {out} exists; choose another directory, or give --overwrite" in refused(text, out)
    assert f"--output {out} holds no run to resume" in refused(text, out, "--resume")
    (out / "_run").mkdir()
    assert "--resume to go on with its run" in refused(text, out)


def test_overwrite_and_resume_together(refused, text, out):
    assert "give one of them" in refused(text, out, "--overwrite", "--resume")


@pytest.mark.parametrize("options", [(), ("--overwrite",), ("--resume",)])
@pytest.mark.parametrize("below", ["", "below/deep"])
def test_an_output_that_is_a_file_or_below_one(refused, text, tmp_path, options, below):
    file = write_text(tmp_path / "file")
    assert f"{file} is a file" in refused(text, file / below, *options)
    assert file.is_file()


def test_an_output_without_permission(refused, text, tmp_path):
    tmp_path.chmod(0o555)
    if os.access(tmp_path, os.W_OK):
        pytest.skip("this user writes everywhere")
    assert "no permission" in refused(text, tmp_path / "out")


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("in", "in"),
        ("in", "in/below/deep"),
        ("in/", "in/out"),
        ("./in/../in", "in/out"),
        ("link", "in/out"),
        ("in", "link/out"),
        ("i*", "in/out"),
        ("in/*", "in/out"),
        ("in/a.txt", "in/a.txt/out"),
    ],
)
def test_an_output_inside_the_input(refused, tmp_path, source, output):
    write_text(tmp_path / "in/a.txt")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    before = snapshot(tmp_path)
    said = refused([Path(f"{tmp_path}/{source}")], tmp_path / output, "--overwrite")
    assert f"lies within --input {Path(f'{tmp_path}/{source}')}; the next run would read it" in said
    assert snapshot(tmp_path) == before


def test_an_output_beside_the_input(job, tmp_path):
    write_text(tmp_path / "in/a.txt")
    job.train(tmp_path / "in/*.txt", tmp_path / "in/out")
    job.train(tmp_path / "in", tmp_path / "in2")


def test_bad_input_leaves_an_old_result_alone(refused, job, text, tmp_path, out):
    job.train(text, out)
    refused(tmp_path / "missing", out, "--overwrite")
    refused(text, out, "--overwrite", settings=["vocabulary.min_count=1000"])
    (tmp_path / "bad.gz").write_text("no gzip")
    refused(tmp_path / "bad.gz", out, "--overwrite")
    Model.read(out)


# Runs that were interrupted


class Interruption(Exception):
    """Stands for a kill."""


def interrupt(*_: Any, **__: Any) -> None:
    raise Interruption


def interrupt_after_round_two(_: RoundsProgress, record: Any) -> None:
    if record.round == 1:
        raise Interruption


ROUNDS = ["train.rounds=4", "train.epochs=2"]


@pytest.fixture(scope="module")
def uninterrupted(spark: SparkSession, text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with its run directory."""
    output = tmp_path_factory.mktemp("uninterrupted") / "out"
    assert train.main(arguments(text, output, "--quiet", "--keep-run", settings=ROUNDS)) == 0
    return output


@pytest.mark.parametrize(
    ("owner", "name", "break_off", "left"),
    [
        (main_job, "encode_corpus", interrupt, "run.json"),
        (main_job, "train_rounds", interrupt, "corpus.json"),
        (RoundsProgress, "update", interrupt_after_round_two, "rounds/00002/round.json"),
        (main_job, "write_vectors", interrupt, "rounds/00004/round.json"),
        (main_job, "_move_in_place", interrupt, "publish/model.json"),
    ],
)
def test_resume_gives_the_vectors_of_an_uninterrupted_run(
    job, text, out, uninterrupted, monkeypatch, owner, name, break_off, left
):
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, break_off)
        with pytest.raises(Interruption):
            job(text, out, settings=ROUNDS)
    assert (out / "_run" / left).is_file()
    assert not (out / "_SUCCESS").exists()
    assert not (out / "vectors").exists()
    model, expected = job.train(text, out, "--resume", settings=ROUNDS), Model.read(uninterrupted)
    assert model.files == expected.files
    assert model.corpus == expected.corpus
    assert [record["tokens"] for record in model.rounds] == [record["tokens"] for record in expected.rounds]
    assert not (out / "_run").exists()


def test_resume_of_a_run_that_is_to_replace_an_older_result(job, text, out, uninterrupted, monkeypatch):
    older = job.train(text, out, settings=["model.dim=5"])
    with monkeypatch.context() as patch:
        patch.setattr(RoundsProgress, "update", interrupt_after_round_two)
        with pytest.raises(Interruption):
            job(text, out, "--overwrite", settings=ROUNDS)
    assert Model.read(out).files == older.files, "readable until the new one is complete"
    assert job.train(text, out, "--resume", settings=ROUNDS).files == Model.read(uninterrupted).files


@pytest.fixture
def interrupted(uninterrupted: Path, tmp_path: Path) -> Path:
    """A copy of a run that only has to be published; round 4 of 4 is its last checkpoint."""
    output = tmp_path / "interrupted"
    shutil.copytree(uninterrupted / "_run", output / "_run")
    return output


def change_json(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_the_copy_can_be_resumed(job, text, interrupted, uninterrupted):
    assert job.train(text, interrupted, "--resume", settings=ROUNDS).files == Model.read(uninterrupted).files


FILES = [
    "run.json", "vocabulary.parquet", "sampling.bin", "corpus.json", "corpus/*.arrow", "rounds/00004/round.json",
    "rounds/00004/w_in.npy", "rounds/00004/w_out.npy",
]  # fmt: skip


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def fill_with_junk(path: Path) -> None:
    path.write_bytes(b"\xff junk \n" * 100)


def remove_end(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4])


DAMAGES = [
    (name, damage)
    for name in FILES
    for damage in (empty, half, fill_with_junk, remove_end, *([] if name.endswith(".json") else [remove]))
]


@pytest.mark.parametrize(("name", "damage"), DAMAGES)
def test_damaged_files_of_a_run(refused, text, interrupted, name, damage):
    path = next((interrupted / "_run").glob(name))
    damage(path)
    said = refused(text, interrupted, "--resume", settings=ROUNDS)
    assert str(path) in said
    assert "start again with --overwrite" in said


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".json")])
def test_a_stage_whose_last_file_is_missing_is_done_again(job, text, interrupted, uninterrupted, name):
    (interrupted / "_run" / name).unlink()
    assert job.train(text, interrupted, "--resume", settings=ROUNDS).files == Model.read(uninterrupted).files


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("run.json", {"format_version": 99}, "has format version 99, this program reads 1"),
        ("run.json", {"config": None}, "is damaged"),
        ("run.json", {"config": {"model": {"dimm": 8}}}, "unknown key model.dimm"),
        ("run.json", {"input": None}, "is damaged"),
        ("run.json", {"plan": {}}, "is damaged"),
        ("run.json", {"statistics": []}, "is damaged"),
        ("corpus.json", {"shards": []}, "lists 0 shards, expected 2"),
        ("corpus.json", {"shards": None}, "is no list of shards"),
        ("rounds/00004/round.json", {"history": []}, "is damaged: 0 records of 4 rounds"),
        ("rounds/00004/round.json", {"rows": 7}, "holds weights of shape (7, 8), expected (8, 8)"),
        ("rounds/00004/round.json", {"rounds_done": "x"}, "is damaged"),
    ],
)
def test_files_of_a_run_that_say_something_else(refused, text, interrupted, name, values, message):
    change_json(interrupted / "_run" / name, **values)
    said = refused(text, interrupted, "--resume", settings=ROUNDS)
    assert message in said
    assert "start again with --overwrite" in said


def test_a_damaged_description_of_a_finished_run(refused, text, uninterrupted, out):
    shutil.copytree(uninterrupted, out)
    shutil.rmtree(out / "_run")
    change_json(out / "model.json", config=None)
    assert "model.json is damaged" in refused(text, out, "--resume", settings=ROUNDS)
    (out / "model.json").write_text("{")
    assert "model.json is damaged" in refused(text, out, "--resume", settings=ROUNDS)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("model.dim=9", "differs: model.dim was 8, is 9; give the same configuration and input"),
        ("train.seed=2", "train.seed was 1, is 2"),
        ("train.rounds=auto", "train.rounds was 4, is 'auto'"),
        ("train.merge=mean", "train.merge was 'curvature', is 'mean'"),
    ],
)
@pytest.mark.parametrize("finished", [False, True])
def test_resume_with_another_configuration(refused, text, interrupted, uninterrupted, finished, setting, message):
    output = uninterrupted if finished else interrupted
    assert message in refused(text, output, "--resume", settings=[*ROUNDS, setting])


def test_resume_with_another_input(refused, job, tmp_path, out):
    name = "größe 100% [a] {b}.txt"
    source = write_text(tmp_path / "in" / name).parent
    job.train(source, out)
    before = (source / name).stat()
    write_text(source / "b.txt")
    assert "input files was 1, is 2; input bytes was" in refused(source, out, "--resume")
    (source / "b.txt").unlink()
    write_text(source / name, [document.replace("cat", "cow") for document in DOCUMENTS])
    os.utime(source / name, ns=(before.st_atime_ns, before.st_mtime_ns + 1000))
    assert "input digest was" in refused(source, out, "--resume")
    write_text(source / name)
    os.utime(source / name, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "is complete already" in job(source, out, "--resume")[2]


def test_files_that_vanish_between_rounds(job, text, out, monkeypatch):
    """A task finds out, and what it says reaches the user as it is."""

    def remove_corpus(*_: Any) -> None:
        for path in (out / "_run/corpus").iterdir():
            path.unlink()

    monkeypatch.setattr(RoundsProgress, "update", remove_corpus)
    code, _, err = job(text, out, "--quiet", settings=ROUNDS)
    assert code == 2
    assert err.startswith(f"error: {out}/_run/corpus/")
    assert "is missing or damaged" in err
    assert "start again with --overwrite" in err
    assert err.count("\n") == 1


def test_errors_of_spark_itself_are_one_line(job, text, out, monkeypatch):
    def break_in_task(batches: Any) -> Any:
        for _ in batches:
            raise ZeroDivisionError("not the fault of the input")
        yield

    monkeypatch.setattr(
        "w2v_spark.spark.stages.count_words",
        lambda documents, _: documents.mapInArrow(break_in_task, "word string, count bigint"),
    )
    code, _, err = job(text, out, "--quiet")
    assert (code, err) == (1, "error: Spark failed: ZeroDivisionError: not the fault of the input\n")
    assert not out.exists()
