"""Many bytes at a time: what the scanner and the word table would otherwise do byte by byte.

Addresses are plain integers, as in `w2v_spark.kernels.simd`; the caller vouches for the bytes behind them.
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

STEP: Final = 32  # bytes that `copy_ascii_word` looks at
_I8: Final = ir.IntType(8)
_I32: Final = ir.IntType(32)
_I64: Final = ir.IntType(64)
_BYTES: Final = ir.VectorType(_I8, STEP)


def _all(value: int) -> Any:
    return ir.Constant(_BYTES, [value] * STEP)


def _between(builder: Any, value: Any, low: str, high: str) -> Any:
    """Which bytes are characters from ``low`` to ``high``."""
    return builder.icmp_unsigned("<=", builder.sub(value, _all(ord(low))), _all(ord(high) - ord(low)))


@intrinsic
def copy_ascii_word(context: Any, source: Any, target: Any, lowercase: Any) -> Any:
    """Copy `STEP` bytes, ASCII capitals lower-cased if asked; how many ASCII letters and digits they start with."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, target, lowercase = args
        value = builder.load(builder.inttoptr(source, _BYTES.as_pointer()), align=1)
        small = builder.or_(value, _all(0x20))
        capital = _between(builder, value, "A", "Z")
        change = builder.select(builder.trunc(lowercase, ir.IntType(1)), _all(0x20), _all(0))
        lowered = builder.select(capital, builder.or_(value, change), value)
        builder.store(lowered, builder.inttoptr(target, _BYTES.as_pointer()), align=1)
        word = builder.or_(_between(builder, small, "a", "z"), _between(builder, value, "0", "9"))
        other = builder.not_(builder.bitcast(word, _I32))
        count = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_I32, [_I32, ir.IntType(1)]), "llvm.cttz.i32"
        )
        return builder.zext(builder.call(count, [other, ir.Constant(ir.IntType(1), 0)]), _I64)

    return types.int64(types.int64, types.int64, types.boolean), generate
