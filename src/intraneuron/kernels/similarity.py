"""Cosine similarities of one neuron's tokens, gathered and multiplied in cache.

Rows are unit vectors, so a cosine is a dot product. Each neuron's matrix is one fixed sequence of operations:
its digits do not depend on which neurons stand beside it. Nothing else computes cosines, so clustering and the tests
of zones always see the same digits.
"""

from __future__ import annotations

import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.lanes import COLUMNS, ROWS, tile_products

CHUNK = 2048
"""Dimensions that are gathered at a time, so that 100 tokens stay in a core's own cache."""


@compiled(inline="never")
def tile_length(n: int) -> int:
    """Return the rows and columns that the tiles of n rows touch."""
    return (n + ROWS - 1) // ROWS * ROWS + COLUMNS - 1


@compiled()
def gram(E, n, width, S, add):  # type: ignore[no-untyped-def]
    """Write (or ``add``) the lower triangle of ``E E^T``, of n rows and ``width`` columns, to ``S``.

    Rows from n to ``tile_length(n)`` exist and are finite; so are those of ``S``. Works on tiles whose sums stay in
    registers, in the format of E, while their rows are read once.
    """
    for i in range(0, n, ROWS):
        for j in range(0, i + ROWS, COLUMNS):
            tile = tile_products(E, i, j, width)
            for a in range(ROWS):
                for b in range(COLUMNS):
                    value = tile[a * COLUMNS + b]
                    S[i + a, j + b] = S[i + a, j + b] + value if add else value


@compiled()
def mirror(S, n):  # type: ignore[no-untyped-def]
    """Copy the lower triangle of the first n rows to the upper one."""
    for i in range(n):
        for j in range(i + 1, n):
            S[i, j] = S[j, i]


@compiled()
def _gather(vectors, row, start, width, E):  # type: ignore[no-untyped-def]
    """Copy ``width`` dimensions from ``start`` of some rows of ``vectors``, then zeros to the end of the tiles.

    Four rows side by side: each is somewhere else in memory, and one after the other would be waited for.
    """
    n = len(row)
    for i in range(0, n, ROWS):
        a, b, c, d = row[i], row[min(i + 1, n - 1)], row[min(i + 2, n - 1)], row[min(i + 3, n - 1)]
        for k in range(width):
            E[i, k] = vectors[a, start + k]
            E[i + 1, k] = vectors[b, start + k]
            E[i + 2, k] = vectors[c, start + k]
            E[i + 3, k] = vectors[d, start + k]
    for i in range(n, tile_length(n)):
        for k in range(width):
            E[i, k] = 0


ALIKE = 1e-6
"""Cosines that are as near to 1 are 1: float32 tells no more."""


@compiled()
def cosines_of(vectors, token_id, n, E, S):  # type: ignore[no-untyped-def]
    """Write the cosines of n tokens into ``S``; ``E`` has ``tile_length(n)`` rows, CHUNK wide at most.

    Tokens of one direction have a cosine of 1 but for rounding, which would be given categories and a p.
    """
    dimensions = vectors.shape[1]
    for start in range(0, dimensions, CHUNK):
        width = min(CHUNK, dimensions - start)
        _gather(vectors, token_id[:n], start, width, E)
        gram(E, n, width, S, start > 0)
    for i in range(n):
        for j in range(i + 1):
            if S[i, j] > 1 - ALIKE:
                S[i, j] = 1
    mirror(S, n)


@compiled()
def _core(start, stop, vectors, token_id, n, out):  # type: ignore[no-untyped-def]
    size = tile_length(token_id.shape[1])
    E = np.zeros((size, min(CHUNK, vectors.shape[1])), vectors.dtype)
    S = np.zeros((size, size), vectors.dtype)
    for i in range(start, stop):
        cosines_of(vectors, token_id[i], n[i], E, S)
        out[i] = np.nan
        for a in range(n[i]):
            for b in range(n[i]):
                out[i, a, b] = S[a, b]


def cosines(vectors: np.ndarray, token_id: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return the cosine of every pair of each neuron's tokens.

    Parameters
    ----------
    vectors : float32 (V, D)
        Unit rows.
    token_id : int32 (N, K)
    n : int32 (N,)
        Tokens that each row really has.

    Returns
    -------
    float32 (N, K, K), in [-1, 1]
        NaN where a row is padded. 40 KB a neuron of 100 tokens: made and used block by block, never kept.

    >>> cosines(np.eye(3, dtype=np.float32), np.array([[0, 1, 1]], dtype=np.int32), np.array([3]))[0, 1]
    array([0., 1., 1.], dtype=float32)
    """
    size = token_id.shape[1]
    out = np.empty((len(token_id), size, size), dtype=vectors.dtype)
    over_neurons(_core, len(token_id), (vectors, token_id, n), (out,))
    return out


@compiled()
def _rearrange_core(start, stop, S, order, row, out):  # type: ignore[no-untyped-def]
    for i in range(start, stop):
        own = S[row[i]]
        for a in range(order.shape[1]):
            p = order[i, a]
            for b in range(a + 1):
                known = p >= 0 and order[i, b] >= 0
                out[i, a, b] = out[i, b, a] = own[p, order[i, b]] if known else np.nan


def rearranged(S: np.ndarray, order: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Return the similarities of rearranged tokens, or of some of them.

    Parameters
    ----------
    S : float32 (N, K, K)
        Symmetric.
    order : int64 (N', K')
        ``order[i, r]`` is the old rank of the token that is now at rank r; -1 where padded.
    row : int64 (N',)
        Which neuron of ``S`` each row of ``order`` is of.

    Returns
    -------
    float32 (N', K', K')
        NaN where padded.
    """
    out = np.empty((len(order), order.shape[1], order.shape[1]), dtype=S.dtype)
    over_neurons(_rearrange_core, len(order), (S, order, row), (out,))
    return out
