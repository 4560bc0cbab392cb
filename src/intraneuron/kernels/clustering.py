"""Categories: agglomerative clustering of one neuron's tokens by cosine, cut at the best silhouette.

The nearest-neighbour chain finds the merges of any reducible linkage in O(n^2); heights are sorted afterwards.
Silhouettes for 10, 9, ..., 2 groups share one table of distances from token to group, in which each merge adds
two columns. References: Ward (1963), doi 10.1080/01621459.1963.10500845; Murtagh (1983), doi
10.1093/comjnl/26.4.354; Rousseeuw (1987), doi 10.1016/0377-0427(87)90125-7.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled

WARD, AVERAGE, COMPLETE = 0, 1, 2
LINKAGES = {"ward": WARD, "average": AVERAGE, "complete": COMPLETE}


@compiled()
def _join_rows(linkage, to_a, to_b, between, na, nb, size):  # type: ignore[no-untyped-def]
    """Write the Lance-Williams distances of all groups to the union of a and b over those to a.

    Those of groups that are gone, and of a and b themselves, are infinite, and stay so.
    """
    if linkage == WARD:
        for k in range(len(size)):
            nk = size[k]
            to_a[k] = ((na + nk) * to_a[k] + (nb + nk) * to_b[k] - nk * between) / (na + nb + nk)
    elif linkage == AVERAGE:
        for k in range(len(size)):
            to_a[k] = (na * to_a[k] + nb * to_b[k]) / (na + nb)
    else:
        for k in range(len(size)):
            to_a[k] = to_a[k] if to_a[k] > to_b[k] else to_b[k]


@compiled()
def _least(row):  # type: ignore[no-untyped-def]
    """Return the least of some numbers: four chains, so that none waits for the one before it."""
    p = q = r = s = math.inf
    whole = len(row) // 4 * 4
    for j in range(0, whole, 4):
        p = row[j] if row[j] < p else p
        q = row[j + 1] if row[j + 1] < q else q
        r = row[j + 2] if row[j + 2] < r else r
        s = row[j + 3] if row[j + 3] < s else s
    for j in range(whole, len(row)):
        p = row[j] if row[j] < p else p
    return min(min(p, q), min(r, s))


@compiled()
def _nearest(row, before):  # type: ignore[no-untyped-def]
    """Return the first group of least distance, and that distance; ``before``, the one visited last, wins ties."""
    least = _least(row)
    if before >= 0 and row[before] == least:
        return before, least
    best = np.int64(0)
    while row[best] != least:
        best += 1
    return best, least


@compiled()
def merges(S, n, linkage, distance, pair, height):  # type: ignore[no-untyped-def]
    """Write the n - 1 merges, by ascending height, into ``pair`` (a token of each side) and ``height``."""
    size = np.ones(n)
    factor = 2.0 if linkage == WARD else 1.0
    for i in range(n):
        for j in range(n):
            distance[i, j] = factor * max(0.0, 1.0 - S[i, j])
        distance[i, i] = math.inf
    chain = np.empty(n + 1, np.int64)
    length = 0
    found_pair = np.empty((n - 1, 2), np.int64)
    found_height = np.empty(n - 1)
    for step in range(n - 1):
        if length == 0:
            start = 0
            while size[start] == 0:
                start += 1
            chain[0], length = start, 1
        while True:
            tip = chain[length - 1]
            before = chain[length - 2] if length > 1 else -1
            best, best_distance = _nearest(distance[tip, :n], before)
            if best == before:
                break
            chain[length] = best
            length += 1
        length -= 2
        a, b = (tip, best) if tip < best else (best, tip)
        found_pair[step, 0], found_pair[step, 1], found_height[step] = a, b, best_distance
        _join_rows(linkage, distance[a, :n], distance[b, :n], best_distance, size[a], size[b], size)
        for k in range(n):
            distance[k, a] = distance[a, k]
            distance[k, b] = math.inf
            distance[b, k] = math.inf
        size[a] += size[b]
        size[b] = 0
    order = np.argsort(found_height, kind="mergesort")
    for step in range(n - 1):
        pair[step, 0] = found_pair[order[step], 0]
        pair[step, 1] = found_pair[order[step], 1]
        height[step] = found_height[order[step]]


@compiled()
def _root(parent, i):  # type: ignore[no-untyped-def]
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@compiled()
def _cut(pair, n, k, label):  # type: ignore[no-untyped-def]
    """Write the labels 0..k-1, by first token, after the lowest n - k merges."""
    parent = np.arange(n)
    for step in range(n - k):
        parent[_root(parent, pair[step, 1])] = _root(parent, pair[step, 0])
    number = np.full(n, -1, np.int64)
    count = 0
    for i in range(n):
        root = _root(parent, i)
        if number[root] < 0:
            number[root] = count
            count += 1
        label[i] = number[root]


@compiled()
def _mean_silhouette(to_group, size, label, n, k, nearest):  # type: ignore[no-untyped-def]
    """Return the mean silhouette from the sums of distance from each group to each token; ``nearest`` is room."""
    nearest[:n] = math.inf
    for g in range(k):
        sums, many = to_group[g], np.float64(size[g])
        for i in range(n):  # in vector registers
            mean = sums[i] / many
            nearest[i] = mean if label[i] != g and mean < nearest[i] else nearest[i]
    total = 0.0
    for i in range(n):
        own = label[i]
        if size[own] == 1:
            continue
        a, b = to_group[own, i] / (size[own] - 1), nearest[i]
        largest = max(a, b)
        if largest > 0:
            total += (b - a) / largest
    return total / n


@compiled()
def _join(to_group, size, label, n, k, a, b):  # type: ignore[no-untyped-def]
    """Join group b to group a and give b's number to the last group."""
    last = k - 1
    for i in range(n):
        to_group[a, i] += to_group[b, i]
        to_group[b, i] = to_group[last, i]
        if label[i] == b:
            label[i] = a
        elif label[i] == last:
            label[i] = b
    size[a] += size[b]
    size[b] = size[last]


