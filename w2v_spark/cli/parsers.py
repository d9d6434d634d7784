"""The table of commands, and the parser of each: a command is imported when it is called, and not before."""

from __future__ import annotations

import argparse
import difflib
import importlib
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol, cast

from w2v_spark import __version__
from w2v_spark.errors import ConfigError

PROGRAM: Final = "w2v-spark"


@dataclass(frozen=True, slots=True)
class Command:
    """An entry of the table.

    Attributes
    ----------
    module : str
        A `CommandModule`.
    help : str
        What it does, in one line of ``w2v-spark --help``.
    """

    module: str
    help: str

    def load(self) -> CommandModule:
        """Import the module."""
        return cast(CommandModule, importlib.import_module(self.module))


class CommandModule(Protocol):
    """What a module has to have to be a command. Importing it needs no more than numpy and pyarrow.

    Attributes
    ----------
    EXAMPLE : str
        Command lines, shown by ``--help``.
    """

    EXAMPLE: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say which options there are. Imports neither PySpark nor numba, so that ``--help`` works without."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it, and return the exit code. Results go to standard output, errors are raised."""
        ...


COMMANDS: Final = {
    "train": Command("w2v_spark.cli.train", "train vectors of words and documents on Spark"),
    "infer": Command("w2v_spark.cli.infer", "infer vectors of documents that a model has not seen, on Spark"),
    "retrain": Command("w2v_spark.cli.retrain", "make the next version of the one before and of new text, on Spark"),
    "versions": Command("w2v_spark.cli.versions", "list, compare, pin, prune and roll back published versions"),
    "evaluate": Command("w2v_spark.cli.evaluate", "evaluate vectors on test sets, and compare two models"),
    "report": Command("w2v_spark.cli.report", "write a page about a model: text, training, quality, neighbours"),
    "explore": Command("w2v_spark.cli.explore", "make a map of words that a browser shows, and serve it"),
    "neighbours": Command(
        "w2v_spark.cli.neighbours", "write the nearest neighbours of words, documents or tags, on Spark"
    ),
    "align": Command("w2v_spark.cli.align", "map one space of vectors onto another by a dictionary"),
    "translate": Command(
        "w2v_spark.cli.translate", "write the best translations of words, on Spark, or score those of a dictionary"
    ),
    "drift": Command("w2v_spark.cli.drift", "write which words have changed most between two models"),
    "topics": Command("w2v_spark.cli.topics", "find topics in documents, or give documents to topics, on Spark"),
    "phrases": Command("w2v_spark.cli.phrases", "find words that stand together more often than by chance, on Spark"),
    "export": Command("w2v_spark.cli.export", "write vectors in the format of another program"),
    "import": Command("w2v_spark.cli.import_", "make a vector table of another program's vectors"),
    "demo": Command(
        "w2v_spark.cli.demo.command", "train on documentation that is on this machine, and show the result"
    ),
    "path": Command("w2v_spark.cli.path", "print the path of the file to give to spark-submit"),
}

EXIT_CODES: Final = """\
exit codes:
  0  done
  1  failed: Spark or a file system failed, or training diverged
  2  not usable as given: an option, the configuration, the input or the output
  3  the result is kept and readers are not led to it: it did not pass its gate, or they were led elsewhere meanwhile
130  interrupted (Ctrl-C, SIGINT); 143 ended by SIGTERM: --resume goes on
"""


class Parser(argparse.ArgumentParser):
    """A parser that raises what is wrong, in one line, for the one place that prints errors."""

    def __init__(self, prog: str, description: str, epilog: str) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse what is not among the choices of an option; argparse itself shows members of enums as Python does."""
        if action.choices is not None and value not in action.choices:
            allowed = ", ".join(map(str, action.choices))
            raise argparse.ArgumentError(action, f"invalid choice: {value!r}, expected one of {allowed}")

    def error(self, message: str) -> NoReturn:
        """Raise `ConfigError`."""
        raise ConfigError(f"{message}; see: {self.prog} --help")

    def parse_all(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse, and refuse what is left over with the nearest known option. Raises `ConfigError`."""
        options, unknown = self.parse_known_args(arguments)
        if unknown:
            kind = "option" if unknown[0].startswith("-") else "argument"
            known = [option for action in self._actions for option in action.option_strings]
            self.error(f"unknown {kind} {unknown[0]!r}{did_you_mean(unknown[0].partition('=')[0], known)}")
        return options


def build_parser() -> Parser:
    """The parser of ``w2v-spark`` without a command."""
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {command.help}" for name, command in COMMANDS.items())
    example = f"example:\n  {PROGRAM} train --input texts --output vectors\n  {PROGRAM} train --help"
    parser = Parser(PROGRAM, "word2vec for data lakes.", f"commands:\n{commands}\n\n{example}\n\n{EXIT_CODES}")
    parser.usage = f"{PROGRAM} COMMAND [OPTION...]"
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    return parser


def build_command_parser(name: str) -> Parser:
    """The parser of one command of the table."""
    command, help_line = COMMANDS[name].load(), COMMANDS[name].help
    example = textwrap.indent(command.EXAMPLE, "  ")
    parser = Parser(f"{PROGRAM} {name}", f"{help_line[:1].upper()}{help_line[1:]}.", f"example:\n{example}")
    command.add_arguments(parser)
    return parser


def check_command(name: str) -> None:
    """Refuse what is not in the table, with the nearest name that is. Raises `ConfigError`."""
    if name not in COMMANDS:
        suggestion = did_you_mean(name, COMMANDS) or f"; the commands are {', '.join(COMMANDS)}"
        raise ConfigError(f"unknown command {name!r}{suggestion}; see: {PROGRAM} --help")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``, did you mean ...?``, or nothing where no name is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {near[0]!r}?" if near else ""
