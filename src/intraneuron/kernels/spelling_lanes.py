"""Edit distances of one text to many short tokens, side by side in vector registers (Myers 1999).

All numbers are whole and of 16 bits, so nothing is rounded and no order matters. (Written out in Python, the lanes are
widened to 64 bits each, and numba takes ten times as long to compile them.)
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES, SHORT = 32, 16
"""Tokens side by side, and how many letters they have at most: one or two vector registers hold a bit of each."""

_WORDS = types.Array(types.uint16, 1, "C")


@intrinsic
def distances_in_lanes(typingctx: Any, side: Any, last: Any, size: Any, text: Any, length: Any, out: Any) -> Any:
    """Write the edit distances of a text to LANES tokens into ``out``.

    Parameters
    ----------
    side : uint16 (letters, LANES)
        Bit k of lane b in a letter's row: letter k of token b is that one.
    last : uint16 (LANES,)
        The bit of each token's last letter; 0 in a lane without a token.
    size : uint16 (LANES,)
        Letters of each token.
    text : int32 (L,)
    length : int
        Letters of the text.
    out : uint16 (LANES,)
    """
    if side != types.Array(types.uint16, 2, "C") or not last == size == out == _WORDS or text.dtype != types.int32:
        return None
    word = ir.VectorType(ir.IntType(16), LANES)

    def every(value: int) -> ir.Constant:
        return ir.Constant(word, [value] * LANES)

    def write(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        place = [context.make_array(t)(context, builder, a).data for t, a in zip(signature.args, args, strict=False)
                 if isinstance(t, types.Array)]  # fmt: skip
        rows, last_at, size_at, letters, out_at = place

        def read(pointer: ir.Value) -> ir.Value:
            return builder.load(builder.bitcast(pointer, word.as_pointer()), align=2)

        lasts, none = read(last_at), every(0)
        plus, minus, away = (cgutils.alloca_once(builder, word) for _ in range(3))
        builder.store(every(0xFFFF), plus)
        builder.store(none, minus)
        builder.store(read(size_at), away)
        with cgutils.for_range(builder, args[4]) as loop:
            letter = builder.sext(builder.load(builder.gep(letters, [loop.index])), loop.index.type)
            row = builder.gep(rows, [builder.mul(letter, ir.Constant(letter.type, LANES))])
            same, p, m = read(row), builder.load(plus), builder.load(minus)
            vertical = builder.or_(same, m)
            sums = builder.add(builder.and_(same, p), p)
            horizontal = builder.or_(builder.xor(sums, p), same)
            up = builder.or_(m, builder.not_(builder.or_(horizontal, p)))
            down = builder.and_(p, horizontal)
            more, less = (builder.icmp_unsigned("!=", builder.and_(bits, lasts), none) for bits in (up, down))
            now = builder.sub(builder.load(away), builder.sext(more, word))  # a true lane is -1
            builder.store(builder.add(now, builder.sext(less, word)), away)
            up, down = builder.or_(builder.shl(up, every(1)), every(1)), builder.shl(down, every(1))
            builder.store(builder.or_(down, builder.not_(builder.or_(vertical, up))), plus)
            builder.store(builder.and_(up, vertical), minus)
        builder.store(builder.load(away), builder.bitcast(out_at, word.as_pointer()), align=2)
        return context.get_dummy_value()

    return types.void(side, last, size, text, length, out), write
