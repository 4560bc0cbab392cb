"""Words for a group: the tokens nearest to its mean vector."""

from __future__ import annotations

import math

import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled


@compiled()
def _core(start, stop, vectors, token_id, label, n, n_groups, out):  # type: ignore[no-untyped-def]
    D, take = vectors.shape[1], out.shape[2]
    for i in range(start, stop):
        k = n_groups[i]
        mean = np.zeros((k, D))
        for j in range(n[i]):
            g = label[i, j]
            if g >= 0:
                for d in range(D):
                    mean[g, d] += vectors[token_id[i, j], d]
        nearness = np.full((k, take), -math.inf)
        for j in range(n[i]):
            g = label[i, j]
            if g < 0:
                continue
            dot = 0.0
            for d in range(D):
                dot += mean[g, d] * vectors[token_id[i, j], d]
            place = take  # insertion into the short list; an equal token stays behind the more active one
            while place > 0 and dot > nearness[g, place - 1]:
                place -= 1
            for q in range(take - 1, place, -1):
                nearness[g, q], out[i, g, q] = nearness[g, q - 1], out[i, g, q - 1]
            if place < take:
                nearness[g, place], out[i, g, place] = dot, token_id[i, j]


def nearest_to_mean(
    vectors: np.ndarray,
    token_id: np.ndarray,
    label: np.ndarray,
    n: np.ndarray,
    n_groups: np.ndarray,
    take: int = 3,
) -> np.ndarray:
    """Return the ``take`` tokens of each group whose cosine with the group's mean vector is highest.

    Parameters
    ----------
    vectors : float32 (V, D), unit rows
    token_id : int32 (N, K)
    label : int16 (N, K)
    n : int32 (N,)
    n_groups : int16 (N,)
    take : int

    Returns
    -------
    int32 (N, G, take)
        Token ids, nearest first; -1 where there are fewer.

    >>> v = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1]], dtype=np.float32)
    >>> ids, label = np.arange(4, dtype=np.int32)[None], np.zeros((1, 4), dtype=np.int16)
    >>> nearest_to_mean(v, ids, label, np.array([4]), np.array([1]), 2).tolist()
    [[[1, 2]]]
    """
    out = np.full((len(token_id), int(n_groups.max(initial=0)), take), -1, dtype=np.int32)
    over_neurons(_core, len(token_id), (vectors, token_id, label, n, n_groups), (out,))
    return out
