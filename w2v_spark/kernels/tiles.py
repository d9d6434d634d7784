"""Register tiles: the three small matrix products of a dense step, generated for fixed tile shapes.

A tile of ``ROWS`` output rows times C input rows keeps all its partial sums in registers, so that each loaded value
serves several multiplications. Shapes are compile-time numbers; the code for each is written out by a Python loop.
The order of every sum is the same for every shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from w2v_spark.kernels.simd import F32, I64, LANES, VECTOR, fma, load, shuffle, splat, store

ROWS: Final = 6  # output rows of a tile: a target and the usual five noise words
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


def _scalar(builder: Any, address: Any) -> Any:
    """One float from an address, in all lanes."""
    return splat(builder, builder.load(builder.inttoptr(address, F32.as_pointer()), align=4))


def _row_addresses(builder: Any, table: Any, count: int) -> list[Any]:
    """Addresses of rows from an array of addresses."""
    pointer = builder.inttoptr(table, I64.as_pointer())
    return [builder.load(builder.gep(pointer, [_constant(i)])) for i in range(count)]


def _loop(builder: Any, count: Any, registers: int, body: Callable[[Any, list[Any]], list[Any]]) -> list[Any]:
    """Run ``body(index, sums)`` for 0 <= index < count with some sums carried in registers, zero at first."""
    entry, head = builder.block, builder.append_basic_block("tile.head")
    inside, after = builder.append_basic_block("tile.body"), builder.append_basic_block("tile.end")
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.phi(I64)
    index.add_incoming(_constant(0), entry)
    sums = [builder.phi(VECTOR) for _ in range(registers)]
    for value in sums:
        value.add_incoming(ir.Constant(VECTOR, None), entry)
    builder.cbranch(builder.icmp_signed("<", index, count), inside, after)
    builder.position_at_end(inside)
    for value, new in zip(sums, body(index, sums), strict=True):
        value.add_incoming(new, builder.block)
    index.add_incoming(builder.add(index, _constant(1)), builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    return sums


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


def _build_dots(columns: int) -> Callable[..., Any]:
    """Dot products of `ROWS` output rows and ``columns`` input rows, which are copied on the way."""

    @intrinsic
    def dots(context: Any, outputs: Any, inputs: Any, copies: Any, stride: Any, registers: Any, result: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            table, inputs, copies, stride, count, result = args
            rows = _row_addresses(builder, table, ROWS)
            heads = _row_addresses(builder, inputs, columns)
            targets = [builder.add(copies, builder.mul(stride, _constant(c))) for c in range(columns)]

            def body(index: Any, sums: list[Any]) -> list[Any]:
                offset = builder.mul(index, _constant(_REGISTER_BYTES))
                x = [load(builder, builder.add(head, offset)) for head in heads]
                for value, target in zip(x, targets, strict=True):
                    store(builder, value, builder.add(target, offset))
                new = []
                for r in range(ROWS):
                    o = load(builder, builder.add(rows[r], offset))
                    new += [fma(builder, o, x[c], sums[r * columns + c]) for c in range(columns)]
                return new

            sums = _loop(builder, count, ROWS * columns, body)
            in_order = [sums[r * columns + c] for c in range(columns) for r in range(ROWS)]
            for start in range(0, len(in_order), LANES):
                total = _add_up(builder, in_order[start : start + LANES])
                store(builder, total, builder.add(result, _constant(4 * start)))
            return context.get_dummy_value()

        return _VOID(_ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS), generate

    return dots  # type: ignore[no-any-return]


def _build_output_update(width: int) -> Callable[..., Any]:
    """Add to ``width`` registers of `ROWS` output rows what the input rows give them."""

    @intrinsic
    def update(context: Any, outputs: Any, inputs: Any, stride: Any, m: Any, gradient: Any, offset: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            table, inputs, stride, m, gradient, offset = args
            rows = _row_addresses(builder, table, ROWS)
            first = builder.add(inputs, offset)

            def body(j: Any, sums: list[Any]) -> list[Any]:
                row = builder.add(first, builder.mul(j, stride))
                x = [load(builder, builder.add(row, _constant(_REGISTER_BYTES * q))) for q in range(width)]
                column = builder.add(gradient, builder.mul(j, _constant(4 * ROWS)))
                new = []
                for r in range(ROWS):
                    g = _scalar(builder, builder.add(column, _constant(4 * r)))
                    new += [fma(builder, g, x[q], sums[r * width + q]) for q in range(width)]
                return new

            sums = _loop(builder, m, ROWS * width, body)
            for r in range(ROWS):
                for q in range(width):
                    place = builder.add(builder.add(rows[r], offset), _constant(_REGISTER_BYTES * q))
                    store(builder, builder.fadd(load(builder, place), sums[r * width + q]), place)
            return context.get_dummy_value()

        return _VOID(_ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS), generate

    return update  # type: ignore[no-any-return]


def _build_input_update(columns: int) -> Callable[..., Any]:
    """Add to ``columns`` input rows, register by register, what `ROWS` output rows give them."""

    @intrinsic
    def update(context: Any, targets: Any, outputs: Any, registers: Any, gradient: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            targets, table, count, gradient = args
            rows = _row_addresses(builder, table, ROWS)
            places = _row_addresses(builder, targets, columns)
            g = [
                [_scalar(builder, builder.add(gradient, _constant(4 * (c * ROWS + r)))) for r in range(ROWS)]
                for c in range(columns)
            ]

            def body(index: Any, sums: list[Any]) -> list[Any]:
                offset = builder.mul(index, _constant(_REGISTER_BYTES))
                totals = [ir.Constant(VECTOR, None)] * columns
                for r in range(ROWS):
                    o = load(builder, builder.add(rows[r], offset))
                    totals = [fma(builder, g[c][r], o, totals[c]) for c in range(columns)]
                for c in range(columns):
                    place = builder.add(places[c], offset)
                    store(builder, builder.fadd(load(builder, place), totals[c]), place)
                return []

            _loop(builder, count, 0, body)
            return context.get_dummy_value()

        return _VOID(_ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS), generate

    return update  # type: ignore[no-any-return]


dots_4, dots_2, dots_1 = (_build_dots(columns) for columns in (4, 2, 1))
update_outputs_4, update_outputs_3, update_outputs_2, update_outputs_1 = (_build_output_update(w) for w in (4, 3, 2, 1))
update_inputs_4, update_inputs_2, update_inputs_1 = (_build_input_update(columns) for columns in (4, 2, 1))
