"""Against complete enumeration of all subsets."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from intraneuron.kernels.counted_sums import counted_upper
from intraneuron.kernels.subset_sums import drawn_upper

MADE: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, m: rng.normal(size=m),
    "exponential": lambda rng, m: rng.exponential(size=m),
    "lognormal": lambda rng, m: rng.lognormal(size=m),
    "lognormal mirrored": lambda rng, m: -rng.lognormal(size=m),
    "one far away": lambda rng, m: np.r_[rng.exponential(size=m - 1), 30.0],
}


def all_sums(w: np.ndarray, size: int) -> np.ndarray:
    chosen = np.array(list(combinations(range(len(w)), size)))
    return np.sort(w[chosen].sum(axis=1))


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize(("m", "size"), [(60, 3), (36, 4), (26, 5), (20, 9)])
def test_a_tail_is_that_of_all_subsets_within_two_percent(name: str, m: int, size: int) -> None:
    w = MADE[name](np.random.default_rng([m, size]), m)
    sums = all_sums(w, size)
    known = 0
    for share in (0.2, 0.1, 0.05, 0.02, 0.01, 0.003):
        total = sums[-int(share * len(sums))]
        p = counted_upper(w, size, total)
        if np.isfinite(p):
            assert p == pytest.approx((sums >= total - 1e-12).mean(), rel=0.02)
            known += 1
    assert known >= (2 if name == "one far away" else 5)


def test_the_observed_subset_counts_as_a_whole_one() -> None:
    ratios = []
    for seed in range(40):
        w = np.random.default_rng(seed).exponential(size=40)
        sums = all_sums(w, 3)
        ratios.append(counted_upper(w, 3, sums[-12]) / (12 / len(sums)))
    known = [ratio for ratio in ratios if np.isfinite(ratio)]
    assert len(known) > 20
    assert np.mean(known) == pytest.approx(1, abs=0.015)  # half a subset would be 0.04


def test_a_large_subset_is_what_a_small_one_leaves() -> None:
    w = np.random.default_rng(3).gamma(0.7, size=24)
    sums = all_sums(w, 20)
    total = sums[-400]
    p = counted_upper(-w, 4, total - w.sum())
    assert p == pytest.approx((sums >= total - 1e-12).mean(), rel=0.02)


def test_it_goes_on_where_draws_end() -> None:
    w = np.random.default_rng(0).normal(size=100)
    total = np.sort(w)[-13:-4].sum()
    p = counted_upper(w, 9, total)
    assert 1e-9 < p < 1e-6
    assert drawn_upper(w, 9, total, 99_999, 200, np.uint64(1)) == 1e-5


def test_where_it_knows_nothing_it_says_so() -> None:
    w = np.arange(20.0) ** 1.5
    assert np.isnan(counted_upper(w, 3, w[-3:].sum()))  # the largest sum
    assert np.isnan(counted_upper(np.r_[w, w[4]], 3, 100.0))  # two are equal
    outlier = np.r_[np.random.default_rng(1).exponential(size=40), 1e6]
    assert np.isnan(counted_upper(outlier, 3, 1e6 + 3.0))  # all else lies in one cell


def test_the_scale_and_the_origin_do_not_matter() -> None:
    w = np.random.default_rng(5).exponential(size=50)
    total = 5 * w.mean() + 4 * w.std()
    p = counted_upper(w, 5, total)
    assert counted_upper(1e6 * w, 5, 1e6 * total) == pytest.approx(p, rel=1e-9)
    assert counted_upper(w - 7, 5, total - 35) == pytest.approx(p, rel=1e-6)
