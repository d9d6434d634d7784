"""Everything of ours on S3, as a server on loopback speaks it, and on a store whose moves are seen half done."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pytest

from tests.unit import document_models
from tests.unit.stores import MemoryStore, S3Server, memory_store
from tests.unit.test_publication import publish as publish_plain
from tests.unit.test_versions import make_old, publish, value_of
from w2v_spark import DocumentVectors, KeyedVectors, table_path
from w2v_spark.errors import ConfigError, InUse, StoreError
from w2v_spark.evaluation.suite import evaluate
from w2v_spark.formats.exporting import export_vectors
from w2v_spark.formats.formats import Format, VectorFile
from w2v_spark.publishing import lock_files
from w2v_spark.publishing.holder import Holder
from w2v_spark.publishing.lock import Lock
from w2v_spark.publishing.manifest import Manifest
from w2v_spark.publishing.versions import VersionRoot, open_result
from w2v_spark.storage import Directory
from w2v_spark.training.matrix_files import open_matrix, write_matrix
from w2v_spark.vectors.labelled_rows import read_source
from w2v_spark.vectors.reading import read_words
from w2v_spark.vectors.table_files import describe_vectors
from w2v_spark.vectors.table_format import DOCUMENT_TABLE
from w2v_spark.vectors.table_source import TableSource


@dataclass(frozen=True)
class Store:
    """Where a test works, by URI."""

    uri: Callable[[str], str]

    def directory(self, path: str) -> Directory:
        return Directory.open(self.uri(path))

    def root(self, path: str) -> VersionRoot:
        return VersionRoot(self.directory(path))


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    server = S3Server()
    yield server
    server.close()


@pytest.fixture(params=["s3", "memory"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("server")
        folder = request.node.name.partition("[")[0]
        yield Store(lambda path: server.uri(f"{folder}/{path}"))
    else:
        with memory_store(monkeypatch.setattr):
            yield Store(lambda path: f"memory:///lake/{path}")


def test_a_table_is_published_replaced_and_read(store: Store) -> None:
    output = store.directory("out")
    for value in (1.0, 2.0):
        publish_plain(output, value)
        vectors = KeyedVectors.load(store.uri("out"))
        assert np.all(vectors.matrix == value)
        assert np.all(vectors.counts == int(value) + 1)
    assert describe_vectors(store.uri("out")).rows == len(read_words(store.uri("out"))) == len(vectors)
    assert sorted(info.base_name for info in output.list()) == ["_SUCCESS", "model.json", "vectors"]
    assert open_result(store.uri("out")) == output


def test_versions(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    root = store.root("root")
    first, second = publish(root, 1.0), publish(root, 2.0)
    assert value_of(store.uri("root")) == 2.0
    assert value_of(store.uri(f"root@{first.id}")) == 1.0
    assert value_of(table_path(store.uri(f"root@{first.digest[:8]}"))) == 1.0
    assert publish(root, 1.0).id == first.id
    assert root.rollback(second.id) == second.id
    Manifest.read(root.directory(first.id)).verify(root.directory(first.id))
    make_old(root, monkeypatch)
    root.pin(first.id)
    third = publish(root, 3.0)
    assert root.prune(1) == []  # the second was current a moment ago
    root.unpin(first.id)
    assert root.prune(1) == [first.id]
    assert [version.id for version in root.list()][-2:] == [second.id, third.id]
    with pytest.raises(StoreError):
        KeyedVectors.load(store.uri("nothing"))


def test_documents_are_read(store: Store) -> None:
    output = store.directory("inferred")
    ids = pa.array([f"d{row}" for row in range(document_models.N)])
    matrix, missing = document_models.DOCUMENT_MATRIX, document_models.MISSING
    document_models.write_document_files(output.child("documents").create(), ids, matrix, missing, 3)
    output.write_bytes("_SUCCESS", b"")
    documents = DocumentVectors.load(store.uri("inferred"))
    assert np.array_equal(documents["d149"], matrix[149])
    assert documents.without_vector.to_pylist() == ["d5", "d99"]
    assert [name for name, _ in documents.most_similar("d140", topn=1)] == ["d20"]
    some = read_source(TableSource.find(store.uri("inferred"), DOCUMENT_TABLE), 60, 90)
    assert np.array_equal(some.stack.to_matrix(), matrix[~missing][60:90])
    assert describe_vectors(store.uri("inferred"), DOCUMENT_TABLE).rows == 148


def test_commands_read_a_version(store: Store, tmp_path_factory: pytest.TempPathFactory) -> None:
    root, folder = store.root("root"), tmp_path_factory.mktemp("local")
    publish(root, 1.0)
    rows = export_vectors(store.uri("root"), VectorFile(str(folder / "v.txt"), Format.WORD2VEC_TEXT, True))
    assert rows == len((folder / "v.txt").read_text().splitlines()) - 1
    (folder / "pairs.txt").write_text("w0 w1 1\nw1 w2 2\nw2 w3 3\n")
    assert evaluate(store.uri("root"), {"similarity": [str(folder / "pairs.txt")]})["version"] == root.current()


def test_a_matrix_of_a_state_is_read_by_rows(store: Store) -> None:
    state = store.directory("state").create()
    matrix = np.arange(50, dtype=np.float32).reshape(10, 5)
    write_matrix(state, "w_in.npy", 10, 5, iter([matrix[:6], matrix[6:]]))
    rows = open_matrix(state, "w_in.npy", 10, 5)
    assert np.array_equal(rows[3:8], matrix[3:8])


def test_readers_beside_writers_see_whole_versions(store: Store) -> None:
    """Two jobs publish, one by one, and readers meet one version at each look, and never a failure."""
    root = store.root("root")
    publish(root, 0.0)
    done = threading.Event()

    def read() -> set[float]:
        seen = set()
        while not done.is_set():
            seen.add(value_of(store.uri("root")))
        return seen

    def write(start: float) -> None:
        mine = store.root("root")
        with Lock(mine.root, purpose="train", wait=60) as held:
            publish(mine, start)
            held.check()

    with ThreadPoolExecutor() as pool:
        readers = [pool.submit(read) for _ in range(2)]
        writers = [pool.submit(write, start) for start in (1.0, 11.0)]
        for writer in writers:
            writer.result()
        done.set()
    assert set().union(*(reader.result() for reader in readers)) <= {0.0, 1.0, 11.0}
    assert len(root.list()) == 3
    assert all(version.parent for version in root.list()[1:])


def test_of_jobs_that_begin_together_one_works(store: Store) -> None:
    directory, held, most, barrier = store.directory("root").create(), [0], [0], threading.Barrier(4)

    def job(number: int) -> bool:
        barrier.wait()
        try:
            with Lock(directory, purpose=f"job {number}") as lock:
                held[0] += 1
                most[0] = max(most[0], held[0])
                threading.Event().wait(0.5)
                lock.check()
                held[0] -= 1
        except InUse:
            return False
        return True

    with ThreadPoolExecutor() as pool:
        worked = list(pool.map(job, range(4)))
    assert most[0] == 1
    assert any(worked)
    assert not directory.list()


def test_a_lock_is_held_by_one_on_a_slow_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step of every job takes a time of its own, so they meet in all orders."""
    chance = random.Random(7)
    with memory_store(monkeypatch.setattr) as files:
        original = MemoryStore.get_file_info_selector, MemoryStore.open_output_stream

        def slow(call: Callable[..., object]) -> Callable[..., object]:
            def waiting(*arguments: object) -> object:
                time.sleep(chance.random() * 0.02)
                result = call(*arguments)
                time.sleep(chance.random() * 0.02)
                return result

            return waiting

        monkeypatch.setattr(MemoryStore, "get_file_info_selector", slow(original[0]))
        monkeypatch.setattr(MemoryStore, "open_output_stream", slow(original[1]))
        monkeypatch.setattr(lock_files.random, "uniform", lambda *_: chance.random() * 0.05)
        directory, inside, worked = Directory.open("memory:///lake/root").create(), [0], [0]

        def job(number: int) -> None:
            for _ in range(5):
                with Lock(directory, purpose=f"job {number}", wait=120) as lock:
                    inside[0] += 1
                    assert inside[0] == 1
                    time.sleep(0.005)
                    lock.check()
                    worked[0] += 1
                    inside[0] -= 1

        with ThreadPoolExecutor() as pool:
            list(pool.map(job, range(4)))
        assert worked[0] == 20
        assert not files.files


