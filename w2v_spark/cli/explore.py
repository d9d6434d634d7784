"""``w2v-spark explore``: a map of words as a folder that a browser shows. Needs neither Spark nor Java."""

from __future__ import annotations

import argparse
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from w2v_spark.errors import ConfigError, Name, StoreError
from w2v_spark.explore.request import DOCUMENTS, PLACED, WORDS, Asked, Export, Link
from w2v_spark.extras import require
from w2v_spark.publishing.layout import MAP_FILE, SUCCESS_FILE, Kind
from w2v_spark.publishing.publication import Publication
from w2v_spark.publishing.versions import open_result
from w2v_spark.redaction import hide
from w2v_spark.run.progress import Progress
from w2v_spark.storage import Directory

EXAMPLE: Final = (
    "w2v-spark explore --model model --output site\n"
    "w2v-spark explore --model english-aligned --beside french --output languages --serve"
)
_PORT: Final = 8000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    parser.add_argument("--model", metavar="DIR", help="output directory of a run, or a version: a path or a URI")
    parser.add_argument("--beside", metavar="DIR", help="another model or language, side by side with the first")
    parser.add_argument(
        "--link", choices=[*Link],
        help="which words of the two are one (default: translations if 'w2v-spark align' mapped one by a dictionary)",
    )  # fmt: skip
    parser.add_argument(
        "--words", type=int, default=WORDS, metavar="N", help="lay out the N most frequent words (default %(default)s)"
    )
    parser.add_argument(
        "--placed", type=int, default=PLACED, metavar="N",
        help="and place up to N more between the words nearest to them (default %(default)s)",
    )  # fmt: skip
    parser.add_argument("--topics", metavar="DIR", help="show these topics, which 'w2v-spark topics' has found")
    parser.add_argument(
        "--drift",
        metavar="DIR",
        help="what 'w2v-spark drift' has written (default: that of the version, if it has one)",
    )
    parser.add_argument(
        "--documents", type=int, default=DOCUMENTS, metavar="N",
        help="show up to N documents of a model that has them (default %(default)s)",
    )  # fmt: skip
    parser.add_argument("--export", choices=[*Export], help="write files for this program, and no page")
    parser.add_argument("--output", metavar="DIR", help="where the folder goes; needed, but with --serve")
    parser.add_argument("--overwrite", action="store_true", help="replace the map in the output directory")
    parser.add_argument(
        "--serve", action="store_true",
        help="show it on 127.0.0.1 until Ctrl-C; without --model, what is in the output directory",
    )  # fmt: skip
    parser.add_argument(
        "--port", type=int, default=_PORT, metavar="N", help="for --serve (default %(default)s; 0: any)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the folder, print where it is, and serve it where that is asked for."""
    _check(options)
    with ExitStack() as stack:
        server = None
        if options.serve:
            from w2v_spark.explore.server import Server

            server = Server(options.port)  # a port that is taken is found before the work
            stack.callback(server.close)
            stack.enter_context(_terminable())
        place = options.output or stack.enter_context(tempfile.TemporaryDirectory(prefix="w2v-map-")) + "/map"
        if options.model is not None:
            _write(options, place)
        if server is not None:
            print(f"{server.url} (Ctrl-C ends it)", flush=True)
            server.serve(Directory.open(place).path)
    return 0


@contextmanager
def _terminable() -> Iterator[None]:
    """Let what ends a service end it as Ctrl-C does, so that no temporary folder is left."""
    if threading.current_thread() is not threading.main_thread():  # only that one hears of signals
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _check(options: argparse.Namespace) -> None:
    """Refuse options that do not go together. Raises `ConfigError`, `StoreError`."""
    if options.model is None and not options.serve:
        raise ConfigError(Name("model"), " is needed: name the output directory of a run")
    if options.output is None and not options.serve:
        raise ConfigError(Name("output"), " is needed: name a directory for the folder, or give ", Name("serve"))
    if options.export is not None:
        for name in ("serve", "beside", "link", "topics", "drift"):
            if getattr(options, name):
                raise ConfigError(
                    Name("export"), " writes the words of one model for another program: leave out ", Name(name)
                )
    if not options.serve:
        return
    if options.output is not None and not Directory.open(options.output).is_local:
        raise ConfigError(Name("serve"), f" shows local directories, and {options.output} is none")
    if options.model is None:
        if options.output is None:
            raise ConfigError(Name("model"), " or ", Name("output"), " is needed: there is nothing to serve")
        place = Directory.open(options.output)
        if not place.exists("index.html") or not place.exists(MAP_FILE) or not place.exists(SUCCESS_FILE):
            raise StoreError(f"{place.uri} holds no complete map: make one with --model")


def _write(options: argparse.Namespace, place: str) -> None:
    output = Publication(Directory.open(place), Kind.MAP, options.overwrite)
    inputs = {"model": options.model, "beside": options.beside, "topics": options.topics, "drift": options.drift}
    for name, given in inputs.items():
        if given is not None:
            output.check([given], Name(name))
    _warn_of_centred(options)
    if options.export != Export.PROJECTOR:
        require("train")
    from w2v_spark.explore.building import build_map, describe_map, render_export
    from w2v_spark.explore.site import publish_folder

    asked = Asked(
        options.model, options.beside, options.link and Link(options.link), options.words, options.placed,
        options.topics, options.drift, options.documents,
    )  # fmt: skip
    if options.export is not None:
        content, described = render_export(asked, Export(options.export))
    else:
        built = build_map(asked)
        content, described = built.render(), describe_map(built)
    size = publish_folder(content, described, output)
    print(hide(_summary(described, size, output.directory.uri)))


def _warn_of_centred(options: argparse.Namespace) -> None:
    """Say so where translations would be looked for in a space whose mean was not taken off as that of the other."""
    if options.beside is None or options.link == Link.WORDS:
        return
    from w2v_spark.cli.translate import centred_target

    for name, other in (("model", "beside"), ("beside", "model")):
        one, shown = getattr(options, name), getattr(options, other)
        if (target := centred_target(one)) not in (None, open_result(shown).uri):
            Progress().warn(
                f"the mean of both spaces was taken off for --{name} {one}: compare with {target}, not with "
                f"--{other} {shown}"
            )


def _summary(described: Mapping[str, Any], size: int, place: str) -> str:
    """What came of it, as text for a terminal."""
    lines = [f"{'words':<14}{_describe_words(space)}" for space in described.get("spaces", [described])]
    if described.get("link"):
        lines.append(f"{'linked by':<14}{described['link']}")
    return "\n".join([*lines, f"{'size':<14}{size / 1e6:,.1f} MB", f"{'map':<14}{place}"])


def _describe_words(space: Mapping[str, Any]) -> str:
    """How many words there are, and by what they were laid out."""
    words, laid_out = space["words"], space.get("laid_out", space["words"])
    shown = f"{words:,} of {space['of']:,}, "
    if "layout" not in space:
        return f"{shown}by rank"
    from w2v_spark.explore.layout import Method

    is_umap = space["layout"] == Method.UMAP
    method = "UMAP" if is_umap else f"principal components, since {Method.why_not_umap(laid_out)}"
    beyond = f"; {words - laid_out:,} of them placed between the others" if words > laid_out else ""
    return f"{shown}laid out by {method}{beyond}"
