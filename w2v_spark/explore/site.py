"""The folder of a map: page, scripts and arrays, put in place whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from w2v_spark.explore.arrays import ArrayFiles, quantise, quantise_cosines
from w2v_spark.explore.layers import Documents, Topics
from w2v_spark.explore.layout import Rows
from w2v_spark.explore.page import asset_files, render_page
from w2v_spark.explore.request import Link
from w2v_spark.explore.space import Space, name_spaces
from w2v_spark.publishing.layout import MAP_FILE
from w2v_spark.publishing.publication import Publication

_FOLDER: Final = "map"
_KEYS: Final = ("a", "b")  # of the spaces, in names of arrays


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """What is known of a space beside its words.

    Attributes
    ----------
    drift : float32, (n,), optional
    topics : Topics, optional
    documents : Documents, optional
    """

    drift: npt.NDArray[np.float32] | None = None
    topics: Topics | None = None
    documents: Documents | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """All that a page shows.

    Attributes
    ----------
    spaces : sequence of Space
        One, or two side by side.
    layers : sequence of Layers
        Of each.
    links : two of int32 (n,), optional
        Of two spaces: see `w2v_spark.explore.links.link`.
    link : Link, optional
    """

    spaces: Sequence[Space]
    layers: Sequence[Layers]
    links: tuple[Rows, Rows] | None = None
    link: Link | None = None

    def render(self) -> dict[str, bytes]:
        """The files of the folder by their paths within it; the same for the same map."""
        arrays = ArrayFiles()
        names = name_spaces([space.words.directory.path for space in self.spaces])
        each = zip(_KEYS, names, self.spaces, self.layers, strict=False)
        described = [{"name": name, **_describe(arrays, key, space, layers)} for key, name, space, layers in each]
        for key, rows in zip(_KEYS, self.links or (), strict=False):
            arrays.add(f"{key}-links", rows)
        manifest = {
            "title": " and ".join(names),
            "spaces": described,
            "link": self.link,
            "arrays": arrays.described,
        }
        content = {"index.html": render_page(manifest).encode("utf-8")}
        content |= {f"assets/{name}": data for name, data in asset_files()}
        return content | {f"data/{name}": data for name, data in arrays.files()}


def publish_folder(content: Mapping[str, bytes], described: Mapping[str, Any], output: Publication) -> int:
    """Write files into a folder that appears whole; how many bytes they are.

    Parameters
    ----------
    content : mapping of str to bytes
        By path below the folder.
    described : mapping
        What ``map.json`` says beside the names of the files.
    output : Publication
        Checked already.
    """
    with output.beside() as staging:
        folder = staging.child(_FOLDER).create()
        for path, data in content.items():
            place = PurePosixPath(path)
            target = folder if str(place.parent) == "." else folder.child(str(place.parent)).create()
            target.write_bytes(place.name, data)
        folder.write_json(MAP_FILE, {"made_by": "w2v-spark explore", **described, "files": sorted(content)})
        output.replace_by(staging, _FOLDER)
    return sum(map(len, content.values()))


def _describe(arrays: ArrayFiles, key: str, space: Space, layers: Layers) -> dict[str, Any]:
    """Take in the arrays of a space; what the page has to know of it."""
    words, layout = space.words, space.layout
    arrays.add(f"{key}-points", layout.points.astype(np.float32))
    arrays.add_json(f"{key}-words", words.shown)
    arrays.add(f"{key}-counts", words.counts.astype(np.float64))
    arrays.add(f"{key}-neighbours", space.ids)
    arrays.add(f"{key}-cosines", quantise_cosines(space.cosines))
    for level, regions in enumerate(space.regions):
        arrays.add(f"{key}-regions-{level}", regions.labels)
    steps, factors = quantise(words.unit[: layout.laid_out])
    arrays.add(f"{key}-vectors", steps)
    arrays.add(f"{key}-factors", factors)
    described: dict[str, Any] = {
        "key": key,
        "words": len(words),
        "laidOut": layout.laid_out,
        "total": words.total,
        "dim": words.unit.shape[1],
        "method": layout.method,
        "home": layout.home,
        "counted": words.is_counted,
        "regions": [{"names": each.names.tolist(), "sizes": each.sizes.tolist()} for each in space.regions],
    }
    if layers.drift is not None:
        arrays.add(f"{key}-drift", layers.drift)
    if layers.topics is not None:
        arrays.add(f"{key}-topics", layers.topics.of_words)
        described["topics"] = layers.topics.describe()
    if layers.documents is not None:
        described["documents"] = {"shown": len(layers.documents.titles), "total": layers.documents.total}
        _add_documents(arrays, key, layers.documents)
    return described


def _add_documents(arrays: ArrayFiles, key: str, documents: Documents) -> None:
    arrays.add_json(f"{key}-documents", documents.titles)
    arrays.add(f"{key}-document-points", documents.points.astype(np.float32))
    arrays.add(f"{key}-document-words", documents.ids)
    arrays.add(f"{key}-document-cosines", quantise_cosines(documents.cosines))
    arrays.add(f"{key}-document-topics", documents.topics)
