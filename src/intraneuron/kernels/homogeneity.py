"""Bottom-up: whether zones of activation are homogeneous in meaning.

Five statistics of one neuron's tokens in descending order of activation, all of the form
``U = sum over pairs of D S`` with S the cosines, so that :mod:`intraneuron.kernels.moments` gives their null:

=============  ==========================================================  =======================
statistic      D                                                           effect
=============  ==========================================================  =======================
homogeneity    pairs inside a segment                                      mean S inside it
step-down      the same, null from the tokens of that and lower segments   mean S inside it
peak           pairs of the top t, minus pairs of the rest                 difference of means
MRPP           pairs inside any segment, weighted by its size              A = 1 - delta / E[delta]
distance       difference of ranks                                         Pearson r
=============  ==========================================================  =======================

References: Mielke, Berry and Johnson (1976), doi 10.1080/03610927608827451 (MRPP); Mantel (1967) (distance).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.keyed import advance, below, key_of, mix
from intraneuron.kernels.moments import (
    N_GRAPHS,
    block_sums,
    central_moments,
    matrix_sums,
    ones_sums,
)
from intraneuron.kernels.similarity import CHUNK, cosines_of, tile_length
from intraneuron.kernels.tails import lognormal_upper

TOPS = (20, 10, 5)
"""Sizes of the top zone in the peak contrast."""

SMALL_ZONE, SMALL_P = 10, 0.2
"""Zones below this size whose closed-form p is below this one get Monte Carlo draws instead."""

DRAWS, EXCEEDANCES = 99_999, 400
"""Draws stop at this number, or when so many were at least as large as observed (p is then known to 5 %)."""

OBSERVED, EFFECT, NULL_MEAN, NULL_STD, P = range(5)
"""Columns of a statistic's row."""


class Zones(NamedTuple):
    """What :func:`zones` returns; the last axis of each statistic is observed, effect, null mean, null SD, p."""

    mean_similarity: np.ndarray
    homogeneity: np.ndarray
    stepdown: np.ndarray
    peak: np.ndarray
    mrpp: np.ndarray
    distance: np.ndarray
    profile: np.ndarray


@numba.njit(cache=True, nogil=True)
def _log_choose(n, k):  # type: ignore[no-untyped-def]
    return math.lgamma(n + 1.0) - math.lgamma(k + 1.0) - math.lgamma(n - k + 1.0)


@numba.njit(cache=True, nogil=True)
def _center(S, lo, n, M):  # type: ignore[no-untyped-def]
    """Write S[lo:n, lo:n] minus its mean off the diagonal into M; return that mean."""
    total = 0.0
    for i in range(lo, n):
        for j in range(lo, i):
            total += S[i, j]
    m = n - lo
    mean = total / (m * (m - 1) / 2)
    for i in range(m):
        for j in range(m):
            M[i, j] = S[lo + i, lo + j] - mean
        M[i, i] = 0.0
    for i in range(m, tile_length(m)):
        for j in range(m):
            M[i, j] = 0.0
    return mean


@numba.njit(cache=True, nogil=True)
def _inside(M, lo, hi):  # type: ignore[no-untyped-def]
    """Return the sum of M over the pairs of ranks lo..hi-1."""
    total = 0.0
    for i in range(lo, hi):
        for j in range(lo, i):
            total += M[i, j]
    return total


@numba.njit(cache=True, nogil=True)
def _monte_carlo(M, n, size, contrast, observed, state):  # type: ignore[no-untyped-def]
    """Return the Monte Carlo p of a random subset of ``size`` of n tokens, upper tail.

    The statistic is the mean of M inside the subset, minus (``contrast``) its mean among the rest. Sequential:
    h / l when the h-th exceedance comes at draw l, else (1 + c) / (B + 1) (Besag and Clifford 1991, doi
    10.1093/biomet/78.2.301).
    """
    pairs, rest_pairs = size * (size - 1) / 2, (n - size) * (n - size - 1) / 2
    row = np.zeros(n)
    total = 0.0
    for i in range(n):
        for j in range(n):
            row[i] += M[i, j]
        total += row[i] / 2
    order = np.arange(n)
    tolerance = 1e-9 * abs(observed)
    count = 0
    for draw in range(DRAWS):
        inside = rows = 0.0
        for i in range(size):
            state = advance(state)
            other = i + below(mix(state), n - i)
            order[i], order[other] = order[other], order[i]
            rows += row[order[i]]
            for j in range(i):
                inside += M[order[i], order[j]]
        value = inside / pairs
        if contrast:
            value -= (total - rows + inside) / rest_pairs
        if value >= observed - tolerance:
            count += 1
            if count == EXCEEDANCES:
                return count / (draw + 1.0)
    return (1.0 + count) / (DRAWS + 1.0)


