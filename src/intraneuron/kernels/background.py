r"""What random tokens of a whole vocabulary have in common: the null of tightness.

The mean cosine of n tokens drawn from V is a pair statistic (:mod:`intraneuron.kernels.moments`) on a V x V matrix that
nobody forms. With E the unit rows, S = E E', M = S less its mean off the diagonal, the diagonal 0:

.. math:: \sum_j S_{ij} = e_i \cdot \sum_j e_j, \quad \sum_j S_{ij}^2 = e_i' (E'E) e_i, \quad
    \mathrm{tr}\, S^3 = \mathrm{tr} (E'E)^3,

and the rest of the graph sums follow, in O(V D^2). Only the sum of the cubes of S would cost O(V^2 D): it is taken from
rows evenly spaced over the vocabulary, all of them where there are at most 4,096.
"""

from __future__ import annotations

import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.lanes import COLUMNS, ROWS, tile_products
from intraneuron.kernels.moments import N_GRAPHS, block_sums, central_moments, graph_sums, ones_sums
from intraneuron.kernels.similarity import tile_length
from intraneuron.kernels.subset_sums import log_choose
from intraneuron.kernels.tails import least_p_of, upper_tail

CUBES = 4096
"""Rows that cubes are summed over."""

WIDE, PART, SOME = 4096, 512, 96
"""Tokens whose sums are taken together. Part by part of the vocabulary, in one order, whatever threads there are: a
library's products round differently with more of them."""

VARIES = 1e-7
"""A standard deviation below this is what float32 vectors leave of rounding: the mean cosine cannot vary."""


