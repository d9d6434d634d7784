"""The likelihood of very many labels: a product lane by lane, whose exponents are kept apart lest it becomes too small.

The loss of a label is minus the logarithm of its probability, so that of all of them takes one logarithm.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from w2v_spark.kernels import simd
from w2v_spark.kernels.jit import inline
from w2v_spark.kernels.simd import I32, I64, LANES, VECTOR, float32x16, fold


@intrinsic
def split(context: Any, value: Any, exponents: Any) -> Any:
    """Positive lanes as numbers from 1 to 2, and exponents to which those of two are added, whole numbers.

    Exponents are kept in the bits of a register: nothing but this and `sum_of_exponents` may look at them.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lanes = ir.VectorType(I32, LANES)
        bits, sums = (builder.bitcast(arg, lanes) for arg in args)
        high = builder.lshr(bits, ir.Constant(lanes, [23] * LANES))
        sums = builder.add(sums, builder.sub(high, ir.Constant(lanes, [127] * LANES)))
        rest = builder.and_(bits, ir.Constant(lanes, [(1 << 23) - 1] * LANES))
        rest = builder.or_(rest, ir.Constant(lanes, [127 << 23] * LANES))
        both = [builder.bitcast(value, VECTOR) for value in (rest, sums)]
        return context.make_tuple(builder, signature.return_type, both)

    return types.UniTuple(float32x16, 2)(float32x16, float32x16), generate


@intrinsic
def sum_of_exponents(context: Any, exponents: Any) -> Any:
    """The sum of all lanes of the exponents of `split`, int64."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lanes = builder.bitcast(args[0], ir.VectorType(I32, LANES))
        return fold(builder, builder.sext(lanes, ir.VectorType(I64, LANES)), builder.add)

    return types.int64(float32x16), generate


@inline
def loss_of(factor, power):
    """Minus the logarithm of the likelihood: of the product of the lanes of ``factor``, times two to the ``power``."""
    return -(power * np.log(2.0) + np.log(simd.vproduct(factor)))