@numba.njit(cache=True, nogil=True)
def _subset_test(M, mean, n, lo, size, contrast, tS, tJ, key, out):  # type: ignore[no-untyped-def]
    """Test the tokens lo..lo+size-1 of M against random subsets of that size; fill one row of results.

    M is centred by ``mean``. ``key`` is (seed, layer, neuron, purpose).
    """
    if size < 3 or n - size < (2 if contrast else 0) or n < 4:
        return
    pairs, rest_pairs = size * (size - 1) / 2, (n - size) * (n - size - 1) / 2
    observed = _inside(M, lo, lo + size) / pairs
    sizes, within = np.empty(2, np.int64), np.zeros(2)
    sizes[0], sizes[1], within[0] = size, n - size, 1.0 / pairs
    if contrast:
        observed -= _inside(M, size, n) / rest_pairs
        within[1] = -1.0 / rest_pairs
    tD = np.empty(N_GRAPHS)
    block_sums(sizes, within, 0.0, 2, tD)
    std, skewness = central_moments(tD, tS, tJ)
    shift = 0.0 if contrast else mean
    out[OBSERVED] = observed + shift
    out[EFFECT] = observed
    out[NULL_MEAN] = shift
    if size == n or math.isnan(std):
        return
    out[NULL_STD] = std
    p = lognormal_upper(observed / std, skewness)
    if size < SMALL_ZONE and p < SMALL_P:
        p = _monte_carlo(M, n, size, contrast, observed, key_of(key[0], key[1], key[2], key[3]))
    out[P] = max(p, math.exp(-_log_choose(n, size)))


@numba.njit(cache=True, nogil=True)
def _mrpp_test(M, mean, n, start, n_groups, tS, tJ, out):  # type: ignore[no-untyped-def]
    """Test the size-weighted mean similarity inside segments; effect A = 1 - delta / E[delta]."""
    size = np.zeros(n_groups, np.int64)
    within = np.zeros(n_groups)
    weight = 0.0
    arrangements = math.lgamma(n + 1.0)
    for g in range(n_groups):
        size[g] = start[g + 1] - start[g]
        arrangements -= math.lgamma(size[g] + 1.0)
        if size[g] >= 2:
            weight += size[g]
    if weight == 0:
        return
    observed = 0.0
    for g in range(n_groups):
        if size[g] >= 2:
            within[g] = size[g] / weight / (size[g] * (size[g] - 1) / 2)
            observed += within[g] * _inside(M, start[g], start[g + 1])
    tD = np.empty(N_GRAPHS)
    block_sums(size, within, 0.0, n_groups, tD)
    out[OBSERVED] = 1 - (observed + mean)
    out[EFFECT] = observed / (1 - mean)
    out[NULL_MEAN] = 1 - mean
    std, skewness = central_moments(tD, tS, tJ)
    if math.isnan(std):
        return
    out[NULL_STD] = std
    out[P] = max(lognormal_upper(observed / std, skewness), math.exp(-arrangements))


@numba.njit(cache=True, nogil=True)
def _midranks(activation, n, rank):  # type: ignore[no-untyped-def]
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


@numba.njit(cache=True, nogil=True)
def _rank_differences(rank, n, D):  # type: ignore[no-untyped-def]
    """Write |rank_i - rank_j| centred off the diagonal into D; return the sum of its squares over pairs."""
    for i in range(n):
        for j in range(n):
            D[i, j] = abs(rank[i] - rank[j])
    _center(D, 0, n, D)
    squares = 0.0
    for i in range(n):
        for j in range(i):
            squares += D[i, j] ** 2
    return squares


@numba.njit(cache=True, nogil=True)
def _distance_test(M, n, D, D_squares, tD, tS, tJ, out):  # type: ignore[no-untyped-def]
    """Test whether tokens near in rank are alike (lower tail); effect: Pearson r over pairs."""
    observed = M_squares = 0.0
    for i in range(n):
        for j in range(i):
            observed += D[i, j] * M[i, j]
            M_squares += M[i, j] ** 2
    scale = math.sqrt(D_squares * M_squares)
    if scale == 0:
        return
    out[OBSERVED] = observed / scale
    out[EFFECT] = observed / scale
    out[NULL_MEAN] = 0.0
    std, skewness = central_moments(tD, tS, tJ)
    if math.isnan(std):
        return
    out[NULL_STD] = std / scale
    p = lognormal_upper(-observed / std, -skewness)
    out[P] = max(p, math.exp(-math.lgamma(n + 1.0)))


@numba.njit(cache=True, nogil=True)
def _profile(S, n, window, out):  # type: ignore[no-untyped-def]
    """Write the mean similarity inside every window of consecutive ranks."""
    pairs = window * (window - 1) / 2
    total = 0.0
    for lo in range(n - window + 1):
        if lo == 0:
            total = _inside(S, 0, window)
        else:
            for j in range(lo, lo + window - 1):
                total += S[lo + window - 1, j] - S[lo - 1, j]
        out[lo] = total / pairs


