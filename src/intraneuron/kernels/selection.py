"""Core tokens: the K eligible tokens of highest mean activation, for many neurons in one pass over the sums."""

from __future__ import annotations

import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled


@compiled()
def _worse(value_a, id_a, value_b, id_b):  # type: ignore[no-untyped-def]
    """Return whether token a ranks below token b: a smaller mean, or an equal one and a larger id."""
    return value_a < value_b or (value_a == value_b and id_a > id_b)


@compiled()
def _sink(value, token, length, i):  # type: ignore[no-untyped-def]
    """Move entry i of a heap (worst token first) down to its place."""
    while True:
        child = 2 * i + 1
        if child >= length:
            return
        if child + 1 < length and _worse(value[child + 1], token[child + 1], value[child], token[child]):
            child += 1
        if not _worse(value[child], token[child], value[i], token[i]):
            return
        value[i], value[child] = value[child], value[i]
        token[i], token[child] = token[child], token[i]
        i = child


@compiled()
def _rise(value, token, i):  # type: ignore[no-untyped-def]
    """Move entry i of the heap up to its place."""
    while i > 0:
        above = (i - 1) // 2
        if not _worse(value[i], token[i], value[above], token[above]):
            return
        value[i], value[above] = value[above], value[i]
        token[i], token[above] = token[above], token[i]
        i = above


@compiled()
def _core(start, stop, total, count, eligible, k, token_id, mean, n):  # type: ignore[no-untyped-def]
    """Scan the tokens once for all neurons of the block; each keeps a heap of its best."""
    H, V = count.shape
    threshold = np.zeros(stop - start)  # an eligible mean is above 0
    for v in range(V):
        seen = 0
        for h in range(H):
            seen += count[h, v]
        if seen == 0 or not eligible[v]:
            continue
        for c in range(start, stop):
            value = np.float64(0.0)
            for h in range(H):
                value += total[h, v, c]
            value /= seen
            if not value > threshold[c - start]:
                continue
            filled = n[c]
            if filled < k:
                mean[c, filled], token_id[c, filled] = value, v
                _rise(mean[c], token_id[c], filled)
                n[c] = filled + 1
            else:
                mean[c, 0], token_id[c, 0] = value, v
                _sink(mean[c], token_id[c], k, 0)
            if n[c] == k:
                threshold[c - start] = mean[c, 0]
    for c in range(start, stop):  # heap sort: the worst goes last
        for length in range(n[c] - 1, 0, -1):
            mean[c, 0], mean[c, length] = mean[c, length], mean[c, 0]
            token_id[c, 0], token_id[c, length] = token_id[c, length], token_id[c, 0]
            _sink(mean[c], token_id[c], length, 0)


def top_tokens(
    total: np.ndarray, count: np.ndarray, eligible: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each neuron's k eligible tokens of highest mean activation above 0.

    Means are compared in float64; on ties the smaller token id ranks first.

    Parameters
    ----------
    total : float32 (H, V, N)
        Sums of activation in H parts of the text.
    count : int64 (H, V)
    eligible : bool (V,)
    k : int

    Returns
    -------
    token_id : int32 (N, k)
        In descending order of mean activation; -1 where fewer are eligible.
    mean : float64 (N, k)
        NaN where padded.
    n : int32 (N,)

    >>> total = np.array([[[1.0], [3.0], [3.0], [-1.0]]], dtype=np.float32)
    >>> token_id, mean, n = top_tokens(total, np.ones((1, 4), dtype=np.int64), np.ones(4, dtype=bool), 4)
    >>> token_id.tolist(), int(n[0])
    ([[1, 2, 0, -1]], 3)
    """
    N = total.shape[2]
    token_id = np.full((N, k), -1, dtype=np.int32)
    mean = np.full((N, k), np.nan)
    n = np.zeros(N, dtype=np.int32)
    over_neurons(_core, N, (total, count, eligible, k), (token_id, mean, n))
    return token_id, mean, n


def means_of(total: np.ndarray, count: np.ndarray, token_id: np.ndarray) -> np.ndarray:
    """Return the mean activation of given tokens, float64 (N, K); NaN where padded or never seen.

    Parameters
    ----------
    total : float32 (V, N)
    count : int64 (V,)
    token_id : int32 (N, K)
    """
    column = np.arange(total.shape[1])[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total[token_id, column].astype(np.float64) / count[token_id]
    return np.where((token_id >= 0) & (count[token_id] > 0), mean, np.nan)
