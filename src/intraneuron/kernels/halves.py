"""Halves of a text: how far two of them agree on a neuron's activations, and on its core tokens."""

from __future__ import annotations

import numpy as np


def correlation(a: np.ndarray, b: np.ndarray, least: int) -> np.ndarray:
    """Return each neuron's Pearson correlation over the entries that are defined in both tables, float64 (N,).

    NaN with fewer than ``least`` such entries, or when one of the rows does not vary over them. Range -1 to 1.

    Parameters
    ----------
    a, b : float64 (N, K)
        NaN where undefined.
    least : int

    >>> correlation(np.array([[1.0, 2.0, 3.0]]), np.array([[2.0, 4.0, 9.0]]), 3).round(3).tolist()
    [0.971]
    """
    both = np.isfinite(a) & np.isfinite(b)
    size = both.sum(axis=1)
    x, y = (_centred(table, both) for table in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        r = (x * y).sum(axis=1) / np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return np.where(size >= least, r, np.nan)


def rank_correlation(a: np.ndarray, b: np.ndarray, least: int) -> np.ndarray:
    """Return each neuron's Spearman correlation: the :func:`correlation` of the midranks, float64 (N,).

    References
    ----------
    Spearman C (1904). The proof and measurement of association between two things. doi:10.2307/1412159

    >>> rank_correlation(np.array([[1.0, 2.0, 3.0, np.nan]]), np.array([[2.0, 4.0, 3.0, 0.0]]), 3).tolist()
    [0.5]
    """
    both = np.isfinite(a) & np.isfinite(b)
    x, y = (_midranks(np.where(both, table, np.nan)) for table in (a, b))
    return correlation(x, y, least)


def _centred(table: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Return rows minus their mean over the entries used; 0 elsewhere."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(used, table, 0.0).sum(axis=1, keepdims=True) / used.sum(axis=1, keepdims=True)
    # A row that does not vary must be 0 exactly, else rounding would be correlated.
    varies = np.where(used, table, -np.inf).max(axis=1, initial=-np.inf) > np.where(used, table, np.inf).min(
        axis=1, initial=np.inf
    )
    return np.where(used & varies[:, None], table - mean, 0.0)


def _midranks(table: np.ndarray) -> np.ndarray:
    """Return ranks from 1 within rows, ties their mean; NaN stays NaN."""
    place = np.broadcast_to(np.arange(table.shape[1]), table.shape)
    order = np.argsort(table, axis=1, kind="stable")  # NaN goes last
    value = np.take_along_axis(table, order, axis=1)
    starts = np.ones(table.shape, dtype=bool)
    starts[:, 1:] = value[:, 1:] != value[:, :-1]
    ends = np.ones(table.shape, dtype=bool)
    ends[:, :-1] = starts[:, 1:]
    first = np.maximum.accumulate(np.where(starts, place, 0), axis=1)
    last = np.minimum.accumulate(np.where(ends, place, table.shape[1])[:, ::-1], axis=1)[:, ::-1]
    rank = np.full(table.shape, np.nan)
    np.put_along_axis(rank, order, np.where(np.isnan(value), np.nan, (first + last) / 2 + 1), axis=1)
    return rank


def stepped_up(r: np.ndarray) -> np.ndarray:
    """Return the reliability of a whole whose halves correlate by r: Spearman-Brown, 2r/(1 + r).

    At most 1; NaN stays NaN.

    References
    ----------
    Spearman C (1910). doi:10.1111/j.2044-8295.1910.tb00206.x
    Brown W (1910). doi:10.1111/j.2044-8295.1910.tb00207.x

    >>> stepped_up(np.array([0.5, 1.0])).round(3).tolist()
    [0.667, 1.0]
    """
    with np.errstate(divide="ignore"):
        return np.asarray(2 * r / (1 + r))


def in_common(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the share of tokens of the shorter list that are in the other one, too, float64 (N,).

    NaN where a list is empty. Range 0 to 1.

    Parameters
    ----------
    a, b : int (N, K), (N, L)
        Different token ids in each row; -1 where padded.

    >>> in_common(np.array([[4, 2, 7]]), np.array([[2, 9, -1]])).tolist()
    [0.5]
    """
    together = np.sort(np.concatenate([a, b], axis=1), axis=1)
    common = ((together[:, 1:] == together[:, :-1]) & (together[:, 1:] >= 0)).sum(axis=1)
    shorter = np.minimum((a >= 0).sum(axis=1), (b >= 0).sum(axis=1))
    return np.where(shorter > 0, common / np.maximum(shorter, 1), np.nan)
