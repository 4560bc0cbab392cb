"""Tests of zones of one neuron's tokens: compiled, one neuron at a time, for :mod:`intraneuron.kernels.homogeneity`.

Each takes the neuron's :class:`intraneuron.kernels.tokens.Tokens` and writes one row: observed, effect, null mean, null
SD, p. A row stays NaN when its test is undefined.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.fourth_moment import GRAPHS, fourth_moment, laid_out, walks
from intraneuron.kernels.keyed import AT_ONCE, key_of, subsets
from intraneuron.kernels.kinds import find_kinds, kinds_upper
from intraneuron.kernels.moments import N_GRAPHS, block_sums, central_moments, matrix_sums
from intraneuron.kernels.similarity import tile_length
from intraneuron.kernels.subset_sums import log_choose
from intraneuron.kernels.tails import least_p, lognormal_upper
from intraneuron.kernels.tokens import center, inside

SMALL_ZONE, SMALL_P = 10, 0.2
"""Zones (or what they leave) below this size whose closed-form p is below this one get Monte Carlo draws instead."""

SHORT = 40
"""Zones of any size among fewer tokens than this get draws, too: halves of 20 tokens have no lognormal tail."""

DRAWS, EXCEEDANCES = 99_999, 200
"""Draws stop at this number, or when so many were at least as large as observed (p is then known to 7 %)."""

OBSERVED, EFFECT, NULL_MEAN, NULL_STD, P = range(5)
"""Columns of a statistic's row."""


@compiled()
def row_sums(M, n):  # type: ignore[no-untyped-def]
    """Return the row sums of M, and the sum over its pairs."""
    row = np.zeros(n)
    total = 0.0
    for i in range(n):
        for j in range(n):
            row[i] += M[i, j]
        total += row[i] / 2
    return row, total


@compiled()
def sums_of_subsets(M, row, taken, inner, outer):  # type: ignore[no-untyped-def]
    """Write the sums of M over the pairs of each of AT_ONCE subsets, and of ``row`` over its members."""
    inner[:], outer[:] = 0.0, 0.0
    for i in range(len(taken)):
        for d in range(len(outer)):
            outer[d] += row[np.uint32(taken[i, d])]
        for j in range(i):
            for d in range(len(inner)):
                inner[d] += M[np.uint32(taken[i, d]), np.uint32(taken[j, d])]


@compiled()
def _monte_carlo(M, n, size, contrast, observed, state):  # type: ignore[no-untyped-def]
    """Return the Monte Carlo p of a random subset of ``size`` of n tokens, upper tail.

    The statistic is the mean of M inside the subset, minus ``contrast`` times its mean among the rest. Sequential:
    h / l when the h-th exceedance comes at draw l, else (1 + c) / (B + 1) (Besag and Clifford 1991, doi
    10.1093/biomet/78.2.301).
    """
    pairs, rest_pairs = size * (size - 1) / 2, (n - size) * (n - size - 1) / 2
    row, total = row_sums(M, n)
    smaller = min(size, n - size)  # the smaller side is drawn; the sums of both follow from it
    taken, inner, outer = np.empty((smaller, AT_ONCE), np.int32), np.empty(AT_ONCE), np.empty(AT_ONCE)
    tolerance = 1e-9 * abs(observed)
    count = 0
    for draw in range(DRAWS):
        d = draw % AT_ONCE
        if d == 0:
            state = subsets(state, n, taken)
            sums_of_subsets(M, row, taken, inner, outer)
        within, rows = inner[d], outer[d]
        without = total - rows + within
        if smaller < size:
            within, without = without, within
        value = within / pairs
        if contrast > 0:
            value -= contrast * without / rest_pairs
        if value >= observed - tolerance:
            count += 1
            if count == EXCEEDANCES:
                return count / (draw + 1.0)
    return (1.0 + count) / (DRAWS + 1.0)


