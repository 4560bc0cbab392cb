r"""The full range: how alike the tokens of each activation percentile are, over a whole vocabulary.

A neuron's V eligible tokens, from the most to the least active, are cut into groups as equal as possible; on ties the
smaller token id ranks first, and the first groups, the most active, are the larger ones. With s the sum of the vectors
of a group of c tokens, and L that of their squared lengths (c but for rounding), the mean cosine over its pairs is

.. math:: h = \frac{|s|^2 - L}{c (c - 1)},

so no pair is formed, and a neuron costs V D additions (:mod:`intraneuron.kernels.sums_by_group`) and a sort: 50,000
tokens of 768 dimensions 10 ms, against 170 ms with numpy's sort and a sum of gathered rows.

A percentile most of whose tokens are tied with tokens of others has no homogeneity: which tokens it holds is a matter
of their ids, and ids know how frequent tokens are. So it is with the zeros of a ReLU, or of a sparse autoencoder.
"""

from __future__ import annotations

import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.sums_by_group import LANES, add_rows

DIGIT, PASSES = 11, 6
"""Bits that one pass of the sort looks at, and how many passes 64 bits take."""

LEAST = 3
"""A group of fewer tokens has no homogeneity."""

TIED = 0.5
"""A group of which a larger share is tied with tokens outside it has none either."""


@compiled()
def bounds_of(n, groups, bound):  # type: ignore[no-untyped-def]
    """Write where groups of n things begin, as equal as possible, larger ones first, and n at the end."""
    bound[0] = 0
    for g in range(groups):
        bound[g + 1] = bound[g] + n // groups + (g < n % groups)


@compiled()
def means_in_turn(start, stop, total, count, token, mean):  # type: ignore[no-untyped-def]
    """Write the mean activation of each of the ``token`` for neurons start..stop-1, (n, V'); 0 has no sign."""
    for v in range(len(token)):
        seen = 0
        for h in range(len(count)):
            seen += count[h, token[v]]
        for c in range(start, stop):
            value = np.float64(0.0)
            for h in range(len(count)):
                value += total[h, token[v], c]
            mean[c - start, v] = value / seen + 0.0


@compiled()
def descending(value, order, spare):  # type: ignore[no-untyped-def]
    """Write the order of ``value``, the largest first, into ``order``; equal ones stay in theirs. A radix sort.

    ``spare`` are buffers: two of 64 bits and one of indices.
    """
    n, (key, other, moved) = len(value), spare
    bits, sign, every = value.view(np.uint64), np.uint64(1) << np.uint64(63), ~np.uint64(0)
    for i in range(n):
        key[i], order[i] = bits[i] if bits[i] & sign else every ^ bits[i] ^ sign, i
    mask, place = np.uint64((1 << DIGIT) - 1), np.empty(1 << DIGIT, np.int64)
    for step in range(PASSES):
        shift = np.uint64(step * DIGIT)
        place[:] = 0
        for i in range(n):
            place[np.int64((key[i] >> shift) & mask)] += 1
        if place.max() == n:  # all have this digit
            continue
        before = np.int64(0)
        for digit in range(len(place)):
            here = place[digit]
            place[digit] = before
            before += here
        for i in range(n):
            to = np.int64((key[i] >> shift) & mask)
            other[place[to]], moved[place[to]] = key[i], order[i]
            place[to] += 1
        key[:], order[:] = other, moved


@compiled()
def room_to_sort(n):  # type: ignore[no-untyped-def]
    """Return room for the order of n values, and the buffers of :func:`descending`."""
    return np.empty(n, np.int64), (np.empty(n, np.uint64), np.empty(n, np.uint64), np.empty(n, np.int64))


@compiled()
def is_apart(value, order, lo, hi):  # type: ignore[no-untyped-def]
    """Return whether most tokens of ranks lo..hi-1 have another value than those on either side."""
    tied = 0
    for r in range(lo, hi):
        x = value[order[r]]
        tied += (lo > 0 and x == value[order[lo - 1]]) or (hi < len(order) and x == value[order[hi]])
    return tied <= TIED * (hi - lo)


@compiled()
def mean_cosine(square, length, size):  # type: ignore[no-untyped-def]
    """Return the mean cosine over pairs of a group: from |s|^2, the squared lengths, and how many they are."""
    return (square - length) / (size * (size - 1.0)) if size >= LEAST else np.nan


