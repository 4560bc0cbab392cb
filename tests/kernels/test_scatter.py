from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from intraneuron.kernels import blocks
from intraneuron.kernels.scatter import (
    add_columns,
    add_rows,
    add_short_rows,
    compact_rows,
    in_row_order,
    parts_in_order,
    spread,
    spread_bytes,
)


@pytest.mark.parametrize("n_keys", [30, 4000])
def test_sums_by_row_are_the_sums_by_key(n_keys: int) -> None:
    rng = np.random.default_rng(n_keys)
    key = rng.integers(0, n_keys, size=(60, 7))
    counted, values = rng.random(key.shape) < 0.7, rng.integers(0, 9, size=(*key.shape, 5)).astype(float)
    rows = compact_rows(np.where(counted, key, -1), counted, n_keys)
    table = np.zeros((len(rows.seen), 5))
    np.add.at(table, rows.index[counted], values[counted])
    expected = np.zeros((n_keys, 5))
    np.add.at(expected, key[counted], values[counted])
    np.testing.assert_array_equal(spread(table, rows), expected)
    np.testing.assert_array_equal(rows.count, np.bincount(key[counted], minlength=n_keys))


def test_a_table_of_rare_keys_is_small_and_one_of_common_keys_is_not_copied() -> None:
    key, counted = np.array([7, 2, 7]), np.ones(3, dtype=bool)
    rare, common = compact_rows(key, counted, 100), compact_rows(key % 3, counted, 3)
    assert rare.seen.tolist() == [2, 7]
    assert rare.index.tolist() == [1, 0, 1]
    table = np.arange(6.0).reshape(3, 2)
    assert np.shares_memory(spread(table, common), table)
    assert spread_bytes(common, 2) == 0
    assert 0 < spread_bytes(rare, 2) <= 100 * 2 * 4


def test_nothing_counted_leaves_a_table_of_zeros() -> None:
    rows = compact_rows(np.array([1, 2]), np.zeros(2, dtype=bool), 4)
    assert rows.index.tolist() == [-1, -1]
    assert spread(np.ones((0, 3)), rows).tolist() == [[0] * 3] * 4


def test_adding_in_the_order_of_rows_is_adding_position_by_position_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    index = np.where(rng.random(3000) < 0.1, -1, rng.zipf(1.5, 3000) % 50).astype(np.int64)
    values = rng.normal(size=(3000, 70)).astype(np.float32)
    columns = np.array([3, 60, 7])
    expected = np.zeros((50, 70), dtype=np.float32)
    for row, value in zip(index, values, strict=True):
        if row >= 0:
            expected[row] += value
    table, part = np.zeros((50, 70), dtype=np.float32), np.zeros((50, 3), dtype=np.float32)
    plain, lost = np.full(50, -1), np.zeros((0, 70), dtype=np.float32)
    for start in range(0, 3000, 1000):
        batch, rows = values[start : start + 1000], index[start : start + 1000]
        order = in_row_order(rows)
        assert len(order) == (rows >= 0).sum()
        assert (np.diff(rows[order]) >= 0).all()
        bounds = parts_in_order(order, rows)
        assert (bounds[0], bounds[-1]) == (0, len(order))
        for some in pairwise(bounds):
            add_rows(*some, batch, 0, order, rows, table, plain, lost)
            add_columns(*some, batch.view(np.uint32), columns, order, rows, part, plain, lost)
    np.testing.assert_array_equal(table, expected)
    np.testing.assert_array_equal(part, expected[:, columns])


def test_bits_of_bfloat16_are_added_as_the_numbers_that_they_are() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(900, 40)) * np.exp(6 * rng.normal(size=(900, 1)))
    wide = (numbers.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    short = (wide.view(np.uint32) >> np.uint32(16)).astype(np.uint16)
    index = (rng.zipf(1.5, 900) % 20).astype(np.int64)
    order, columns = in_row_order(index), np.array([2, 39, 11])
    frequent = np.where(np.arange(20) == 1, 0, -1)
    for first, width in ((0, 40), (7, 20)):
        tables = [np.zeros((20, width), dtype=np.float32) for _ in range(2)]
        lost = [np.zeros((1, width), dtype=np.float32) for _ in range(2)]
        add_rows(0, 900, wide, first, order, index, tables[0], frequent, lost[0])
        add_short_rows(0, 900, short, first, order, index, tables[1], frequent, lost[1])
        np.testing.assert_array_equal(tables[0], tables[1])
        np.testing.assert_array_equal(lost[0], lost[1])
        assert lost[0].any()
    parts = [np.zeros((20, 3), dtype=np.float32) for _ in range(2)]
    over = np.zeros((1, 3), dtype=np.float32)
    add_columns(0, 900, wide.view(np.uint32), columns, order, index, parts[0], frequent, over)
    add_columns(0, 900, short, columns, order, index, parts[1], frequent, np.zeros_like(over))
    np.testing.assert_array_equal(parts[0], parts[1])
    assert parts[0].any()


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_no_row_is_in_two_threads(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    monkeypatch.setattr(blocks, "n_threads", lambda: threads)
    rng = np.random.default_rng(threads)
    for rows in (1, 2, 5, 400):
        index = np.where(rng.random(300) < 0.2, -1, rng.integers(0, rows, 300))
        order = in_row_order(index)
        bounds = parts_in_order(order, index)
        assert (bounds[0], bounds[-1], len(bounds)) == (0, len(order), threads + 1)
        assert bounds == sorted(bounds)
        seen = [set(index[order[lo:hi]].tolist()) for lo, hi in pairwise(bounds)]
        assert sum(map(len, seen)) == len(set().union(*seen))
        if rows == 400:
            assert max(hi - lo for lo, hi in pairwise(bounds)) < 2 * len(order) / threads + 5
    assert parts_in_order(np.array([], dtype=np.int64), np.array([-1])) == [0] * (threads + 1)
