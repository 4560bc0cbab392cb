"""Sums by key in compact tables: which row each position adds to, and the full array afterwards.

Most tokens of a vocabulary do not occur in most parts of a text. A table holds only rows of keys that occur.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from intraneuron.kernels.blocks import in_parts, parts_of
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


def parts_in_order(order: np.ndarray, index: np.ndarray) -> list[int]:
    """Return where threads begin in :func:`in_row_order`: about equally many positions each, no row in two of them.

    So every sum is made by one thread, in one order.
    """
    row = index[order]
    begins = np.flatnonzero(np.diff(row, prepend=-1))
    bounds = np.array(parts_of(len(order)))
    if len(order):
        bounds[1:-1] = begins[np.searchsorted(begins, bounds[1:-1], side="right") - 1]
    return [int(bound) for bound in bounds]


@compiled()
def add_rows(start, stop, values, first, order, index, table, frequent, lost):  # type: ignore[no-untyped-def]
    """Add N columns of ``values[p]``, from ``first`` on, to ``table[index[p]]`` for positions p of ``order``.

    Sums of many are compensated (Kahan): what one addition in float32 loses is taken back by the next, so that the
    error stays below 2^-23 of the sum of absolute values, however many are added. Plain sums would stand still after
    2^24 equal values.

    Parameters
    ----------
    start, stop : int
        Places in ``order``.
    values : float32 (P, first + N or more)
    first : int
    order, index : int64 (P',) and (P,)
    table : float32 (R, N)
    frequent : int64 (R,)
        Row of ``lost`` that a row has; -1 when none.
    lost : float32 (F, N)
        What the last addition put too much on the sum.
    """
    for p in order[start:stop]:
        _add(values[p, first : first + table.shape[1]], index[p], table, frequent, lost)


@compiled()
def add_short_rows(start, stop, values, first, order, index, table, frequent, lost):  # type: ignore[no-untyped-def]
    """Add as :func:`add_rows` does; ``values`` are the bits of bfloat16, uint16, the upper halves of float32."""
    bits = np.empty(table.shape[1], dtype=np.uint32)
    for p in order[start:stop]:
        given = values[p, first : first + table.shape[1]]
        for j in range(len(bits)):  # a product is compiled to vectors, a shift here is not
            bits[j] = np.uint32(np.uint32(given[j]) * np.uint32(2**16))
        _add(bits.view(np.float32), index[p], table, frequent, lost)


@compiled()
def add_columns(start, stop, values, columns, order, index, table, frequent, lost):  # type: ignore[no-untyped-def]
    """Add some columns of ``values[p]`` to ``table[index[p]]``: as :func:`add_rows`, table is (R, len(columns)).

    ``values`` are the bits of float32, uint32, or of bfloat16, uint16.
    """
    up = np.uint32(2 ** (32 - 8 * values.itemsize))
    bits = np.empty(len(columns), dtype=np.uint32)
    for p in order[start:stop]:
        for j in range(len(columns)):
            bits[j] = np.uint32(np.uint32(values[p, columns[j]]) * up)
        _add(bits.view(np.float32), index[p], table, frequent, lost)


@compiled()
def _add(value, row, table, frequent, lost):  # type: ignore[no-untyped-def]
    """Add a row of numbers to a row of the table."""
    own, into = frequent[row], table[row]
    if own < 0:
        for j in range(len(into)):
            into[j] += value[j]
    else:
        over = lost[own]
        for j in range(len(into)):
            more = value[j] - over[j]
            total = into[j] + more
            over[j] = (total - into[j]) - more
            into[j] = total


def spread(table: np.ndarray, rows: Rows) -> np.ndarray:
    """Return the table with a row for every key, (n_keys, N); zero where a key does not occur.

    ``table`` is (R, N). The result is the table itself when every key has a row.
    """
    if rows.full:
        return table
    out = _zeros(len(rows.count), table.shape[1], table.dtype)
    in_parts(copy_rows, parts_of(len(rows.seen)), (table, rows.seen), (out,))
    return out


@compiled()
def copy_rows(start, stop, table, seen, out):  # type: ignore[no-untyped-def]
    """Copy rows of a table to the rows ``seen`` of another: mostly the time of the kernel, which gives new pages."""
    for row in range(start, stop):
        out[seen[row]] = table[row]


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
