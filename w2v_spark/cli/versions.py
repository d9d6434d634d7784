"""``w2v-spark versions``: what a root holds, and which version readers follow. Needs neither Spark nor Java.

Only ``diff`` needs more than numpy and pyarrow, for the rotation between two spaces.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from w2v_spark.errors import ConfigError, Name, StoreError
from w2v_spark.extras import require
from w2v_spark.publishing.delta import check_delta, delta_location, follow_delta
from w2v_spark.publishing.holder import show_time
from w2v_spark.publishing.layout import CURRENT_FILE, MODEL_FILE
from w2v_spark.publishing.manifest import Manifest
from w2v_spark.publishing.versions import Version, VersionRoot
from w2v_spark.redaction import hide

EXAMPLE: Final = """\
w2v-spark versions vectors
w2v-spark versions vectors diff 20260130 20260131
w2v-spark versions vectors rollback
w2v-spark versions vectors prune --keep 7"""

_KEPT: Final = 7
_COMPARED: Final = 10_000  # of the most frequent common words, by their neighbours


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    parser.add_argument("root", metavar="ROOT", help="what --publish of a training names: a path or a URI")
    parser.add_argument(
        "action", metavar="ACTION", nargs="?", default="list", choices=[*_ACTIONS], help="what to do (default list)"
    )
    parser.add_argument(
        "version", metavar="VERSION", nargs="*", default=[], help="an id, its first characters, or those of its digest"
    )
    parser.add_argument("--keep", type=int, default=_KEPT, metavar="N", help="prune: versions that stay (%(default)s)")
    parser.add_argument("--force", action="store_true", help="rollback: to a version that its gate has rejected")
    parser.add_argument(
        "--publish-table", metavar="NAME", help="rollback: and the table that follows, as of train; needs Spark"
    )
    parser.add_argument("--verify", action="store_true", help="show: read all files and compare their digests")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Do it, and print what came of it."""
    root = VersionRoot.open(options.root)
    if not root.exists():
        raise ConfigError(f"{root.root.uri} holds no versions; give what ", Name("publish"), " of a training names")
    action, least, most = _ACTIONS[options.action]
    if not least <= len(options.version) <= most:
        expected = str(least) if least == most else f"{least} or {most}"
        raise ConfigError(f"{options.action} takes {expected} versions, got {len(options.version)}")
    for name, of in (("keep", "prune"), ("force", "rollback"), ("publish-table", "rollback"), ("verify", "show")):
        if getattr(options, name.replace("-", "_")) not in (False, None, _KEPT) and options.action != of:
            raise ConfigError(Name(name), f" is for {of}, not for {options.action}")
    value, text = action(root, options)
    print(hide(json.dumps(value, indent=2, ensure_ascii=False) if options.json else text))
    return 0


_Answer = tuple[Any, str]  # as JSON, and as text


def _list(root: VersionRoot, _: argparse.Namespace) -> _Answer:
    versions = root.list()
    lines = [_line(version) for version in versions] or ["no version yet"]
    try:
        current = root.current()
        if current is not None and not any(version.is_current for version in versions):
            lines.append(
                f"WARNING: {CURRENT_FILE} names {current}, which is not there; let readers follow another version: "
                "rollback VERSION"
            )
    except StoreError as error:
        lines.append(f"WARNING: {error}")
    return [_to_dict(version) for version in versions], "\n".join(lines)


def _show(root: VersionRoot, options: argparse.Namespace) -> _Answer:
    version = root.get(_given(root, options, 0))
    directory = root.directory(version.id)
    manifest, model = Manifest.read(directory), directory.read_json(MODEL_FILE)
    if options.verify:
        manifest.verify(directory)
    value = {
        **_to_dict(version),
        "path": directory.uri,
        "report": root.report(version.id),
        "corpus": model.get("corpus"),
        "files": {path: size for path, (size, _) in manifest.files.items()},
    }
    if options.verify:
        value["verified"] = True
    rows = [
        ("version", version.id), ("state", _words(version)), ("made", show_time(version.made)),
        ("parent", version.parent or "none"), ("digest", version.digest), ("size", _size(version.bytes)),
        ("files", f"{len(manifest.files)}{', all as they were written' if options.verify else ''}"),
        ("path", directory.uri),
        *((key, json.dumps(part, ensure_ascii=False)) for key, part in value["report"].items() if key not in _SHOWN),
    ]  # fmt: skip
    return value, "\n".join(f"{name:<10}{shown}" for name, shown in rows)


_SHOWN: Final = ("parent", "state")


