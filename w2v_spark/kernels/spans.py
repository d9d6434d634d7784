"""Comparisons of several registers at once, with one branch for all of them."""

from __future__ import annotations

from functools import reduce
from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from w2v_spark.kernels.simd import I64, LANES, load, splat

SPAN: Final = 4 * LANES
"""Floats that are compared before the first branch."""


def _compare_span(builder: Any, values: Any, bounds: Any, bound: Any) -> list[Any]:
    """For each register of a span, which of its lanes are above their bounds, or above the one for all."""
    limit, above = splat(builder, bound), []
    for offset in range(0, 4 * SPAN, 4 * LANES):
        value, own = (load(builder, builder.add(start, ir.Constant(I64, offset))) for start in (values, bounds))
        above.append(builder.or_(builder.fcmp_ordered(">", value, own), builder.fcmp_ordered(">", value, limit)))
    return above


def _bits(builder: Any, above: Any) -> Any:
    return builder.bitcast(above, ir.IntType(LANES))


@intrinsic
def any_above(context: Any, values: Any, bounds: Any, bound: Any) -> Any:
    """Whether any of `SPAN` floats at an address is above its bound at another one, or above the one for all."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        above = reduce(builder.or_, _compare_span(builder, *args))
        return builder.icmp_unsigned("!=", _bits(builder, above), ir.Constant(ir.IntType(LANES), 0))

    return types.boolean(types.int64, types.int64, types.float32), generate


@intrinsic
def lanes_above(context: Any, values: Any, bounds: Any, bound: Any) -> Any:
    """Which floats `any_above` is about, as the bits of a uint64, the first one lowest."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        words = [builder.zext(_bits(builder, above), I64) for above in _compare_span(builder, *args)]
        places = [builder.shl(word, ir.Constant(I64, LANES * r)) for r, word in enumerate(words)]
        return reduce(builder.or_, places)

    return types.uint64(types.int64, types.int64, types.float32), generate


@intrinsic
def lowest_bit(context: Any, bits: Any) -> Any:
    """The place of the lowest bit of a uint64 that is not zero."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate
