"""A map from one space onto another, and the mapped table on disk."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from w2v_spark.alignment.fitting import Fitted, centred, mapped_rows
from w2v_spark.publishing.description import FORMAT_VERSION
from w2v_spark.publishing.layout import MODEL_FILE, ROTATION_FILE, TARGET, VECTORS, other_parts
from w2v_spark.publishing.publication import Publication
from w2v_spark.retraining.rotation import Numbers, Rotation
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.reading import VectorTable
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.table import write_vectors

_MAPPED: Final = (VECTORS, MODEL_FILE, ROTATION_FILE)


@dataclass(frozen=True, slots=True, eq=False)
class SpaceMap:
    """A map of rows of one space into another.

    Attributes
    ----------
    rotation : (D, D) float64
        Orthogonal: ``rows @ rotation`` are rows of the other space.
    centers : two (D,) float64, or None
        What is taken off the rows of the source, and off those of the target, after each is scaled to length 1.
    fitted : tuple of Fitted
        To what the map was fitted at first, and then each time it was refined.
    """

    rotation: Rotation
    centers: tuple[Numbers, Numbers] | None
    fitted: tuple[Fitted, ...]

    def source_rows(self, stack: RowStack) -> Iterator[Matrix]:
        """The rows of a table in the other space, batch by batch."""
        for _, batch in stack.batches():
            yield mapped_rows(batch if self.centers is None else centred(batch, self.centers[0]), self.rotation)

    def target_rows(self, stack: RowStack) -> Iterator[Matrix]:
        """The rows of the other space, less their mean."""
        for _, batch in stack.batches():
            yield batch if self.centers is None else centred(batch, self.centers[1])


def publish_mapped(
    source: VectorTable,
    target: VectorTable,
    space_map: SpaceMap,
    described: Mapping[str, Any],
    packages: Mapping[str, str],
    output: Publication,
) -> None:
    """Write the mapped table, the map, and the target where it was moved as well; whole or not at all.

    Parameters
    ----------
    source, target : VectorTable
    space_map : SpaceMap
    described : mapping
        What ``model.json`` says of the alignment, beside what the map was fitted to.
    packages : mapping of str to str
        Versions, for ``model.json``.
    output : Publication
        Checked already.

    Raises
    ------
    InputError
        A vector is not finite.

    Notes
    -----
    Memory: some batches of 4 MiB and a row group, and the words. Cost: ``2 V D^2`` operations in float64.
    """
    filesystem = output.directory.filesystem
    with output.staged() as staging:
        metadata = {"aligned": "true"}
        mapped = space_map.source_rows(source.stack)
        write_vectors(filesystem, staging.file(VECTORS), source.words, source.counts, mapped, metadata)
        names = [*_MAPPED]
        if space_map.centers is not None:
            rows = space_map.target_rows(target.stack)
            write_vectors(filesystem, staging.file(TARGET), target.words, target.counts, rows, metadata)
            names.append(TARGET)
        buffer = io.BytesIO()
        np.save(buffer, space_map.rotation, allow_pickle=False)
        staging.write_bytes(ROTATION_FILE, buffer.getvalue())
        fitted = [asdict(each) for each in space_map.fitted]
        centers = None if space_map.centers is None else [center.tolist() for center in space_map.centers]
        staging.write_json(
            MODEL_FILE,
            {
                "format_version": FORMAT_VERSION,
                "alignment": {**described, "fitted": fitted, "centers": centers},
                "vocabulary_size": len(source.words),
                "dim": source.stack.shape[1],
                "packages": dict(packages),
            },
        )
        output.put_in_place(staging, names, earlier=other_parts(names))
