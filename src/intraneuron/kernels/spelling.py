r"""Form similarity of tokens: how alike they are spelled.

.. math:: F_{ab} = 1 - d(a, b) / \max(|a|, |b|),

with d the least number of letters that must be inserted, deleted or replaced (Levenshtein). Distances are found
64 rows at a time in the bits of one word; where tokens have up to 16 letters, as nearly all have, in words of 16 bits,
and those of one token to 32 others side by side. References: Levenshtein (1966); Myers (1999), doi
10.1145/316542.316550; Hyyro (2003), Nordic Journal of Computing 10:29-39.
"""

from __future__ import annotations

import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.spelling_lanes import LANES, SHORT, distances_in_lanes

WORD = 64
"""Letters of the shorter token that fit into the bits of a word; longer ones take the plain table."""

_ONE, _ZERO, _ALL = np.uint64(1), np.uint64(0), np.uint64(0xFFFFFFFFFFFFFFFF)


@compiled()
def _in_words(mask, size, text, length):  # type: ignore[no-untyped-def]
    """Return the distance of a pattern of ``size`` letters, given by the bits of ``mask``, to a text."""
    plus, minus = _ALL, _ZERO
    last = _ONE << np.uint64(size - 1)
    distance = size
    for j in range(length):
        same = mask[text[j]]
        vertical = same | minus
        horizontal = (((same & plus) + plus) ^ plus) | same
        up = minus | ~(horizontal | plus)
        down = plus & horizontal
        if up & last:
            distance += 1
        if down & last:
            distance -= 1
        up = (up << _ONE) | _ONE
        down = down << _ONE
        plus = down | ~(vertical | up)
        minus = up & vertical
    return distance


@compiled()
def _in_table(a, m, b, n, row):  # type: ignore[no-untyped-def]
    """Return the distance of two texts by the plain table, one row at a time."""
    for j in range(n + 1):
        row[j] = j
    for i in range(1, m + 1):
        corner, row[0] = row[0], i
        for j in range(1, n + 1):
            best = min(row[j] + 1, row[j - 1] + 1, corner + (a[i - 1] != b[j - 1]))
            corner, row[j] = row[j], best
    return row[n]


@compiled()
def _lay(code, length, short, lo, hi, side, last, size):  # type: ignore[no-untyped-def]
    """Lay the letters of tokens lo..hi-1 of ``short`` side by side into ``side``, a row a letter, a bit a place.

    Writes each token's last bit and size; lanes without a token have none.
    """
    for b in range(LANES):
        last[b], size[b] = 0, 0
        if lo + b < hi:
            v = short[lo + b]
            last[b], size[b] = 1 << (length[v] - 1), length[v]
            for k in range(length[v]):
                side[code[v, k], b] |= 1 << k


@compiled()
def _clear(code, length, short, lo, hi, side):  # type: ignore[no-untyped-def]
    """Take the letters of tokens lo..hi-1 out again."""
    for v in short[lo:hi]:
        for k in range(length[v]):
            side[code[v, k]] = 0


@compiled()
def _short_ones(code, length, token_id, n, side, alike, F):  # type: ignore[no-untyped-def]
    """Write the form similarities of all tokens to those of 1 to SHORT letters into ``F``.

    ``side`` has a row a letter, all 0 before and after; ``alike[m, d]`` is 1 - d / m.
    """
    short, place, found = np.empty(n, np.int64), np.empty(n, np.int64), 0
    for i in range(n):
        if 0 < length[token_id[i]] <= SHORT:
            short[found], place[found] = token_id[i], i
            found += 1
    last, size, away = np.empty(LANES, np.uint16), np.empty(LANES, np.uint16), np.empty(LANES, np.uint16)
    for lo in range(0, found, LANES):
        hi = min(lo + LANES, found)
        _lay(code, length, short, lo, hi, side, last, size)
        for i in range(n):
            text, letters = code[token_id[i]], length[token_id[i]]
            distances_in_lanes(side, last, size, text, letters, away)
            for b in range(hi - lo):
                F[i, place[lo + b]] = alike[max(letters, size[b]), away[b]]
            if not 0 < letters <= SHORT:
                for b in range(hi - lo):
                    F[place[lo + b], i] = F[i, place[lo + b]]
        _clear(code, length, short, lo, hi, side)


@compiled()
def form_similarities(code, length, token_id, n, mask, side, row, alike, F):  # type: ignore[no-untyped-def]
    """Write the form similarities of n tokens into ``F``.

    ``mask`` and ``side`` have an entry a letter, all 0 before and after; ``row`` is a buffer as long as the longest
    token and one; ``alike[m, d]`` is 1 - d / m.
    """
    _short_ones(code, length, token_id, n, side, alike, F)
    for i in range(n):
        a, m = code[token_id[i]], length[token_id[i]]
        if 0 < m <= SHORT:
            continue
        F[i, i] = 1.0
        if m <= WORD:
            for k in range(m):
                mask[a[k]] |= _ONE << np.uint64(k)
        for j in range(n):
            b, size = code[token_id[j]], length[token_id[j]]
            if not 0 < size <= SHORT and (size > m or (size == m and j < i)):
                if m == 0:
                    distance = size
                elif m <= WORD:
                    distance = _in_words(mask, m, b, size)
                else:
                    distance = _in_table(a, m, b, size, row)
                F[i, j] = F[j, i] = 1.0 - distance / max(size, 1)
        if m <= WORD:
            for k in range(m):
                mask[a[k]] = _ZERO
    for i in range(n):  # two empty tokens are spelled alike
        if length[token_id[i]] > 0:
            continue
        for j in range(n):
            if length[token_id[j]] == 0:
                F[i, j] = 1.0


@compiled()
def _core(start, stop, code, length, token_id, n, letters, alike, out):  # type: ignore[no-untyped-def]
    mask, side = np.zeros(letters, np.uint64), np.zeros((letters, LANES), np.uint16)
    row = np.zeros(code.shape[1] + 1, np.int64)
    for i in range(start, stop):
        out[i] = np.nan
        form_similarities(code, length, token_id[i], n[i], mask, side, row, alike, out[i])


def spellings(code: np.ndarray, length: np.ndarray, letters: int, token_id: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return the form similarity of every pair of each neuron's tokens.

    Parameters
    ----------
    code : int32 (V, L)
        Letters of each token, numbered from 0 to ``letters`` - 1.
    length : int32 (V,)
        How many letters a token has.
    letters : int
    token_id : int32 (N, K)
    n : int32 (N,)

    Returns
    -------
    float32 (N, K, K), in [0, 1]
        NaN where padded.

    >>> code = np.array([[0, 1, 2], [0, 1, 3], [0, 1, 0]], dtype=np.int32)  # abc, abd, ab
    >>> ids = np.array([[0, 1, 2]], dtype=np.int32)
    >>> spellings(code, np.array([3, 3, 2], dtype=np.int32), 4, ids, np.array([3]))[0, 0].round(3)
    array([1.   , 0.667, 0.667], dtype=float32)
    """
    width = token_id.shape[1]
    out = np.empty((len(token_id), width, width), dtype=np.float32)
    sizes = np.arange(code.shape[1] + 1)
    alike = (1.0 - sizes / np.maximum(sizes, 1)[:, None]).astype(np.float32)
    over_neurons(_core, len(token_id), (code, length, token_id, n, letters, alike), (out,))
    return out
