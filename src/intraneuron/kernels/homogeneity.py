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

from typing import NamedTuple

import numpy as np
from scipy import special

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.fourth_moment import four_edges
from intraneuron.kernels.mrpp import mrpp_test
from intraneuron.kernels.tails import bounded_upper, least_p_of
from intraneuron.kernels.tokens import inside, room_for, take
from intraneuron.kernels.zone_tests import (
    NULL_STD,
    OBSERVED,
    P,
    distance_test,
    room_for_distances,
    set_distances,
    subset_test,
)

TOPS = (20, 10, 5)
"""Sizes of the top zone in the peak contrast."""


class Zones(NamedTuple):
    """What :func:`zones` returns; the last axis of each statistic is observed, effect, null mean, null SD, p."""

    mean_similarity: np.ndarray
    homogeneity: np.ndarray
    stepdown: np.ndarray
    peak: np.ndarray
    mrpp: np.ndarray
    distance: np.ndarray
    profile: np.ndarray


@compiled()
def _profile(S, n, window, out):  # type: ignore[no-untyped-def]
    """Write the mean similarity inside every window of consecutive ranks."""
    pairs = window * (window - 1) / 2
    total = 0.0
    for lo in range(n - window + 1):
        if lo == 0:
            total = inside(S, 0, window)
        else:
            for j in range(lo, lo + window - 1):
                total += S[lo + window - 1, j] - S[lo - 1, j]
        out[lo] = total / pairs


@compiled()
def _starts(segment, n, n_groups, start):  # type: ignore[no-untyped-def]
    """Write the first rank of every segment, and n, into ``start``."""
    rank = 0
    for g in range(n_groups):
        while rank < n and segment[rank] < g:
            rank += 1
        start[g] = rank
    start[n_groups] = n


@compiled()
def _core(  # type: ignore[no-untyped-def]
    start, stop, cosines, n, activation, segment, n_groups, keys, tops, window, min_tokens, estimates_only, table,
    mean_out, homogeneity, stepdown, peak, mrpp, distance, shape, profile,
):  # fmt: skip
    tokens, distances = room_for(cosines.shape[1]), room_for_distances(cosines.shape[1])
    bound = np.zeros(homogeneity.shape[1] + 1, np.int64)
    first = np.int64(0)
    for i in range(start, stop):
        m = n[i]
        if m < min_tokens or activation[i, 0] == activation[i, m - 1]:
            continue
        S, key = cosines[i], (keys[0, i], keys[1, i], keys[2, i])
        mean = take(S, first, m, tokens, estimates_only)
        mean_out[i] = mean
        _profile(S, m, window, profile[i])
        _starts(segment[i], m, n_groups[i], bound)
        for g in range(n_groups[i]):
            zone = bound[g + 1] - bound[g]
            subset_test(tokens, mean, m, bound[g], zone, 0.0, (*key, 1000 + g), homogeneity[i, g])
        for k in range(len(tops)):
            subset_test(tokens, mean, m, first, tops[k], 1.0, (*key, 3000 + k), peak[i, k])
        mrpp_test(tokens, mean, m, bound, n_groups[i], (*key, first + 3500), mrpp[i])
        set_distances(activation[i], m, table, distances, estimates_only)
        distance_test(tokens, m, distances, table, distance[i], shape[i])
        if estimates_only:
            continue
        for g in range(n_groups[i]):
            rest, zone = m - bound[g], bound[g + 1] - bound[g]
            if zone < 3 or rest == zone:
                continue
            mean = take(S, bound[g], m, tokens, estimates_only)
            subset_test(tokens, mean, rest, first, zone, 0.0, (*key, 2000 + g), stepdown[i, g])


def zones(
    S: np.ndarray,
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
    S : float32 (N, K, K)
        Cosines (:func:`intraneuron.kernels.similarity.cosines`).
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
    N, K = S.shape[:2]
    G = int(n_groups.max(initial=0))
    shapes = [(N,), (N, G, 5), (N, G, 5), (N, len(TOPS), 5), (N, 5), (N, 5), (N, 2), (N, max(K - window + 1, 0))]
    out = [np.full(shape, np.nan) for shape in shapes]
    settings = (np.array(TOPS), window, min_tokens, estimates_only, four_edges())
    over_neurons(_core, N, (S, n, activation, segment, n_groups, keys, *settings), out)
    *most, distance, shape, profile = out
    _bound(distance, shape, n)
    mean, homogeneity, stepdown, peak, mrpp = most
    return Zones(mean, homogeneity, stepdown, peak, mrpp, distance, profile)


def _bound(distance: np.ndarray, shape: np.ndarray, n: np.ndarray) -> None:
    """Put the tail of a beta variable where one has the four moments."""
    z = -distance[:, OBSERVED] / distance[:, NULL_STD]
    p = np.maximum(bounded_upper(z, *shape.T), least_p_of(special.gammaln(n + 1.0)))
    np.copyto(distance[:, P], p, where=np.isfinite(p))
