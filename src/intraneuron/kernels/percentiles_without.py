"""Percentiles again with one group of tokens left out at a time, for the jackknife.

The order of the tokens that stay does not change, so a percentile without group j is a stretch of the neuron's order,
less the tokens of group j in it. The order is cut at the bounds of all these stretches: what lies between two bounds is
a cell, and running sums over cells hold every stretch. So two sums by group are enough, over cells, and over left-out
tokens by group and percentile: 32 groups of 50,000 tokens cost as much as five neurons, not 32.
"""

from __future__ import annotations

import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.percentiles import (
    LEAST,
    TIED,
    bounds_of,
    descending,
    lengths_of,
    mean_cosine,
    means_in_turn,
    room_to_sort,
)
from intraneuron.kernels.sums_by_group import LANES, add_rows

SIDE = 4
"""Neurons whose sums are made side by side: those of one take 850 KB, with 32 groups left out of 100 percentiles."""


@compiled()
def _stretches(order, left, j, kept, size, bound):  # type: ignore[no-untyped-def]
    """Write between which ranks the percentiles lie without the tokens of group j, the most active first."""
    V, G = len(order), len(bound) - 1
    bounds_of(kept, G, size)
    bound[0] = 0
    g, seen = 1, 0
    for r in range(V):
        if left[order[r]] == j:
            continue
        seen += 1
        while g < G and size[g] <= seen:
            bound[g] = r + 1
            g += 1
    while g <= G:
        bound[g] = V
        g += 1


@compiled()
def _is_apart(value, order, left, j, lo, hi):  # type: ignore[no-untyped-def]
    """As :func:`intraneuron.kernels.percentiles.is_apart`, without the tokens of group j."""
    V = len(order)
    before, after = lo - 1, hi
    while before >= 0 and left[order[before]] == j:
        before -= 1
    while after < V and left[order[after]] == j:
        after += 1
    tied = kept = 0
    for r in range(lo, hi):
        if left[order[r]] == j:
            continue
        x = value[order[r]]
        kept += 1
        tied += (before >= 0 and x == value[order[before]]) or (after < V and x == value[order[after]])
    return tied <= TIED * kept


@compiled()
def _lay(value, order, left, sizes, size, bound, cell, gone, first, apart):  # type: ignore[no-untyped-def]
    """Write of each token its cell and where it is missing; of each stretch its first cell and whether it is apart."""
    V, J, G = len(order), len(first), bound.shape[1] - 1
    running = np.zeros(V + 1, np.int64)
    for j in range(J):
        _stretches(order, left, j, V - sizes[j], size, bound[j])
        for g in range(G + 1):
            running[bound[j, g]] = 1
        for g in range(G):
            apart[j, g] = _is_apart(value, order, left, j, bound[j, g], bound[j, g + 1])
    before = 0
    for r in range(V + 1):  # cells that begin before rank r
        here = running[r]
        running[r] = before
        before += here
    at = np.zeros(J, np.int64)
    for r in range(V):
        v = order[r]
        j = left[v]
        cell[v] = running[r + 1] - 1
        while bound[j, at[j] + 1] <= r:
            at[j] += 1
        gone[v] = j * G + at[j]
    for j in range(J):
        for g in range(G + 1):
            first[j, g] = running[bound[j, g]]


@compiled()
def _core(start, stop, total, count, token, tiles, length, left, sizes, n_groups, homogeneity):  # type: ignore[no-untyped-def]
    V, J, G = len(token), len(sizes), n_groups
    mean, n = np.empty((stop - start, V)), min(SIDE, stop - start)
    means_in_turn(start, stop, total, count, token, mean)
    order, spare = room_to_sort(V)
    size, bound = np.empty(G + 1, np.int64), np.empty((J, G + 1), np.int64)
    cell, gone = np.empty((n, V), np.uint16), np.empty((n, V), np.uint16)
    first, apart = np.empty((n, J, G + 1), np.int64), np.empty((n, J, G), np.bool_)
    most = J * (G + 1)
    cells, missing, square = np.empty((n, most, LANES)), np.empty((n, J * G, LANES)), np.empty((n, J, G))
    running, lengths, lost = np.empty((most + 1, LANES)), np.empty(most + 1), np.empty(J * G)
    for lo in range(start, stop, SIDE):
        m, square[:] = min(SIDE, stop - lo), 0.0
        for i in range(m):
            value = mean[lo - start + i]
            descending(value, order, spare)
            _lay(value, order, left, sizes, size, bound, cell[i], gone[i], first[i], apart[i])
        for t in range(len(tiles)):
            cells[:], missing[:] = 0.0, 0.0
            add_rows(tiles[t], cell[:m], cells)
            add_rows(tiles[t], gone[:m], missing)
            for i in range(m):
                running[0] = 0.0
                for k in range(most):
                    for d in range(LANES):
                        running[k + 1, d] = running[k, d] + cells[i, k, d]
                for j in range(J):
                    for g in range(G):
                        a, b = first[i, j, g], first[i, j, g + 1]
                        for d in range(LANES):
                            s = running[b, d] - running[a, d] - missing[i, j * G + g, d]
                            square[i, j, g] += s * s
        for i in range(m):
            lengths[:], lost[:] = 0.0, 0.0
            for v in range(V):
                lengths[cell[i, v] + 1] += length[v]
                lost[gone[i, v]] += length[v]
            for k in range(most):
                lengths[k + 1] += lengths[k]
            for j in range(J):
                bounds_of(V - sizes[j], G, size)
                for g in range(G):
                    kept = lengths[first[i, j, g + 1]] - lengths[first[i, j, g]] - lost[j * G + g]
                    if apart[i, j, g] and size[g + 1] - size[g] >= LEAST:
                        found = mean_cosine(square[i, j, g], kept, size[g + 1] - size[g])
                        homogeneity[lo + i, j, G - 1 - g] = found


def homogeneity_without(
    total: np.ndarray, count: np.ndarray, token: np.ndarray, tiles: np.ndarray, left: np.ndarray, n_groups: int = 100
) -> np.ndarray:
    """Return the homogeneity of each percentile when one group of tokens is left out, float64 (N, J, n_groups).

    What :func:`intraneuron.kernels.percentiles.percentile_groups` and ``group_homogeneity`` give for the tokens that
    stay, but for the last digits.

    Parameters
    ----------
    total, count, token
        As in :func:`intraneuron.kernels.percentiles.percentile_groups`.
    tiles : float32 (T, V', 16)
    left : int (V',)
        The group of each token, 0..J-1; each has tokens.
    n_groups : int
    """
    left = left.astype(np.int64)
    sizes = np.bincount(left)
    homogeneity = np.full((total.shape[2], len(sizes), n_groups), np.nan)
    given = (total, count, token, tiles, lengths_of(tiles), left, sizes, n_groups)
    over_neurons(_core, total.shape[2], given, (homogeneity,))
    return homogeneity
