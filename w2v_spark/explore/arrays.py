"""Arrays as a page reads them: base64 within small scripts, since browsers read no other file beside one on a disk."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from w2v_spark.vectors.blocks import Matrix

_PART: Final = 6 << 20  # bytes of an array in a script: a multiple of three, so that parts can be put together
_TYPES: Final = {"f4": "Float32Array", "f8": "Float64Array", "i2": "Int16Array", "i4": "Int32Array", "u1": "Uint8Array"}


@dataclass(slots=True)
class ArrayFiles:
    """The scripts that hold the arrays of a page, by name.

    Attributes
    ----------
    described : dict
        What the page has to know of each array: its type in JavaScript, its shape, and how many scripts it has.
    """

    described: dict[str, dict[str, Any]] = field(default_factory=dict)
    _content: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, array: npt.NDArray[Any]) -> None:
        """Take in an array of little-endian numbers; ``name`` is letters, digits and dashes."""
        plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        data = plain.tobytes()
        count = max(1, -(-len(data) // _PART))
        for part in range(count):
            text = base64.b64encode(data[part * _PART : (part + 1) * _PART])
            self._content[f"{name}-{part}.js"] = f'w2v.put("{name}",{part},"'.encode() + text + b'");\n'
        kind = _TYPES[plain.dtype.str[1:]]
        self.described[name] = {"type": kind, "shape": list(plain.shape), "parts": count}

    def add_json(self, name: str, value: Any) -> None:
        """Take in what JSON can say: it is bytes of UTF-8 within base64, so nothing in it can end a script."""
        self.add(name, np.frombuffer(json.dumps(value, ensure_ascii=False).encode(), dtype=np.uint8))

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Names and contents of the scripts."""
        yield from self._content.items()


def quantise(unit: Matrix) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.float32]]:
    """Vectors of length 1 as 16-bit integers, (n, D), and what each row of them is multiplied by, (n,).

    Notes
    -----
    A coordinate is off by half of 1/32767 of the row's largest one at most; multiplied, rows have length 1 again. Half
    precision takes as many bytes and is off by 1/2048 of each coordinate. Zero rows have the factor 0.
    """
    largest = np.abs(unit).max(axis=1, keepdims=True, initial=0)
    steps = np.rint(unit.astype(np.float64) * (32_767 / np.where(largest > 0, largest, 1))).astype(np.int16)
    lengths = np.sqrt((steps.astype(np.float64) ** 2).sum(axis=1))
    return steps, np.where(lengths > 0, 1 / np.where(lengths > 0, lengths, 1), 0).astype(np.float32)


def quantise_cosines(cosines: Matrix) -> npt.NDArray[np.int16]:
    """Cosines in units of 1/32767."""
    return np.rint(np.clip(cosines, -1, 1) * 32_767).astype(np.int16)


def embed_json(value: Mapping[str, Any]) -> str:
    """JSON for within a ``<script>`` of a page: what could end it, or a line of it, is escaped."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
