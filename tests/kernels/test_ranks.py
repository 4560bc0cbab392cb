from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy import stats
from tests import oracle
from tests.made_up import make_batch, random_partition

from intraneuron.kernels.ranks import EXACT, rank_sum_p, top_down

CATEGORY = np.array([0, 1, 0, 2, 1, 2, 0, 1], dtype=np.int16)
TIED = np.array([9.0, 7.0, 7.0, 5.0, 4.0, 4.0, 4.0, 1.0])


def groups_of(activation: np.ndarray, label: np.ndarray) -> list[np.ndarray]:
    return [activation[label == g] for g in range(label.max() + 1)]


def test_h_is_scipys_kruskal_and_its_effect_is_zero_in_expectation() -> None:
    b = make_batch(30, 60)
    t = top_down(b.activation, b.category, b.n, b.n_categories)
    for i in np.flatnonzero(b.n_categories):
        a, label = b.activation[i, : b.n[i]], b.category[i, : b.n[i]]
        m, k = (label >= 0).sum(), b.n_categories[i]
        h = stats.kruskal(*groups_of(a, label)).statistic
        assert t.h[i] == pytest.approx(h, rel=1e-10)
        assert t.eta2[i] == pytest.approx((h - k + 1) / (m - k), rel=1e-10, abs=1e-12)
        assert t.null_mean[i] == k - 1


def test_p_and_the_effects_of_each_category_equal_the_oracles() -> None:
    b = make_batch(40, 60, seed=4)
    t = top_down(b.activation, b.category, b.n, b.n_categories)
    tied = 0
    for i in np.flatnonzero(b.n_categories):
        a, label = b.activation[i, : b.n[i]], b.category[i, : b.n[i]]
        whole = oracle.top_down(label[label >= 0], a[label >= 0])
        has_ties = len(np.unique(a[label >= 0])) < (label >= 0).sum()
        tied += has_ties
        if not (has_ties and b.n_categories[i] == 2):  # then the package keeps the beta, the oracle the normal
            assert t.p[i] == pytest.approx(whole["top_down_p"], rel=1e-8)
        each = oracle.category_effects(label, a)
        k = b.n_categories[i]
        np.testing.assert_allclose(t.delta[i, :k], each["cliffs_delta"], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(t.delta_p[i, :k], each["cliffs_delta_p"], rtol=1e-8)
        np.testing.assert_allclose(t.mean_activation[i, :k], each["mean_activation"], rtol=1e-12)
        assert np.isnan(t.delta[i, k:]).all()
    assert 5 < tied < 35


@pytest.mark.parametrize("a", [np.arange(8.0, 0, -1), TIED], ids=["no ties", "ties"])
def test_the_null_of_h_has_the_mean_and_deviation_of_all_permutations(a: np.ndarray) -> None:
    label = np.array(CATEGORY)
    orders = np.array(list(permutations(range(8))))
    rank = stats.rankdata(a) - 4.5
    shares = [rank[orders][:, label == g].sum(axis=1) ** 2 / np.sum(label == g) for g in range(3)]
    h = 7 * np.sum(shares, axis=0) / (rank @ rank)
    t = top_down(a[None], CATEGORY[None], np.array([8]), np.array([3]))
    assert t.null_mean[0] == pytest.approx(h.mean(), rel=1e-10)
    assert t.null_std[0] == pytest.approx(h.std(), rel=1e-10)


def test_the_null_deviation_of_cliffs_delta_is_that_of_all_permutations() -> None:
    a = np.arange(8.0, 0, -1)
    orders = np.array(list(permutations(range(8))))
    t = top_down(a[None], CATEGORY[None], np.array([8]), np.array([3]))
    for g in range(3):
        inside = g == CATEGORY
        won = (a[orders][:, inside][:, :, None] > a[orders][:, ~inside][:, None, :]).mean(axis=(1, 2))
        assert t.delta_std[0, g] == pytest.approx((2 * won - 1).std(), rel=1e-10)


@pytest.mark.parametrize(("size", "m"), [(1, 9), (3, 20), (10, 20), (17, 20), (40, 100), (60, EXACT)])
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


@pytest.mark.parametrize(("size", "m"), [(30, EXACT + 1), (70, 150), (12, 200)])
def test_above_the_enumerated_sizes_the_tail_is_close_to_exact(size: int, m: int) -> None:
    lower = _exact_lower(size, m - size)
    mean, std = size * (m - size) / 2, np.sqrt(size * (m - size) * (m + 1) / 12)
    u = np.floor(mean - np.array([0.3, 1.0, 2.0, 3.0, 3.7]) * std)
    found = rank_sum_p(u, np.full(5, size), np.full(5, m))
    expected = 2 * lower[u.astype(int)]
    np.testing.assert_allclose(found[:4], expected[:4], rtol=0.02)
    np.testing.assert_allclose(found[4], expected[4], rtol=0.2)


def test_two_untied_categories_have_the_exact_rank_sum_as_their_p() -> None:
    rng = np.random.default_rng(6)
    a = np.sort(rng.normal(size=30))[::-1]
    label, _ = random_partition(30, 2, rng)
    t = top_down(a[None], label[None], np.array([30]), np.array([2]))
    exact = stats.mannwhitneyu(a[label == 0], a[label == 1], method="exact").pvalue
    assert t.p[0] == pytest.approx(exact, rel=1e-9)
    assert t.p[0] == t.delta_p[0, 0]


def test_one_category_or_one_activation_leaves_the_question_undefined() -> None:
    a = np.stack([np.arange(20.0, 0, -1), np.full(20, 2.0)])
    label = np.stack([np.zeros(20), np.arange(20) % 2]).astype(np.int16)
    t = top_down(a, label, np.array([20, 20]), np.array([1, 2]))
    assert np.isnan(t.h).all()
    assert np.isnan(t.p).all()
    assert np.isnan(t.eta2).all()
    assert np.isnan(t.delta_p).all()
