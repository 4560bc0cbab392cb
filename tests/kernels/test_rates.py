"""Shares of clustered tries, and the agreement of two sortings."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from intraneuron.kernels.rates import clustered_share, kappa


def test_the_error_covers_the_share_of_clustered_tries() -> None:
    rng = np.random.default_rng(1)
    tries = rng.integers(1, 9, (300, 400))
    chance = rng.beta(2, 8, (300, 400))
    share, error = clustered_share(rng.binomial(tries, chance), tries)
    z = (share - 0.2) / error
    assert z.std() == pytest.approx(1, abs=0.12)
    binomial = np.sqrt(0.2 * 0.8 / tries.sum(axis=0))
    assert (error > 1.05 * binomial).mean() > 0.9


def test_independent_tries_have_the_binomial_error() -> None:
    rng = np.random.default_rng(2)
    tries = np.full((5000, 1), 4)
    share, error = clustered_share(rng.binomial(tries, 0.05), tries)
    assert error[0] == pytest.approx(math.sqrt(0.05 * 0.95 / 20_000), rel=0.1)
    assert share[0] == pytest.approx(0.05, abs=0.006)


def test_without_a_try_there_is_no_share() -> None:
    share, error = clustered_share(np.zeros((3, 2), int), np.array([[0, 1], [0, 0], [0, 0]]))
    assert np.isnan(share[0])
    assert share[1] == 0
    assert np.isnan(error).all()


@pytest.mark.parametrize("seed", range(4))
def test_kappa_is_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.choice(["none", "peak", "steps"], 80, p=[0.7, 0.2, 0.1])
    second = np.where(rng.random(80) < 0.5, first, rng.choice(["none", "peak", "mixed"], 80))
    found, share = kappa(first, second)
    assert found == pytest.approx(cohen_kappa_score(first, second))
    assert share == pytest.approx((first == second).mean())


def test_kappa_of_one_kind_or_of_nothing_is_undefined() -> None:
    same = np.array(["none"] * 5)
    assert math.isnan(kappa(same, same)[0])
    assert kappa(same, same)[1] == 1
    assert math.isnan(kappa(same[:0], same[:0])[0])
