"""Sums by key in compact tables: which row each position adds to, and the full array afterwards.

Most tokens of a vocabulary do not occur in most parts of a text. A table holds only rows of keys that occur.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from intraneuron.kernels.compiled import compiled

PAGE = mmap.PAGESIZE

FEW = 256
"""Sightings up to which a plain sum in float32 is accurate enough: its error is below FEW / 2^24, 1.5e-5, of the sum of
absolute values. Rows of more sightings carry a compensation."""


@dataclass(frozen=True)
class Rows:
    """The rows of a compact table.

    Attributes
    ----------
    index : int64 array, of the shape of the keys
        Row of the table that each position adds to; -1 when it is not counted.
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

    @cached_property
    def frequent(self) -> np.ndarray:
        """Row of the compensations that a row of the table has, int64 (R,); -1 for one of FEW sightings or fewer."""
        many = self.count[self.seen] > FEW
        return np.where(many, np.cumsum(many) - 1, -1)

    @property
    def n_frequent(self) -> int:
        """How many rows carry a compensation."""
        return int((self.frequent >= 0).sum())


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
    array([ 1,  0,  1, -1])
    """
    count = np.bincount(key[counted], minlength=n_keys).astype(np.int64)
    seen = np.flatnonzero(count)
    if 2 * len(seen) > n_keys:
        seen = np.arange(n_keys)
    row_of = np.zeros(n_keys, dtype=np.int64)
    row_of[seen] = np.arange(len(seen))
    index = np.full(key.shape, -1, dtype=np.int64)
    index[counted] = row_of[key[counted]]
    return Rows(index, seen, count)


def in_row_order(index: np.ndarray) -> np.ndarray:
    """Return the counted positions, int64 (P,), those of one row together and in their own order.

    Adding in this order gives the digits of adding position by position, with a table's row staying in cache.
    """
    order = np.argsort(index, kind="stable")
    return order[np.count_nonzero(index < 0) :]


@compiled()
def add_rows(values, first, order, index, table, frequent, lost):  # type: ignore[no-untyped-def]
    """Add N columns of ``values[p]``, from ``first`` on, to ``table[index[p]]`` for each position p of ``order``.

    Sums of many are compensated (Kahan): what one addition in float32 loses is taken back by the next, so that the
    error stays below 2^-23 of the sum of absolute values, however many are added. Plain sums would stand still after
    2^24 equal values.

    One thread: what several would save is less than what they cost when the machine is not idle.

    Parameters
    ----------
    values : float32 (P, first + N or more)
    first : int
    order, index : int64 (P',) and (P,)
    table : float32 (R, N)
    frequent : int64 (R,)
        Row of ``lost`` that a row has; -1 when none.
    lost : float32 (F, N)
        What the last addition put too much on the sum.
    """
    for p in order:
        row = index[p]
        own = frequent[row]
        if own < 0:
            for j in range(table.shape[1]):
                table[row, j] += values[p, first + j]
        else:
            for j in range(table.shape[1]):
                value = values[p, first + j] - lost[own, j]
                total = table[row, j] + value
                lost[own, j] = (total - table[row, j]) - value
                table[row, j] = total


@compiled()
def add_columns(values, columns, order, index, table, frequent, lost):  # type: ignore[no-untyped-def]
    """Add some columns of ``values[p]`` to ``table[index[p]]``: as :func:`add_rows`, table is (R, len(columns))."""
    for p in order:
        row = index[p]
        own = frequent[row]
        if own < 0:
            for j in range(len(columns)):
                table[row, j] += values[p, columns[j]]
        else:
            for j in range(len(columns)):
                value = values[p, columns[j]] - lost[own, j]
                total = table[row, j] + value
                lost[own, j] = (total - table[row, j]) - value
                table[row, j] = total


def spread(table: np.ndarray, rows: Rows) -> np.ndarray:
    """Return the table with a row for every key, (n_keys, N); zero where a key does not occur.

    ``table`` is (R, N). The result is the table itself when every key has a row.
    """
    if rows.full:
        return table
    out = _zeros(len(rows.count), table.shape[1], table.dtype)
    out[rows.seen] = table
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
