"""Sums of vectors by group, for many neurons that group the same tokens otherwise: a read of the vectors for all.

Vectors lie in tiles of 16 columns, a cache line of float32 a token. Tile by tile, and a thousand tokens at a time, the
rows are added to the sums of their groups, in float64 and in the order of tokens, first for one neuron, then for the
next: so a tile's rows and a neuron's sums (100 groups: 12.5 KB) both lie in a processor's nearest caches, and the
vectors are read from memory once for all neurons of a block. The other way, to take the tokens group by group, jumps
about in the vectors, and is half as fast.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from intraneuron.kernels.compiled import compiled

LANES = 16
"""Columns in a tile."""

CHUNK = 1024
"""Tokens that are added for one neuron before the next one's turn; no sum depends on it."""

QUARTER = 4
"""Float64 numbers in a register of 32 bytes."""


def tiled(vectors: np.ndarray) -> np.ndarray:
    """Return vectors in tiles of 16 columns, the last one filled up with zeros: float32 (T, V, 16).

    >>> tiled(np.ones((3, 20), dtype=np.float32)).shape
    (2, 3, 16)
    """
    V, D = vectors.shape
    tiles = np.zeros((-(-D // LANES), V, LANES), dtype=np.float32)
    for t, tile in enumerate(tiles):
        own = vectors[:, t * LANES : (t + 1) * LANES]
        tile[:, : own.shape[1]] = own
    return tiles


@intrinsic
def _add_tile_rows(typingctx: Any, tile: Any, group: Any, start: Any, stop: Any, sums: Any) -> Any:
    """Add rows start..stop-1 of a tile, float32 (V, 16), to rows of ``sums``, float64 (G, 16), that ``group`` names.

    Each number is one addition in float64, in the order of rows.
    """
    fits = (
        *(isinstance(one, types.Array) and one.layout == "C" for one in (tile, group, sums)),
        *(tile.dtype == types.float32, group.dtype == types.uint16, sums.dtype == types.float64),
    )
    if not all(fits):
        return None
    index = types.intp

    def write(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        rows, numbers, to = (context.make_array(signature.args[i])(context, builder, args[i]).data for i in (0, 1, 4))
        word = args[2].type
        single, double = (ir.VectorType(kind, QUARTER) for kind in (ir.FloatType(), ir.DoubleType()))
        lanes = ir.Constant(word, LANES)
        with cgutils.for_range_slice(builder, args[2], args[3], ir.Constant(word, 1), word) as (row, _):
            number = builder.zext(builder.load(builder.gep(numbers, [row])), word)
            read = builder.bitcast(builder.gep(rows, [builder.mul(row, lanes)]), single.as_pointer())
            sum_ = builder.bitcast(builder.gep(to, [builder.mul(number, lanes)]), double.as_pointer())
            for quarter in range(LANES // QUARTER):
                at = [ir.Constant(word, quarter)]
                value = builder.fpext(builder.load(builder.gep(read, at), align=4), double)
                place = builder.gep(sum_, at)
                builder.store(builder.fadd(builder.load(place, align=8), value), place, align=8)
        return context.get_dummy_value()

    return types.void(tile, group, index, index, sums), write


@compiled()
def add_rows(tile, group, sums):  # type: ignore[no-untyped-def]
    """Add the rows of a tile, (V, 16), to each neuron's sums, (n, G, 16), by its groups of them, (n, V)."""
    V = len(tile)
    for start in range(0, V, CHUNK):
        for i in range(len(group)):
            _add_tile_rows(tile, group[i], start, min(start + CHUNK, V), sums[i])