@compiled()
def _distances_to_groups(S, n, k, label):  # type: ignore[no-untyped-def]
    """Return the sums of distance from each of k groups to each token (k, n), and the groups' sizes."""
    size = np.zeros(k, np.int64)
    to_group = np.zeros((k, n))
    for j in range(n):
        size[label[j]] += 1
        sums = to_group[label[j]]
        for i in range(n):  # S is symmetric: tokens side by side, in vector registers; a token is at 0 from itself
            sums[i] += max(0.0, 1.0 - S[j, i]) if i != j else 0.0
    return to_group, size


@compiled()
def cut_at(S, n, pair, height, distance, label):  # type: ignore[no-untyped-def]
    """Write the labels of the cut above all merges at up to a distance; return its mean silhouette, or NaN."""
    k = n
    for step in range(n - 1):
        if height[step] <= distance:
            k -= 1
    now = np.empty(n, np.int64)
    _cut(pair, n, k, now)
    for i in range(n):
        label[i] = now[i]
    if k == 1:
        return math.nan
    to_group, size = _distances_to_groups(S, n, k, now)
    return _mean_silhouette(to_group, size, now, n, k, np.empty(n))


@compiled()
def best_cut(S, n, pair, k_max, label):  # type: ignore[no-untyped-def]
    """Write the labels of the cut of highest mean silhouette (fewest groups on ties); return it."""
    k_max = min(k_max, n - 1)
    now = np.empty(n, np.int64)
    _cut(pair, n, k_max, now)
    to_group, size = _distances_to_groups(S, n, k_max, now)
    nearest = np.empty(n)
    best = -math.inf
    for k in range(k_max, 1, -1):
        score = _mean_silhouette(to_group, size, now, n, k, nearest)
        if score >= best:
            best = score
            for i in range(n):
                label[i] = now[i]
        if k > 2:
            step = n - k
            a, b = now[pair[step, 0]], now[pair[step, 1]]
            _join(to_group, size, now, n, k, min(a, b), max(a, b))
    return best


