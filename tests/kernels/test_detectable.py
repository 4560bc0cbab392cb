"""What could have been seen: factors of power, and the quantile that inverts the tail."""

from __future__ import annotations

import numpy as np
import pytest

from intraneuron.kernels.detectable import POWER, detectable_factor, lognormal_quantile, power_z
from intraneuron.kernels.jackknife import interval_factor
from intraneuron.kernels.tails import upper_tail


@pytest.mark.parametrize("skewness", [-1.5, -0.2, 0.0, 0.0005, 0.3, 2.5])
@pytest.mark.parametrize("p", [0.5, 0.05, 1e-3, 1e-7])
def test_the_quantile_is_where_the_tail_is_p(skewness: float, p: float) -> None:
    z = lognormal_quantile(p, skewness)
    assert upper_tail(np.array([z]), np.array([skewness]))[0] == pytest.approx(p, rel=1e-6)


def test_an_effect_of_the_factor_is_told_from_0_in_80_of_100_studies() -> None:
    rng = np.random.default_rng(4)
    degrees, repeats = 19, 40_000
    error = np.sqrt(rng.chisquare(degrees, repeats) / degrees)
    effect = detectable_factor(np.array([degrees]))[0] + rng.standard_normal(repeats)
    seen = (effect - interval_factor(np.array([degrees]))[0] * error > 0).mean()
    assert seen == pytest.approx(POWER, abs=0.01)


def test_fewer_degrees_of_freedom_ask_for_more() -> None:
    assert np.all(np.diff(detectable_factor(np.array([3.0, 10.0, 30.0, 1e6]))) < 0)
    assert power_z() == pytest.approx(0.8416, abs=1e-4)
