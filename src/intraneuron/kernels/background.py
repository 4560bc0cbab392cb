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

from intraneuron.kernels.moments import N_GRAPHS, block_sums, central_moments, graph_sums, ones_sums
from intraneuron.kernels.subset_sums import log_choose
from intraneuron.kernels.tails import least_p_of, upper_tail

ROWS, BLOCK = 4096, 128
"""Rows that cubes are summed over, and how many at a time."""

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
    E = vectors.astype(np.float64)
    V = len(E)
    G, whole = E.T @ E, E.sum(axis=0)
    s, norm = E @ whole, np.einsum("vd,vd->v", E, E)  # rows of S; its diagonal, which is 1 but for rounding
    pairs = V * (V - 1.0)
    mean = float((whole @ whole - norm.sum()) / pairs)
    r = s - norm - mean * (V - 1)
    q = np.einsum("vd,vd->v", E @ G, E) - norm**2 - 2 * mean * (s - norm) + mean**2 * (V - 1)
    # M = A - L with A = S - mean, and L the diagonal of A.
    L, G2 = norm - mean, G @ G
    Er = E.T @ r
    rMr = float(Er @ Er - mean * r.sum() ** 2 - (L * r**2).sum())
    A3 = float((G2 * G).sum() - 3 * mean * (s**2).sum() + 3 * mean**2 * V * s.sum() - mean**3 * V**3)
    A2 = q + L**2  # the squares of the rows of A
    X = A3 - 3 * float((L * A2).sum()) + 2 * float((L**3).sum())
    S3 = _cubes(vectors, mean) * pairs / 2
    sums = np.zeros(N_GRAPHS)
    graph_sums((r.sum() / 2, q.sum() / 2, S3, (r**2).sum(), (r**3).sum(), (r * q).sum(), rMr, X), sums)
    return mean, sums


def _cubes(vectors: np.ndarray, mean: float) -> float:
    """Return the mean cube of the centred cosines of two different tokens."""
    V = len(vectors)
    rows = np.unique(np.linspace(0, V - 1, min(V, ROWS)).astype(int))
    total = 0.0
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        S = vectors[some] @ vectors.T - np.float32(mean)
        S[np.arange(len(some)), some] = 0
        total += float((S * S * S).sum(dtype=np.float64))
    return total / (len(rows) * (V - 1.0))


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
