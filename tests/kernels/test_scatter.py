from __future__ import annotations

import numpy as np
import pytest

from intraneuron.kernels.scatter import add_columns, add_rows, compact_rows, in_row_order, spread, spread_bytes


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
        add_rows(batch, 0, order, rows, table, plain, lost)
        add_columns(batch, columns, order, rows, part, plain, lost)
    np.testing.assert_array_equal(table, expected)
    np.testing.assert_array_equal(part, expected[:, columns])
