"""Registers of sixteen float32 lanes for numba, as LLVM vectors.

LLVM maps a vector to one AVX-512 register, two AVX registers or four SSE or NEON registers. Every operation here is
defined lane by lane and every sum has a fixed order, so results do not depend on the width of the hardware.
Addresses are plain integers: a kernel takes them from arrays that it holds for as long as it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numba
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

LANES: Final = 16
F32: Final = ir.FloatType()
I32: Final = ir.IntType(32)
I64: Final = ir.IntType(64)
VECTOR: Final = ir.VectorType(F32, LANES)
HALF: Final = ir.VectorType(F32, LANES // 2)


def has_wide_registers() -> bool:
    """Whether code is generated for registers of 512 bits; another CPU than the host's must list its features."""
    if numba.config.CPU_NAME or numba.config.CPU_FEATURES is not None:
        return "+avx512f" in (numba.config.CPU_FEATURES or "")
    return bool(binding.get_host_cpu_features().get("avx512f"))


class Float32x16(types.Type):  # type: ignore[misc]
    """The numba type of a register."""

    def __init__(self) -> None:
        super().__init__(name="Float32x16")


float32x16 = Float32x16()


@register_model(Float32x16)
class _Float32x16Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, VECTOR)


# Pieces of code generation, shared with the tiles.


def load(builder: Any, address: Any, kind: Any = VECTOR) -> Any:
    """The floats at an address; aligned rows are fast, unaligned ones correct."""
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=4)


def store(builder: Any, value: Any, address: Any) -> None:
    """Floats to an address."""
    builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=4)


def splat(builder: Any, scalar: Any, kind: Any = VECTOR) -> Any:
    """One float in all lanes."""
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(I32, kind.count), None))


def fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """``a * b + c`` with one rounding, in every lane."""
    kind = ir.FunctionType(a.type, [a.type] * 3)
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{a.type.count}f32"), [a, b, c])


def widen(builder: Any, half: Any) -> Any:
    """Eight lanes, and eight zeros behind them."""
    lanes = ir.Constant(ir.VectorType(I32, LANES), list(range(LANES)))
    return builder.shuffle_vector(half, ir.Constant(HALF, None), lanes)


def shuffle(builder: Any, a: Any, b: Any, lanes: list[int]) -> Any:
    """Some lanes of two vectors of n; those from n on are those of ``b``."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(lanes)), lanes))


def smaller(builder: Any, a: Any, b: Any) -> Any:
    """The smaller value of each lane; of what is no number, ``b``."""
    return builder.select(builder.fcmp_ordered("<", a, b), a, b)


def larger(builder: Any, a: Any, b: Any) -> Any:
    """The larger value of each lane; of what is no number, ``b``."""
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


def magnitude(builder: Any, value: Any) -> Any:
    """The absolute value of each lane."""
    kind = ir.FunctionType(value.type, [value.type])
    name = f"llvm.fabs.v{value.type.count}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [value])


def prefetch_line(builder: Any, address: Any) -> None:
    """Ask for the cache line of an address to come into the second-level cache.

    The first level has room for too few lines under way: asked for there, they hold up the loads in between.
    """
    pointer = builder.inttoptr(address, ir.IntType(8).as_pointer())
    kind = ir.FunctionType(ir.VoidType(), [pointer.type, I32, I32, I32])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    read, second_level, data = (ir.Constant(I32, flag) for flag in (0, 2, 1))
    builder.call(function, [pointer, read, second_level, data])


@intrinsic
def either(context: Any, condition: Any, one: Any, other: Any) -> Any:
    """One of two int64 by a condition that no processor foresees: without a branch."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        chosen = builder.select(*args)
        chosen.set_metadata("unpredictable", builder.module.add_metadata([]))
        return chosen

    return types.int64(types.boolean, types.int64, types.int64), generate


