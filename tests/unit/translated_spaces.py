"""Two small languages: the same points in two spaces, one of them turned and shaken."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.unit.vector_files import make_table
from w2v_spark.vectors.blocks import Matrix

D = 8


class Spaces(NamedTuple):
    """Row i of the second is the translation of row i of the first; the second has some words more."""

    source: Matrix
    target: Matrix

    @property
    def words(self) -> tuple[list[str], list[str]]:
        return [f"e{row}" for row in range(len(self.source))], [f"f{row}" for row in range(len(self.target))]

    def write(self, folder: Path) -> tuple[str, str]:
        """Tables named ``english`` and ``french``; their paths."""
        for name, words, matrix in zip(("english", "french"), self.words, self, strict=True):
            make_table(folder / name, words, matrix)
        return str(folder / "english"), str(folder / "french")

    def dictionary(self, path: Path, rows: range) -> str:
        """A file of some of the pairs."""
        path.write_text("".join(f"e{row}\tf{row}\n" for row in rows))
        return str(path)


def make_spaces(rows: int = 300, more: int = 40, dim: int = D, shaken: float = 0.25, seed: int = 1) -> Spaces:
    random = np.random.default_rng(seed)
    points = random.standard_normal((rows + more, dim)) * random.uniform(0.5, 3.0, (rows + more, 1))
    points += 1.5 * random.standard_normal(dim)  # spaces of words have a mean, and with it words near to many
    turn = np.linalg.qr(random.standard_normal((dim, dim)))[0]
    target = points @ turn + shaken * random.standard_normal(points.shape)
    return Spaces(points[:rows].astype(np.float32), target.astype(np.float32))
