"""Sums by key in compact tables: which row each position adds to, and the full array afterwards.

Most tokens of a vocabulary do not occur in most parts of a text. A table holds only rows of keys that occur,
and one more at its end that takes what is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Rows:
    """The rows of a compact table.

    Attributes
    ----------
    index : int64 array, of the shape of the keys
        Row of the table that each position adds to; ``len(seen)`` when it is not counted.
    seen : int64 array, (R,)
        Key of each row, ascending.
    count : int64 array, (n_keys,)
        How often each key is counted.
    """

    index: np.ndarray
    seen: np.ndarray
    count: np.ndarray


def compact_rows(key: np.ndarray, counted: np.ndarray, n_keys: int) -> Rows:
    """Return the rows of a table of sums by key.

    When more than half of the keys occur, every key has a row: :func:`spread` then copies nothing.

    Parameters
    ----------
    key : int array, any shape
        In [0, n_keys) where counted; anything elsewhere.
    counted : bool array, of the same shape
    n_keys : int

    >>> compact_rows(np.array([7, 2, 7, 5]), np.array([True, True, True, False]), 9).index
    array([1, 0, 1, 2])
    """
    count = np.bincount(key[counted], minlength=n_keys).astype(np.int64)
    seen = np.flatnonzero(count)
    if 2 * len(seen) > n_keys:
        seen = np.arange(n_keys)
    row_of = np.zeros(n_keys, dtype=np.int64)
    row_of[seen] = np.arange(len(seen))
    index = np.full(key.shape, len(seen), dtype=np.int64)
    index[counted] = row_of[key[counted]]
    return Rows(index, seen, count)


def spread(table: np.ndarray, rows: Rows) -> np.ndarray:
    """Return the table with a row for every key, (n_keys, N); zero where a key does not occur.

    ``table`` is (R + 1, N). The result is a view of it when every key has a row.
    """
    sums = table[:-1]
    if len(rows.seen) == len(rows.count):
        return sums
    out = np.zeros((len(rows.count), table.shape[1]), dtype=table.dtype)
    out[rows.seen] = sums
    return out
