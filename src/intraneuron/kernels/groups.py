"""Bookkeeping of group labels: drop small groups, number them by activation."""

from __future__ import annotations

import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled


@compiled()
def _core(start, stop, label, activation, n, min_size, out, n_groups):  # type: ignore[no-untyped-def]
    for i in range(start, stop):
        k = 0
        for j in range(n[i]):
            k = max(k, label[i, j] + 1)
        size, total = np.zeros(k, np.int64), np.zeros(k)
        for j in range(n[i]):
            g = label[i, j]
            if g >= 0:
                size[g] += 1
                total[g] += activation[i, j]
        number = np.full(k, -1, np.int64)
        kept = 0
        while True:
            best = -1
            for g in range(k):
                free = size[g] >= min_size and number[g] < 0
                if free and (best < 0 or total[g] / size[g] > total[best] / size[best]):
                    best = g
            if best < 0:
                break
            number[best] = kept
            kept += 1
        n_groups[i] = kept
        for j in range(n[i]):
            if label[i, j] >= 0:
                out[i, j] = number[label[i, j]]


def renumber(label: np.ndarray, activation: np.ndarray, n: np.ndarray, min_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Drop groups of fewer than ``min_size`` tokens and number the rest by mean activation, 0 the highest.

    Parameters
    ----------
    label : int16 (N, K), -1 in no group
    activation : float64 (N, K)
    n : int32 (N,)
    min_size : int

    Returns
    -------
    label : int16 (N, K)
    n_groups : int16 (N,)

    >>> label = np.array([[0, 1, 0, 1, 2]], dtype=np.int16)
    >>> renumber(label, np.array([[1.0, 9.0, 1.0, 8.0, 5.0]]), np.array([5]), 2)
    (array([[ 1,  0,  1,  0, -1]], dtype=int16), array([2], dtype=int16))
    """
    out = np.full(label.shape, -1, dtype=np.int16)
    n_groups = np.zeros(len(label), dtype=np.int16)
    over_neurons(_core, len(label), (label, activation, n, min_size), (out, n_groups))
    return out, n_groups
