r"""MRPP: whether segments are more alike inside than by chance, all segments together.

The statistic is the mean similarity inside segments, weighted by their sizes. A pair in a segment of 2 tokens weighs
as much as 49 pairs in one of 50, so a single cosine can decide it, and no smooth tail follows that. There the tokens
of the small segments are drawn, and what the others add is taken from its moments given the draw. Reference: Mielke,
Berry and Johnson (1976), doi 10.1080/03610927608827451.
"""

from __future__ import annotations

import math

import numpy as np

from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.keyed import advance, below, key_of, mix
from intraneuron.kernels.moments import N_GRAPHS, block_sums, central_moments
from intraneuron.kernels.similarity import ALIKE
from intraneuron.kernels.tails import least_p, lognormal_upper
from intraneuron.kernels.tokens import inside
from intraneuron.kernels.zone_tests import (
    DRAWS,
    EFFECT,
    EXCEEDANCES,
    NULL_MEAN,
    NULL_STD,
    OBSERVED,
    SMALL_P,
    P,
    row_sums,
)

LUMPY = 6
"""Segments under this size are drawn where the closed form gives p < 0.2."""


@compiled()
def mrpp_test(tokens, mean, n, start, n_groups, key, out):  # type: ignore[no-untyped-def]
    """Test the size-weighted mean similarity inside segments; effect A = 1 - delta / E[delta].

    ``mean`` is that by which ``tokens`` are centred; segment g holds those of ranks ``start[g]`` to ``start[g + 1] -
    1``. ``key`` is (seed, layer, neuron, purpose).
    """
    M, tS, tJ = tokens.M, tokens.sums, tokens.ones
    size, within = np.zeros(n_groups, np.int64), np.zeros(n_groups)
    weight = 0.0
    arrangements = math.lgamma(n + 1.0)
    for g in range(n_groups):
        size[g] = start[g + 1] - start[g]
        arrangements -= math.lgamma(size[g] + 1.0)
        if size[g] >= 2:
            weight += size[g]
    if weight == 0:
        return
    observed, lumpy = 0.0, False
    for g in range(n_groups):
        if size[g] >= 2:
            within[g] = size[g] / weight / (size[g] * (size[g] - 1) / 2)
            observed += within[g] * inside(M, start[g], start[g + 1])
            lumpy = lumpy or size[g] < LUMPY
    tD = np.empty(N_GRAPHS)
    block_sums(size, within, 0.0, n_groups, tD)
    out[OBSERVED] = 1 - (observed + mean)
    if 1 - mean > ALIKE:
        out[EFFECT] = observed / (1 - mean)
    out[NULL_MEAN] = 1 - mean
    std, skewness = central_moments(tD, tS, tJ)
    if math.isnan(std):
        return
    out[NULL_STD] = std
    p = lognormal_upper(observed / std, skewness)
    if lumpy and p < SMALL_P:
        p = _drawn(M, n, size, within, observed, tS, tJ, key_of(key[0], key[1], key[2], key[3]))
    out[P] = max(p, least_p(arrangements))


@compiled()
def _left(size, within, n, tS, tJ):  # type: ignore[no-untyped-def]
    """Return what is known of the larger segments' part when the tokens of the small ones are drawn.

    (tokens drawn, weight of the mean similarity of the others, SD and skewness given these tokens). Variance and third
    moment given the tokens are, on average over draws, those of the part less those of its conditional mean.
    """
    drawn, whole = 0, 0.0
    large, inner = size.copy(), np.zeros(len(size))
    for g in range(len(size)):
        if 2 <= size[g] < LUMPY:
            drawn += size[g]
            large[g] = 0
        else:
            inner[g] = within[g]
            whole += within[g] * size[g] * (size[g] - 1) / 2
    tD = np.empty(N_GRAPHS)
    groups = np.zeros(len(size) + 1, np.int64)
    groups[:-1], groups[-1] = large, drawn
    constants = np.zeros(len(groups))
    constants[:-1] = inner
    block_sums(groups, constants, 0.0, len(groups), tD)
    std, skewness = central_moments(tD, tS, tJ)
    left = n - drawn
    if whole == 0 or math.isnan(std) or left < 2:
        return drawn, whole, 0.0, 0.0
    both, of_mean = np.empty(2, np.int64), np.zeros(2)
    both[0], both[1], of_mean[0] = left, drawn, whole / (left * (left - 1) / 2)
    block_sums(both, of_mean, 0.0, len(both), tD)
    mean_std, mean_skewness = central_moments(tD, tS, tJ)
    if math.isnan(mean_std):
        return drawn, whole, std, skewness
    variance = std**2 - mean_std**2
    if not variance > 1e-9 * std**2:  # one segment holds all the others: their mean says it all
        return drawn, whole, 0.0, 0.0
    return drawn, whole, math.sqrt(variance), (skewness * std**3 - mean_skewness * mean_std**3) / variance**1.5


@compiled()
def _drawn(M, n, size, within, observed, tS, tJ, state):  # type: ignore[no-untyped-def]
    """Return p, the tokens of small segments drawn; sequential, as :func:`zone_tests._monte_carlo`.

    A draw counts as the chance that it is as large as observed: 0 or 1 where nothing is left to chance.
    """
    drawn, whole, std, skewness = _left(size, within, n, tS, tJ)
    small = np.empty(drawn, np.int64)  # the segment of each token that is drawn
    k = 0
    for g in range(len(size)):
        if 2 <= size[g] < LUMPY:
            small[k : k + size[g]] = g
            k += size[g]
    row, total = row_sums(M, n)
    left_pairs = max((n - drawn) * (n - drawn - 1) / 2, 1.0)
    order = np.arange(n)
    tolerance, count = 1e-9 * abs(observed), 0.0
    for draw in range(DRAWS):
        value = rows = among = 0.0
        for i in range(drawn):
            state = advance(state)
            other = i + below(mix(state), n - i)
            order[i], order[other] = order[other], order[i]
            rows += row[order[i]]
            for j in range(i):
                similar = M[order[i], order[j]]
                among += similar
                if small[i] == small[j]:
                    value += within[small[i]] * similar
        value += whole * (total - rows + among) / left_pairs
        if std > 0:
            count += lognormal_upper((observed - value) / std, skewness)
        elif value >= observed - tolerance:
            count += 1.0
        if count >= EXCEEDANCES:
            return count / (draw + 1.0)
    return (1.0 + count) / (DRAWS + 1.0)
