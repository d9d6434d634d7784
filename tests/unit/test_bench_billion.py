"""The benchmark on a billion words: its corpus, and that it leaves neither files nor processes behind."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import resampling
from benchmarks.apart import run_apart, work_directory
from benchmarks.bench_billion import check_disk, disk_needed
from benchmarks.resampling import Sentences, read_sentences, write_corpus
from w2v_spark.config import TextConfig
from w2v_spark.text.analyzer import build_analyzer

WORDS = 20_000


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> Sentences:
    documents = [f"Sentence {n} ends here. ({n}) It isn't the last! \nwords {'more ' * (n % 40)}." for n in range(300)]
    path = tmp_path_factory.mktemp("data") / "text.parquet"
    pq.write_table(pa.table({"text": [*documents, None, "", "... ! ?"]}), path)
    return read_sentences([path, path], TextConfig())


def read(directory: Path) -> list[list[str]]:
    return [pq.read_table(file)["text"].to_pylist() for file in sorted(directory.iterdir())]


def words_in(texts: list[str]) -> int:
    return sum(len(words) for words in build_analyzer(TextConfig()).words(pa.array(texts)))


def test_sentences_have_words_and_their_number(sentences: Sentences) -> None:
    texts = sentences.text.to_pylist()
    assert texts[:2] == ["Sentence 0 ends here. ", "(0) It isn't the last! "]
    assert len(texts) == 2 * 3 * 300
    assert [words_in([text]) for text in texts[:400]] == sentences.words[:400].tolist()
    assert sentences.words.min() > 0


def test_the_same_seed_gives_the_same_corpus_and_another_another(sentences: Sentences, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_corpus(sentences, tmp_path / name, WORDS, seed, files=3)
    first, again, other = (read(tmp_path / name) for name in "abc")
    assert first == again
    assert first != other
    assert first[0] != first[1]


def test_the_corpus_has_the_words_that_were_asked_for(
    sentences: Sentences, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resampling, "DRAWN_SENTENCES", 500)  # several row groups a file
    written = write_corpus(sentences, tmp_path / "corpus", WORDS, seed=1, files=2)
    files = read(tmp_path / "corpus")
    assert sum(map(words_in, files)) == written
    assert WORDS <= written < WORDS + 2 * sentences.words.max()
    lengths = [words_in([text]) for text in files[0]]
    assert max(lengths) < 600
    assert sum(lengths) / len(lengths) > 300


def test_too_small_a_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=3 * 10**9))
    with pytest.raises(SystemExit, match=r"1,000,000,000 words need 16\.3 GB .* has 3\.0 GB; .*--output DIR"):
        check_disk(tmp_path, 10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=disk_needed(10**9)))
    check_disk(tmp_path, 10**9)
    with pytest.raises(SystemExit, match="is no directory"):
        check_disk(tmp_path / "absent", 1)


def test_a_signal_ends_it_and_leaves_nothing(tmp_path: Path) -> None:
    def run() -> None:
        with work_directory(tmp_path, 60) as work:
            (work / "file").touch()
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit, match="stopped by SIGTERM"):
        run()
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found through /proc")
def test_the_time_limit_kills_everything_the_job_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = (  # a child in a group of its own, as Spark's Python workers are
        "import pathlib, subprocess, sys, time; "
        "child = subprocess.Popen(['sleep', '60'], process_group=0); "
        f"pathlib.Path({str(pid)!r}).write_text(str(child.pid)); time.sleep(60)"
    )
    started = time.monotonic()
    with pytest.raises(SystemExit, match=r"time limit of 2 s"), work_directory(tmp_path, 2) as work:
        run_apart([sys.executable, "-S", "-c", code], dict(os.environ), work)
    assert time.monotonic() - started < 30
    stat = Path(f"/proc/{pid.read_text()}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"
    assert list(tmp_path.iterdir()) == [pid]
