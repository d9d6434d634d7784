"""Arguments of numpy's types on their way to Java, told from others without PySpark's package for tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyspark.sql import types


def recognise_numpy() -> None:
    """Have PySpark ask numpy what is numpy's.

    At the first argument that is handed to Java it asks its package for tests, which imports pandas, unittest and what
    Spark Connect needs: a second of each start.
    """
    for name, can_convert in (("NumpyArrayConverter", _is_list), ("NumpyScalarConverter", _is_scalar)):
        if (converter := getattr(types, name, None)) is not None:
            converter.can_convert = can_convert


def _is_list(_: Any, argument: Any) -> bool:
    return isinstance(argument, np.ndarray) and argument.ndim == 1


def _is_scalar(_: Any, argument: Any) -> bool:
    return isinstance(argument, np.generic)
