"""Scores of tiles, and the gradients that follow from them, generated for fixed tile shapes.

A tile of R output rows and some input rows keeps its partial sums in registers, so that each loaded value serves
several multiplications. Sums go on to the logistic function without a detour through memory: the next tile is
multiplied while the gradients of this one are still on their way. The order of every sum is the same for every shape.

The gradients of a tile lie column by column: that of output row r and input row j at place ``slots(R) * j + r``. Places
of no pair are zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from w2v_spark.kernels.simd import (
    HALF,
    LANES,
    VECTOR,
    float32x16,
    fma,
    larger,
    load,
    magnitude,
    shuffle,
    smaller,
    splat,
    store,
    widen,
)
from w2v_spark.kernels.tiles import FEW_ROWS, REGISTER_BYTES, ROWS, SLOTS, WIDE, constant, groups, row_addresses

UNUSED: Final = 0.5  # label of no pair: what a score of zero makes, so that the gradient is zero
_EIGHT: Final = LANES // 2
_LEAST = 6e-8  # below the resolution of a float32 close to 1: no probability counts as less
_LIMIT = 7.90531110763549805  # of half a score; beyond it a float32 sees no change

# The minimax coefficients of tanh that Eigen uses, the lowest first.
_ABOVE = (
    4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05, 5.12229709037114e-08, -8.60467152213735e-11,
    2.00018790482477e-13, -2.76076847742355e-16,
)  # fmt: skip
_BELOW = (4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06)

# Two halves a and b become one that holds sums of both; three such steps add up eight halves.
_STEPS = (
    ([0, 8, 1, 9, 4, 12, 5, 13], [2, 10, 3, 11, 6, 14, 7, 15]),
    ([0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]),
    ([0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]),
)


def _polynomial(builder: Any, x: Any, coefficients: Sequence[float]) -> Any:
    """A polynomial, by its even and its odd powers apart (Estrin's scheme): a chain half as long as Horner's."""
    values = [ir.Constant(x.type, [value] * x.type.count) for value in coefficients]
    while len(values) > 1:
        pairs = [fma(builder, x, values[i + 1], values[i]) for i in range(0, len(values) - 1, 2)]
        values = pairs + values[2 * len(pairs) :]
        x = builder.fmul(x, x)
    return values[0]


def logistic(builder: Any, x: Any) -> Any:
    """The logistic function of each lane, within 2e-7 of it.

    0.5 + 0.5 tanh(x / 2), with tanh as the ratio of two polynomials. Beyond +-15.8 the value stays what it is there.
    """

    def number(value: float) -> Any:
        return ir.Constant(x.type, [value] * x.type.count)

    h = builder.fmul(x, number(0.5))
    h = larger(builder, smaller(builder, h, number(_LIMIT)), number(-_LIMIT))
    p, q = (_polynomial(builder, builder.fmul(h, h), coefficients) for coefficients in (_ABOVE, _BELOW))
    return fma(builder, builder.fdiv(builder.fmul(p, h), q), number(0.5), number(0.5))


@intrinsic
def sigmoid(context: Any, x: Any) -> Any:
    """The logistic function of each lane, see `logistic`."""
    return float32x16(float32x16), lambda context, builder, signature, args: logistic(builder, args[0])


def _add_up(builder: Any, halves: list[Any]) -> Any:
    """One half whose lane i is the sum of the lanes of half i, of eight, of which some may be None."""
    values = halves
    for low, high in _STEPS:
        merged: list[Any] = []
        for a, b in zip(values[::2], values[1::2], strict=True):
            if a is None:
                merged.append(None)
                continue
            b = ir.Constant(HALF, None) if b is None else b
            merged.append(builder.fadd(shuffle(builder, a, b, low), shuffle(builder, a, b, high)))
        values = merged
    return values[0]


class _Sums:
    """Dot products of some output rows and input rows, each as eight lanes that have still to be added up.

    Sixteen lanes go along a row, half a register first if there is one at its end; then their halves are added.
    """

    def __init__(self, o_rows: list[Any], x_rows: list[Any], targets: list[Any]) -> None:
        self.o_rows, self.x_rows, self.targets = o_rows, x_rows, targets

    def _multiply(self, builder: Any, kind: Any, offset: Any, sums: list[Any]) -> list[Any]:
        x = [load(builder, builder.add(row, offset), kind) for row in self.x_rows]
        for value, target in zip(x, self.targets, strict=False):
            store(builder, value, builder.add(target, offset))
        new = []
        for r, row in enumerate(self.o_rows):
            o = load(builder, builder.add(row, offset), kind)
            new += [fma(builder, o, x[c], sums[r * len(x) + c]) for c in range(len(x))]
        return new

    def build(self, builder: Any, registers: Any, halves: Any) -> list[Any]:
        """The halves, by output rows."""
        count = len(self.o_rows) * len(self.x_rows)
        none = [ir.Constant(HALF, None)] * count
        end = builder.mul(registers, constant(REGISTER_BYTES))
        # Sums of narrow machines are carried as lower and upper halves, lest the compiler keep both in use at once.
        carried = [ir.Constant(VECTOR, None)] * count if WIDE else none * 2

        def at_end(size: int, index: Any, sums: list[Any]) -> list[Any]:
            low = self._multiply(builder, HALF, end, none)
            return [widen(builder, half) for half in low] if WIDE else low + sums[count:]

        def along(size: int, index: Any, sums: list[Any]) -> list[Any]:
            offset = builder.mul(index, constant(REGISTER_BYTES))
            if WIDE:
                return self._multiply(builder, VECTOR, offset, sums)
            low = self._multiply(builder, HALF, offset, sums[:count])
            return low + self._multiply(builder, HALF, builder.add(offset, constant(REGISTER_BYTES // 2)), sums[count:])

        _, sums = groups(builder, constant(0), halves, 1, carried, at_end)
        _, sums = groups(builder, constant(0), registers, 1, sums, along)
        if WIDE:
            lower, upper = list(range(_EIGHT)), list(range(_EIGHT, LANES))
            return [
                builder.fadd(shuffle(builder, both, both, lower), shuffle(builder, both, both, upper)) for both in sums
            ]
        return [builder.fadd(low, high) for low, high in zip(sums[:count], sums[count:], strict=True)]


def _targets_of(builder: Any, labels: Any, rows: int, columns: int) -> Any:
    """The labels of a tile's rows, over and over, with those of no pair; a half."""
    slots = SLOTS[rows]
    lanes = [i % slots if i % slots < rows and i < slots * columns else _EIGHT for i in range(_EIGHT)]
    return shuffle(builder, load(builder, labels, HALF), ir.Constant(HALF, [UNUSED] * _EIGHT), lanes)


def _gradients(builder: Any, scores: Any, labels: Any, rate: Any) -> tuple[Any, Any]:
    """``rate * (label - logistic(score))`` of each lane, and how likely its label is."""
    error = builder.fsub(labels, logistic(builder, scores))
    one, least = (ir.Constant(scores.type, [value] * scores.type.count) for value in (1.0, _LEAST))
    probability = larger(builder, builder.fsub(one, magnitude(builder, error)), least)
    return builder.fmul(splat(builder, rate, scores.type), error), probability


def _build(rows: int, columns: int) -> Callable[..., Any]:
    """Gradients of a tile, to memory; the likelihood of its labels goes into the lanes of ``factor``."""
    slots = SLOTS[rows]
    parts = [range(rows)] if WIDE or rows * columns < 2 * ROWS else [range(r, r + 3) for r in range(0, rows, 3)]
    every, lower, upper = list(range(LANES)), list(range(_EIGHT)), list(range(_EIGHT, LANES))

    @intrinsic
    def scores(
        context: Any, outputs: Any, inputs: Any, copies: Any, stride: Any, registers: Any, halves: Any, labels: Any,
        rate: Any, gradient: Any, factor: Any,
    ) -> Any:  # fmt: skip
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            outputs, inputs, copies, stride, registers, halves, labels, rate, gradient, factor = args
            o_rows, x_rows = row_addresses(builder, outputs, rows), row_addresses(builder, inputs, columns)
            targets = [builder.add(copies, builder.mul(stride, constant(c))) for c in range(columns)]
            lanes: list[Any] = [None] * max(_EIGHT, slots * columns)
            for part in parts:
                own = _Sums([o_rows[r] for r in part], x_rows, targets if part[0] == 0 else [])
                for i, total in enumerate(own.build(builder, registers, halves)):
                    lanes[slots * (i % columns) + part[i // columns]] = total
            totals = [_add_up(builder, lanes[i : i + _EIGHT]) for i in range(0, len(lanes), _EIGHT)]
            wanted = _targets_of(builder, labels, rows, columns)
            pairs = (
                slots == _EIGHT
            )  # halves with four columns of three rows are taken one by one, as on narrow machines
            for i in range(0, len(totals), 2 if pairs else 1):
                place = builder.add(gradient, constant(4 * _EIGHT * i))
                if pairs and i + 1 < len(totals):
                    both = shuffle(builder, totals[i], totals[i + 1], every)
                    g, probability = _gradients(builder, both, shuffle(builder, wanted, wanted, lower * 2), rate)
                    factor = builder.fmul(factor, probability)
                else:
                    g, probability = _gradients(builder, totals[i], wanted, rate)
                    low = builder.fmul(shuffle(builder, factor, factor, lower), probability)
                    factor = shuffle(builder, low, shuffle(builder, factor, factor, upper), every)
                store(builder, g, place)
            return factor

        arguments = [types.int64] * 7 + [types.float32, types.int64, float32x16]
        return float32x16(*arguments), generate

    return scores  # type: ignore[no-any-return]


scores_6x4, scores_6x2, scores_6x1 = (_build(ROWS, columns) for columns in (4, 2, 1))
scores_3x4, scores_3x2, scores_3x1 = (_build(FEW_ROWS, columns) for columns in (4, 2, 1))


@intrinsic
def dots_6x1(context: Any, outputs: Any, inputs: Any, copies: Any, registers: Any, halves: Any, result: Any) -> Any:
    """Dot products of six output rows and an input row, which is copied, and two zeros behind them."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        outputs, inputs, copies, registers, halves, result = args
        rows = _Sums(row_addresses(builder, outputs, ROWS), row_addresses(builder, inputs, 1), [copies])
        store(builder, _add_up(builder, [*rows.build(builder, registers, halves), None, None]), result)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), generate
