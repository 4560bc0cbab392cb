"""Against the definition, complete enumeration, and what must hold under the null."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from tests.made_up import make_batch

from intraneuron.kernels.selectivity import Selectivity, selectivity

KEYS = np.zeros((3, 1), dtype=np.int64)


def of_one(activation: np.ndarray, category: np.ndarray) -> Selectivity:
    n, k = np.array([len(activation)]), np.array([category.max() + 1])
    return selectivity(activation[None], category[None].astype(np.int16), n, k, keys=KEYS)


def test_selectivity_is_the_share_of_activation_minus_the_share_of_tokens() -> None:
    b = make_batch(12, 40, seed=4)
    found = selectivity(b.activation, b.category, b.n, b.n_categories, keys=b.keys)
    tested = 0
    for i, k in enumerate(b.n_categories):
        if k < 2:
            assert np.isnan(found.selectivity[i]).all()
            continue
        tested += 1
        above = b.activation[i, : b.n[i]] - b.activation[i, b.n[i] - 1]
        label = b.category[i, : b.n[i]]
        for c in range(k):
            share = above[label == c].sum() / above[label >= 0].sum()
            assert found.share[i, c] == pytest.approx(share)
            assert found.selectivity[i, c] == pytest.approx(share - (label == c).sum() / (label >= 0).sum())
        assert np.nansum(found.selectivity[i]) == pytest.approx(0, abs=1e-12)
        assert np.isnan(found.selectivity[i, k:]).all()
    assert tested > 5


def test_mean_and_spread_are_those_of_all_deals() -> None:
    activation = np.array([9.0, 7, 6.5, 4, 3, 2.5, 1, 0.5])
    found = of_one(activation, np.array([0, 1, 0, 1, 1, 0, 1, 1]))
    w = activation - activation[-1]
    sums = np.array([w[list(chosen)].sum() for chosen in combinations(range(8), 3)]) / w.sum()
    assert found.null_mean[0, 0] == pytest.approx(sums.mean())
    assert found.null_std[0, 0] == pytest.approx(sums.std())


@pytest.mark.parametrize("sizes", [(4, 16), (12, 28), (10, 10, 10), (40, 30, 30)])
def test_p_is_uniform_when_activations_are_dealt_at_random(sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    labels, m = np.repeat(np.arange(len(sizes)), sizes), sum(sizes)
    activation = -np.sort(-rng.gamma(0.7, size=m))
    N = 4000
    category = np.stack([rng.permutation(labels) for _ in range(N)]).astype(np.int16)
    keys = np.stack([np.zeros(N), np.zeros(N), np.arange(N)]).astype(np.int64)
    full = np.full(N, m), np.full(N, len(sizes))
    found = selectivity(np.tile(activation, (N, 1)), category, *full, keys=keys)
    for share in (0.2, 0.05, 0.01):
        low, high = stats.binom(N, share).ppf([1e-5, 1 - 1e-5])
        hits = int((found.p[:, 0] <= share).sum())
        assert low <= hits <= high, (share, hits / N)


def test_p_is_two_sided() -> None:
    rising = of_one(np.arange(40.0, 0, -1), np.repeat([0, 1], 20))
    np.testing.assert_allclose(rising.p[0, 0], rising.p[0, 1], rtol=1e-6)
    assert rising.p[0, 0] < 1e-6
    assert rising.selectivity[0, 0] > 0 > rising.selectivity[0, 1]


def test_a_small_category_and_all_others_have_one_p() -> None:
    activation = -np.sort(-np.random.default_rng(2).gamma(0.7, size=40))
    label = np.ones(40, dtype=int)
    label[[1, 3, 9, 12]] = 0
    found = of_one(activation, label)
    assert found.p[0, 0] < 0.2
    assert found.p[0, 0] == pytest.approx(found.p[0, 1], rel=1e-9)


def test_no_category_has_a_smaller_p_than_the_one_that_takes_the_top() -> None:
    activation = np.arange(40.0, 0, -1) ** 1.3
    top = np.repeat([0, 1], [15, 25])
    swapped = top.copy()
    swapped[[14, 15]] = 1, 0
    first, second = of_one(activation, top), of_one(activation, swapped)
    assert first.p[0, 0] == pytest.approx(2 / 40225345056, rel=1e-9)  # 40 choose 15
    assert first.p[0, 0] < second.p[0, 0] < 1e-6


def test_p_is_not_below_that_of_the_rarest_deal() -> None:
    found = of_one(np.r_[np.full(3, 50.0), np.arange(17.0, 0, -1)], np.repeat([0, 1], [3, 17]))
    assert found.p[0, 0] >= 2 / 1140


def test_equal_activations_have_no_selectivity() -> None:
    found = of_one(np.full(30, 2.0), np.arange(30) % 3)
    assert all(np.isnan(table).all() for table in found)
