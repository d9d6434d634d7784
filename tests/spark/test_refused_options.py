"""Settings and places for the output that cannot be used are refused: one clear line, exit code 2, nothing written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.commands import train
from tests.spark.documents import write_text
from tests.spark.main_job import Model
from tests.spark.refusal import snapshot

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
        ("train.threads=0", "train.threads = 0 is not allowed: expected a finite number, at least 1 and at most 256"),
        ("train.threads=257", "train.threads = 257 is not allowed"),
        ("train.threads=auto", "train.threads = 'auto' is not allowed: expected a whole number"),
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


def test_an_output_must_be_given(capsys):
    assert train(["--input", "a.txt"]) == 2
    assert "--output or --publish is needed" in capsys.readouterr().err


# Output


def test_an_output_that_exists(refused, text, out):
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    assert f"--output {out} exists; choose another directory, or give --overwrite" in refused(text, out)
    for option in ("--overwrite", "--resume"):
        assert f"--output {out} holds 'notes.txt', which is not part of a vector table" in refused(text, out, option)


def test_a_result_without_a_run(refused, job, text, out):
    job.train(text, out)
    (out / "_SUCCESS").unlink()
    assert f"--output {out} holds no run to resume" in refused(text, out, "--resume")


def test_an_interrupted_run(refused, job, text, out):
    job.train(text, out, "--keep-run")
    assert "--resume to go on with its run" in refused(text, out)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("vectors/GoogleNews.bin", "precious"),
        ("vectors/part-00000.parquet", "of another program"),
        ("_run/mine.log", "log"),
        ("_run/run.json", '{"mine": 1}'),
        ("model.json", '{"mine": 1}'),
        ("history.json", "[]"),
        ("_SUCCESS", "not empty"),
        ("data/text.txt", "the corpus"),
    ],
)
@pytest.mark.parametrize("trained_before", [False, True])
def test_what_this_program_has_not_made_is_never_removed(refused, job, text, out, file, content, trained_before):
    """A folder with anything else in it is refused by the name of what is foreign, and stays as it is."""
    if trained_before and file != "_run/run.json":  # which a run of ours has as well
        job.train(text, out, "--keep-run")
    (out / file).parent.mkdir(parents=True, exist_ok=True)
    (out / file).write_text(content)
    before = snapshot(out)
    said = refused(text, out, "--overwrite")
    assert "which is not part of a vector table that this program has made" in said
    assert file.partition("/")[0] in said
    assert snapshot(out) == before


@pytest.mark.parametrize("option", ["--overwrite", "--resume"])
def test_an_input_inside_the_output(refused, job, text, out, option):
    job.train(text, out)
    write_text(out / "vectors/in.txt")
    before = snapshot(out)
    said = refused(out / "vectors", out, option, "--format", "text")
    assert f"--input {out}/vectors lies within --output {out}" in said
    assert snapshot(out) == before


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("dbfs:/x", "dbfs:/x needs DBFS mounted at /dbfs"),
        ("s3:bucket/x", "s3:bucket/x is neither a URI nor clearly a path: expected s3://..."),
        ("wasb:/x", "expected wasb://... for a URI, or ./wasb:/x for a local path"),
        ("~no-such-user/x", "names a home directory that is not known"),
        ("", "the path is empty"),
    ],
)
def test_outputs_of_which_it_is_not_clear_what_they_are(capsys, text, tmp_path, monkeypatch, output, message):
    monkeypatch.chdir(tmp_path)
    assert train(["--input", str(text), "--output", output]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_home_directory_is_expanded(job, text, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert job(text, Path("~/models/a"))[0] == 0
    assert Model.read(tmp_path / "models/a").counts
    assert not (tmp_path / "~").exists()


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
    job.train(tmp_path / "in", tmp_path / "in2")
    job.train(tmp_path / "in/*.txt", tmp_path / "in/out")


def test_bad_input_leaves_an_old_result_alone(refused, job, text, tmp_path, out):
    job.train(text, out)
    refused(tmp_path / "missing", out, "--overwrite")
    refused(text, out, "--overwrite", settings=["vocabulary.min_count=1000"])
    (tmp_path / "bad.gz").write_text("no gzip")
    refused(tmp_path / "bad.gz", out, "--overwrite")
    Model.read(out)
