"""Unit vectors around a direction: their length, their mean, and the concentration that gives a cosine."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import ive

from intraneuron.kernels.von_mises_fisher import around, concentration_of


def drawn(D: int, concentration: float, size: int = 20_000) -> np.ndarray:
    mean = np.zeros((size, D))
    mean[:, 1] = 1
    return around(mean, np.full(size, concentration), np.random.default_rng(7))


@pytest.mark.parametrize(("D", "concentration"), [(2, 1.0), (3, 5.0), (16, 1e-9), (64, 40.0)])
def test_vectors_have_length_1_and_the_mean_of_the_distribution(D: int, concentration: float) -> None:
    x = drawn(D, concentration)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, rtol=1e-12)
    expected = np.zeros(D)
    expected[1] = ive(D / 2, concentration) / ive(D / 2 - 1, concentration)
    np.testing.assert_allclose(x.mean(axis=0), expected, atol=4 / np.sqrt(len(x)))


def test_the_component_along_the_mean_is_distributed_as_scipys() -> None:
    ours = drawn(8, 12.0, 5000)[:, 1]
    mean = np.eye(8)[1]
    theirs = stats.vonmises_fisher(mean, 12.0).rvs(5000, random_state=3)[:, 1]
    assert stats.ks_2samp(ours, theirs).pvalue > 0.01


@pytest.mark.parametrize(("likeness", "D"), [(0.0, 30), (0.05, 384), (0.25, 64), (0.6, 16)])
def test_two_vectors_of_the_concentration_have_the_cosine(likeness: float, D: int) -> None:
    x = drawn(D, concentration_of(likeness, D))
    found = (x[::2] * x[1::2]).sum(axis=1).mean()
    assert found == pytest.approx(likeness, abs=0.02)


def test_every_vector_has_a_concentration_of_its_own() -> None:
    mean = np.tile(np.eye(5)[0], (4000, 1))
    x = around(mean, np.repeat([0.0, 200.0], 2000), np.random.default_rng(0))[:, 0]
    assert abs(x[:2000].mean()) < 0.05
    assert x[2000:].mean() > 0.95
