from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information
from tests import oracle
from tests.made_up import make_batch

from intraneuron.kernels.agreement import _expected_information, agreement


def test_agreement_equals_scipy_scikit_learn_and_the_oracle() -> None:
    b = make_batch(30, 60)
    found = agreement(b.category, b.segment, b.n)
    for i in np.flatnonzero(b.n_categories):
        has = b.category[i] >= 0
        first, second = b.category[i, has], b.segment[i, has]
        expected = oracle.agreement(first, second)
        table = contingency_matrix(first, second)
        chi2 = stats.chi2_contingency(table, correction=False).statistic
        assert found.x2[i] == pytest.approx(chi2, rel=1e-10)
        assert found.ami[i] == pytest.approx(adjusted_mutual_info_score(first, second), rel=1e-8, abs=1e-10)
        assert found.p[i] == pytest.approx(expected["agreement_p"], rel=1e-8)
        assert found.information_first[i] == pytest.approx(expected["information_category"], rel=1e-8)
        assert found.information_second[i] == pytest.approx(expected["information_segment"], rel=1e-8)
        mean, variance = oracle.chi_square_moments(table.sum(axis=1), table.sum(axis=0))
        assert found.null_mean[i] == pytest.approx(mean, rel=1e-10)
        assert found.null_std[i] == pytest.approx(np.sqrt(variance), rel=1e-10)


def test_the_null_of_chi_square_has_the_mean_and_deviation_of_all_permutations() -> None:
    a = np.array([0, 1, 0, 2, 1, 2, 0, 1], dtype=np.int16)
    b = np.array([0, 0, 0, 1, 1, 2, 2, 2], dtype=np.int16)
    orders = np.array(list(permutations(range(8))))
    table = np.einsum("pnk,ng->pkg", np.eye(3)[a[orders]], np.eye(3)[b])
    expected = np.outer(np.bincount(a), np.bincount(b)) / 8
    x2 = ((table - expected) ** 2 / expected).sum(axis=(1, 2))
    found = agreement(a[None], b[None], np.array([8]))
    assert found.null_mean[0] == pytest.approx(x2.mean(), rel=1e-10)
    assert found.null_std[0] == pytest.approx(x2.std(), rel=1e-10)


@pytest.mark.parametrize(("rows", "columns"), [((5, 5), (3, 7)), ((30, 20, 50), (20,) * 5), ((1, 9), (4, 6))])
def test_expected_information_is_scikit_learns(rows: tuple[int, ...], columns: tuple[int, ...]) -> None:
    m = sum(rows)
    first, second = np.repeat(np.arange(len(rows)), rows), np.repeat(np.arange(len(columns)), columns)
    table = contingency_matrix(first, second, sparse=True).astype(np.int64)
    log_factorial = np.array([float(v) for v in np.cumsum(np.r_[0.0, np.log(np.arange(1, m + 1))])])
    found = _expected_information(np.array(rows), np.array(columns), m, log_factorial)
    assert found == pytest.approx(expected_mutual_information(table, m), rel=1e-9)


def test_equal_partitions_agree_fully_and_swapped_ones_swap_their_shares() -> None:
    b = make_batch(12, 60)
    same = agreement(b.category, b.category, b.n)
    np.testing.assert_allclose(same.ami[b.n_categories > 0], 1, rtol=1e-12)
    there, back = agreement(b.category, b.segment, b.n), agreement(b.segment, b.category, b.n)
    np.testing.assert_allclose(there.x2, back.x2, rtol=1e-10)
    np.testing.assert_allclose(there.p, back.p, rtol=1e-8)
    np.testing.assert_allclose(there.information_first, back.information_second, rtol=1e-8, atol=1e-12)


def test_one_group_or_a_segment_without_tokens_left_leaves_it_undefined() -> None:
    halves = np.array([0] * 10 + [1] * 10, dtype=np.int16)
    whole = np.zeros(20, dtype=np.int16)
    upper = np.where(halves == 0, np.arange(20) % 2, -1).astype(np.int16)
    for first, second in ((whole, halves), (halves, whole), (upper, halves)):
        found = agreement(first[None], second[None], np.array([20]))
        assert np.isnan(np.stack(found)).all()


def test_a_share_of_information_counts_what_chance_would_give() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, (400, 100)).astype(np.int16)
    segments = np.broadcast_to((np.arange(100) // 20).astype(np.int16), (400, 100)).copy()
    found = agreement(labels, segments, np.full(400, 100))
    for values in (found.ami, found.information_first, found.information_second):
        assert abs(values.mean()) < 4 * values.std() / 20


def test_p_is_never_below_one_arrangement() -> None:
    first = np.repeat([0, 1, 2], 3).astype(np.int16)
    found = agreement(first[None], first[None], np.array([9]))
    assert found.p[0] >= 1 / 1680


def test_two_categories_of_two_segments_have_digits_however_small_p_is() -> None:
    segment = np.repeat([0, 1], [20, 80]).astype(np.int16)
    for inside, exact in ((18, 5.6e-16), (20, 9.3e-22)):
        category = np.r_[np.zeros(inside), np.ones(80), np.zeros(20 - inside)].astype(np.int16)
        found = agreement(category[None], segment[None], np.array([100])).p[0]
        assert found == pytest.approx(max(exact, 1 / math.comb(100, 20)), rel=0.02)


def test_no_p_is_0() -> None:
    steps = np.repeat(np.arange(10), 100).astype(np.int16)
    assert agreement(steps[None], steps[None], np.array([1000])).p[0] > 0


def test_estimates_alone_are_the_same_and_have_no_p() -> None:
    b = make_batch(20, 40, 5, seed=2)
    every = agreement(b.category, b.segment, b.n)
    fast = agreement(b.category, b.segment, b.n, estimates_only=True)
    for name in ("x2", "ami", "information_first", "information_second"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(every, name))
    for name in ("null_mean", "null_std", "p"):
        assert np.isnan(getattr(fast, name)).all()
        assert np.isfinite(getattr(every, name)).any()
