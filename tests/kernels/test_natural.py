from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from intraneuron.kernels.natural import FIT, natural_breaks


def within(values: np.ndarray, label: np.ndarray) -> float:
    return float(sum(((values[label == g] - values[label == g].mean()) ** 2).sum() for g in np.unique(label)))


@pytest.mark.parametrize("groups", [2, 3, 4])
def test_no_other_cut_into_as_many_groups_has_less_squares_within(groups: int) -> None:
    rng = np.random.default_rng(groups)
    values = -np.sort(-rng.exponential(size=(20, 12)), axis=1)
    label = natural_breaks(values, np.full(20, 12), groups)
    for row, found in zip(values, label, strict=True):
        every = [np.searchsorted(cuts, np.arange(12), side="right") for cuts in combinations(range(1, 12), groups - 1)]
        assert within(row, found) == pytest.approx(min(within(row, one) for one in every), abs=1e-12)
        assert found[0] == 0
        assert found[-1] == groups - 1


def test_as_few_groups_as_fit_and_ten_when_none_do() -> None:
    rng = np.random.default_rng(0)
    levels = np.repeat([9.0, 5.0, 1.0], 20) + rng.uniform(-0.1, 0.1, 60)
    many = np.repeat(np.arange(40.0), 2)[::-1] ** 3
    rows = np.full((2, 80), np.nan)
    rows[0, :60], rows[1] = -np.sort(-levels), many
    label = natural_breaks(rows, np.array([60, 80]))
    assert label[0].max() == 2
    total = ((many - many.mean()) ** 2).sum()
    G = int(label[1].max()) + 1
    assert within(many, label[1]) <= (1 - FIT) * total
    fewer = natural_breaks(rows[1:], np.array([80]), G - 1)[0]
    assert within(many, fewer) > (1 - FIT) * total


def test_alone_values_stay_together_and_padding_has_no_group() -> None:
    row = np.array([[5.0, 5.0, 5.0, 1.0, 1.0, np.nan]])
    assert natural_breaks(row, np.array([5])).tolist() == [[0, 0, 0, 1, 1, -1]]
    assert natural_breaks(row, np.array([0])).tolist() == [[-1] * 6]
    assert natural_breaks(row[:, :3], np.array([2]), 5).tolist() == [[0, 1, -1]]
