"""Groups that are given, not found: numbered anew for each neuron, with the silhouette that they have.

Reference: Rousseeuw (1987), doi 10.1016/0377-0427(87)90125-7.
"""

from __future__ import annotations

import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled


@compiled()
def _number(group, n, label):  # type: ignore[no-untyped-def]
    """Give the groups of a neuron's tokens numbers in the order in which they come; return how many there are."""
    k = 0
    for i in range(n):
        label[i] = -1
        if group[i] >= 0:
            label[i] = k
            for j in range(i):
                if group[j] == group[i]:
                    label[i] = label[j]
                    break
            if label[i] == k:
                k += 1
    return k


@compiled()
def _silhouette(S, label, n, k):  # type: ignore[no-untyped-def]
    """Return the mean silhouette of the tokens in a group, on distances 1 - S; a singleton's is 0."""
    size, total = np.zeros(k, np.int64), np.zeros(k)
    for i in range(n):
        if label[i] >= 0:
            size[label[i]] += 1
    out, used = 0.0, 0
    for i in range(n):
        own = label[i]
        if own < 0:
            continue
        used += 1
        if size[own] < 2:
            continue
        total[:] = 0.0
        for j in range(n):
            if label[j] >= 0 and j != i:
                total[label[j]] += 1.0 - np.float64(S[i, j])
        within, nearest = total[own] / (size[own] - 1), np.inf
        for g in range(k):
            if g != own:
                nearest = min(nearest, total[g] / size[g])
        larger = max(within, nearest)
        if larger > 0:
            out += (nearest - within) / larger
    return out / used


@compiled()
def _core(start, stop, S, n, group, min_tokens, label, quality):  # type: ignore[no-untyped-def]
    for i in range(start, stop):
        if n[i] < min_tokens:
            continue
        k = _number(group[i], n[i], label[i])
        if k > 1:
            quality[i] = _silhouette(S[i], label[i], n[i], k)


def given_groups(
    S: np.ndarray, n: np.ndarray, group: np.ndarray, *, min_tokens: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Return the groups of each neuron's tokens under new numbers, and how well they agree with likeness.

    Parameters
    ----------
    S : float32 (N, K, K)
        Cosines.
    n : int32 (N,)
    group : int16 (N, K)
        Any numbers from 0 on, -1 for a token in no group.
    min_tokens : int
        Neurons with fewer tokens get label -1 everywhere and quality NaN.

    Returns
    -------
    label : int16 (N, K)
        Numbered in the order of tokens; -1 where padded or in no group.
    quality : float64 (N,), in [-1, 1]
        Mean silhouette over the tokens in a group, on 1 - S; NaN with fewer than two groups.

    >>> square = np.array([[1, 0], [0.96, 0.28], [0, 1], [0.28, 0.96]])
    >>> label, quality = given_groups((square @ square.T)[None], np.array([4]), np.array([[7, 7, 2, -1]]))
    >>> label.tolist(), quality.round(2).tolist()
    ([[0, 0, 1, -1]], [0.63])
    """
    label = np.full(S.shape[:2], -1, dtype=np.int16)
    quality = np.full(len(S), np.nan)
    over_neurons(_core, len(label), (S, n, group, min_tokens), (label, quality))
    return label, quality
