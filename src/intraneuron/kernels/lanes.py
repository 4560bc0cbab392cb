"""Sums in vector registers, in an order that is written down.

A flag that lets the compiler reorder sums ("fast math") lets it do so anew in every kernel that it copies a function
into, and which of the copies runs depends on what a process has compiled or loaded before: one study, two sets of last
digits. So no kernel has such a flag. Where the sums of many products are wanted fast, they are laid into lanes here, by
instructions that round once and mean one thing wherever they stand, on every processor. Where a matrix is symmetric,
kernels sum its columns side by side instead, which needs no reordering.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

ROWS, COLUMNS = 4, 3
"""Sums that stay in registers: with two times three more for what is multiplied, a processor's 16 hold them all."""

REGISTER = 32
"""Bytes of a vector: eight float32 or four float64, which are the registers of every x86 processor since 2013."""


def _fused(builder: ir.IRBuilder, x: ir.Value, y: ir.Value, z: ir.Value) -> ir.Value:
    """Add x y + z, rounded once."""
    kind = x.type
    many = isinstance(kind, ir.VectorType)
    bits = 32 if (kind.element if many else kind) == ir.FloatType() else 64
    name = f"llvm.fma.v{kind.count}f{bits}" if many else f"llvm.fma.f{bits}"  # llvmlite's own is of scalars alone
    instruction = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind] * 3), name)
    return builder.call(instruction, [x, y, z])


def _summed(builder: ir.IRBuilder, vector: ir.Value, lanes: int) -> ir.Value:
    """Add the lanes of a vector: the upper half to the lower one until one is left."""
    index = ir.IntType(32)
    while lanes > 1:
        lanes //= 2
        halves = [ir.Constant(ir.VectorType(index, lanes), list(range(lo, lo + lanes))) for lo in (0, lanes)]
        low, high = (builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), half) for half in halves)
        vector = builder.fadd(low, high)
    return builder.extract_element(vector, ir.Constant(index, 0))


@intrinsic
def fma(typingctx: Any, x: Any, y: Any, z: Any) -> Any:
    """Return x y + z, rounded once; x, y and z are of one type."""
    if not x == y == z or not isinstance(x, types.Float):
        return None

    def write(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return _fused(builder, *args)

    return x(x, x, x), write


@intrinsic
def tile_products(typingctx: Any, E: Any, i: Any, j: Any, width: Any) -> Any:
    """Return the inner products of rows i..i+3 of ``E`` with its rows j..j+2, over the first ``width`` columns.

    Column k goes to lane k modulo the lanes of a register, up to the last full register; lanes are added by halves,
    and what is left over then one by one. Row by row: a tuple of 12.
    """
    if not isinstance(E, types.Array) or E.ndim != 2 or E.layout != "C" or not isinstance(E.dtype, types.Float):
        return None
    index = types.intp
    found = types.UniTuple(E.dtype, ROWS * COLUMNS)

    def write(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        scalar = context.get_data_type(E.dtype)
        lanes = REGISTER // (E.dtype.bitwidth // 8)
        vector = ir.VectorType(scalar, lanes)
        size = args[3].type
        stride = builder.extract_value(array.strides, 0)

        def row(first: ir.Value, offset: int) -> ir.Value:
            place = builder.mul(builder.add(first, ir.Constant(size, offset)), stride)
            return cgutils.pointer_add(builder, array.data, place)

        left = [row(args[1], a) for a in range(ROWS)]
        right = [row(args[2], b) for b in range(COLUMNS)]

        def multiplied(kind: ir.Type, sums: list[ir.Value], begin: ir.Value, end: ir.Value, step: int) -> None:
            with cgutils.for_range_slice(builder, begin, end, ir.Constant(size, step), size) as (k, _):
                at = [builder.bitcast(builder.gep(p, [k]), kind.as_pointer()) for p in (*left, *right)]
                value = [builder.load(p, align=E.dtype.bitwidth // 8) for p in at]
                for a in range(ROWS):
                    for b in range(COLUMNS):
                        to = sums[a * COLUMNS + b]
                        builder.store(_fused(builder, value[a], value[ROWS + b], builder.load(to)), to)

        def zeros(kind: ir.Type) -> list[ir.Value]:
            rooms = [cgutils.alloca_once(builder, kind) for _ in range(ROWS * COLUMNS)]
            for room in rooms:
                builder.store(ir.Constant(kind, None), room)
            return rooms

        whole = builder.and_(args[3], ir.Constant(size, -lanes))
        sums, totals = zeros(vector), zeros(scalar)
        multiplied(vector, sums, ir.Constant(size, 0), whole, lanes)
        for many, one in zip(sums, totals, strict=True):
            builder.store(_summed(builder, builder.load(many), lanes), one)
        multiplied(scalar, totals, whole, args[3], 1)
        return context.make_tuple(builder, found, [builder.load(one) for one in totals])

    return found(E, index, index, index), write
