"""Sums by key in compact tables: which row each position adds to, and the full array afterwards.

Most tokens of a vocabulary do not occur in most parts of a text. A table holds only rows of keys that occur,
and one more at its end that takes what is not counted.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass

import numpy as np

PAGE = mmap.PAGESIZE


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

    @property
    def full(self) -> bool:
        """Whether every key has a row."""
        return len(self.seen) == len(self.count)


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
    if rows.full:
        return sums
    out = _zeros(len(rows.count), table.shape[1], table.dtype)
    out[rows.seen] = sums
    return out


def spread_bytes(rows: Rows, width: int, itemsize: int = 4) -> int:
    """Return the memory that :func:`spread` takes for a table of this width."""
    row = width * itemsize
    return 0 if rows.full else min(len(rows.count) * row, len(rows.seen) * (row + PAGE))


def _zeros(n: int, width: int, dtype: np.dtype) -> np.ndarray:
    """Return zeros of which only written pages take memory.

    numpy asks for huge pages, and a few rows in each fill all of them.
    """
    size = n * width * dtype.itemsize
    if size == 0 or not hasattr(mmap, "MAP_PRIVATE"):
        return np.zeros((n, width), dtype=dtype)
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(pages, dtype=dtype).reshape(n, width)
