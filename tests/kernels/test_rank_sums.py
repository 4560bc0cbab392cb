"""Against scipy, exact whole numbers and complete enumeration."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from scipy import stats

from intraneuron.kernels.rank_sums import EXACT, SMALL_GROUP, _small_group_tables, rank_sum_p, tied_rank_sum_p


@pytest.mark.parametrize(
    ("size", "m"), [(1, 9), (3, 20), (10, 20), (17, 20), (40, 100), (60, EXACT), (3, 150), (148, 150), (12, 300)]
)
def test_the_rank_sum_is_scipys_exact_one_for_every_value(size: int, m: int) -> None:
    u = np.arange(size * (m - size) + 1)[:: max(1, size * (m - size) // 60)]
    found = rank_sum_p(u.astype(float), np.full(len(u), size), np.full(len(u), m))
    mean = size * (m - size) / 2
    for value, p in zip(u, found, strict=True):
        lower = min(value, 2 * mean - value)
        exact = _exact_lower(size, m - size)[int(np.floor(lower + 1e-9))]
        assert p == pytest.approx(min(1, 2 * exact), rel=1e-9)


def _exact_lower(a: int, b: int) -> np.ndarray:
    """Return P(U <= u) from the product formula of Gaussian binomials, in exact integers."""
    counts = [1]
    for i in range(1, a + 1):
        up = counts + [0] * (b + i)
        for j in range(b + i, len(up)):
            up[j] -= counts[j - b - i] if j - b - i < len(counts) else 0
        for j in range(i, len(up)):
            up[j] += up[j - i]
        counts = up[: a * b + 1]
    total = np.cumsum(np.array(counts[: a * b + 1], dtype=object))
    return np.array([float(c / total[-1]) for c in total])


def test_the_rank_sum_of_scipy_agrees_on_samples() -> None:
    rng = np.random.default_rng(2)
    for size, m in ((5, 30), (20, 45)):
        a = rng.permutation(m).astype(float)
        test = stats.mannwhitneyu(a[:size], a[size:], method="exact")
        p = rank_sum_p(np.array([test.statistic]), np.array([size]), np.array([m]))
        assert p[0] == pytest.approx(test.pvalue, rel=1e-9)


@pytest.mark.parametrize(("size", "m"), [(30, EXACT + 1), (70, 150), (SMALL_GROUP + 1, 200)])
def test_above_the_enumerated_sizes_the_tail_is_close_to_exact(size: int, m: int) -> None:
    lower = _exact_lower(size, m - size)
    mean, std = size * (m - size) / 2, np.sqrt(size * (m - size) * (m + 1) / 12)
    u = np.floor(mean - np.array([0.3, 1.0, 2.0, 3.0, 3.7]) * std)
    found = rank_sum_p(u, np.full(5, size), np.full(5, m))
    expected = 2 * lower[u.astype(int)]
    np.testing.assert_allclose(found[:4], expected[:4], rtol=0.02)
    np.testing.assert_allclose(found[4], expected[4], rtol=0.2)


@pytest.mark.parametrize(("size", "m"), [(20, 150), (40, 121)])
def test_no_p_is_below_that_of_two_arrangements(size: int, m: int) -> None:
    p = rank_sum_p(np.array([0.0, float(size * (m - size))]), np.full(2, size), np.full(2, m))
    np.testing.assert_allclose(p, 2 / comb(m, size), rtol=1e-9)


VALUES = np.array([9.0, 7, 7, 7, 5, 4, 4, 4, 3, 1, 1, 0.5])


@pytest.mark.parametrize("size", [2, 3, 5, 9])
def test_small_tied_groups_have_the_p_of_all_ways_to_draw_them(size: int) -> None:
    rank = stats.rankdata(VALUES)
    sums = np.array([rank[list(chosen)].sum() for chosen in combinations(range(12), size)])
    mean = size * 13 / 2
    tested = 0
    for total in np.unique(sums):
        u = total - size * (size + 1) / 2
        p = tied_rank_sum_p(VALUES, np.array([u]), np.array([size]))[0]
        exact = (np.abs(sums - mean) >= abs(total - mean) - 1e-9).mean()
        if p < 0.2:
            tested += 1
            assert p == pytest.approx(exact, rel=1e-9)
        else:
            assert exact > 0.1
    assert tested > 1


def test_large_tied_groups_have_scipys_normal_p() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 30, 40).astype(float), rng.integers(4, 34, 50).astype(float)
    test = stats.mannwhitneyu(a, b, method="asymptotic", use_continuity=False)
    found = tied_rank_sum_p(np.concatenate([a, b]), np.array([test.statistic]), np.array([40]))
    assert found[0] == pytest.approx(test.pvalue, rel=1e-9)


def test_tied_p_is_not_below_that_of_one_arrangement() -> None:
    values = np.r_[np.zeros(97), 1.0, 2.0, 3.0]
    found = tied_rank_sum_p(values, np.array([3 * 97.0]), np.array([3]))
    assert found[0] == pytest.approx(1 / comb(100, 3), rel=1e-9)


def test_equal_values_have_no_rank_sum_test() -> None:
    assert np.isnan(tied_rank_sum_p(np.ones(9), np.array([9.0]), np.array([3])))


@pytest.mark.parametrize(("size", "m"), [(13, 121), (20, 200), (50, 200), (60, 121)])
def test_far_out_the_tail_is_close_to_exact_to_ten_digits_behind_the_point(size: int, m: int) -> None:
    lower = _small_group_tables({(size, m)}).cumulative
    mean, std = size * (m - size) / 2, np.sqrt(size * (m - size) * (m + 1) / 12)
    u = np.floor(mean - np.array([1.4, 1.6, 2.5, 4, 4.2, 5, 6]) * std)
    u = u[2 * lower[np.maximum(u, 0).astype(int)] > 1e-11]
    found = rank_sum_p(u, np.full(len(u), size), np.full(len(u), m))
    assert len(u) > 5
    np.testing.assert_allclose(found, 2 * lower[u.astype(int)], rtol=0.05)


@pytest.mark.parametrize(("high", "size"), [(5, 30), (40, 50), (2, 70)])
def test_large_groups_of_two_values_have_the_hypergeometric_p(high: int, size: int) -> None:
    values = np.repeat([0.0, 1.0], [100 - high, high])
    law = stats.hypergeom(100, high, size)
    for inside in range(high + 1):
        low_inside, low_outside = size - inside, 100 - high - size + inside
        if min(low_inside, low_outside) < 0:
            continue
        u = inside * low_outside + (inside * (high - inside) + low_inside * low_outside) / 2
        far = np.abs(np.arange(high + 1) - size * high / 100)
        exact = law.pmf(np.arange(high + 1))[far >= far[inside] - 1e-9].sum()
        p = tied_rank_sum_p(values, np.array([u]), np.array([size]))[0]
        assert p == pytest.approx(exact, rel=1e-9) or p > 0.2


def test_no_p_is_0() -> None:
    assert rank_sum_p(np.array([0.0]), np.array([2000]), np.array([4000]))[0] > 0
