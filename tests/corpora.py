"""Small corpora with a structure that training must find."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

TOPICS = 20
WORDS_PER_TOPIC = 25
COMMON = 30


def word(topic: int, rank: int) -> str:
    return f"t{topic:02d}w{rank:02d}"


def planted_documents(documents: int, seed: int = 0, sentences: int = 8, length: int = 12) -> list[str]:
    """Sentences each about one topic, with common words that occur in all of them."""
    random = np.random.default_rng(seed)
    result = []
    for _ in range(documents):
        text = []
        for _ in range(sentences):
            topic = random.integers(TOPICS)
            ranks = np.minimum(random.geometric(0.1, length) - 1, WORDS_PER_TOPIC - 1)
            words = [word(topic, rank) for rank in ranks]
            for place in random.integers(0, length, 3):
                words[place] = f"common{random.integers(COMMON)}"
            text.append(" ".join(words).capitalize() + ".")
        result.append(" ".join(text))
    return result


def write_parquet(directory: Path, documents: list[str], files: int = 3) -> Path:
    directory.mkdir(parents=True)
    for number, part in enumerate(np.array_split(np.array(documents, object), files)):
        pq.write_table(pa.table({"text": pa.array(list(part), pa.string())}), directory / f"part-{number}.parquet")
    return directory
