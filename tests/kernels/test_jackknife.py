from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from intraneuron.kernels.jackknife import (
    error_of_sum,
    interval_factor,
    jackknife_parts,
    of_the_same_neurons,
    sampling_error,
    standard_error,
)


def simulate(rng: np.random.Generator, share: np.ndarray, neurons: int, own: float) -> tuple[np.ndarray, np.ndarray]:
    """Return each neuron's mean over 400 tokens, of all groups and of all but one; tokens are shared."""
    group = np.repeat(np.arange(len(share)), np.round(400 * share).astype(int))
    x = rng.normal(size=(len(group), 1)) + own * rng.normal(size=(len(group), neurons))
    without = np.stack([x[group != g].mean(axis=0) for g in range(len(share))])
    return x.mean(axis=0)[:, None], without[:, :, None]


def leave_outs(rng: np.random.Generator, groups: int, neurons: int, numbers: int) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers of neurons, and what they become without each group: most of the change is shared."""
    full = rng.normal(size=(neurons, numbers))
    shared = rng.normal(size=(groups, 1, numbers))
    return full, full + shared + 0.1 * rng.normal(size=(groups, neurons, numbers))


def test_with_equal_groups_and_all_neurons_it_is_the_textbook_jackknife() -> None:
    rng = np.random.default_rng(0)
    full, without = leave_outs(rng, 8, 30, 2)
    parts = jackknife_parts(full, without, np.full(8, 1 / 8), 30)
    left = without.mean(axis=1)
    textbook = np.sqrt(7 / 8 * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose(standard_error([parts], [1.0])[0], textbook, rtol=1e-10)


def test_with_unequal_groups_it_is_the_formula_of_busing_meijer_and_van_der_leeden() -> None:
    rng = np.random.default_rng(1)
    share = np.array([0.1, 0.2, 0.3, 0.4])
    full, without = leave_outs(rng, 4, 50, 1)
    theta, left, h = full.mean(), without.mean(axis=(1, 2)), 1 / share
    pseudo = h * theta - (h - 1) * left
    center = 4 * theta - ((1 - share) * left).sum()
    expected = np.sqrt(((pseudo - center) ** 2 / (h - 1)).mean())
    parts = jackknife_parts(full, without, share, 50)
    assert standard_error([parts], [1.0])[0][0] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("share", [np.full(20, 0.05), np.r_[0.2, 0.2, np.full(12, 0.05)]], ids=["equal", "unequal"])
@pytest.mark.parametrize("sampled", [16, 400])
def test_means_of_shared_tokens_get_the_standard_error_that_they_have(share: np.ndarray, sampled: int) -> None:
    rng = np.random.default_rng(2)
    neurons, own = 400, 3.0
    squares = []
    for _ in range(150):
        full, without = simulate(rng, share, sampled, own)
        parts = jackknife_parts(full, without, share, neurons)
        squares.append(standard_error([parts], [1.0])[0][0] ** 2)
    truth = (1 + own**2 / neurons) / 400
    assert np.mean(squares) == pytest.approx(truth, rel=0.2)


def test_what_two_populations_share_cancels_in_their_difference() -> None:
    rng = np.random.default_rng(3)
    share = np.full(10, 0.1)
    full, without = simulate(rng, share, 60, 0.0)
    parts = jackknife_parts(full, without, share, 60)
    assert standard_error([parts], [1.0])[0][0] > 0.01
    assert standard_error([parts, parts], [1.0, -1.0])[0][0] == pytest.approx(0, abs=1e-12)
    assert standard_error([parts, parts], [0.5, 0.5])[0][0] == pytest.approx(standard_error([parts], [1.0])[0][0])


def test_undefined_neurons_are_left_out() -> None:
    rng = np.random.default_rng(4)
    full, without = rng.normal(size=(30, 1)), rng.normal(size=(6, 30, 1))
    holes = full.copy()
    holes[:10] = np.nan
    share = np.full(6, 1 / 6)
    np.testing.assert_allclose(
        jackknife_parts(holes, without, share, 60), jackknife_parts(full[10:], without[:, 10:], share, 40), rtol=1e-12
    )


def test_the_interval_is_students() -> None:
    degrees = np.array([19.0, 3.5])
    np.testing.assert_allclose(interval_factor(degrees), stats.t.ppf(0.975, degrees))
    np.testing.assert_allclose(interval_factor(degrees, 0.9), stats.t.ppf(0.95, degrees))


def test_a_census_has_the_degrees_of_freedom_of_its_groups() -> None:
    rng = np.random.default_rng(6)
    full, without = leave_outs(rng, 12, 40, 3)
    parts = jackknife_parts(full, without, np.full(12, 1 / 12), 40)
    np.testing.assert_allclose(standard_error([parts], [1.0])[1], 11)


@pytest.mark.parametrize("sampled", [25, 100, 400])
def test_intervals_cover_at_least_what_they_should_however_few_neurons_are_sampled(sampled: int) -> None:
    rng = np.random.default_rng(7)
    share, neurons, own, covered = np.full(32, 1 / 32), 400, 12.0, []
    for _ in range(400):
        group = np.repeat(np.arange(32), 12)
        x = rng.normal(size=(384, 1)) + own * rng.normal(size=(384, neurons))
        some = x[:, :sampled]
        without = np.stack([some[group != g].mean(axis=0) for g in range(32)])
        parts = jackknife_parts(some.mean(axis=0)[:, None], without[:, :, None], share, neurons)
        error, degrees = standard_error([parts], [1.0])
        covered.append(abs(x.mean()) < interval_factor(degrees)[0] * error[0])
    assert np.mean(covered) >= 0.92
    assert sampled < neurons or np.mean(covered) <= 0.98


def test_variances_of_independent_estimates_add_with_welchs_degrees() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=12), rng.normal(size=7) * 3
    errors = np.array([[a.std(ddof=1) / np.sqrt(12)], [b.std(ddof=1) / np.sqrt(7)]])
    error, degrees = error_of_sum(errors, np.array([[11.0], [6.0]]))
    told = stats.ttest_ind(a, b, equal_var=False)
    assert degrees[0] == pytest.approx(told.df)
    low, high = told.confidence_interval(0.95)
    assert 2 * interval_factor(degrees)[0] * error[0] == pytest.approx(high - low)


def test_without_any_error_the_degrees_are_the_fewest() -> None:
    error, degrees = error_of_sum(np.zeros((2, 1)), np.array([[31.0], [19.0]]))
    assert (error[0], degrees[0]) == (0.0, 19.0)


def test_the_difference_of_the_same_neurons_is_the_jackknife_of_the_difference() -> None:
    rng = np.random.default_rng(5)
    share = np.full(8, 1 / 8)
    full, without = rng.normal(size=(2, 30, 1)), rng.normal(size=(2, 8, 30, 1))
    parts = [jackknife_parts(full[i], without[i], share, 30) for i in (0, 1)]
    straight = jackknife_parts(full[1] - full[0], without[1] - without[0], share, 30)
    joined = of_the_same_neurons(*parts)
    expected = np.sqrt((straight[0] ** 2).mean(axis=0))
    np.testing.assert_allclose(standard_error([joined], [1.0])[0], expected, rtol=1e-12)
    np.testing.assert_array_equal(standard_error([of_the_same_neurons(parts[0], parts[0])], [1.0])[0], 0)


def test_noise_that_may_be_shared_is_not_taken_off() -> None:
    rng = np.random.default_rng(6)
    share, own = np.full(8, 1 / 8), rng.normal(size=(8, 30, 1))
    first, second = np.zeros((8, 30, 1)), own  # all noise of 30 neurons, of a layer with 3,000
    parts = [jackknife_parts(np.zeros((30, 1)), one, share, 3000) for one in (first, second)]
    joined = standard_error([of_the_same_neurons(*parts)], [1.0])[0][0]
    apart = standard_error(parts, [-1.0, 1.0])[0][0]
    assert joined > 1.3 * apart


def test_the_error_of_sampling_is_right_over_all_samples_that_could_have_been_taken() -> None:
    layer = np.random.default_rng(2).standard_normal((7, 2))
    samples = [layer[list(some)] for some in combinations(range(7), 3)]
    means = np.stack([some.mean(axis=0) for some in samples])
    squares = np.mean([sampling_error(some, 7) ** 2 for some in samples], axis=0)
    np.testing.assert_allclose(squares, means.var(axis=0), rtol=1e-12)


def test_a_whole_layer_has_no_error_of_sampling_and_one_neuron_s_is_not_known() -> None:
    values = np.array([[1.0, np.nan, 2.0], [3.0, 5.0, np.nan], [4.0, np.nan, 2.0]])
    assert sampling_error(values, 3).tolist() == [0.0, 0.0, 0.0]
    assert np.isnan(sampling_error(values, 9)).tolist() == [False, True, False]
    assert sampling_error(values, 9)[2] == 0.0