@compiled()
def _groups_core(start, stop, total, count, token, n_groups, group, apart):  # type: ignore[no-untyped-def]
    V = len(token)
    mean, bound = np.empty((stop - start, V)), np.empty(n_groups + 1, np.int64)
    order, spare = room_to_sort(V)
    means_in_turn(start, stop, total, count, token, mean)
    bounds_of(V, n_groups, bound)
    for i in range(start, stop):
        value = mean[i - start]
        descending(value, order, spare)
        for g in range(n_groups):
            own = n_groups - 1 - g
            apart[i, own] = is_apart(value, order, bound[g], bound[g + 1])
            for r in range(bound[g], bound[g + 1]):
                group[i, order[r]] = own


@compiled()
def _homogeneity_core(start, stop, tiles, length, group, apart, homogeneity):  # type: ignore[no-untyped-def]
    """Add up the tiles for all neurons of the block."""
    n, G = stop - start, homogeneity.shape[1]
    sums, square = np.empty((n, G, LANES)), np.zeros((n, G))
    for t in range(len(tiles)):
        sums[:] = 0.0
        add_rows(tiles[t], group[start:stop], sums)
        for i in range(n):
            for g in range(G):
                for d in range(LANES):
                    square[i, g] += sums[i, g, d] * sums[i, g, d]
    size, lengths = np.empty(G, np.int64), np.empty(G)
    for i in range(n):
        size[:], lengths[:] = 0, 0.0
        for v in range(len(length)):
            size[group[start + i, v]] += 1
            lengths[group[start + i, v]] += length[v]
        for g in range(G):
            if apart[start + i, g]:
                homogeneity[start + i, g] = mean_cosine(square[i, g], lengths[g], size[g])


def percentile_groups(
    total: np.ndarray, count: np.ndarray, token: np.ndarray, n_groups: int = 100
) -> tuple[np.ndarray, np.ndarray]:
    """Cut some tokens, by each neuron's mean activation, into groups as equal as possible.

    Parameters
    ----------
    total : float32 (H, V, N)
        Sums of activation in H parts of the text.
    count : int64 (H, V)
    token : int64 (V',)
        Which tokens, ascending; each was seen.
    n_groups : int

    Returns
    -------
    group : uint16 (N, V')
        0 the least active, ``n_groups`` - 1 the most; larger groups at the top, smaller token ids first on ties.
    apart : bool (N, n_groups)
        Whether most tokens of a group have another activation than the tokens next to it.

    >>> total = np.array([[[5.0], [1.0], [4.0], [2.0], [3.0]]], dtype=np.float32)
    >>> percentile_groups(total, np.ones((1, 5), dtype=np.int64), np.arange(5), 2)[0].tolist()
    [[1, 0, 1, 0, 1]]
    """
    N = total.shape[2]
    group, apart = np.zeros((N, len(token)), dtype=np.uint16), np.zeros((N, n_groups), dtype=np.bool_)
    over_neurons(_groups_core, N, (total, count, token, n_groups), (group, apart))
    return group, apart


def group_homogeneity(tiles: np.ndarray, group: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Return the mean cosine over the pairs of each group of tokens, float64 (N, G).

    NaN for groups under 3 tokens, and for those that are not ``apart``.

    Parameters
    ----------
    tiles : float32 (T, V', 16)
        Unit vectors (:func:`intraneuron.kernels.sums_by_group.tiled`).
    group : uint16 (N, V')
    apart : bool (N, G)

    >>> from intraneuron.kernels.sums_by_group import tiled
    >>> E = np.array([[1, 0], [1, 0], [0, 1], [1, 0], [1, 0], [1, 0]], dtype=np.float32)
    >>> group, apart = np.array([[0, 0, 0, 1, 1, 1]], dtype=np.uint16), np.ones((1, 2), dtype=bool)
    >>> group_homogeneity(tiled(E), group, apart).round(4).tolist()
    [[0.3333, 1.0]]
    """
    homogeneity = np.full(apart.shape, np.nan)
    over_neurons(_homogeneity_core, len(group), (tiles, lengths_of(tiles), group, apart), (homogeneity,))
    return homogeneity


def lengths_of(tiles: np.ndarray) -> np.ndarray:
    """Return the squared lengths of tiled vectors, float64 (V',): 1 but for rounding."""
    wide = np.zeros(tiles.shape[1])
    for tile in tiles.astype(np.float64):
        wide += np.einsum("vd,vd->v", tile, tile)
    return wide