@intrinsic
def has_equal(context: Any, address: Any) -> Any:
    """Whether any two of the eight int64 at an address are equal."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        numbers = load(builder, args[0], ir.VectorType(I64, 8))
        equal: Any = ir.Constant(ir.VectorType(ir.IntType(1), 8), None)
        for distance in range(1, 5):
            turned = shuffle(builder, numbers, numbers, [(i + distance) % 8 for i in range(8)])
            equal = builder.or_(equal, builder.icmp_unsigned("==", numbers, turned))
        bits = builder.bitcast(equal, ir.IntType(8))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(8), 0))

    return types.boolean(types.int64), generate


@intrinsic
def vload(context: Any, address: Any) -> Any:
    """A register from an address."""
    return float32x16(types.int64), lambda context, builder, signature, args: load(builder, args[0])


@intrinsic
def vstore(context: Any, address: Any, value: Any) -> Any:
    """A register to an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        store(builder, args[1], args[0])
        return context.get_dummy_value()

    return types.void(types.int64, float32x16), generate


@intrinsic
def vsplat(context: Any, scalar: Any) -> Any:
    """A register with one float in all lanes."""
    return float32x16(types.float32), lambda context, builder, signature, args: splat(builder, args[0])


@intrinsic
def vfma(context: Any, a: Any, b: Any, c: Any) -> Any:
    """``a * b + c`` with one rounding."""
    kind = float32x16(float32x16, float32x16, float32x16)
    return kind, lambda context, builder, signature, args: fma(builder, *args)


def _binary(name: str) -> Callable[..., Any]:
    @intrinsic
    def operation(context: Any, a: Any, b: Any) -> Any:
        kind = float32x16(float32x16, float32x16)
        return kind, lambda context, builder, signature, args: getattr(builder, name)(*args)

    return operation  # type: ignore[no-any-return]


vadd, vsub, vmul = (_binary(name) for name in ("fadd", "fsub", "fmul"))


def _call(name: str, arguments: int) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(VECTOR, [VECTOR] * arguments)
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"{name}.v16f32"), args)

    return generate


@intrinsic
def vmax(context: Any, a: Any, b: Any) -> Any:
    """The larger value of each lane."""
    return float32x16(float32x16, float32x16), _call("llvm.maxnum", 2)


@intrinsic
def vabs(context: Any, a: Any) -> Any:
    """The absolute value of each lane."""
    return float32x16(float32x16), _call("llvm.fabs", 1)


@intrinsic
def vsqrt(context: Any, value: Any) -> Any:
    """The square root of each lane, correctly rounded."""
    return float32x16(float32x16), _call("llvm.sqrt", 1)


@intrinsic
def vproduct(context: Any, value: Any) -> Any:
    """The product of all lanes as float64, halves first."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = builder.fpext(args[0], ir.VectorType(ir.DoubleType(), LANES))
        return fold(builder, wide, builder.fmul)

    return types.float64(float32x16), generate


@intrinsic
def vsum(context: Any, value: Any) -> Any:
    """The sum of all lanes, halves first."""
    return types.float32(float32x16), lambda context, builder, signature, args: fold(builder, args[0], builder.fadd)


def fold(builder: Any, value: Any, operation: Callable[..., Any]) -> Any:
    """All lanes brought together by an operation, halves first."""
    width = LANES
    while width > 1:
        width //= 2
        low, high = (
            builder.shuffle_vector(
                value, value, ir.Constant(ir.VectorType(I32, width), list(range(start, start + width)))
            )
            for start in (0, width)
        )
        value = operation(low, high)
    return builder.extract_element(value, ir.Constant(I32, 0))


@intrinsic
def vpow2(context: Any, exponent: Any) -> Any:
    """Two to the power of each lane, whose values are whole numbers from -126 to 127."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lanes = ir.VectorType(I32, LANES)
        biased = builder.add(builder.fptosi(args[0], lanes), ir.Constant(lanes, [127] * LANES))
        return builder.bitcast(builder.shl(biased, ir.Constant(lanes, [23] * LANES)), VECTOR)

    return float32x16(float32x16), generate
