from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from intraneuron.kernels.tails import beta_upper, bounded_upper, normal_upper, upper_tail

Z = np.linspace(-3, 8, 45)


@pytest.mark.parametrize("sigma", [0.05, 0.3, 0.8])
def test_the_tail_is_that_of_scipys_lognormal_of_the_same_skewness(sigma: float) -> None:
    law = stats.lognorm(sigma)
    mean, variance, skewness = (float(v) for v in law.stats("mvs"))
    g = np.full(len(Z), skewness)
    np.testing.assert_allclose(upper_tail(Z, g), law.sf(mean + Z * np.sqrt(variance)), rtol=1e-7, atol=1e-300)
    np.testing.assert_allclose(upper_tail(Z, -g), law.cdf(mean - Z * np.sqrt(variance)), rtol=1e-7, atol=1e-300)


def test_without_skewness_the_tail_is_normal_and_nearly_so_beside_it() -> None:
    np.testing.assert_allclose(upper_tail(Z, np.zeros(45)), stats.norm.sf(Z), rtol=1e-12)
    np.testing.assert_allclose(upper_tail(Z[:30], np.full(30, 0.00101)), stats.norm.sf(Z[:30]), rtol=0.02)
    assert normal_upper(1.96) == pytest.approx(stats.norm.sf(1.96), rel=1e-12)


def test_undefined_in_is_undefined_out() -> None:
    assert np.isnan(upper_tail(np.array([np.nan, 1.0]), np.array([0.5, np.nan]))).all()


def test_beta_is_scipys_with_this_mean_and_variance() -> None:
    law, x = stats.beta(2.5, 40), np.linspace(0, 0.5, 9)
    mean, variance = (np.full(9, float(v)) for v in law.stats("mv"))
    np.testing.assert_allclose(beta_upper(x, mean, variance), law.sf(x), rtol=1e-9)


def test_what_cannot_vary_has_no_tail() -> None:
    half, none, nan = np.array([0.5]), np.array([0.0]), np.array([np.nan])
    assert np.isnan(beta_upper(half, half, none)).all()
    assert np.isnan(beta_upper(half, half, nan)).all()
    assert np.isnan(beta_upper(nan, half, half / 9)).all()


@pytest.mark.parametrize(("a", "b"), [(2.0, 5.0), (30.0, 4.0), (40.0, 40.0), (300.0, 900.0)])
def test_the_bounded_tail_is_scipys_beta_of_the_same_four_moments(a: float, b: float) -> None:
    law = stats.beta(a, b)
    mean, variance, skewness, excess = (float(v) for v in law.stats("mvsk"))
    shape = np.full(len(Z), skewness), np.full(len(Z), excess + 3)
    np.testing.assert_allclose(bounded_upper(Z, *shape), law.sf(mean + Z * np.sqrt(variance)), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("law", [stats.gamma(3.0), stats.lognorm(0.4), stats.t(9)])
def test_what_has_longer_tails_than_a_beta_variable_has_no_bounded_tail(law: stats.rv_continuous) -> None:
    _, _, skewness, excess = (float(v) for v in law.stats("mvsk"))
    assert np.isnan(bounded_upper(Z, np.full(len(Z), skewness), np.full(len(Z), excess + 3 + 1e-9))).all()
