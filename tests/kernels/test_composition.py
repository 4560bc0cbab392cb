"""Against complete enumeration, and random draws, of zones with fixed margins."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from tests.made_up import make_batch

from intraneuron.kernels.composition import Composition, composition

ONE = np.array([1])


def entropy_of(labels: np.ndarray) -> float:
    share = np.bincount(labels) / len(labels)
    share = share[share > 0]
    return float(-(share * np.log(share)).sum())


def purity_of(labels: np.ndarray) -> float:
    return float(np.bincount(labels).max() / len(labels))


def of_one(category: np.ndarray, segment: np.ndarray) -> Composition:
    sizes = (np.array([value]) for value in (len(category), category.max() + 1, segment.max() + 1))
    n, k, zones = sizes
    return composition(category[None].astype(np.int16), segment[None].astype(np.int16), n, k, zones)


@pytest.mark.parametrize(
    "category", [[0, 0, 0, 1, 1, 1, 2, 2, 2], [0, 1, 1, 1, 0, 1, 1, 1, 1], [2, 1, 0, 3, 0, 1, 2, 3, 3]]
)
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_moments_and_the_p_of_purity_are_those_of_all_zones_of_that_size(category: list[int], size: int) -> None:
    labels = np.array(category)
    found = of_one(labels, (np.arange(9) >= size).astype(int))
    zones = [labels[list(chosen)] for chosen in combinations(range(9), size)]
    purity, entropy = (np.array([f(zone) for zone in zones]) for f in (purity_of, entropy_of))
    assert found.purity[0, 0] == pytest.approx(purity_of(labels[:size]))
    assert found.purity_mean[0, 0] == pytest.approx(purity.mean(), rel=1e-10)
    assert found.purity_std[0, 0] == pytest.approx(purity.std(), abs=1e-7)
    assert found.purity_p[0, 0] == pytest.approx((purity >= purity_of(labels[:size]) - 1e-9).mean(), rel=1e-9)
    assert found.entropy[0, 0] == pytest.approx(entropy_of(labels[:size]), abs=1e-12)
    assert found.entropy_mean[0, 0] == pytest.approx(entropy.mean(), abs=1e-12)
    assert found.entropy_std[0, 0] == pytest.approx(entropy.std(), abs=1e-8)


def test_a_zone_of_one_category_is_pure_and_has_no_entropy() -> None:
    found = of_one(np.repeat([0, 1], 10), np.repeat([0, 1], 10))
    np.testing.assert_array_equal(found.purity, [[1, 1]])
    np.testing.assert_array_equal(found.entropy, [[0, 0]])
    assert found.purity_p[0, 0] == pytest.approx(2 / 184756)


def test_the_p_of_purity_is_exact_however_small() -> None:
    from math import comb

    halves = of_one(np.repeat([0, 1], 50), np.repeat([0, 1], 50))
    assert halves.purity_p[0, 0] == pytest.approx(2 / comb(100, 50), rel=1e-9)
    few = of_one(np.r_[np.zeros(30), np.ones(30), np.full(30, 2), np.full(10, 3)].astype(int), np.arange(100) // 30)
    assert few.purity_p[0, 0] == pytest.approx(3 / comb(100, 30), rel=1e-9)
    most = of_one(np.r_[np.zeros(28), 1, 1, 0, 0, np.ones(68)].astype(int), np.arange(100) // 30)
    ways = sum(comb(30, x) * comb(70, 30 - x) for x in (28, 29, 30))
    ways += sum(comb(70, x) * comb(30, 30 - x) for x in (28, 29, 30))
    assert most.purity_p[0, 0] == pytest.approx(ways / comb(100, 30), rel=1e-9)


def test_tokens_without_a_category_do_not_count() -> None:
    category, segment = np.array([0, 0, -1, 1, 1, -1, 0, 1]), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    keep = category >= 0
    for found, expected in zip(of_one(category, segment), of_one(category[keep], segment[keep]), strict=True):
        np.testing.assert_allclose(found, expected)


def test_fewer_than_two_categories_have_no_composition() -> None:
    b = make_batch(4, 40, seed=2)
    found = composition(np.zeros_like(b.category), b.segment, b.n, np.ones_like(b.n_categories), b.n_segments)
    assert all(np.isnan(table).all() for table in found)


def test_a_thousand_tokens_overflow_nothing() -> None:
    rng = np.random.default_rng(0)
    found = of_one(rng.integers(0, 10, size=1000), np.arange(1000) // 500)
    for table in found:
        assert np.isfinite(table).all()
    assert abs(found.entropy[0, 0] - found.entropy_mean[0, 0]) < 4 * found.entropy_std[0, 0]
    assert (found.purity_p > 1e-3).all()


@pytest.mark.parametrize(("m", "s"), [(1500, 15), (3000, 5), (1200, 1200)])
def test_many_tokens_and_small_zones_neither_vanish_nor_overflow(m: int, s: int) -> None:
    rng = np.random.default_rng(1)
    category, zone = rng.integers(0, 3, size=m), (np.arange(m) >= s).astype(int)
    found = of_one(category, zone)
    size = np.bincount(category)
    law = stats.multivariate_hypergeom(size, s)
    drawn = law.rvs(20_000, random_state=2) if s < m else size[None]
    assert found.purity_mean[0, 0] == pytest.approx((drawn.max(axis=1) / s).mean(), rel=0.01)
    as_pure = drawn.max(axis=1) >= np.bincount(category[:s]).max()
    assert found.purity_p[0, 0] == pytest.approx(as_pure.mean(), abs=0.015)


def test_no_p_of_purity_is_above_1() -> None:
    rng = np.random.default_rng(3)
    p = np.concatenate([of_one(rng.integers(0, 5, 60), np.arange(60) // 12).purity_p.ravel() for _ in range(200)])
    assert np.nanmax(p) == 1


def test_the_first_zones_alone_are_the_same_as_among_all() -> None:
    b = make_batch(20, 40, 5, seed=2)
    given = (b.category, b.segment, b.n, b.n_categories, b.n_segments)
    every, first = composition(*given), composition(*given, most=1)
    for whole, some in zip(every, first, strict=True):
        np.testing.assert_array_equal(some[:, 0], whole[:, 0])
        assert np.isnan(some[:, 1:]).all()
    assert np.isfinite(every.purity[:, 1:]).any()