def test_a_claim_of_a_dead_job_is_taken_over(store: Store) -> None:
    directory, said = store.directory("root").create(), list[str]()
    dead = replace(Holder.of_this_process("train"), process_start="1")
    late = replace(Holder.of_this_process("train"), machine="another", host="there", heartbeat=time.time() - 1000)
    for holder in (dead, late):
        directory.write_json(f"lock.json.{holder.token}.claim", {**holder.to_dict(), "is_held": True})
    with Lock(directory, say=said.append) as lock:
        assert len(directory.list()) == 1
        with pytest.raises(InUse), Lock(directory):
            pass
        alive = replace(late, heartbeat=time.time())
        directory.remove(directory.list()[0].base_name)
        directory.write_json(f"lock.json.{alive.token}.claim", alive.to_dict())
        with pytest.raises(StoreError, match=r"taken over by train of .* on there"):
            lock.check()
    assert sorted("which is gone" in line for line in said) == [False, True]
    assert len(directory.list()) == 1  # not ours


@pytest.mark.slow
def test_the_store_is_busy_at_times(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ninth request is refused, and nothing of ours notices but a clock."""
    root = VersionRoot.open(server.uri("busy"))
    refused = server.refused
    monkeypatch.setattr(server, "refuse", lambda number, *_: number % 9 == 0)
    publish(root, 1.0)
    assert value_of(server.uri("busy")) == 1.0
    assert server.refused > refused + 5


@pytest.mark.slow
@pytest.mark.parametrize("part", ["_SUCCESS", "CURRENT"])
def test_the_store_fails_at_one_file(server: S3Server, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """Publishing fails with an error, readers stay where they are, and the next attempt succeeds."""
    name = f"fails-{part}"
    root = VersionRoot.open(server.uri(name))
    publish(root, 1.0)
    with monkeypatch.context() as patched:
        patched.setattr(
            server, "refuse", lambda _, method, path: method in ("PUT", "POST") and part in path and name in path
        )
        with pytest.raises(OSError, match=r"(?i)slow|503|reduce|unavailable"):
            publish(root, 2.0)
        assert value_of(server.uri(name)) == 1.0
    second = publish(root, 2.0)
    assert value_of(server.uri(name)) == 2.0
    assert second.parent is not None
    assert len(root.list()) == 2


def test_pyarrow_puts_without_a_condition(server: S3Server) -> None:
    """Where this fails a lock can be made by a conditional put, and needs no claims."""
    directory = Directory.open(server.uri("condition")).create()
    for content in (b"one", b"two"):
        directory.write_bytes("file", content)
    assert directory.read_bytes("file") == b"two"
    assert not {"IF_NONE_MATCH", "IF_MATCH"} & server.headers


def test_a_version_that_is_not_there(store: Store) -> None:
    publish(store.root("root"), 1.0)
    with pytest.raises(ConfigError, match="no version"):
        KeyedVectors.load(store.uri("root@20200101"))