@compiled()
def _core(start, stop, S, n, linkage, k_max, cosine, min_tokens, label, quality):  # type: ignore[no-untyped-def]
    size = S.shape[1]
    distance = np.empty((size, size))
    pair = np.empty((size, 2), np.int64)
    height = np.empty(size)
    for i in range(start, stop):
        if n[i] < min_tokens:
            continue
        merges(S[i], n[i], linkage, distance, pair, height)
        if math.isnan(cosine):
            quality[i] = best_cut(S[i], n[i], pair, k_max, label[i])
        else:
            quality[i] = cut_at(S[i], n[i], pair, height, 1.0 - cosine, label[i])


def cluster(
    S: np.ndarray,
    n: np.ndarray,
    *,
    linkage: str = "ward",
    k_max: int = 10,
    cosine: float = math.nan,
    min_tokens: int = 3,
) -> tuple[np.ndarray, np.ndarray]:
    """Cluster each neuron's tokens by cosine and cut where the mean silhouette is highest.

    Ward works on squared chord distances 2 (1 - S), average and complete linkage on 1 - S, silhouettes on
    1 - S (a singleton's is 0). The number of groups is that of 2..k_max with the highest mean silhouette, the
    smallest on ties. With ``cosine`` the cut is instead where groups are less alike than that: below it no merge.

    Parameters
    ----------
    S : float32 (N, K, K)
        Cosines (:func:`intraneuron.kernels.similarity.cosines`).
    n : int32 (N,)
    linkage : one of :data:`LINKAGES`
    k_max : int
        Largest number of groups that is tried.
    cosine : float
        For average and complete linkage; NaN: the best silhouette.
    min_tokens : int
        Neurons with fewer tokens get label -1 everywhere and quality NaN; at least 3.

    Returns
    -------
    label : int16 (N, K)
        Numbered arbitrarily; -1 where padded.
    quality : float64 (N,), in [-1, 1]
        Mean silhouette of the cut; NaN of one group.

    >>> square = np.array([[1, 0], [0.96, 0.28], [0, 1], [0.28, 0.96]])
    >>> label, quality = cluster((square @ square.T)[None], np.array([4]), k_max=3)
    >>> label
    array([[0, 0, 1, 1]], dtype=int16)
    """
    label = np.full(S.shape[:2], -1, dtype=np.int16)
    quality = np.full(len(S), np.nan)
    over_neurons(_core, len(S), (S, n, LINKAGES[linkage], k_max, float(cosine), max(min_tokens, 3)), (label, quality))
    return label, quality


@compiled()
def _core_each(start, stop, S, n, linkage, k_max, min_tokens, label, quality):  # type: ignore[no-untyped-def]
    size = S.shape[1]
    distance = np.empty((size, size))
    pair = np.empty((size, 2), np.int64)
    height = np.empty(size)
    for i in range(start, stop):
        if n[i] < min_tokens:
            continue
        merges(S[i], n[i], linkage, distance, pair, height)
        for j in range(len(k_max)):
            quality[i, j] = best_cut(S[i], n[i], pair, k_max[j], label[i, j])


def cluster_each(
    S: np.ndarray, n: np.ndarray, *, linkage: str = "ward", k_max: Sequence[int] = (10,), min_tokens: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Cluster each neuron's tokens once, and cut the tree for several numbers of groups.

    What is found for each is that of :func:`cluster`, to the last bit.

    Parameters
    ----------
    S : float32 (N, K, K)
    n : int32 (N,)
    linkage : one of :data:`LINKAGES`
    k_max : J whole numbers
    min_tokens : int
        As in :func:`cluster`.

    Returns
    -------
    label : int16 (N, J, K)
    quality : float64 (N, J)
    """
    label = np.full((len(S), len(k_max), S.shape[1]), -1, dtype=np.int16)
    quality = np.full((len(S), len(k_max)), np.nan)
    given = (S, n, LINKAGES[linkage], np.array(k_max, dtype=np.int64), max(min_tokens, 3))
    over_neurons(_core_each, len(S), given, (label, quality))
    return label, quality
