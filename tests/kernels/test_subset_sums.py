"""Against complete enumeration, and a million draws."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from intraneuron.kernels.subset_sums import drawn_upper, largest_upper, saddlepoint_upper


def all_sums(w: np.ndarray, size: int) -> np.ndarray:
    return np.array([w[list(chosen)].sum() for chosen in combinations(range(len(w)), size)])


@pytest.mark.parametrize("skew", [0.1, 0.7, 1.0])
@pytest.mark.parametrize("size", [10, 14])
def test_the_saddlepoint_is_within_a_tenth_of_a_million_draws(skew: float, size: int) -> None:
    rng = np.random.default_rng(int(10 * skew) + size)
    w = rng.lognormal(0, skew, size=40)
    drawn = np.sort(rng.permuted(np.tile(w, (1_000_000, 1)), axis=1)[:, :size].sum(axis=1))
    for share in (0.1, 0.01, 0.001):
        total = drawn[int((1 - share) * len(drawn))]
        assert saddlepoint_upper(w, size, total) == pytest.approx(share, rel=0.1), share


@pytest.mark.parametrize("share", [0.2, 0.02, 0.002])
def test_draws_have_the_exact_p_on_average(share: float) -> None:
    w = np.random.default_rng(0).gamma(1.0, size=14)
    sums = np.sort(all_sums(w, 5))
    total = sums[int((1 - share) * len(sums))]
    exact = (sums >= total - 1e-9).mean()
    p = [drawn_upper(w, 5, total, 99_999, 200, np.uint64(i)) for i in range(20)]
    assert np.mean(p) == pytest.approx(exact, rel=0.08)


def test_the_largest_sum_and_equal_numbers_have_no_saddlepoint() -> None:
    w = np.arange(40.0)
    assert np.isnan(saddlepoint_upper(w, 12, w[-12:].sum()))
    assert np.isnan(saddlepoint_upper(np.ones(40), 12, 12.0))
    assert np.isnan(saddlepoint_upper(w, 12, 12 * w.mean()))


@pytest.mark.parametrize(
    "w", [np.arange(12.0), np.array([5.0, 5, 5, 5, 4, 3, 3, 2, 1, 0, 0, 0])], ids=["plain", "ties"]
)
@pytest.mark.parametrize("size", [1, 3, 5, 7, 10])
def test_the_largest_sum_has_the_share_of_all_subsets_that_reach_it(w: np.ndarray, size: int) -> None:
    sums = all_sums(w, size)
    assert largest_upper(w[::-1], size, sums.max()) == pytest.approx((sums >= sums.max()).mean(), rel=1e-12)
    assert np.isnan(largest_upper(w, size, sums.max() - 1e-6))


def test_draws_stop_after_enough_exceedances() -> None:
    w = np.random.default_rng(1).normal(size=30)
    assert drawn_upper(w, 5, -1e9, 99_999, 200, np.uint64(7)) == 1
    assert drawn_upper(w, 5, 1e9, 999, 200, np.uint64(7)) == pytest.approx(1 / 1000)
