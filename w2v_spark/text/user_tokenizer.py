"""Words as a function of the user's cuts them, or a library that cuts text without blanks."""

from __future__ import annotations

import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from w2v_spark.config import TextConfig, Tokenizer
from w2v_spark.config.reading import nearest
from w2v_spark.errors import ConfigError, Name
from w2v_spark.extras import missing

Tokenize = Callable[[list[str]], Sequence[Sequence[Any]]]
"""From some texts to the words of each: a list of words, or a list of sentences, which are lists of words."""

GROUP: Final = "w2v_spark.tokenizers"
_REFERENCE: Final = re.compile(r"(?P<module>\w+(?:\.\w+)*):(?P<function>\w+(?:\.\w+)*)")
_SETTING: Final = Name("text.tokenizer")


@dataclass(frozen=True, slots=True)
class UserTokenizer:
    """A tokenizer that is not one of this package's own.

    Attributes
    ----------
    name : str
        The value of ``text.tokenizer``.
    tokenize : callable
        See `Tokenize`.
    module : module
        Where it is from.
    """

    name: str
    tokenize: Tokenize
    module: ModuleType

    def versions(self) -> dict[str, str]:
        """By which another version is recognised: the package that it comes with, or the digest of its file."""
        top = self.module.__name__.partition(".")[0]
        packages = metadata.packages_distributions().get(top, ())
        if packages:
            return {package: metadata.version(package) for package in sorted(set(packages))}
        source = Path(inspect.getsourcefile(self.module) or "")
        content = source.read_bytes() if source.is_file() else b""
        return {self.module.__name__: f"sha256:{hashlib.sha256(content).hexdigest()[:16]}"}


def is_own(tokenizer: Tokenizer | str) -> bool:
    """Whether this package cuts the words itself."""
    return isinstance(tokenizer, Tokenizer) and tokenizer is not Tokenizer.ICU


@lru_cache(maxsize=8)
def load_tokenizer(name: str) -> UserTokenizer:
    """The tokenizer of a name: ``icu``, ``module:function``, or an entry point of the group `GROUP`.

    Raises
    ------
    ConfigError
        There is none, or what the name stands for cannot be called.
    MissingExtra
        The library for ``icu`` is not installed.
    """
    if name == Tokenizer.ICU:
        try:
            module = import_module("icu4py.breakers")
        except ImportError as error:
            raise missing("icu", error) from error
        return UserTokenizer(name, import_module("w2v_spark.text.icu").sentences, module)
    if match := _REFERENCE.fullmatch(name):
        return _of_module(name, match["module"], match["function"])
    points = {point.name: point for point in metadata.entry_points(group=GROUP)}
    if name not in points:
        known = [*(member.value for member in Tokenizer), *sorted(points)]
        named = ", ".join(map(repr, known))
        raise ConfigError(
            _SETTING, f" = {name!r} is not allowed{nearest(name, known)}; expected one of {named}, the "
            f"name of an installed entry point of the group {GROUP!r}, or package.module:function",
        )  # fmt: skip
    return _of_module(name, points[name].module, points[name].attr)


def check_tokenizer(config: TextConfig) -> None:
    """Make sure that the tokenizer of a ``[text]`` section is there; for errors see `load_tokenizer`."""
    if not is_own(config.tokenizer):
        load_tokenizer(config.tokenizer)


def tokenizer_versions(config: TextConfig) -> dict[str, str]:
    """See `UserTokenizer.versions`; nothing where this package cuts the words itself."""
    return {} if is_own(config.tokenizer) else load_tokenizer(config.tokenizer).versions()


def other_tokenizer(config: TextConfig, recorded: dict[str, str]) -> Iterator[str]:
    """Yield a warning where the tokenizer of a ``[text]`` section is another than the one that was recorded for it.

    Parameters
    ----------
    recorded : dict of str to str
        The versions of packages that a model was made with, those of its tokenizer among them.
    """
    here = tokenizer_versions(config)
    for name, version in here.items():
        then = recorded.get(name)
        if then != version:
            yield (
                f"text.tokenizer = {str(config.tokenizer)!r} is {name} {version} here, and was "
                f"{f'{name} {then}' if then else 'another one'} when the model was made: words may be cut in other "
                "ways, and then are not found; install the one of then, or train again"
            )


def _of_module(name: str, module_name: str, function: str) -> UserTokenizer:
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise ConfigError(
            _SETTING, f" = {name!r}: {module_name} cannot be imported ({error}); it has to be on PYTHONPATH, or to be "
            "installed, here and on the executors; spark-submit takes it with --py-files",
        ) from error  # fmt: skip
    found: Any = module
    for part in function.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        what = "has no such function" if found is None else f"has a {type(found).__name__} of that name, not a function"
        near = nearest(function, [key for key in vars(module) if callable(getattr(module, key))])
        raise ConfigError(_SETTING, f" = {name!r}: {module_name} {what}{near}")
    return UserTokenizer(name, found, sys.modules[module_name])
