"""Contexts: where in a text a neuron is most active, and what it does around a place."""

from __future__ import annotations

import numpy as np

from intraneuron.kernels.compiled import compiled


def stretches(counted: np.ndarray, begins: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each counted position, where the stretch of counted positions around it begins and ends.

    A stretch is of one document: special tokens stand between two, or it is said where one begins.

    Parameters
    ----------
    counted : bool (W, C)
    begins : bool (W, C), optional
        First tokens of documents.

    Returns
    -------
    begin, end : int32 (W, C)
        The first position of the stretch, and the one after its last; 0 where not counted.

    >>> stretches(np.array([[False, True, True, False, True]]))
    (array([[0, 1, 1, 0, 4]], dtype=int32), array([[0, 3, 3, 0, 5]], dtype=int32))
    """
    if begins is None:
        begins = np.zeros_like(counted)
    size = counted.shape[1]
    place = np.broadcast_to(np.arange(size, dtype=np.int32), counted.shape)
    opens = np.where(counted, np.where(begins, place, 0), place + 1)  # the first place that a stretch can have
    closes = np.full(counted.shape, size, dtype=np.int32)
    closes[:, :-1] = np.where(counted & ~begins, size, place)[:, 1:]  # the next place that another stretch has
    begin = np.maximum.accumulate(opens, axis=1)
    end = np.minimum.accumulate(closes[:, ::-1], axis=1)[:, ::-1]
    begin, end = np.where(counted, begin, 0), np.where(counted, end, 0)
    return begin.astype(np.int32), end.astype(np.int32)


@compiled()
def keep_top(values, counted, begin, end, window, before, after, best, place, start, around):  # type: ignore[no-untyped-def]
    """Keep, of every neuron, the T windows with its highest activation, and what it does around the place.

    Ties: the earlier window. Only activations above 0 are kept.

    Parameters
    ----------
    values : float32 (C, N)
        Activations in one window.
    counted : bool (C,)
    begin, end : int32 (C,)
        As :func:`stretches` returns them.
    window : int
        Its number.
    before, after : int
        How many tokens around the place are kept.
    best : float32 (N, T)
        Highest activations so far, descending; 0 where there is none.
    place : int64 (N, T, 2)
        Window and position of each; -1 where there is none.
    start : int32 (N, T)
        Position of the first token that is kept.
    around : float32 (N, T, before + 1 + after)
        Activations from ``start`` on; NaN beyond the stretch.
    """
    n, slots, length = values.shape[1], best.shape[1], around.shape[2]
    highest = np.full(n, -np.inf, dtype=np.float32)
    at = np.zeros(n, dtype=np.int64)
    for p in range(values.shape[0]):
        if counted[p]:
            for j in range(n):
                if values[p, j] > highest[j]:
                    highest[j] = values[p, j]
                    at[j] = p
    for j in range(n):
        if not highest[j] > best[j, slots - 1]:
            continue
        slot = slots - 1
        while slot > 0 and highest[j] > best[j, slot - 1]:
            best[j, slot] = best[j, slot - 1]
            start[j, slot] = start[j, slot - 1]
            for i in range(2):
                place[j, slot, i] = place[j, slot - 1, i]
            for i in range(length):
                around[j, slot, i] = around[j, slot - 1, i]
            slot -= 1
        p = at[j]
        first, last = max(begin[p], p - before), min(end[p], p + after + 1)
        best[j, slot] = highest[j]
        place[j, slot, 0] = window
        place[j, slot, 1] = p
        start[j, slot] = first
        for i in range(length):
            around[j, slot, i] = values[first + i, j] if first + i < last else np.nan


@compiled()
def copy_around(values, window, neuron, start, stop, out):  # type: ignore[no-untyped-def]
    """Copy activations of single neurons in stretches of windows.

    Parameters
    ----------
    values : float32 (B, C, N)
    window, neuron : int64 (M,)
        Which of the B windows, and which neuron.
    start, stop : int32 (M,)
        First position, and the one after the last.
    out : float32 (M, L)
        Filled from the left; the rest stays.
    """
    for m in range(len(window)):
        for i in range(start[m], stop[m]):
            out[m, i - start[m]] = values[window[m], i, neuron[m]]
