"""Sums in vector registers, in an order that is written down.

A flag that lets the compiler reorder sums ("fast math") lets it do so anew in every kernel that it copies a function
into, and which of the copies runs depends on what a process has compiled or loaded before: one study, two sets of last
digits. So no kernel has such a flag. Where the sums of many products are wanted fast, they are laid into lanes here, by
instructions that round once and mean one thing wherever they stand, on every processor. Where a matrix is symmetric,
kernels sum its columns side by side instead, which needs no reordering.
"""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils, codegen
from numba.extending import intrinsic

REGISTER = 32
"""Bytes of a vector: eight float32 or four float64, which are the registers of every x86 processor since 2013."""


def _has_wide_registers() -> bool:
    """Return whether code is compiled for a processor with 32 registers of 64 bytes."""
    features = numba.config.CPU_FEATURES
    return "+avx512f" in (codegen.get_host_cpu_features() if features is None else features).split(",")


ROWS = 4
COLUMNS, TOGETHER = (6, 2) if _has_wide_registers() else (3, 1)
"""Sums that stay in registers: two rows side by side in a wide one, else one in each of 16. No sum depends on it."""


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
    while lanes > 1:
        lanes //= 2
        halves = [_numbers(range(lo, lo + lanes)) for lo in (0, lanes)]
        low, high = (builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), half) for half in halves)
        vector = builder.fadd(low, high)
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


def _numbers(lanes: range) -> ir.Constant:
    """Return the numbers of lanes that a shuffle takes."""
    return ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes))


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
    """Return the inner products of ROWS rows of ``E`` from i with COLUMNS from j, over the first ``width`` columns.

    Column k goes to lane k modulo the lanes of a register, up to the last full register; lanes are added by halves,
    and what is left over then one by one. Two rows lie side by side, each in lanes of its own. Row by row: a tuple.
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

        def side_by_side(*values: ir.Value) -> ir.Value:
            return builder.shuffle_vector(*values, _numbers(range(2 * lanes))) if len(values) == 2 else values[0]

        def multiplied(
            sums: list[ir.Value], begin: ir.Value, end: ir.Value, kind: ir.Type, step: int, together: int
        ) -> None:
            with cgutils.for_range_slice(builder, begin, end, ir.Constant(size, step), size) as (k, _):

                def at(row: ir.Value) -> ir.Value:
                    place = builder.bitcast(builder.gep(row, [k]), kind.as_pointer())
                    return builder.load(place, align=E.dtype.bitwidth // 8)

                rooms = iter(sums)
                columns = [side_by_side(*[one] * together) for one in map(at, right)]
                for a in range(0, ROWS, together):  # a row's vector is read, used, and gives its register to the next
                    x = side_by_side(*map(at, left[a : a + together]))
                    for y, to in zip(columns, rooms, strict=False):
                        builder.store(_fused(builder, x, y, builder.load(to)), to)

        def zeros(kind: ir.Type, count: int) -> list[ir.Value]:
            rooms = [cgutils.alloca_once(builder, kind) for _ in range(count)]
            for room in rooms:
                builder.store(ir.Constant(kind, None), room)
            return rooms

        whole, none = builder.and_(args[3], ir.Constant(size, -lanes)), ir.Constant(size, 0)
        vectors = zeros(ir.VectorType(scalar, TOGETHER * lanes), ROWS // TOGETHER * COLUMNS)
        totals = zeros(scalar, ROWS * COLUMNS)
        multiplied(vectors, none, whole, vector, lanes, TOGETHER)
        for i, room in enumerate(vectors):
            a, b = TOGETHER * (i // COLUMNS), i % COLUMNS
            rows = builder.load(room)
            for beside in range(TOGETHER):
                own = _numbers(range(beside * lanes, (beside + 1) * lanes))
                one = builder.shuffle_vector(rows, ir.Constant(rows.type, ir.Undefined), own)
                builder.store(_summed(builder, one, lanes), totals[(a + beside) * COLUMNS + b])
        multiplied(totals, whole, args[3], scalar, 1, 1)
        return context.make_tuple(builder, found, [builder.load(one) for one in totals])

    return found(E, index, index, index), write
