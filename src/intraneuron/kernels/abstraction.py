r"""Abstraction: whether the most active zone is alike in meaning rather than in spelling.

With z(S) the homogeneity of segment 0 under a similarity S, standardised by the exact moments of random subsets of
its size, abstraction is z(meaning) - z(form). Both are sums over the same pairs, so the difference is one too, under

.. math:: M_{ab} = (S_{ab} - \bar S) / \sigma_S - (F_{ab} - \bar F) / \sigma_F,

and has its exact null, however much meaning and form go together.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.moments import N_GRAPHS, block_sums, ones_sums
from intraneuron.kernels.similarity import tile_length
from intraneuron.kernels.tokens import center, room_for, take
from intraneuron.kernels.zone_tests import EFFECT, NULL_STD, P, subset_test

PURPOSE = 5000
"""Number of the stream of draws for small zones."""


class Abstraction(NamedTuple):
    """What :func:`abstraction` returns, (N,) each."""

    meaning: np.ndarray
    form: np.ndarray
    abstraction: np.ndarray
    null_std: np.ndarray
    p: np.ndarray


@compiled()
def _pair_sums(M, n, t):  # type: ignore[no-untyped-def]
    """Write the three graph sums of two edges of a centred matrix into ``t``."""
    by_column, squared = np.zeros(n), np.zeros(n)
    for i in range(n):
        for j in range(n):  # M is symmetric: columns side by side, in vector registers
            by_column[j] += M[i, j]
            squared[j] += M[i, j] * M[i, j]
    squares = rows = 0.0
    for j in range(n):
        squares += squared[j]
        rows += by_column[j] * by_column[j]
    t[0] = squares / 2
    t[1] = rows - squares
    t[2] = -t[0] - t[1]  # the matrix is centred: all pairs of edges together give 0


@compiled()
def _deviation(M, n, size, tJ, tD, t):  # type: ignore[no-untyped-def]
    """Return the null's standard deviation of the mean of M inside ``size`` of n tokens."""
    _pair_sums(M, n, t)
    variance = 0.0
    for p in range(3):
        if tJ[p] != 0:
            variance += tD[p] * t[p] / tJ[p]
    return math.sqrt(variance) if variance > 1e-30 else math.nan


@compiled()
def _core(  # type: ignore[no-untyped-def]
    start, stop, meaning_of, form_of, n, segment, n_groups, keys, min_tokens, estimates_only, out
):
    size = tile_length(meaning_of.shape[1])
    F, S = np.zeros((size, size)), np.zeros((size, size))
    M, tokens = np.zeros((size, size)), room_for(meaning_of.shape[1])
    tJ, tD, tM = np.zeros(N_GRAPHS), np.zeros(N_GRAPHS), np.zeros(N_GRAPHS)
    first = np.int64(0)
    sizes, within, result = np.zeros(2, np.int64), np.zeros(2), np.zeros(5)
    for i in range(start, stop):
        m = n[i]
        if m < min_tokens or n_groups[i] < 1:
            continue
        zone = np.int64(0)
        while zone < m and segment[i, zone] == 0:
            zone += 1
        if zone < 3 or zone == m:
            continue
        center(form_of[i], first, m, F)
        center(meaning_of[i], first, m, S)
        pairs = zone * (zone - 1) / 2
        sizes[0], sizes[1], within[0], within[1] = zone, m - zone, 1.0 / pairs, 0.0
        block_sums(sizes, within, 0.0, len(sizes), tD)
        ones_sums(m, tJ)
        meaning, form = _deviation(S, m, zone, tJ, tD, tM), _deviation(F, m, zone, tJ, tD, tM)
        if math.isnan(meaning) or math.isnan(form):
            continue
        of_meaning = of_form = 0.0
        for a in range(zone):
            for b in range(a):
                of_meaning += S[a, b]
                of_form += F[a, b]
        out[0, i], out[1, i] = of_meaning / pairs / meaning, of_form / pairs / form
        out[2, i] = out[0, i] - out[1, i]
        if estimates_only:
            continue
        for a in range(m):
            for b in range(m):
                M[a, b] = S[a, b] / meaning - F[a, b] / form
        take(M, first, m, tokens, estimates_only)
        result[:] = np.nan
        key = (keys[0, i], keys[1, i], keys[2, i], np.int64(PURPOSE))
        subset_test(tokens, 0.0, m, first, zone, 0.0, key, result)
        out[2, i], out[3, i], out[4, i] = result[EFFECT], result[NULL_STD], result[P]


def abstraction(
    S: np.ndarray,
    F: np.ndarray,
    n: np.ndarray,
    segment: np.ndarray,
    n_groups: np.ndarray,
    *,
    keys: np.ndarray,
    min_tokens: int = 20,
    estimates_only: bool = False,
) -> Abstraction:
    """Compare, in each neuron's most active segment, likeness of meaning with likeness of spelling.

    Parameters
    ----------
    S : float32 (N, K, K)
        Cosines.
    F : float32 (N, K, K)
        Form similarities (:func:`intraneuron.kernels.spelling.spellings`).
    n : int32 (N,)
    segment : int16 (N, K)
        Contiguous, 0 the most active.
    n_groups : int16 (N,)
        Number of segments; 0 where the neuron is not tested.
    keys : int64 (3, N)
        Seed, layer and neuron, for the draws of small zones.
    min_tokens : int
    estimates_only : bool
        Leave ``null_std`` and p out (NaN).

    Returns
    -------
    Abstraction
        z of the zone in meaning and in form, their difference (above 0: more alike in meaning), its null standard
        deviation, and its upper p. NaN where a zone has under 3 tokens or all, or where a similarity cannot vary.
    """
    out = np.full((5, len(n)), np.nan)
    given = (S, F, n, segment, n_groups, keys, min_tokens, estimates_only)
    over_neurons(_core, len(n), given, (out,))
    return Abstraction(*out)