def background_sums(vectors: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the mean cosine over all pairs of a vocabulary, and the 11 graph sums of its centred cosines.

    Parameters
    ----------
    vectors : float32 (V, D)
        Unit rows, at least two.

    Returns
    -------
    mean : float
    sums : float64 (11,)
        As :func:`intraneuron.kernels.moments.matrix_sums` would return them for the V x V matrix.

    >>> mean, sums = background_sums(np.eye(4, dtype=np.float32))
    >>> mean, float(abs(sums).max())
    (0.0, 0.0)
    """
    V, D = vectors.shape
    whole, rows = vectors.sum(axis=0, dtype=np.float64), np.empty((3, V))
    G = _gram_of_columns(vectors)
    over_neurons(_row_core, -(-V // PART), (vectors, np.vstack([G, whole])), (rows,), block=1)
    s, squares, norm = rows  # sums of the rows of S and of their squares; its diagonal, which is 1 but for rounding
    pairs = V * (V - 1.0)
    mean = float(((whole * whole).sum() - norm.sum()) / pairs)
    r = s - norm - mean * (V - 1)
    q = squares - norm**2 - 2 * mean * (s - norm) + mean**2 * (V - 1)
    # M = A - L with A = S - mean, and L the diagonal of A.
    L, Er = norm - mean, np.zeros(D)
    for start in range(0, V, PART):
        Er += (vectors[start : start + PART] * r[start : start + PART, None]).sum(axis=0)
    rMr = float((Er * Er).sum() - mean * r.sum() ** 2 - (L * r**2).sum())
    A3 = float((_gram(G, D) * G).sum() - 3 * mean * (s**2).sum() + 3 * mean**2 * V * s.sum() - mean**3 * V**3)
    A2 = q + L**2  # the squares of the rows of A
    X = A3 - 3 * float((L * A2).sum()) + 2 * float((L**3).sum())
    S3 = _cubes(vectors, mean) * pairs / 2
    sums = np.zeros(N_GRAPHS)
    graph_sums((r.sum() / 2, q.sum() / 2, S3, (r**2).sum(), (r**3).sum(), (r * q).sum(), rMr, X), sums)
    return mean, sums


@compiled()
def _gram_core(start, stop, E, n, width, out):  # type: ignore[no-untyped-def]
    """Write the tiles of ``E E^T`` of some ROWS rows, up to the diagonal."""
    for i in range(start * ROWS, stop * ROWS, ROWS):
        for j in range(0, i + ROWS, COLUMNS):
            tile = tile_products(E, i, j, width)
            for a in range(ROWS):
                for b in range(COLUMNS):
                    out[i + a, j + b] = tile[a * COLUMNS + b]


def _gram(E: np.ndarray, n: int) -> np.ndarray:
    """Return the inner products of the n first rows of a float64 table, (n, n)."""
    size = tile_length(n)
    padded, out = np.zeros((size, E.shape[1])), np.zeros((size, size))
    padded[:n] = E[:n]
    over_neurons(_gram_core, -(-n // ROWS), (padded, n, E.shape[1]), (out,), block=4)
    lower = np.tril(out[:n, :n])
    return lower + np.tril(lower, -1).T


def _gram_of_columns(vectors: np.ndarray) -> np.ndarray:
    """Return E'E, part by part of the vocabulary, (D, D)."""
    G = np.zeros((vectors.shape[1],) * 2)
    for start in range(0, len(vectors), WIDE):
        G += _gram(vectors[start : start + WIDE].T.astype(np.float64), len(G))
    return G


@compiled()
def _row_core(start, stop, vectors, G, out):  # type: ignore[no-untyped-def]
    """Write, for the tokens e of some parts: e'w with w the last row of G, e'Ge with its others, and e'e."""
    V, D = vectors.shape
    E = np.zeros((PART + SOME + COLUMNS, D))  # tokens, and below them some rows of G
    for part in range(start, stop):
        first = part * PART
        size = min(PART, V - first)
        E[:size] = vectors[first : first + size]
        out[:, first : first + size] = 0.0
        for lo in range(0, D + 1, SOME):
            some = min(SOME, D + 1 - lo)
            E[PART : PART + some] = G[lo : lo + some]
            for i in range(0, size, ROWS):
                for j in range(0, some, COLUMNS):
                    tile = tile_products(E, i, PART + j, D)
                    for a in range(min(ROWS, size - i)):
                        for b in range(min(COLUMNS, some - j)):
                            if lo + j + b < D:
                                out[1, first + i + a] += tile[a * COLUMNS + b] * E[i + a, lo + j + b]
                            else:
                                out[0, first + i + a] = tile[a * COLUMNS + b]
        for i in range(size):
            for d in range(D):
                out[2, first + i] += E[i, d] * E[i, d]


@compiled()
def _cube_core(start, stop, vectors, some, row, mean, out):  # type: ignore[no-untyped-def]
    """Write, a part of the vocabulary, the sum of the cubed centred cosines of its tokens with those of ``some``.

    ``row`` says which tokens these are: a token's cosine with itself does not count.
    """
    V, D = vectors.shape
    E = np.zeros((ROWS + SOME + COLUMNS, D), vectors.dtype)
    for part in range(start, stop):
        first = part * SOME
        size = min(SOME, V - first)
        E[ROWS : ROWS + size] = vectors[first : first + size]
        total = 0.0
        for i in range(0, len(row), ROWS):
            E[:ROWS] = some[i : i + ROWS]
            for j in range(0, size, COLUMNS):
                tile = tile_products(E, 0, ROWS + j, D)
                for a in range(min(ROWS, len(row) - i)):
                    for b in range(min(COLUMNS, size - j)):
                        if first + j + b != row[i + a]:
                            x = tile[a * COLUMNS + b] - mean
                            total += x * x * x
        out[part] = total


def _cubes(vectors: np.ndarray, mean: float) -> float:
    """Return the mean cube of the centred cosines of two different tokens."""
    V, D = vectors.shape
    row = np.unique(np.linspace(0, V - 1, min(V, CUBES)).astype(int))
    some = np.zeros((len(row) + ROWS, D), dtype=vectors.dtype)
    some[: len(row)] = vectors[row]
    parts = np.empty(-(-V // SOME))
    over_neurons(_cube_core, len(parts), (vectors, some, row, mean), (parts,), block=1)
    return float(parts.sum() / (len(row) * (V - 1.0)))


def tightness(
    observed: np.ndarray, n: np.ndarray, size: int, mean: float, sums: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Hold the mean cosine of each neuron's tokens against as many random tokens of the vocabulary.

    Parameters
    ----------
    observed : float64 (N,)
        Mean cosine over all pairs of the neuron's tokens; NaN where it is not tested.
    n : int32 (N,)
        Tokens, at least 2 where tested.
    size : int
        Tokens of the vocabulary.
    mean, sums
        From :func:`background_sums`.

    Returns
    -------
    null_std : float64 (N,)
        Exact standard deviation of the mean cosine of n random tokens; NaN where it cannot vary.
    p : float64 (N,)
        Upper tail, shifted lognormal with three moments; never below 1 / number of sets of n tokens.
    """
    std, p = np.full(len(n), np.nan), np.full(len(n), np.nan)
    tJ, tD = np.zeros(N_GRAPHS), np.zeros(N_GRAPHS)
    ones_sums(size, tJ)
    for tokens in np.unique(n[np.isfinite(observed)]).tolist():
        own = (n == tokens) & np.isfinite(observed)
        sizes = np.array([tokens, size - tokens])
        block_sums(sizes, np.array([2.0 / (tokens * (tokens - 1.0)), 0.0]), 0.0, len(sizes), tD)
        deviation, skewness = central_moments(tD, sums, tJ)
        if not deviation > VARIES:
            continue
        std[own] = deviation
        z = (observed[own] - mean) / deviation
        p[own] = np.maximum(upper_tail(z, np.full(len(z), skewness)), least_p_of(log_choose(size, tokens)))
    return std, p