def _diff(root: VersionRoot, options: argparse.Namespace) -> _Answer:
    require("train")
    from w2v_spark.retraining.comparison import Comparison
    from w2v_spark.retraining.drift import Space
    from w2v_spark.vectors.reading import open_vectors

    before, after = root.find(options.version[0]), _given(root, options, 1)
    tables = [open_vectors(root.directory(version).uri) for version in (before, after)]
    if tables[0].stack.shape[1] != tables[1].stack.shape[1]:
        raise ConfigError(f"{before} has D = {tables[0].stack.shape[1]} and {after} D = {tables[1].stack.shape[1]}")
    old, new = (Space(table.words, table.counts, table.stack) for table in tables)
    comparison = Comparison.build(old, new, _COMPARED)
    value: dict[str, Any] = {"before": before, "after": after}
    tokens = [int(table.counts.sum()) for table in tables]
    value["tokens"] = {"before": tokens[0], "after": tokens[1]}
    lines = [f"{before} to {after}", f"tokens    {tokens[0]:,} to {tokens[1]:,}"]
    if comparison is None:
        return value, "\n".join([*lines, "no word is common"])
    value |= comparison.report(comparison.table(old, new), new, _COMPARED, None)
    words, drift = value["words"], value["drift"]
    lines += [
        f"words     {words['kept']:,} kept",
        *(
            f"{name:<10}{words[name]['words']:,} words, {words[name]['share_of_tokens']:.2%} of the text"
            + (f": {' '.join(map(_printable, words[name]['most_frequent']))}" if words[name]["words"] else "")
            for name in ("came", "went")
        ),
        f"drift     of the {drift['words']:,} most frequent words: median cosine {drift['cosine']['q50']:.4f} after a "
        f"rotation, a tenth below {drift['cosine']['q10']:.4f}; {drift['overlap']:.1%} of ten neighbours the same",
    ]
    return value, "\n".join(lines)


def _rollback(root: VersionRoot, options: argparse.Namespace) -> _Answer:
    follow = _follower(root, options.publish_table)  # refused before readers are led elsewhere
    before = root.current_if_whole()
    version = root.rollback(options.version[0] if options.version else None, options.force)
    follow()
    was = f", it was {before}" if before is not None else ""
    return {"current": version, "before": before}, f"{version} is current{was}"


def _follower(root: VersionRoot, table: str | None) -> Callable[[], object]:
    """What lets a table have the version that is current by then, after a look at the table."""
    if table is None:
        return lambda: None
    location = delta_location(table)
    if location is not None:
        check_delta(location, root)
        return lambda: follow_delta(location, root)
    require("spark")
    from w2v_spark.spark.catalog import CatalogTable
    from w2v_spark.spark.session import get_session

    followed = CatalogTable(get_session(), table)
    followed.check(root)
    if followed.is_of_session:
        print(f"WARNING: {followed.short_life}", file=sys.stderr)
    return lambda: followed.follow(root)


def _pin(root: VersionRoot, options: argparse.Namespace) -> _Answer:
    version = root.pin(options.version[0])
    return {"pinned": version}, f"{version} is pinned"


def _unpin(root: VersionRoot, options: argparse.Namespace) -> _Answer:
    version = root.unpin(options.version[0])
    return {"unpinned": version}, f"{version} is not pinned"


def _prune(root: VersionRoot, options: argparse.Namespace) -> _Answer:
    removed = list(root.prune(options.keep))
    left = [version.id for version in root.list()]
    return {"removed": removed, "left": left}, f"{len(removed)} removed, {len(left)} left" + "".join(
        f"\n{version}" for version in removed
    )


_ACTIONS: Final[dict[str, tuple[Callable[[VersionRoot, argparse.Namespace], _Answer], int, int]]] = {
    "list": (_list, 0, 0),  # with the least and the most versions that are given
    "show": (_show, 0, 1),
    "diff": (_diff, 1, 2),
    "rollback": (_rollback, 0, 1),
    "pin": (_pin, 1, 1),
    "unpin": (_unpin, 1, 1),
    "prune": (_prune, 0, 0),
}


def _given(root: VersionRoot, options: argparse.Namespace, number: int) -> str:
    """The version of that number, or else the current one."""
    if len(options.version) > number:
        return root.find(options.version[number])
    current = root.current()
    if current is None:
        raise ConfigError(f"{root.root.uri} has no version yet")
    return current


def _printable(word: str) -> str:
    return word if word.isprintable() else repr(word)


def _to_dict(version: Version) -> dict[str, Any]:
    return {**asdict(version), "made": show_time(version.made)}


def _line(version: Version) -> str:
    return f"{'*' if version.is_current else ' '} {version.id}  {_size(version.bytes):>9}  {_words(version)}"


def _words(version: Version) -> str:
    marks = {"current": version.is_current, "pinned": version.is_pinned}
    return ", ".join([version.state, *(mark for mark, is_set in marks.items() if is_set)])


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
