from __future__ import annotations

import numpy as np
import pytest

from intraneuron.kernels.scatter import FEW, compact_rows, in_row_order, parts_in_order
from intraneuron.pipeline.sums import Batch, Sums


def added(key: np.ndarray, values: np.ndarray, column: np.ndarray, times: int = 1) -> Sums:
    every = np.tile(key, (times, 1))
    rows = compact_rows(every, np.ones(every.shape, dtype=bool), int(key.max()) + 1)
    table = Sums.start("neurons", rows, column)
    for index in rows.index:
        order = in_row_order(index)
        table.add(values, Batch(order, parts_in_order(order, index), index, None), index)
    return table


@pytest.mark.parametrize("column", [np.arange(6), np.arange(2, 5), np.array([0, 4]), np.array([3])])
def test_columns_are_summed_wherever_they_stand(column: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    key, values = rng.integers(0, 5, (1, 200)), rng.normal(size=(200, 6)).astype(np.float32)
    expected = np.zeros((5, 6))
    np.add.at(expected, key[0], values.astype(np.float64))
    np.testing.assert_allclose(added(key, values, column).total, expected[:, column], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("column", [np.arange(3), np.array([0, 2])], ids=["slice", "subset"])
def test_sums_of_ten_million_occurrences_are_those_of_float64(column: np.ndarray) -> None:
    """Ten million of 0.1: added one after the other in float32 they make 1,087,937, and 2^24 of them no more ones."""
    values = np.tile(np.array([[0.1, -3.7, 1e-3]], dtype=np.float32), (100_000, 1))
    table = added(np.zeros((1, 100_000), dtype=int), values, column, times=100)
    exact = 1e7 * values[0, column].astype(np.float64)
    np.testing.assert_allclose(table.total[0], exact, rtol=2e-7)
    one_by_one = np.cumsum(values[:, 0], dtype=np.float32)[-1]
    assert abs(one_by_one / 1e4 - 1) > 1e-5  # of the first 100,000 alone: what the compensation is for


def test_sums_of_changing_sign_keep_the_error_of_one_addition() -> None:
    rng = np.random.default_rng(1)
    values = (rng.normal(size=(50_000, 4)) * 10.0 ** rng.integers(-3, 4, (50_000, 4))).astype(np.float32)
    table = added(np.zeros((1, 50_000), dtype=int), values, np.arange(4), times=20)
    exact, size = 20 * values.sum(axis=0, dtype=np.float64), 20 * np.abs(values).sum(axis=0, dtype=np.float64)
    assert (np.abs(table.total[0] - exact) <= 2.0**-23 * size).all()


def test_rows_of_few_sightings_are_within_the_bound_of_plain_sums_and_carry_no_compensation() -> None:
    rng = np.random.default_rng(2)
    key = np.repeat([0, 1], [FEW, FEW + 1])[None]
    values = rng.normal(size=(key.size, 3)).astype(np.float32)
    table = added(key, values, np.arange(3))
    assert table.rows.frequent.tolist() == [-1, 0]
    assert table.lost.shape == (1, 3)
    few = values[:FEW].astype(np.float64)
    assert (np.abs(table.total[0] - few.sum(axis=0)) <= FEW / 2.0**24 * np.abs(few).sum(axis=0)).all()
