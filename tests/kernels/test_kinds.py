"""Kinds of tokens: conditional moments by complete enumeration, the mixture's own moments, and the split."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from tests import oracle

from intraneuron.kernels.kinds import KINDS, Kinds, _by_count, _given, find_kinds, kinds_upper, three_kinds, unknown
from intraneuron.kernels.moments import permutation_moments


def grouped(sizes: tuple[int, ...], seed: int = 0, spread: float = 0.4) -> np.ndarray:
    """Return centred similarities of tokens around a few directions, in random order."""
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    vectors = rng.normal(size=(len(sizes), 6))[group] + spread * rng.normal(size=(len(group), 6))
    return oracle.centre(oracle.similarity(oracle.unit_rows(vectors)))


def known(M: np.ndarray) -> Kinds:
    kinds: Kinds = unknown()
    find_kinds(M, M @ M, len(M), kinds)
    return kinds


@pytest.mark.parametrize("sizes", [(4, 4, 3), (1, 8, 2), (9, 1, 1), (3, 2, 6)])
@pytest.mark.parametrize(("inside", "rows"), [(1.0, 0.0), (0.7, -0.2)])
def test_given_their_counts_mean_and_variance_are_those_of_all_subsets(
    sizes: tuple[int, ...], inside: float, rows: float
) -> None:
    M = grouped(sizes, seed=sum(sizes[:2]))
    n, kind, kinds = len(M), oracle.three_kinds(M), known(M)
    np.testing.assert_array_equal(kinds.size, np.bincount(kind, minlength=KINDS))
    found = defaultdict(list)
    for subset in combinations(range(n), 5):
        chosen = list(subset)
        value = inside * M[np.ix_(chosen, chosen)].sum() / 2 + rows * M[chosen].sum()
        found[tuple(np.bincount(kind[chosen], minlength=KINDS))].append(value)
    assert len(found) > 3
    factor = np.empty((KINDS, 3, 6))
    for a in range(KINDS):
        _by_count(kinds.size[a], factor[a, :, : min(5, kinds.size[a]) + 1])
    for first in {taken[0] for taken in found}:
        counts = sorted(taken for taken in found if taken[0] == first)
        mean, variance = np.empty((2, len(counts)))
        _given(kinds, factor, first, counts[0][1], 5 - first, inside, rows, mean, variance)
        for i, taken in enumerate(counts):
            assert mean[i] == pytest.approx(np.mean(found[taken]), rel=1e-9, abs=1e-12)
            assert variance[i] == pytest.approx(np.var(found[taken]), rel=1e-9, abs=1e-12)


def test_the_best_of_all_splits_into_three_is_found() -> None:
    rng = np.random.default_rng(7)
    for _ in range(200):
        n = int(rng.integers(4, 40))
        v = rng.normal(size=n) ** rng.choice([1, 3])
        if rng.random() < 0.3:
            v = np.round(v, 1)
        of = np.array([three_kinds(v) == k for k in range(KINDS)])
        assert of.any(axis=1).all()
        order = np.sort(v)
        between = [
            sum(part.sum() ** 2 / len(part) for part in np.split(order, [a, b]))
            for a in range(1, n - 1)
            for b in range(a + 1, n)
        ]
        assert sum(v[own].sum() ** 2 / own.sum() for own in of) == pytest.approx(max(between), rel=1e-12)


@pytest.mark.parametrize("top", [10, 30])
def test_the_mixture_has_the_exact_variance_and_third_moment(top: int) -> None:
    M = grouped((30, 20, 10), seed=3)
    n, kinds = len(M), known(M)
    _, std, skewness = permutation_moments(oracle.inside_weights(np.arange(n) < top), M)
    grid = np.linspace(-12, 12, 6001) * std
    upper = [kinds_upper(kinds, top, 1 / math.comb(top, 2), 0.0, u, std, skewness, 1.0) for u in grid]
    density = -np.diff(upper)
    middle = (grid[1:] + grid[:-1]) / 2 / std
    moments = [float(density @ middle**power) for power in range(4)]
    assert moments == pytest.approx([1, 0, 1, skewness], abs=2e-4)


def test_the_kinds_of_three_clouds_of_numbers_are_the_clouds() -> None:
    rng = np.random.default_rng(4)
    kind = rng.permutation(np.repeat([0, 1, 2], (7, 20, 3)))
    np.testing.assert_array_equal(three_kinds(kind * 10 + rng.normal(size=30)), kind)


def test_equal_numbers_are_of_one_kind_where_there_are_enough_different_ones() -> None:
    v = np.repeat([0.1, 0.5, 0.9], 5)
    np.testing.assert_array_equal(three_kinds(v), np.repeat([0, 1, 2], 5))


def test_p_is_that_of_the_plain_mixture_and_of_a_hundred_thousand_draws() -> None:
    M = grouped((50, 25, 25), seed=5, spread=0.8)
    n, top = len(M), 20
    moments = oracle.permutation_moments(oracle.inside_weights(np.arange(n) < top), M)
    std, skewness = math.sqrt(moments.variance), moments.third / moments.variance**1.5
    kinds, rng = known(M), np.random.default_rng(6)
    order = rng.permuted(np.tile(np.arange(n), (100_000, 1)), axis=1)[:, :top]
    drawn = np.concatenate([M[o[:, :, None], o[:, None]].sum(axis=(1, 2)) for o in np.array_split(order, 100)])
    drawn = np.sort(drawn / top / (top - 1))
    for level, allowed in ((0.05, 0.04), (0.01, 0.1), (0.001, 0.3)):
        observed = float(drawn[round((1 - level) * len(drawn))])
        p = kinds_upper(kinds, top, 1 / math.comb(top, 2), 0.0, observed, std, skewness, level)
        assert p == pytest.approx(level, rel=allowed)
        assert p == pytest.approx(oracle.kinds_p(M, top, observed, moments, peak=False), rel=1e-6)


@pytest.mark.parametrize(("n", "first", "size"), [(100, 70, 20), (100, 80, 10), (60, 40, 12)])
def test_tokens_of_two_vectors_have_the_hypergeometric_p(n: int, first: int, size: int) -> None:
    vectors = np.random.default_rng(n).normal(size=(2, 24))
    S = oracle.similarity(oracle.unit_rows(vectors[(np.arange(n) >= first).astype(int)])).astype(np.float32)
    M = oracle.centre(S.astype(np.float64))
    moments = oracle.permutation_moments(oracle.inside_weights(np.arange(n) < size), M)
    std, skewness = math.sqrt(moments.variance), moments.third / moments.variance**1.5
    c = np.arange(max(0, size - (n - first)), min(size, first) + 1)
    chance = stats.hypergeom(n, first, size).pmf(c)
    a, b, across = M[0, 1], M[-1, -2], M[0, -1]
    value = (c * (c - 1) / 2 * a + (size - c) * (size - c - 1) / 2 * b + c * (size - c) * across) / math.comb(size, 2)
    kinds = known(M)
    for one in value:
        exact = chance[value >= one - 1e-6].sum()
        if exact < 0.2:
            # What is observed is a sum in another order, with the rounding of float32.
            p = kinds_upper(kinds, size, 1 / math.comb(size, 2), 0.0, one * (1 + 1e-8), std, skewness, exact)
            assert p == pytest.approx(exact, rel=1e-4)
