"""The Params of the estimators and their models with their getters and setters, made from `param_table`.

What is made here is declared in ``params.pyi``, for type checkers and completion; ``make generated`` writes it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypedDict

from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasInputCol, HasMaxIter, HasOutputCol, HasSeed, HasStepSize

from w2v_spark.ml.param_table import DOCUMENT_PARAMS, PARAMS, ParamEntry


def _to_text(value: Any) -> str:
    return TypeConverters.toString(os.fspath(value) if isinstance(value, os.PathLike) else value)


def _to_numbers(value: Any) -> int | list[int]:
    """One whole number, or a list of them."""
    return TypeConverters.toListInt(value) if isinstance(value, list | tuple) else TypeConverters.toInt(value)


_CONVERTERS: Final = {
    bool: TypeConverters.toBoolean,
    int: TypeConverters.toInt,
    float: TypeConverters.toFloat,
    str: TypeConverters.toString,
    Path: _to_text,
    list: TypeConverters.toListString,
    tuple: _to_numbers,
}

Keywords = TypedDict("Keywords", {name: param.keyword_type for name, param in PARAMS.items()}, total=False)
Keywords.__doc__ = "What `Word2Vec` and its ``setParams`` take."
DocumentKeywords = TypedDict(
    "DocumentKeywords", {name: param.keyword_type for name, param in DOCUMENT_PARAMS.items()}, total=False
)
DocumentKeywords.__doc__ = "What `Doc2Vec` and its ``setParams`` take."


class Word2VecParams(HasStepSize, HasMaxIter, HasSeed, HasInputCol, HasOutputCol):
    """Params of `Word2Vec` and `Word2VecModel`."""

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(**{name: param.default for name, param in PARAMS.items() if _has_default(param)})


class Word2VecSetters(Word2VecParams):
    """A setter for each Param; each returns the object itself."""


class Doc2VecParams(HasStepSize, HasMaxIter, HasSeed, HasInputCol, HasOutputCol):
    """Params of `Doc2Vec` and `Doc2VecModel`."""

    def __init__(self) -> None:
        super().__init__()
        defaults = {name: param.default for name, param in DOCUMENT_PARAMS.items() if _has_default(param)}
        self._setDefault(**{**defaults, "tagCols": []})


class Doc2VecSetters(Doc2VecParams):
    """A setter for each Param; each returns the object itself."""


def _has_default(param: ParamEntry) -> bool:
    return param.default is not None or param.entry is not None


def _getter(param: ParamEntry) -> Callable[[Params], Any]:
    def get(self: Params) -> Any:
        return self.getOrDefault(param.name) if self.isDefined(param.name) else None

    get.__doc__ = f"The value of `{param.name}`, or its default: {param.help}."
    return get


def _setter(param: ParamEntry) -> Callable[[Params, Any], Any]:
    def set_(self: Params, value: Any) -> Any:
        return self._set(**{param.name: value})

    set_.__doc__ = f"Set `{param.name}`: {param.help}."
    return set_


def _add(owner: type, name: str, value: Any) -> None:
    if callable(value):
        value.__name__, value.__qualname__, value.__module__ = name, f"{owner.__name__}.{name}", __name__
    setattr(owner, name, value)


def _add_all(table: Mapping[str, ParamEntry], params: type, setters: type) -> None:
    for param in table.values():
        if param.name not in ("inputCol", "outputCol"):  # Spark's own, with its getters
            converter = _CONVERTERS[param.type]
            _add(params, param.name, Param(Params._dummy(), param.name, param.help, typeConverter=converter))
            _add(params, f"get{param.accessor}", _getter(param))
        _add(setters, f"set{param.accessor}", _setter(param))


_add_all(PARAMS, Word2VecParams, Word2VecSetters)
_add_all(DOCUMENT_PARAMS, Doc2VecParams, Doc2VecSetters)
