"""Fuzzing: any bytes give a result or one of our errors.

Each target runs in processes of its own, so that the end of one is seen. Prints inputs and findings of each target,
and returns 1 if there is a finding. ``make fuzz SECONDS=600`` calls it.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fuzz import engine
from tests.fuzz.target import scratch_for_others

_ROOT: Final = Path(__file__).parent.parent.parent
_COMPILED: Final = {
    "tokenizer",
    "run-directory",
    "forged-run",
}  # targets whose code numba compiles, which it cannot where it is instrumented
_STARTS: Final = 50  # of processes of one target that end before their time


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a target."""

    name: str
    inputs: int
    accepted: int
    seconds: float
    findings: int


def main(argv: Sequence[str] | None = None) -> int:
    """Run all targets, or be the process of one."""
    options = _parse(argv)
    if options.run is not None:
        return _run_one(options)
    if options.input is not None:
        from tests.fuzz.targets import TARGETS

        print("accepted" if TARGETS[options.targets[0]].accepts(options.input.read_bytes()) else "refused")
        return 0
    names = options.targets or _target_names()
    seconds = options.seconds * options.jobs / len(names)
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(lambda name: _watch(name, seconds, options), names))
    print(f"\n{'target':<18}{'inputs':>14}{'accepted':>14}{'a second':>10}{'findings':>10}")
    for each in outcomes:
        print(_line(each))
    total = Outcome(
        "all", sum(each.inputs for each in outcomes), sum(each.accepted for each in outcomes),
        sum(each.seconds for each in outcomes), sum(each.findings for each in outcomes),
    )  # fmt: skip
    print(_line(total))
    if total.findings:
        print(f"\nthe inputs and what was seen: {options.directory}/*/finding-*")
    return 1 if total.findings else 0


def _line(each: Outcome) -> str:
    rate = each.inputs / max(each.seconds, 1e-3)
    return f"{each.name:<18}{each.inputs:>14,}{each.accepted:>14,}{rate:>10,.0f}{each.findings:>10}"


def _watch(name: str, seconds: float, options: argparse.Namespace) -> Outcome:
    """Run processes of a target until its time is over; each one that ends early has found something."""
    directory: Path = options.directory / name
    directory.mkdir(parents=True, exist_ok=True)
    begin, inputs, accepted = time.monotonic(), 0, 0
    for number in range(_STARTS):
        left = seconds - (time.monotonic() - begin)
        if left <= 0 or (number and options.inputs is not None):
            break
        command = [
            sys.executable,
            "-m",
            "tests.fuzz",
            "--run",
            name,
            "--seconds",
            str(left),
            "--engine",
            options.engine,
        ]
        command += ["--directory", str(options.directory), "--seed", str(options.seed + number)]
        command += [] if options.inputs is None else ["--inputs", str(options.inputs)]
        log = directory / f"log-{number}"
        with log.open("wb") as output, scratch_for_others() as environment:
            done = subprocess.run(
                command, cwd=_ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False
            )
        tally = engine.read_tally(directory) if (directory / "book").exists() else engine.Tally(0, 0, b"")
        inputs, accepted = inputs + tally.inputs, accepted + tally.accepted
        if done.returncode == 0:
            break
        text = log.read_text(encoding="utf-8", errors="backslashreplace")[-8000:]
        engine.keep_finding(directory, tally.last, f"the process ended with {done.returncode} #{number}", text)
    findings = len(list(directory.glob("finding-*.txt")))
    outcome = Outcome(name, inputs, accepted, time.monotonic() - begin, findings)
    print(_line(outcome), flush=True)
    return outcome


def _run_one(options: argparse.Namespace) -> int:
    """Be the process of one target."""
    engine.limit_process()
    if options.engine == "atheris" and options.run not in _COMPILED:
        import atheris

        with atheris.instrument_imports(include=["w2v_spark"], enable_loader_override=False):
            from tests.fuzz.targets import TARGETS
    else:
        from tests.fuzz.targets import TARGETS
    for name in TARGETS if options.run == "all" else [options.run]:
        directory = options.directory / name
        if options.engine == "atheris":
            engine.run_atheris(TARGETS[name], directory, options.seconds, options.seed)
        engine.run_mutations(TARGETS[name], directory, options.seconds, options.inputs or sys.maxsize, options.seed)
    return 0


def _target_names() -> list[str]:
    from tests.fuzz.targets import TARGETS

    return list(TARGETS)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").partition("\n")[0])
    has_atheris = importlib.util.find_spec("atheris") is not None
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all by default")
    parser.add_argument("--seconds", type=float, default=60.0, help="all together")
    parser.add_argument("--inputs", type=int, help="of each target, with the engine mutations")
    parser.add_argument("--engine", choices=["atheris", "mutations"], default="atheris" if has_atheris else "mutations")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="targets at a time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--directory", type=Path, default=_ROOT / ".fuzz", help="where corpus and findings are kept")
    parser.add_argument("--input", type=Path, help="try this file on a target, and show what is raised")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
