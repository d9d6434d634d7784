"""The command ``w2v-spark``: runs what is asked for, and alone prints errors and sets the exit code."""

from __future__ import annotations

import atexit
import contextlib
import gc
import select
import sys
from collections.abc import Sequence
from typing import Final, TextIO, cast

from w2v_spark.cli.parsers import COMMANDS, build_command_parser, build_parser, check_command
from w2v_spark.cli.terminal import TerminalOutput
from w2v_spark.errors import ClusterError, DivergedError, GateFailed, NotFollowed, W2VError, one_line

DONE: Final = 0
FAILED: Final = 1
UNUSABLE: Final = 2
REJECTED: Final = 3
INTERRUPTED: Final = 130  # what shells give a process that Ctrl-C has ended


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, and print what goes wrong as one line on standard error.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments, the command first; without it those of this process.

    Returns
    -------
    int
        The exit code, see ``w2v-spark --help``. An error that nobody has foreseen is raised as it is.
    """
    try:
        code = _run(sys.argv[1:] if argv is None else list(argv))
        if sys.stdout is not None:
            sys.stdout.flush()  # now, and not when Python ends and nobody can catch what this raises
        return code
    except KeyboardInterrupt as interruption:
        return _fail(str(interruption) or "interrupted", getattr(interruption, "exit_code", INTERRUPTED))
    except BrokenPipeError as error:
        # `w2v-spark evaluate ... | head -1`: whoever read the results has seen enough.
        is_output = _reader_is_gone()
        _close_output()
        return DONE if is_output else _fail(str(error), FAILED)
    except Exception as error:
        described = describe(error)
        if described is None:
            raise
        _close_output()
        return _fail(*described)


def entry_point(argv: Sequence[str] | None = None) -> None:
    """`main` for a console script, ``spark-submit``, or a Python wheel task; a failure is a `SystemExit` with its code.

    Success returns: where Databricks calls this function it passes over what comes back, and takes a `SystemExit` of
    whatever code for a failure.
    """
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # a word that the terminal's encoding lacks is no failure
        if sys.stdout.isatty():
            sys.stdout = cast(
                TextIO, TerminalOutput(sys.stdout)
            )  # and one that holds its commands is shown, not obeyed
    # Python would look for garbage among all modules, several times, before it ends: a third of a second.
    atexit.unregister(gc.freeze)  # where it is called once more
    atexit.register(gc.freeze)
    code = main(argv)
    if code != DONE:
        sys.exit(code)


def describe(error: Exception) -> tuple[str, int] | None:
    """What is wrong in one line and the exit code, or None for a mistake in this program."""
    details = ""  # where the whole story is, of what came from Spark
    if "pyspark" in sys.modules:
        from w2v_spark.spark import spark_errors

        details = spark_errors.details(error)
        if isinstance(error, spark_errors.SPARK_ERRORS):
            return f"Spark failed: {spark_errors.one_line_cause(error)}{details}", FAILED
    if isinstance(error, W2VError):
        code = FAILED if isinstance(error, ClusterError | DivergedError) else UNUSABLE
        code = REJECTED if isinstance(error, GateFailed | NotFollowed) else code
        return f"{error.render(option_name)}{details}", code
    if isinstance(error, OSError | MemoryError):
        return str(error) or type(error).__name__, FAILED
    return None


def option_name(key: str) -> str:
    """A name within an error as users of the command write it: ``--overwrite``, but ``text.column`` as it is."""
    if key == "text.column":  # has an option of its own, and is what is missing most often
        return "--column"
    return key if "." in key else f"--{key.replace('_', '-')}"


def _run(arguments: list[str]) -> int:
    try:
        if not arguments:
            build_parser().print_help(sys.stderr)
            return UNUSABLE
        name = arguments[0]
        if name.startswith("-"):
            build_parser().parse_all(arguments)
            build_parser().error(f"no command before {name!r}")
        check_command(name)
        options = build_command_parser(name).parse_all(arguments[1:])
    except SystemExit:  # after --help and --version, and nothing else
        return DONE
    return COMMANDS[name].load().run(options)


def _fail(message: str, code: int) -> int:
    with contextlib.suppress(OSError, ValueError):  # standard error may be closed
        if sys.stderr is not None:
            print(f"error: {one_line(message)}", file=sys.stderr, flush=True)
    return code


def _reader_is_gone() -> bool:
    """Whether standard output is a pipe that nobody reads; a pipe that broke elsewhere is a failure."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # no file at all, as in a notebook
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(events & select.POLLERR for _, events in poll.poll(0))
    return False


def _close_output() -> None:
    """Let what standard output cannot take go nowhere.

    Python would try once more at the end of the process, complain in lines of its own and change the exit code.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        from w2v_spark.run.progress import lead_nowhere

        lead_nowhere(sys.stdout)
