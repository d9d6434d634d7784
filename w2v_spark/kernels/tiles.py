"""Register tiles: the three small matrix products of a dense step, generated for fixed tile shapes.

A tile of R output rows keeps its partial sums in registers, so that each loaded value serves several multiplications.
Shapes are compile-time numbers; the code for each is written out by a Python loop. The order of every sum is the same
for every shape.

Dots and gradients of a tile lie column by column: those of output row r and input row j at place ``R * j + r``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from w2v_spark.kernels.simd import (
    F32,
    HALF,
    I64,
    LANES,
    VECTOR,
    fma,
    has_wide_registers,
    load,
    shuffle,
    splat,
    store,
    widen,
)

ROWS: Final = 6  # output rows of a tile: a target and the usual five noise words
FEW_ROWS: Final = 3  # of the last tile, where that is enough
WIDE: Final = has_wide_registers()  # whether tiles may be large; has no influence on the result
_REGISTER_BYTES: Final = 4 * LANES
_VOID = types.void
_ADDRESS = types.int64

# Two registers a and b become one whose 128-bit quarters hold sums of both; four such steps add up sixteen registers.
_PAIRS = [
    ([q + i for q in (0, 4, 8, 12) for i in low], [q + i for q in (0, 4, 8, 12) for i in high])
    for low, high in (((0, 16, 1, 17), (2, 18, 3, 19)), ((0, 1, 16, 17), (2, 3, 18, 19)))
] + [
    ([*range(8), *range(16, 24)], [*range(8, 16), *range(24, 32)]),
    (
        [*range(4), *range(8, 12), *range(16, 20), *range(24, 28)],
        [*range(4, 8), *range(12, 16), *range(20, 24), *range(28, 32)],
    ),
]


def _constant(value: int) -> Any:
    return ir.Constant(I64, value)


def _scalar(builder: Any, address: Any, kind: Any) -> Any:
    """One float from an address, in all lanes."""
    return splat(builder, builder.load(builder.inttoptr(address, F32.as_pointer()), align=4), kind)


def _row_addresses(builder: Any, table: Any, count: int) -> list[Any]:
    """Addresses of rows from an array of addresses."""
    pointer = builder.inttoptr(table, I64.as_pointer())
    return [builder.load(builder.gep(pointer, [_constant(i)])) for i in range(count)]


def _groups(
    builder: Any, start: Any, stop: Any, size: int, carried: list[Any], body: Callable[[int, Any, list[Any]], list[Any]]
) -> tuple[Any, list[Any]]:
    """``body(size, index, values)`` for index = start, start + size, ... while that many are left before ``stop``.

    The values that the body returns are carried in registers into its next turn. Returns the first index that is
    left over, and the values.
    """
    entry, head = builder.block, builder.append_basic_block("tile.head")
    inside, after = builder.append_basic_block("tile.body"), builder.append_basic_block("tile.end")
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.phi(I64)
    index.add_incoming(start, entry)
    values = [builder.phi(first.type) for first in carried]
    for value, first in zip(values, carried, strict=True):
        value.add_incoming(first, entry)
    following = builder.add(index, _constant(size))
    builder.cbranch(builder.icmp_signed("<=", following, stop), inside, after)
    builder.position_at_end(inside)
    for value, new in zip(values, body(size, index, values), strict=True):
        value.add_incoming(new, builder.block)
    index.add_incoming(following, builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    return index, values


def _add_up(builder: Any, registers: list[Any]) -> Any:
    """One register whose lane i is the sum of the lanes of register i, for up to sixteen registers."""
    values = registers + [None] * (LANES - len(registers))
    for low, high in _PAIRS:
        merged: list[Any] = []
        for a, b in zip(values[::2], values[1::2], strict=True):
            if a is None:
                merged.append(None)
                continue
            b = ir.Constant(VECTOR, None) if b is None else b
            merged.append(builder.fadd(shuffle(builder, a, b, low), shuffle(builder, a, b, high)))
        values = merged
    return values[0]


def _build_dots(rows: int, columns: int) -> Callable[..., Any]:
    """Dot products of some output rows and input rows; the input rows are copied on the way."""

    @intrinsic
    def dots(
        context: Any, outputs: Any, inputs: Any, copies: Any, stride: Any, registers: Any, halves: Any, result: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            outputs, inputs, copies, stride, registers, halves, result = args
            o_rows = _row_addresses(builder, outputs, rows)
            x_rows = _row_addresses(builder, inputs, columns)
            targets = [builder.add(copies, builder.mul(stride, _constant(c))) for c in range(columns)]

            def multiply(kind: Any, index: Any, sums: list[Any]) -> list[Any]:
                offset = builder.mul(index, _constant(_REGISTER_BYTES))
                x = [load(builder, builder.add(row, offset), kind) for row in x_rows]
                for value, target in zip(x, targets, strict=True):
                    store(builder, value, builder.add(target, offset))
                new = []
                for r in range(rows):
                    o = load(builder, builder.add(o_rows[r], offset), kind)
                    new += [fma(builder, o, x[c], sums[r * columns + c]) for c in range(columns)]
                return new

            zeros = [ir.Constant(VECTOR, None)] * (rows * columns)
            half_zeros = [ir.Constant(HALF, None)] * (rows * columns)

            def start(size: int, index: Any, _: list[Any]) -> list[Any]:
                return [widen(builder, half) for half in multiply(HALF, registers, half_zeros)]

            _, sums = _groups(builder, _constant(0), halves, 1, zeros, start)
            _, sums = _groups(builder, _constant(0), registers, 1, sums, lambda _, q, sums: multiply(VECTOR, q, sums))
            in_order = [sums[r * columns + c] for c in range(columns) for r in range(rows)]
            for first in range(0, len(in_order), LANES):
                total = _add_up(builder, in_order[first : first + LANES])
                store(builder, total, builder.add(result, _constant(4 * first)))
            return context.get_dummy_value()

        return _VOID(*[_ADDRESS] * 7), generate

    return dots  # type: ignore[no-any-return]


def _build_update(rows: int) -> Callable[..., Any]:
    """Both updates of a tile in one pass over the registers of a row.

    Each register of the output rows is loaded once, meets all input rows two at a time, and is stored once.
    """

    @intrinsic
    def update(
        context: Any, outputs: Any, sums: Any, copies: Any, stride: Any, m: Any, registers: Any, halves: Any,
        gradient: Any,
    ) -> Any:  # fmt: skip
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            outputs, sums, copies, stride, m, registers, halves, gradient = args
            o_rows = _row_addresses(builder, outputs, rows)

            def change(kind: Any, offset: Any) -> list[Any]:
                o = [load(builder, builder.add(row, offset), kind) for row in o_rows]
                base = builder.add(copies, offset)

                def meet(columns: int, j: Any, changes: list[Any]) -> list[Any]:
                    first = builder.add(base, builder.mul(j, stride))
                    x = [
                        load(builder, builder.add(first, builder.mul(stride, _constant(c))), kind)
                        for c in range(columns)
                    ]
                    x_changes = [ir.Constant(kind, None)] * columns
                    column = builder.add(gradient, builder.mul(j, _constant(4 * rows)))
                    changes = list(changes)
                    for r in range(rows):
                        for c in range(columns):
                            g = _scalar(builder, builder.add(column, _constant(4 * (c * rows + r))), kind)
                            changes[r] = fma(builder, g, x[c], changes[r])
                            x_changes[c] = fma(builder, g, o[r], x_changes[c])
                    x_rows = _row_addresses(builder, builder.add(sums, builder.mul(j, _constant(8))), columns)
                    for row, x_change in zip(x_rows, x_changes, strict=True):
                        place = builder.add(row, offset)
                        store(builder, builder.fadd(load(builder, place, kind), x_change), place)
                    return changes

                changes = [ir.Constant(kind, None)] * rows
                done = _constant(0)
                for columns in (2, 1):
                    done, changes = _groups(builder, done, m, columns, changes, meet)
                for row, old, o_change in zip(o_rows, o, changes, strict=True):
                    store(builder, builder.fadd(old, o_change), builder.add(row, offset))
                return []

            def whole(size: int, index: Any, _: list[Any]) -> list[Any]:
                offset = builder.mul(index, _constant(_REGISTER_BYTES))
                if WIDE:
                    return change(VECTOR, offset)
                change(HALF, offset)
                return change(HALF, builder.add(offset, _constant(_REGISTER_BYTES // 2)))

            def half(size: int, index: Any, _: list[Any]) -> list[Any]:
                return change(HALF, builder.mul(registers, _constant(_REGISTER_BYTES)))

            _groups(builder, _constant(0), registers, 1, [], whole)
            _groups(builder, _constant(0), halves, 1, [], half)
            return context.get_dummy_value()

        return _VOID(*[_ADDRESS] * 8), generate

    return update  # type: ignore[no-any-return]


dots_6x4, dots_6x2, dots_6x1 = (_build_dots(ROWS, columns) for columns in (4, 2, 1))
dots_3x4, dots_3x2, dots_3x1 = (_build_dots(FEW_ROWS, columns) for columns in (4, 2, 1))
update_6, update_3 = (_build_update(rows) for rows in (ROWS, FEW_ROWS))


def _build_weighted_sum(columns: int) -> Callable[..., Any]:
    """Add a weighted sum of rows to another row, in so many registers of it that lie one behind the other."""

    @intrinsic
    def weighted_sum(context: Any, outputs: Any, factors: Any, n: Any, target: Any, offset: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            outputs, factors, n, target, offset = args
            places = [builder.add(offset, _constant(c * _REGISTER_BYTES)) for c in range(columns)]
            pointer = builder.inttoptr(outputs, I64.as_pointer())

            def meet(size: int, i: Any, sums: list[Any]) -> list[Any]:
                row = builder.load(builder.gep(pointer, [i]))
                factor = _scalar(builder, builder.add(factors, builder.mul(i, _constant(4))), VECTOR)
                return [
                    fma(builder, factor, load(builder, builder.add(row, place)), total)
                    for place, total in zip(places, sums, strict=True)
                ]

            _, sums = _groups(builder, _constant(0), n, 1, [ir.Constant(VECTOR, None)] * columns, meet)
            for place, total in zip(places, sums, strict=True):
                address = builder.add(target, place)
                store(builder, builder.fadd(load(builder, address), total), address)
            return context.get_dummy_value()

        return _VOID(*[_ADDRESS] * 5), generate

    return weighted_sum  # type: ignore[no-any-return]


weighted_sum_4, weighted_sum_3, weighted_sum_2, weighted_sum_1 = (_build_weighted_sum(count) for count in (4, 3, 2, 1))
