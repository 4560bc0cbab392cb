from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy import stats
from tests import oracle
from tests.made_up import make_batch, random_partition

from intraneuron.kernels.ranks import top_down

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


def test_one_token_above_tied_others_in_categories_of_one_size_can_show_nothing() -> None:
    a = np.where(np.arange(20) < 4, 7.4, 0.6)
    label = np.array([-1, 0, -1, -1, 1, -1, -1, -1, -1, 2, 3, 2, -1, 3, 3, 1, 0, 0, 1, 2], dtype=np.int16)
    t = top_down(a[None], label[None], np.array([20]), np.array([4]))
    own, group = a[label >= 0], label[label >= 0]
    every = [stats.kruskal(*(np.roll(own, i)[group == g] for g in range(4))).statistic for i in range(len(own))]
    np.testing.assert_allclose(every, t.h[0])
    assert t.null_std[0] == 0
    assert np.isnan(t.p[0])
