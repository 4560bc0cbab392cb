from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from tests import oracle

from intraneuron.kernels.agreement import agreement
from intraneuron.kernels.chi_square import chi_square_moments

MARGINS = [
    ((2, 6), (3, 5)),
    ((1, 2, 5), (2, 2, 4)),
    ((2, 2, 4), (1, 1, 6)),
    ((3, 5), (1, 2, 2, 3)),
    ((2, 2, 2, 2), (4, 4)),
    ((1, 1, 1, 5), (2, 3, 3)),
    ((3, 3), (1, 2, 3)),
]


def all_values(first: tuple[int, ...], second: tuple[int, ...]) -> np.ndarray:
    """Return X^2 for all orders of the tokens."""
    a, b = np.repeat(np.arange(len(first)), first), np.repeat(np.arange(len(second)), second)
    orders = np.array(list(permutations(range(len(a)))))
    table = np.einsum("pnk,ng->pkg", np.eye(len(first))[a[orders]], np.eye(len(second))[b])
    expected = np.outer(first, second) / len(a)
    return np.asarray(((table - expected) ** 2 / expected).sum(axis=(1, 2)))


@pytest.mark.parametrize(("first", "second"), MARGINS)
def test_moments_of_chi_square_are_those_of_all_orders(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    x2 = all_values(first, second)
    mean, std, skewness = chi_square_moments(np.array(first), np.array(second), sum(first))
    assert mean == pytest.approx(x2.mean(), rel=1e-10)
    assert std == pytest.approx(x2.std(), rel=1e-10)
    assert skewness == pytest.approx(((x2 - x2.mean()) ** 3).mean() / x2.std() ** 3, rel=1e-8)


@pytest.mark.parametrize("n", [12, 57, 100, 400])
def test_the_third_moment_is_the_published_one_of_the_two_projections(n: int) -> None:
    rng = np.random.default_rng(n)
    for k, g in ((2, 5), (7, 3), (10, 10)):
        a, b = rng.permutation(np.arange(n) % k), np.sort(rng.integers(0, g, n))
        mean, std, skewness = chi_square_moments(np.bincount(a), np.bincount(b), n)
        third = n**3 * oracle.trace_third_moment(oracle.projection(a), oracle.projection(b))
        assert skewness == pytest.approx((third - 3 * mean * std**2 - mean**3) / std**3, rel=1e-6)


def test_empty_groups_change_nothing() -> None:
    with_empty = chi_square_moments(np.array([4, 0, 6]), np.array([0, 3, 7, 0]), 10)
    assert with_empty == chi_square_moments(np.array([4, 6]), np.array([3, 7]), 10)


@pytest.mark.parametrize(("first", "second"), [((5, 5, 5, 5), (1, 19)), ((7, 7, 7), (1, 20)), ((1,) * 9, (4, 5))])
def test_chi_square_that_cannot_vary_has_no_p(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    mean, std, skewness = chi_square_moments(np.array(first), np.array(second), sum(first))
    assert mean > 0
    assert np.isnan([std, skewness]).all()
    a, b = (np.repeat(np.arange(len(s)), s).astype(np.int16)[None] for s in (first, second))
    found = agreement(a, b, np.array([a.size]))
    assert np.isnan([found.null_std[0], found.p[0]]).all()
    assert np.isfinite(found.x2[0])


@pytest.mark.parametrize("columns", [(20,) * 5, (5,) * 20, (2, 3, 5, 10, 80), (5, 95), (10, 90), (2, 4, 94)])
def test_p_is_right_under_the_null_for_segments_of_any_sizes(columns: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    N, rows = 40_000, (30, 22, 15, 12, 9, 5, 4, 3)
    labels = np.repeat(np.arange(len(rows)), rows).astype(np.int16)
    first = rng.permuted(np.broadcast_to(labels, (N, 100)), axis=1)
    second = np.broadcast_to(np.repeat(np.arange(len(columns)), columns).astype(np.int16), (N, 100))
    found = agreement(first, second, np.full(N, 100))
    for level, high in ((0.05, 1.1), (0.01, 1.15), (0.001, 1.45)):
        hits = int((found.p <= level).sum())
        assert hits <= high * N * level + 3 * np.sqrt(N * level), (level, hits / N)
        assert hits >= 0.5 * N * level - 3 * np.sqrt(N * level), (level, hits / N)