@compiled()
def subset_test(tokens, mean, n, lo, size, contrast, key, out):  # type: ignore[no-untyped-def]
    """Test the tokens lo..lo+size-1 of n against random subsets of that size; fill one row of results.

    ``mean`` is that by which ``tokens`` are centred; their kinds are found here when first needed. The statistic is the
    mean similarity inside the subset, minus ``contrast`` (0 or 1) times that among the rest. ``key`` is (seed, layer,
    neuron, purpose).
    """
    M, kinds = tokens.M, tokens.kinds
    if size < 3 or n - size < 2 * contrast or n < 4:
        return
    pairs, rest_pairs = size * (size - 1) / 2, (n - size) * (n - size - 1) / 2
    observed = inside(M, lo, lo + size) / pairs
    sizes, within = np.empty(2, np.int64), np.zeros(2)
    sizes[0], sizes[1], within[0] = size, n - size, 1.0 / pairs
    if contrast > 0:
        observed -= contrast * inside(M, size, n) / rest_pairs
        within[1] = -contrast / rest_pairs
    tD = np.empty(N_GRAPHS)
    block_sums(sizes, within, 0.0, len(sizes), tD)
    std, skewness = central_moments(tD, tokens.sums, tokens.ones)
    shift = (1.0 - contrast) * mean
    out[OBSERVED] = observed + shift
    out[EFFECT] = observed
    out[NULL_MEAN] = shift
    if size == n or math.isnan(std):
        return
    out[NULL_STD] = std
    p = lognormal_upper(observed / std, skewness)
    if p < SMALL_P and (min(size, n - size) < SMALL_ZONE or n < SHORT):
        p = _monte_carlo(M, n, size, contrast, observed, key_of(key[0], key[1], key[2], key[3]))
    elif p < SMALL_P:
        if kinds.size[0] == 0:
            find_kinds(M, tokens.square, n, kinds)
        p = kinds_upper(kinds, size, within[0] + within[1], -within[1], observed, std, skewness, p)
    out[P] = max(p, least_p(log_choose(n, size)))


class Distances(NamedTuple):
    """Room for differences of rank, filled by :func:`set_distances`.

    Attributes
    ----------
    D : float64
        |rank_i - rank_j|, centred off the diagonal.
    square : float64
        D D.
    squares : float64 (1,)
        Sum of D^2 over pairs.
    t : float64 (11,)
        Graph sums of D.
    laid : float64 (23,)
        Those for the fourth moment (:mod:`intraneuron.kernels.fourth_moment`).
    of : int64 (1,)
        So many untied tokens it is filled for; -1 for ranks with ties, or none.
    """

    D: np.ndarray
    square: np.ndarray
    squares: np.ndarray
    t: np.ndarray
    laid: np.ndarray
    of: np.ndarray


@compiled()
def room_for_distances(n_tokens):  # type: ignore[no-untyped-def]
    """Return room for the rank differences of up to so many tokens."""
    size = tile_length(n_tokens)
    D = np.zeros((size, size))
    return Distances(D, D.copy(), np.zeros(1), np.zeros(N_GRAPHS), np.zeros(len(GRAPHS)), np.full(1, -1))


@compiled()
def midranks(activation, n, rank):  # type: ignore[no-untyped-def]
    """Write the midranks of a descending row; return whether any are tied."""
    tied = False
    i = 0
    while i < n:
        j = i
        while j + 1 < n and activation[j + 1] == activation[i]:
            j += 1
        for k in range(i, j + 1):
            rank[k] = (i + j) / 2
        tied = tied or j > i
        i = j + 1
    return tied


@compiled()
def set_distances(activation, n, table, distances, estimates_only):  # type: ignore[no-untyped-def]
    """Fill ``distances`` for a descending row; those of as many tokens without ties stay as they are."""
    D, rank = distances.D, np.empty(n)
    tied = midranks(activation, n, rank)
    if not tied and distances.of[0] == n:
        return
    for i in range(n):
        for j in range(n):
            D[i, j] = abs(rank[i] - rank[j])
    center(D, np.int64(0), n, D)
    distances.squares[0] = 0.0
    for i in range(n):
        for j in range(i):
            distances.squares[0] += D[i, j] ** 2
    if not estimates_only:
        matrix_sums(D, n, distances.square, distances.t)
        walked = np.empty(len(GRAPHS))
        walks(D, distances.square, n, walked)
        laid_out(walked, table, distances.laid)
    distances.of[0] = -1 if tied else n


@compiled()
def distance_test(tokens, n, distances, table, out, shape):  # type: ignore[no-untyped-def]
    """Test whether tokens near in rank are alike (lower tail); effect: Pearson r over pairs.

    Where p is small, skewness and kurtosis of the null go into ``shape``, mirrored as an upper tail's.
    """
    M, D = tokens.M, distances.D
    observed = M_squares = 0.0
    for i in range(n):
        for j in range(i):
            observed += D[i, j] * M[i, j]
            M_squares += M[i, j] ** 2
    scale = math.sqrt(distances.squares[0] * M_squares)
    if scale == 0:
        return
    out[OBSERVED] = observed / scale
    out[EFFECT] = observed / scale
    out[NULL_MEAN] = 0.0
    std, skewness = central_moments(distances.t, tokens.sums, tokens.ones)
    if math.isnan(std):
        return
    out[NULL_STD] = std / scale
    p = lognormal_upper(-observed / std, -skewness)
    out[P] = max(p, least_p(math.lgamma(n + 1.0)))
    if p < SMALL_P:
        walked, laid = np.empty(len(GRAPHS)), np.empty(len(GRAPHS))
        walks(M, tokens.square, n, walked)
        laid_out(walked, table, laid)
        shape[0], shape[1] = -skewness, fourth_moment(distances.laid, laid, n, table) / std**4
