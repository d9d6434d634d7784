"""Numbers at addresses, and what asks for them to come near.

Addresses are plain integers: a kernel takes them from arrays that it holds for as long as it runs. What is handed an
array may have numba count references to it, and each count is an instruction that no other passes.
"""

from __future__ import annotations

from typing import Any, Final

from numba import types
from numba.extending import intrinsic

from w2v_spark.kernels.jit import inline
from w2v_spark.kernels.simd import F32, I32, I64, prefetch_line, vload, vstore

_LINE_BYTES: Final = 64


@intrinsic
def address_of(context: Any, array: Any, index: Any) -> Any:
    """The address of element ``index`` along the first axis of an array."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = context.make_array(signature.args[0])(context, builder, args[0])
        stride = builder.extract_value(value.strides, 0)
        return builder.add(builder.ptrtoint(value.data, I64), builder.mul(args[1], stride))

    return types.int64(array, types.int64), generate


@intrinsic
def load_address(context: Any, address: Any) -> Any:
    """The int64 at an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(builder.inttoptr(args[0], I64.as_pointer()))

    return types.int64(types.int64), generate


@intrinsic
def store_address(context: Any, address: Any, value: Any) -> Any:
    """An int64 to an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[1], builder.inttoptr(args[0], I64.as_pointer()))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def load_int32(context: Any, address: Any) -> Any:
    """The int32 at an address, as int64."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.sext(builder.load(builder.inttoptr(args[0], I32.as_pointer())), I64)

    return types.int64(types.int64), generate


@intrinsic
def load_uint32(context: Any, address: Any) -> Any:
    """The uint32 at an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(builder.inttoptr(args[0], I32.as_pointer()))

    return types.uint32(types.int64), generate


@intrinsic
def store_float(context: Any, address: Any, value: Any) -> Any:
    """A float32 to an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[1], builder.inttoptr(args[0], F32.as_pointer()))
        return context.get_dummy_value()

    return types.void(types.int64, types.float32), generate


@intrinsic
def load_eight(context: Any, address: Any) -> Any:
    """Eight bytes at any address as a little-endian number, uint64."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(builder.inttoptr(args[0], I64.as_pointer()), align=1)

    return types.uint64(types.int64), generate


@intrinsic
def prefetch(context: Any, address: Any) -> Any:
    """Ask for the cache line of an address, see `prefetch_line`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        prefetch_line(builder, args[0])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@inline
def copy_numbers(target, source, n):
    """Copy n int64 from one address to another, and some more, until there are eight, or a multiple of that."""
    for i in range(0, 8 * n, _LINE_BYTES):
        vstore(target + i, vload(source + i))


@inline
def fetch_row(address, row_bytes):
    """Ask for all cache lines of a row that starts at one."""
    for offset in range(0, row_bytes, _LINE_BYTES):
        prefetch(address + offset)
