"""Core tokens: the K eligible tokens of highest mean activation, for many neurons in one pass over the sums."""

from __future__ import annotations

import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled

LEAST = 1e-300
"""Below every mean that is above 0: sums are of float32."""

NEARLY = 1 - 1e-12
"""Rounding of a product is far less than this is below 1."""


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
def _offer(value, v, mean, token_id, filled, k):  # type: ignore[no-untyped-def]
    """Put a token into a neuron's heap if it is better than the worst there, or there is room; return how many are."""
    if filled < k:
        mean[filled], token_id[filled] = value, v
        _rise(mean, token_id, filled)
        return filled + 1
    if _worse(mean[0], token_id[0], value, v):
        mean[0], token_id[0] = value, v
        _sink(mean, token_id, k, 0)
    return filled


@compiled()
def _core(start, stop, total, count, eligible, order, last, k, token_id, mean, n):  # type: ignore[no-untyped-def]
    """Scan the tokens once for all neurons of the block, form by form; each neuron keeps a heap of its best."""
    H, width = len(count), stop - start
    value, best, own = np.empty(width), np.zeros(width), np.empty(width, np.int64)  # best: of the form that is read
    needed = np.full(width, LEAST)
    some = False
    for i in range(len(order)):
        v, seen = order[i], 0
        for h in range(H):
            seen += count[h, v]
        if seen > 0 and eligible[v]:
            for h in range(H):
                row = total[h, v, start:stop]  # counted from 0: an index that could be negative is not vectorised
                for c in range(width):
                    value[c] = row[c] if h == 0 else value[c] + row[c]
            near = 0  # few tokens are: all neurons at once are asked first, without a division
            for c in range(width):
                near += value[c] >= NEARLY * needed[c] * seen
            if near > 0:
                for c in range(width):
                    mean_of_v = value[c] / seen
                    if mean_of_v >= needed[c] and mean_of_v > best[c]:  # of equal ones the smaller id, read first
                        best[c], own[c] = mean_of_v, v
                        some = True
        if last[i] and some:
            some = False
            for c in range(width):
                if best[c] > 0:
                    n[start + c] = _offer(best[c], own[c], mean[start + c], token_id[start + c], n[start + c], k)
                    best[c] = 0.0
                    if n[start + c] == k:
                        needed[c] = mean[start + c, 0]
    for c in range(start, stop):  # heap sort: the worst goes last
        for length in range(n[c] - 1, 0, -1):
            mean[c, 0], mean[c, length] = mean[c, length], mean[c, 0]
            token_id[c, 0], token_id[c, length] = token_id[c, length], token_id[c, 0]
            _sink(mean[c], token_id[c], length, 0)


def top_tokens(
    total: np.ndarray, count: np.ndarray, eligible: np.ndarray, k: int, *, form: np.ndarray | None = None
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
    form : int32 (V,), optional
        Tokens of one form count once: as the most active of them.

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
    order = np.arange(len(eligible)) if form is None else np.argsort(form, kind="stable")
    last = np.ones(len(order), dtype=bool)
    if form is not None:
        last[:-1] = form[order[1:]] != form[order[:-1]]
    over_neurons(_core, N, (total, count, eligible, order, last, k), (token_id, mean, n))
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
