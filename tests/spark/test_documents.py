"""Documents of all kinds: the main job counts and trains what it should."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pyarrow as pa

from tests.spark.documents import COUNTS, DOCUMENTS, write_parquet, write_text


def test_null_and_empty_documents(job, tmp_path, out, reference):
    documents = [None, "", DOCUMENTS[0], " \t", DOCUMENTS[1], None, DOCUMENTS[2], "", "... !? --"]
    model = job.train(write_parquet(tmp_path / "a.parquet", text=documents), out, "--format", "parquet")
    assert model.counts == COUNTS
    assert model.corpus["documents"] == 7, "those that are not null"
    assert model.corpus["digest"] == reference.corpus["digest"]


def test_a_line_of_100_megabytes_and_one_of_20_without_a_space(job, tmp_path, out):
    words = [f"{'wordsofsomelength' * 2}{number:02d}" for number in range(50)]
    block, blocks = " ".join(words) + " ", 58_000
    with (tmp_path / "a.txt").open("w") as file:
        for _ in range(20):
            file.write(block * (blocks // 20))
        file.write(f"\n{'x' * 20_000_000}\nbehind it\n")
    assert (tmp_path / "a.txt").stat().st_size > 120_000_000
    settings = ("vocabulary.min_count=2", "train.sample=1e-7", "model.dim=4", "train.rounds=1")
    model = job.train(tmp_path / "a.txt", out, settings=settings)
    assert model.counts == dict.fromkeys(words, blocks)
    assert model.corpus["documents"] == 3
    assert model.corpus["overlong_words"] == 1
    assert model.corpus["kept_sentences"] == 50 * blocks // 1000
    assert np.isfinite(model.matrix).all()


def test_binary_junk_among_text(job, tmp_path, out):
    junk = random.Random(1).randbytes(300_000)
    text = b"elephants and crocodiles\n" * 100
    (tmp_path / "a.txt").write_bytes(text + junk + b"\n" + text + b"\xff\xfe\x00" * 1000 + b"\n" + text)
    model = job.train(tmp_path / "a.txt", out, "--max-invalid", "0.5")
    assert model.counts["elephants"] == model.counts["crocodiles"] == 300
    assert model.corpus["invalid_utf8"] > 100_000
    assert sum(model.counts.values()) == model.corpus["tokens"] == model.corpus["kept_tokens"]
    assert all(word.isprintable() for word in model.counts)


def test_empty_partitions_and_more_files_than_rows(job, tmp_path, out, reference):
    (tmp_path / "in").mkdir()
    for number in range(12):
        documents = DOCUMENTS[number // 4 : number // 4 + 1] if number % 4 == 1 else []
        write_parquet(tmp_path / f"in/{number:02d}.parquet", text=pa.array(documents, pa.string()))
    model = job.train(tmp_path / "in", out, "--format", "parquet")
    assert model.files == reference.files
    assert model.description["input"]["files"] == 12


def test_empty_files_among_others(job, tmp_path, out, reference):
    write_text(tmp_path / "in/a.txt", DOCUMENTS)
    for name in "bcd":
        write_text(tmp_path / f"in/{name}.txt", [])
    assert job.train(tmp_path / "in", out).files == reference.files


def test_more_shards_than_sentences(job, tmp_path, out):
    model = job.train(write_text(tmp_path / "a.txt", DOCUMENTS), out, settings=["train.shards=12"])
    assert model.counts == COUNTS
    assert sum(record["tokens"] for record in model.rounds) == model.corpus["kept_tokens"] == 18
    assert np.isfinite(model.matrix).all()


def test_one_document_without_a_line_end(job, tmp_path, out):
    (tmp_path / "a.txt").write_text("one two three two")
    model = job.train(tmp_path / "a.txt", out, "--max-invalid", "0.5")
    assert model.counts == {"two": 2, "one": 1, "three": 1}
    assert model.corpus["documents"] == 1


def test_words_of_all_kinds_of_scripts(job, tmp_path, out):
    text = "Straße ΟΔΥΣΣΕΥΣ Ёлка İstanbul नमस्ते ภาษา 漢字 한국어 עברית العربية ᏣᎳᎩ 𐐀𐐨 𐌰𐌱 e\u0301te\u0301 ４２ x²"
    expected = (
        "straße οδυσσευς ёлка i\u0307stanbul नमस्ते ภาษา 漢字 한국어 עברית العربية ꮳꮃꭹ 𐐨𐐨 𐌰𐌱 e\u0301te\u0301 ４２ x"
    )
    model = job.train(write_text(tmp_path / "a.txt", [text]), out)
    assert model.counts == Counter(expected.split())
    assert list(model.counts) == sorted(expected.split(), key=str.encode)