@numba.njit(cache=True, nogil=True)
def _starts(segment, n, n_groups, start):  # type: ignore[no-untyped-def]
    """Write the first rank of every segment, and n, into ``start``."""
    rank = 0
    for g in range(n_groups):
        while rank < n and segment[rank] < g:
            rank += 1
        start[g] = rank
    start[n_groups] = n


@numba.njit(cache=True, nogil=True)
def _core(  # type: ignore[no-untyped-def]
    start, stop, vectors, token_id, n, activation, segment, n_groups, keys, tops, window, min_tokens, estimates_only,
    mean_out, homogeneity, stepdown, peak, mrpp, distance, profile,
):  # fmt: skip
    size = tile_length(token_id.shape[1])
    E = np.zeros((size, min(CHUNK, vectors.shape[1])), vectors.dtype)
    S = np.zeros((size, size), vectors.dtype)
    M, square, D = np.zeros((size, size)), np.zeros((size, size)), np.zeros((size, size))
    rank, t = np.zeros(size), np.zeros((5, N_GRAPHS))  # t: S, J, D, and S and J of lower segments
    bound = np.zeros(homogeneity.shape[1] + 1, np.int64)
    D_order, D_squares = -1, 0.0  # the rank differences now in D are those of n untied tokens
    for i in range(start, stop):
        m = n[i]
        if m < min_tokens or activation[i, 0] == activation[i, m - 1]:
            continue
        key = (keys[0, i], keys[1, i], keys[2, i])
        cosines_of(vectors, token_id[i], m, E, S)
        mean = _center(S, 0, m, M)
        if not estimates_only:
            matrix_sums(M, m, square, t[0])
            ones_sums(m, t[1])
        mean_out[i] = mean
        _profile(S, m, window, profile[i])
        _starts(segment[i], m, n_groups[i], bound)
        for g in range(n_groups[i]):
            zone = bound[g + 1] - bound[g]
            _subset_test(M, mean, m, bound[g], zone, False, t[0], t[1], (*key, 1000 + g), homogeneity[i, g])
        for k in range(len(tops)):
            _subset_test(M, mean, m, 0, tops[k], True, t[0], t[1], (*key, 3000 + k), peak[i, k])
        _mrpp_test(M, mean, m, bound, n_groups[i], t[0], t[1], mrpp[i])
        tied = _midranks(activation[i], m, rank)
        if tied or D_order != m:
            D_squares = _rank_differences(rank, m, D)
            D_order = -1 if tied else m
            if not estimates_only:
                matrix_sums(D, m, square, t[2])
        _distance_test(M, m, D, D_squares, t[2], t[0], t[1], distance[i])
        if estimates_only:
            continue
        for g in range(n_groups[i]):
            rest, zone = m - bound[g], bound[g + 1] - bound[g]
            if zone < 3 or rest == zone:
                continue
            rest_mean = _center(S, bound[g], m, M)
            matrix_sums(M, rest, square, t[3])
            ones_sums(rest, t[4])
            _subset_test(M, rest_mean, rest, 0, zone, False, t[3], t[4], (*key, 2000 + g), stepdown[i, g])


def zones(
    vectors: np.ndarray,
    token_id: np.ndarray,
    n: np.ndarray,
    activation: np.ndarray,
    segment: np.ndarray,
    n_groups: np.ndarray,
    *,
    keys: np.ndarray,
    window: int = 10,
    min_tokens: int = 20,
    estimates_only: bool = False,
) -> Zones:
    """Test the zones of activation of each neuron for homogeneity of meaning.

    Parameters
    ----------
    vectors : float32 (V, D), unit rows
    token_id : int32 (N, K)
    n : int32 (N,)
    activation : float64 (N, K)
        Descending.
    segment : int16 (N, K)
        Contiguous, 0 the most active.
    n_groups : int16 (N,)
    keys : int64 (3, N)
        Seed, layer and neuron, for the draws of small zones.
    window : int
        Ranks in a window of the profile.
    min_tokens : int
        Neurons with fewer tokens, or with one activation for all, get NaN.
    estimates_only : bool
        Compute observed values, effects and the profile, but no null and no p (NaN).

    Returns
    -------
    Zones
        ``mean_similarity`` (N,); ``homogeneity``, ``stepdown`` (N, G, 5); ``peak`` (N, 3, 5) for the top 20,
        10 and 5; ``mrpp``, ``distance`` (N, 5); ``profile`` (N, K - window + 1). p is upper-tailed, but for
        ``distance`` (lower: near in activation, near in meaning), and never below 1 / number of distinct
        arrangements.
    """
    N, K = token_id.shape
    G = int(n_groups.max(initial=0))
    shapes = [(N,), (N, G, 5), (N, G, 5), (N, len(TOPS), 5), (N, 5), (N, 5), (N, max(K - window + 1, 0))]
    out = [np.full(shape, np.nan) for shape in shapes]
    settings = (np.array(TOPS), window, min_tokens, estimates_only)
    over_neurons(_core, N, vectors, token_id, n, activation, segment, n_groups, keys, *settings, *out)
    return Zones(*out)
