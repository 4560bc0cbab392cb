from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from intraneuron.kernels.growth import fit_law

LENGTH = np.array([1.0, 2.0, 5.0, 10.0])


@pytest.mark.parametrize("slope", [0.4, 1.0])
def test_the_law_is_found_again_and_turned_around(slope: float) -> None:
    odds = 0.8 * LENGTH**slope
    law = fit_law(LENGTH, odds / (1 + odds))
    assert law.slope == pytest.approx(slope)
    np.testing.assert_allclose(law.value(LENGTH), odds / (1 + odds))
    assert law.value(law.length(0.93)) == pytest.approx(0.93)


def test_with_slope_one_it_is_spearman_browns_law() -> None:
    law = fit_law(np.array([3.0]), np.array([0.5]), slope=1.0)
    for times in (2, 4, 7):
        assert law.value(3.0 * times) == pytest.approx(times * 0.5 / (1 + (times - 1) * 0.5))


def test_the_correlation_of_noisy_halves_grows_by_that_law() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=200_000)
    noise = 2.0 * rng.normal(size=(2, 8, len(truth)))
    value = [np.corrcoef(*(truth + half[:s].mean(axis=0) for half in noise))[0, 1] for s in (2, 8)]
    law = fit_law(np.array([2.0]), np.array(value[:1]), slope=1.0)
    assert law.value(8.0) == pytest.approx(value[1], abs=0.005)


def test_what_has_no_odds_is_left_out_and_too_little_makes_no_law() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = fit_law(LENGTH, np.array([0.0, 0.5, np.nan, 0.8]))
        assert whole == fit_law(LENGTH[[1, 3]], np.array([0.5, 0.8]))
        for value in ([1.0, 1.0, 1.0, 1.0], [0.0, 0.5, 1.0, 1.0], [np.nan] * 4):
            law = fit_law(LENGTH, np.array(value))
            assert math.isnan(law.slope)
            assert math.isnan(law.length(0.9))
            assert np.isnan(law.value(LENGTH)).all()


def test_an_agreement_that_does_not_rise_is_never_enough() -> None:
    assert math.isnan(fit_law(LENGTH, np.array([0.6, 0.5, 0.4, 0.3])).length(0.9))
    assert fit_law(LENGTH, np.array([0.5, 0.5001, 0.5001, 0.5002])).length(0.9) > 1e100
