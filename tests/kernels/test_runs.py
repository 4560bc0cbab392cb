from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from tests import oracle
from tests.made_up import make_batch

from intraneuron.kernels.run_counts import EXACT, EXACT_TWO, binomials, few_runs
from intraneuron.kernels.runs import interleaving


def count_runs(label: np.ndarray) -> int:
    inside = label[label >= 0]
    return 1 + int((np.diff(inside) != 0).sum())


def test_interleaving_and_its_p_equal_the_oracles() -> None:
    b = make_batch(30, 60)
    r = interleaving(b.category, b.n, b.n_categories)
    for i in np.flatnonzero(b.n_categories):
        label = b.category[i, : b.n[i]]
        expected = oracle.interleaving(label[label >= 0])
        assert r.runs[i] == count_runs(label)
        assert r.interleaving[i] == pytest.approx(expected["interleaving"], rel=1e-10)
        assert r.p[i] == pytest.approx(expected["interleaving_p"], rel=1e-8)


@pytest.mark.parametrize("label", [[0, 1, 0, 2, 1, 2, 0, 1], [0, 0, 1, 1, 1, 1, 0, 1], [0, 1, 2, 3, 0, 1, 2, 0]])
def test_the_null_of_runs_has_the_mean_and_deviation_of_all_permutations(label: list[int]) -> None:
    order = np.array(label, dtype=np.int16)[np.array(list(permutations(range(8))))]
    runs = 1 + (np.diff(order, axis=1) != 0).sum(axis=1)
    r = interleaving(np.array([label], dtype=np.int16), np.array([8]), np.array([max(label) + 1]))
    assert r.null_mean[0] == pytest.approx(runs.mean(), rel=1e-12)
    assert r.null_std[0] == pytest.approx(runs.std(), rel=1e-10)


def test_disjoint_zones_are_0_and_alternation_is_above_1() -> None:
    labels = np.array([[0] * 10 + [1] * 10, [0, 1] * 10], dtype=np.int16)
    r = interleaving(labels, np.full(2, 20), np.full(2, 2))
    assert r.interleaving[0] == 0
    assert r.interleaving[1] > 1
    assert r.p[0] < 1e-4
    assert r.p[1] > 0.99


def test_p_is_never_below_one_arrangement() -> None:
    label = np.array([[0] * 3 + [1] * 5], dtype=np.int16)
    assert interleaving(label, np.array([8]), np.array([2])).p[0] >= (1 - 1e-12) / 56


def test_tokens_outside_all_categories_are_passed_over() -> None:
    a = interleaving(np.array([[0, 0, -1, 1, 1, -1, 0]], dtype=np.int16), np.array([7]), np.array([2]))
    b = interleaving(np.array([[0, 0, 1, 1, 0]], dtype=np.int16), np.array([5]), np.array([2]))
    assert a.runs[0] == 3
    np.testing.assert_array_equal(np.stack(a), np.stack(b))


def test_under_two_categories_nothing_is_defined() -> None:
    r = interleaving(np.zeros((1, 20), dtype=np.int16), np.array([20]), np.array([1]))
    assert np.isnan(np.stack(r)).all()


@pytest.mark.parametrize("sizes", [(3, 2, 3), (4, 4), (2, 2, 2, 2), (1, 6, 1)])
def test_the_exact_tail_of_runs_is_that_of_all_permutations(sizes: tuple[int, ...]) -> None:
    label = np.repeat(np.arange(len(sizes)), sizes)
    runs = 1 + (np.diff(label[np.array(list(permutations(range(8))))], axis=1) != 0).sum(axis=1)
    for r in np.unique(runs):
        expected = (runs < r).mean() + (runs == r).mean() / 2
        assert few_runs(np.array(sizes), r, binomials(8)) == pytest.approx(expected, rel=1e-12)


def test_the_exact_tail_of_runs_of_sixty_tokens_equals_the_oracles() -> None:
    sizes = np.array([14, 11, 20, 6, 9])
    for r in (5, 25, 38, 44, 47, 60):
        found = few_runs(sizes, r, binomials(EXACT))
        assert found == pytest.approx(oracle.runs_mid_p(sizes, r), rel=1e-10)


@pytest.mark.parametrize(("groups", "limit"), [(2, EXACT_TWO), (3, EXACT)])
def test_runs_are_counted_up_to_a_number_of_tokens_that_is_larger_for_two_categories(groups: int, limit: int) -> None:
    counted, rng = [], np.random.default_rng(groups)
    for m in (limit, limit + 1):
        label = rng.integers(0, groups, m).astype(np.int16)
        label[: m // 8] = 0  # one long run: fewer than by chance
        runs, sizes = count_runs(label), np.bincount(label)
        p = interleaving(label[None], np.array([m]), np.array([groups])).p[0]
        exact = few_runs(sizes, runs, binomials(m))
        assert 1e-6 < exact < 0.2
        assert p == pytest.approx(exact, rel=0.3)
        counted.append(p == exact)
    assert counted == [True, False]


def test_the_exact_tail_of_runs_of_many_tokens_of_two_categories_equals_the_oracles() -> None:
    sizes = np.array([EXACT_TWO - 120, 120])
    for r in (140, 165, 180):
        assert few_runs(sizes, r, binomials(EXACT_TWO)) == pytest.approx(oracle.runs_mid_p(sizes, r), rel=1e-9)


def test_longer_orders_keep_the_closed_form_which_meets_the_exact_tail() -> None:
    rng = np.random.default_rng(4)
    exact: list[float] = []
    closed: list[float] = []
    for _ in range(200):
        label = np.sort(rng.integers(0, 4, EXACT)).astype(np.int16)
        label = label[np.argsort(np.arange(EXACT) + rng.normal(scale=40, size=EXACT))]
        one_more = np.append(label, np.int16(3 - label[-1]))
        for row, into in ((label, exact), (one_more, closed)):
            into.append(interleaving(row[None], np.array([len(row)]), np.array([4])).p[0])
    known = np.array(exact) < 0.2
    assert known.sum() > 20
    ratio = np.array(closed)[known] / np.array(exact)[known]
    assert 0.5 < np.median(ratio) < 2


def test_no_p_is_below_one_arrangement_where_runs_are_not_counted() -> None:
    label = np.repeat(np.arange(4), 50).astype(np.int16)  # more tokens than are counted
    least = math.exp(4 * math.lgamma(51) - math.lgamma(201))
    assert interleaving(label[None], np.array([200]), np.array([4])).p[0] >= least * (1 - 1e-9)
    steps = np.repeat(np.arange(10), 100).astype(np.int16)
    assert interleaving(steps[None], np.array([1000]), np.array([10])).p[0] > 0
