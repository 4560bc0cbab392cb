"""Fisher's natural breaks: the activation axis cut where it has gaps, by an exact dynamic programme.

Reference: Fisher (1958), doi 10.1080/01621459.1958.10501479.
"""

from __future__ import annotations

import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled

MOST = 10
"""Groups that are tried, at most, when nobody says how many."""

FIT = 0.85
"""Goodness of variance fit that is enough."""


@compiled()
def _squares(total, squares, i, j):  # type: ignore[no-untyped-def]
    """Return the sum of squares around their mean of the values i..j-1, from sums of those before each."""
    s = total[j] - total[i]
    return max(squares[j] - squares[i] - s * s / (j - i), 0.0)


@compiled()
def natural_labels(activation, n, groups, label):  # type: ignore[no-untyped-def]
    """Write the groups of one descending row into ``label``; ``groups`` 0: as few as fit by 0.85, else ten."""
    mean = 0.0
    for r in range(n):
        mean += activation[r] / n
    total, squares = np.zeros(n + 1), np.zeros(n + 1)
    for r in range(n):  # around the mean, so that little cancels
        away = activation[r] - mean
        total[r + 1] = total[r] + away
        squares[r + 1] = squares[r] + away * away
    most = min(groups if groups > 0 else MOST, n)
    best, first = np.full((most + 1, n + 1), np.inf), np.zeros((most + 1, n + 1), np.int64)
    for j in range(1, n + 1):
        best[1, j] = _squares(total, squares, 0, j)
    G = 1
    for g in range(2, most + 1):
        for j in range(g, n + 1):
            for i in range(g - 1, j):
                cost = best[g - 1, i] + _squares(total, squares, i, j)
                if cost < best[g, j]:
                    best[g, j], first[g, j] = cost, i
        G = g
        if groups == 0 and best[g, n] <= (1 - FIT) * best[1, n]:
            break
    end = n
    for g in range(G, 0, -1):
        for r in range(first[g, end], end):
            label[r] = g - 1
        end = first[g, end]


@compiled()
def _core(start, stop, activation, n, groups, out):  # type: ignore[no-untyped-def]
    for i in range(start, stop):
        out[i] = -1
        if n[i] > 0:
            natural_labels(activation[i], n[i], groups, out[i])


def natural_breaks(activation: np.ndarray, n: np.ndarray, groups: int = 0) -> np.ndarray:
    """Cut each neuron's descending activations into the contiguous groups of least squares within.

    Parameters
    ----------
    activation : float64 (N, K), descending, NaN where padded
    n : int32 (N,)
    groups : int
        How many, at most n; 0: the fewest from 2 to 10 whose goodness of variance fit, 1 - SSW / SST, is at least
        0.85, and 10 when none is.

    Returns
    -------
    int16 (N, K)
        0 the most active; -1 where padded. Of several that are as good, the one whose lowest group is the largest, and
        so on upwards.

    >>> natural_breaks(np.array([[9.0, 8.9, 8.8, 1.2, 1.1, 1.0]]), np.array([6]))
    array([[0, 0, 0, 1, 1, 1]], dtype=int16)
    """
    out = np.empty(activation.shape, dtype=np.int16)
    over_neurons(_core, len(activation), (activation, n, groups), (out,))
    return out
