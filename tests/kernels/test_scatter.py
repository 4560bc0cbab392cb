from __future__ import annotations

import numpy as np
import pytest

from intraneuron.kernels.scatter import compact_rows, spread, spread_bytes


@pytest.mark.parametrize("n_keys", [30, 4000])
def test_sums_by_row_are_the_sums_by_key(n_keys: int) -> None:
    rng = np.random.default_rng(n_keys)
    key = rng.integers(0, n_keys, size=(60, 7))
    counted, values = rng.random(key.shape) < 0.7, rng.integers(0, 9, size=(*key.shape, 5)).astype(float)
    rows = compact_rows(np.where(counted, key, -1), counted, n_keys)
    table = np.zeros((len(rows.seen) + 1, 5))
    np.add.at(table, rows.index.ravel(), values.reshape(-1, 5))
    expected = np.zeros((n_keys, 5))
    np.add.at(expected, key[counted], values[counted])
    np.testing.assert_array_equal(spread(table, rows), expected)
    np.testing.assert_array_equal(rows.count, np.bincount(key[counted], minlength=n_keys))


def test_a_table_of_rare_keys_is_small_and_one_of_common_keys_is_not_copied() -> None:
    key, counted = np.array([7, 2, 7]), np.ones(3, dtype=bool)
    rare, common = compact_rows(key, counted, 100), compact_rows(key % 3, counted, 3)
    assert rare.seen.tolist() == [2, 7]
    assert rare.index.tolist() == [1, 0, 1]
    table = np.arange(8.0).reshape(4, 2)
    assert np.shares_memory(spread(table, common), table)
    assert spread_bytes(common, 2) == 0
    assert 0 < spread_bytes(rare, 2) <= 100 * 2 * 4


def test_nothing_counted_leaves_a_table_of_zeros() -> None:
    rows = compact_rows(np.array([1, 2]), np.zeros(2, dtype=bool), 4)
    assert rows.index.tolist() == [0, 0]
    assert spread(np.ones((1, 3)), rows).tolist() == [[0] * 3] * 4
