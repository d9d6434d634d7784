"""Register tiles: what a dense step does to rows once their gradients are known, generated for fixed tile shapes.

Shapes are compile-time numbers; the code for each is written out by a Python loop. The order of every sum is the same
for every shape.
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
    prefetch_line,
    splat,
    store,
)

ROWS: Final = 6  # output rows of a tile: a target and the usual five noise words
FEW_ROWS: Final = 3  # of the last tile, where that is enough
WIDE: Final = has_wide_registers()  # whether tiles may be large; has no influence on the result
REGISTER_BYTES: Final = 4 * LANES  # as `memory.REGISTER_BYTES`, which builds on this layer
SLOTS: Final = {ROWS: 8, FEW_ROWS: 4}  # floats that a column of gradients takes, by the rows of a tile
SLOTS_6, SLOTS_3 = SLOTS[ROWS], SLOTS[FEW_ROWS]
_VOID = types.void
_ADDRESS = types.int64
_AT_ONCE = (2, 1) if WIDE else (1,)  # input rows that an update meets, by how many registers there are to keep them in


# Pieces of code generation, shared with the scores.


def constant(value: int) -> Any:
    """A number that is known at compile time, int64."""
    return ir.Constant(I64, value)


def _scalar(builder: Any, address: Any, kind: Any) -> Any:
    """One float from an address, in all lanes."""
    return splat(builder, builder.load(builder.inttoptr(address, F32.as_pointer()), align=4), kind)


def row_addresses(builder: Any, table: Any, count: int) -> list[Any]:
    """Addresses of rows from an array of addresses."""
    pointer = builder.inttoptr(table, I64.as_pointer())
    return [builder.load(builder.gep(pointer, [constant(i)])) for i in range(count)]


def groups(
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
    following = builder.add(index, constant(size))
    builder.cbranch(builder.icmp_signed("<=", following, stop), inside, after)
    builder.position_at_end(inside)
    for value, new in zip(values, body(size, index, values), strict=True):
        value.add_incoming(new, builder.block)
    index.add_incoming(following, builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    return index, values


def _build_update(rows: int) -> Callable[..., Any]:
    """Both updates of a tile in one pass over the registers of a row.

    Each register of the output rows is loaded once, meets all input rows, and is stored once. On the way, as many rows
    whose addresses are at ``coming``, and the row at ``far``, are asked for, a line of each at a time: lines that are
    asked for all at once have to wait for each other, and what is computed for them.
    """
    slots = SLOTS[rows]

    @intrinsic
    def update(
        context: Any, outputs: Any, sums: Any, copies: Any, stride: Any, m: Any, registers: Any, halves: Any,
        gradient: Any, coming: Any, far: Any,
    ) -> Any:  # fmt: skip
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            outputs, sums, copies, stride, m, registers, halves, gradient, coming, far = args
            o_rows = row_addresses(builder, outputs, rows)

            def ask(offset: Any) -> None:
                for row in [*row_addresses(builder, coming, rows), far]:
                    prefetch_line(builder, builder.add(row, offset))

            def change(kind: Any, offset: Any) -> list[Any]:
                o = [load(builder, builder.add(row, offset), kind) for row in o_rows]
                base = builder.add(copies, offset)

                def meet(columns: int, j: Any, changed: list[Any]) -> list[Any]:
                    first = builder.add(base, builder.mul(j, stride))
                    x = [
                        load(builder, builder.add(first, builder.mul(stride, constant(c))), kind)
                        for c in range(columns)
                    ]
                    x_changes = [ir.Constant(kind, None)] * columns
                    column = builder.add(gradient, builder.mul(j, constant(4 * slots)))
                    changed = list(changed)
                    for r in range(rows):
                        for c in range(columns):
                            g = _scalar(builder, builder.add(column, constant(4 * (c * slots + r))), kind)
                            changed[r] = fma(builder, g, x[c], changed[r])
                            x_changes[c] = fma(builder, g, o[r], x_changes[c])
                    x_rows = row_addresses(builder, builder.add(sums, builder.mul(j, constant(8))), columns)
                    for row, x_change in zip(x_rows, x_changes, strict=True):
                        place = builder.add(row, offset)
                        store(builder, builder.fadd(load(builder, place, kind), x_change), place)
                    return changed

                done, changed = constant(0), o
                for columns in _AT_ONCE:
                    done, changed = groups(builder, done, m, columns, changed, meet)
                for row, new in zip(o_rows, changed, strict=True):
                    store(builder, new, builder.add(row, offset))
                return []

            def whole(size: int, index: Any, _: list[Any]) -> list[Any]:
                offset = builder.mul(index, constant(REGISTER_BYTES))
                ask(offset)
                if WIDE:
                    return change(VECTOR, offset)
                change(HALF, offset)
                return change(HALF, builder.add(offset, constant(REGISTER_BYTES // 2)))

            def half(size: int, index: Any, _: list[Any]) -> list[Any]:
                offset = builder.mul(registers, constant(REGISTER_BYTES))
                ask(offset)
                return change(HALF, offset)

            groups(builder, constant(0), registers, 1, [], whole)
            groups(builder, constant(0), halves, 1, [], half)
            return context.get_dummy_value()

        return _VOID(*[_ADDRESS] * 10), generate

    return update  # type: ignore[no-any-return]


update_6, update_3 = (_build_update(rows) for rows in (ROWS, FEW_ROWS))


def _build_update_of_mean(rows: int) -> Callable[..., Any]:
    """Both updates of a tile with a single input row, whose change is spread over others: those that it is the mean of.

    ``scale`` times what is at ``error`` and the changes by this tile goes to m rows; their addresses are at ``spread``.
    """

    @intrinsic
    def update(
        context: Any, outputs: Any, hidden: Any, error: Any, spread: Any, m: Any, scale: Any, registers: Any,
        halves: Any, gradient: Any, coming: Any,
    ) -> Any:  # fmt: skip
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            outputs, hidden, error, spread, m, scale, registers, halves, gradient, coming = args
            o_rows = row_addresses(builder, outputs, rows)
            pointer = builder.inttoptr(spread, I64.as_pointer())
            factors = {kind: splat(builder, scale, kind) for kind in (VECTOR, HALF)}
            g = {
                kind: [_scalar(builder, builder.add(gradient, constant(4 * r)), kind) for r in range(rows)]
                for kind in (VECTOR, HALF)
            }

            def change(kind: Any, offset: Any) -> Any:
                x = load(builder, builder.add(hidden, offset), kind)
                x_change = load(builder, builder.add(error, offset), kind)
                for r, row in enumerate(o_rows):
                    place = builder.add(row, offset)
                    o = load(builder, place, kind)
                    x_change = fma(builder, g[kind][r], o, x_change)
                    store(builder, fma(builder, g[kind][r], x, o), place)
                return builder.fmul(factors[kind], x_change)

            def along(kinds: list[Any], offset: Any) -> list[Any]:
                for row in row_addresses(builder, coming, rows):
                    prefetch_line(builder, builder.add(row, offset))
                places = [offset, builder.add(offset, constant(REGISTER_BYTES // 2))][: len(kinds)]
                changes = [change(kind, place) for kind, place in zip(kinds, places, strict=True)]

                def give(size: int, j: Any, _: list[Any]) -> list[Any]:
                    row = builder.load(builder.gep(pointer, [j]))
                    for value, place in zip(changes, places, strict=True):
                        address = builder.add(row, place)
                        store(builder, builder.fadd(load(builder, address, value.type), value), address)
                    return []

                groups(builder, constant(0), m, 1, [], give)
                return []

            def whole(size: int, index: Any, _: list[Any]) -> list[Any]:
                return along([VECTOR] if WIDE else [HALF, HALF], builder.mul(index, constant(REGISTER_BYTES)))

            def half(size: int, index: Any, _: list[Any]) -> list[Any]:
                return along([HALF], builder.mul(registers, constant(REGISTER_BYTES)))

            groups(builder, constant(0), registers, 1, [], whole)
            groups(builder, constant(0), halves, 1, [], half)
            return context.get_dummy_value()

        return _VOID(*[_ADDRESS] * 5, types.float32, *[_ADDRESS] * 4), generate

    return update  # type: ignore[no-any-return]


update_mean_6, update_mean_3 = (_build_update_of_mean(rows) for rows in (ROWS, FEW_ROWS))


def _build_weighted_sum(columns: int) -> Callable[..., Any]:
    """Add a weighted sum of rows to another row, in so many registers of it that lie one behind the other."""

    @intrinsic
    def weighted_sum(context: Any, outputs: Any, factors: Any, n: Any, target: Any, offset: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            outputs, factors, n, target, offset = args
            places = [builder.add(offset, constant(c * REGISTER_BYTES)) for c in range(columns)]
            pointer = builder.inttoptr(outputs, I64.as_pointer())

            def meet(size: int, i: Any, sums: list[Any]) -> list[Any]:
                row = builder.load(builder.gep(pointer, [i]))
                factor = _scalar(builder, builder.add(factors, builder.mul(i, constant(4))), VECTOR)
                return [
                    fma(builder, factor, load(builder, builder.add(row, place)), total)
                    for place, total in zip(places, sums, strict=True)
                ]

            _, sums = groups(builder, constant(0), n, 1, [ir.Constant(VECTOR, None)] * columns, meet)
            for place, total in zip(places, sums, strict=True):
                address = builder.add(target, place)
                store(builder, builder.fadd(load(builder, address), total), address)
            return context.get_dummy_value()

        return _VOID(*[_ADDRESS] * 5), generate

    return weighted_sum  # type: ignore[no-any-return]


weighted_sum_4, weighted_sum_3, weighted_sum_2, weighted_sum_1 = (_build_weighted_sum(count) for count in (4, 3, 2, 1))
