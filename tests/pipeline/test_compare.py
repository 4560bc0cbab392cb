"""The whole chain against the oracle, on real neurons; and whether p is what it says under the null."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from tests import oracle
from tests.made_up import make_batch
from tests.real_neurons import Real, need

from intraneuron.data import QUESTIONS, Comparison, CoreTokens, Effect, Partition
from intraneuron.errors import DataError
from intraneuron.models.vocabulary import spelling_of
from intraneuron.pipeline.compare import compare, with_q
from intraneuron.pipeline.partition import categorize, segment
from intraneuron.pipeline.results import Population, results
from intraneuron.pipeline.shuffle import shuffle

CHOSEN = np.array([0, 5, 9, 13, 18, 23])
DRAWS = 4000
CLOSED = 1e-4
"""Relative tolerance of p: cosines are float32, the oracle's are float64."""

METHODS = [("ward", "quantile:5"), ("average", "equal-width:4"), ("complete", "top:0.2")]


@pytest.fixture(scope="module", params=["minilm", "docs-lm"])
def real(request: pytest.FixtureRequest) -> Real:
    return need(request.param)


@pytest.fixture(scope="module", params=METHODS, ids=lambda m: " ".join(m))
def whole(request: pytest.FixtureRequest, real: Real) -> tuple[Real, Population, str, str]:
    core = shorter(real.core[CHOSEN])
    meaning, zones = request.param
    categories, segments = categorize(core, real.space, meaning), segment(core, zones)
    comparison = compare(core, real.space, categories, segments)
    return real, Population(core, categories, segments, comparison), meaning, zones


def shorter(core: CoreTokens) -> CoreTokens:
    """Cut the second neuron to 40 tokens, so that its quantiles are small zones, and the last to 12."""
    n = core.n.copy()
    n[1], n[-1] = min(40, n[1]), 12
    padded = np.arange(core.width) >= n[:, None]
    return replace(
        core,
        n=n,
        token_id=np.where(padded, -1, core.token_id).astype(np.int32),
        activation=np.where(padded, np.nan, core.activation),
        count=np.where(padded, -1, core.count),
    )


def expected_of(real: Real, core: CoreTokens, i: int, meaning: str, zones: str) -> dict[str, np.ndarray | float]:
    n = core.n[i]
    option = zones.removeprefix("quantile:") if zones.startswith("quantile") else zones
    return oracle.analyse(
        real.space.vector[core.token_id[i, :n]].astype(np.float64),
        core.activation[i, :n],
        categories=meaning,  # type: ignore[arg-type]
        segments=option,
    )


def padded(values: np.ndarray, width: int) -> np.ndarray:
    return np.concatenate([values, np.full(width - len(values), np.nan)])


def test_every_number_of_a_real_neuron_equals_the_oracles(whole: tuple[Real, Population, str, str]) -> None:
    real, population, meaning, zones = whole
    core, table = population.core, results(population, real.vocabulary, clustered_above=None, flags=None)
    for i in range(len(core)):
        n, expected = core.n[i], expected_of(real, core, i, meaning, zones)
        np.testing.assert_array_equal(population.categories.label[i, :n], expected["label_meaning"])
        np.testing.assert_array_equal(population.segments.label[i, :n], expected["label_activation"])
        fit = population.segments.quality[i]
        assert fit == pytest.approx(expected["segment_quality"], rel=1e-9, nan_ok=True)
        profile = population.comparison.profile[i]
        np.testing.assert_allclose(profile, padded(np.asarray(expected["profile"]), len(profile)), atol=1e-6)
        row = table.row(i, named=True)
        for key in set(row) & set(expected):
            if key in ("n", "n_categories"):
                assert row[key] == expected[key]
            elif key not in ("n_segments", "pattern"):
                check(key, np.asarray(row[key], float), np.asarray(expected[key], float), sizes(population, i, key))
        assert row["n_segments"] == (expected["n_segments"] if n >= 20 else 0)


def sizes(population: Population, i: int, key: str) -> np.ndarray:
    """Return how many tokens each p of a key is about; 100 where no draws are made, 5 where they always are."""
    n, label = int(population.core.n[i]), population.segments.label[i]
    counted = np.bincount(label[label >= 0], minlength=population.comparison.effects["homogeneity"].p.shape[1])
    if key == "agreement_p":
        label_of = population.categories.label[i]
        both = [len(np.unique(part[label_of >= 0])) for part in (label, label_of)]
        return np.array(2 if 2 in both else 100)
    if key == "mrpp_p":  # drawn where a segment has 2 to 5 tokens
        return np.array(5 if (counted[counted >= 2] < 6).any() else 100)
    if key in ("peak_p", "peak10_p", "peak5_p"):
        return np.array(5 if n < 40 or key == "peak5_p" else 100)
    if key not in ("homogeneity_p", "homogeneity_stepdown_p"):
        return np.array(100)
    among = np.full(len(counted), n) if key == "homogeneity_p" else np.cumsum(counted[::-1])[::-1]
    return np.where(among < 40, 5, np.minimum(counted, among - counted))


def check(key: str, found: np.ndarray, expected: np.ndarray, size: np.ndarray) -> None:
    """Compare numbers with the oracle's closed form; a p that came from draws only roughly (tested below)."""
    expected = padded(expected, len(found)) if found.ndim and len(expected) < len(found) else expected
    assert (np.isnan(found) == np.isnan(expected)).all(), key
    if not key.endswith("_p"):
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6, err_msg=key)
        return
    drawn = (size < 10) & (expected < 0.25)
    if key == "agreement_p":  # the exact tail of two groups works in steps of 1/400, the oracle's in finer ones
        np.testing.assert_allclose(found, expected, rtol=0.06 if size == 2 else CLOSED, err_msg=key)
        return
    np.testing.assert_allclose(found[~drawn], expected[~drawn], rtol=CLOSED, err_msg=key)
    np.testing.assert_allclose(found[drawn], expected[drawn], rtol=0.6, atol=0.01, err_msg=key)


def test_the_oracle_and_the_results_share_the_numbers_that_they_should(
    whole: tuple[Real, Population, str, str],
) -> None:
    real, population, meaning, zones = whole
    table = results(population, real.vocabulary, clustered_above=None, flags=None)
    shared = set(table.columns) & set(expected_of(real, population.core, 0, meaning, zones))
    assert {key for key in oracle.BY_CATEGORY + oracle.BY_SIMILARITY if not key.endswith("_z")} <= shared
    assert {"homogeneity", "homogeneity_z", "homogeneity_p", "homogeneity_stepdown_p", "peak_z"} <= shared


def test_effects_of_categories_equal_the_oracles(whole: tuple[Real, Population, str, str]) -> None:
    real, population, meaning, zones = whole
    delta = population.comparison.effects["category_delta"]
    for i in range(len(population.core)):
        expected = expected_of(real, population.core, i, meaning, zones)
        width = delta.observed.shape[1]
        np.testing.assert_allclose(delta.observed[i], padded(np.asarray(expected["cliffs_delta"]), width), atol=1e-10)
        np.testing.assert_allclose(delta.p[i], padded(np.asarray(expected["cliffs_delta_p"]), width), rtol=1e-6)


def test_drawn_p_of_real_neurons_are_within_binomial_error_of_plain_draws(real: Real) -> None:
    core = shorter(real.core[CHOSEN])
    zones = segment(core)
    comparison = compare(core, real.space, categorize(core, real.space), zones)
    rng, checked = np.random.default_rng(0), 0
    for i in range(len(core) - 1):
        n = core.n[i]
        S = oracle.similarity(oracle.unit_rows(real.space.vector[core.token_id[i, :n]]))
        found = comparison.effects["peak"].p[i, 2]
        drawn = oracle.permutation_p_by_draws(oracle.peak_weights(n, 5), S, DRAWS, rng)
        checked += agree(found, drawn)
        for g in np.flatnonzero(np.bincount(zones.label[i, :n]) < 10):
            found = comparison.effects["homogeneity"].p[i, g]
            checked += agree(found, oracle.homogeneity_p_by_draws(S, zones.label[i, :n] == g, DRAWS, rng))
    assert checked >= 2


def agree(found: float, drawn: float) -> bool:
    if drawn > 0.2:
        assert found > 0.1
        return False
    p = max(found, drawn, 1 / DRAWS)
    error = math.sqrt(p * (1 - p) / DRAWS + (p / 20) ** 2)
    assert abs(found - drawn) < 4 * error
    return True


# Calibration ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shuffled() -> Comparison:
    """Return 2,000 shuffles: 20 real neurons, 100 shuffles of each."""
    real = need("minilm")
    enough = np.flatnonzero(real.core.n == 100)[:20]
    base = real.core[enough]
    categories, rows = categorize(base, real.space), np.tile(np.arange(len(enough)), 2000 // len(enough))
    core = replace(base[rows], neuron=np.arange(len(rows), dtype=np.int32))
    core, order = shuffle(core, seed=1)
    # Not renumbered by activation: that would sort the categories by the very number that is tested.
    moved = replace(categories[rows], label=np.take_along_axis(categories.label[rows], order, axis=1))
    return compare(core, real.space, moved, segment(core), seed=2, spelling=spelling_of(real.vocabulary))


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q not in ("information", "segment_entropy")])
def test_one_p_in_twenty_is_below_5_percent_under_the_null(shuffled: Comparison, question: str) -> None:
    p = shuffled.effects[question].p.reshape(len(shuffled.mean_similarity), -1)
    for column in p.T:
        known = column[np.isfinite(column)]
        if len(known) < 300:  # few neurons have nine or ten categories
            continue
        low, high = stats.binom(len(known), 0.05).ppf([1e-4, 1 - 1e-4])
        hits = int((known <= 0.05).sum())
        assert hits <= high
        assert hits >= low or question in ("category_delta", "segment_purity")  # exact and discrete: not above


def test_under_the_null_p_is_uniform_and_effects_are_zero_on_average(shuffled: Comparison) -> None:
    for question in ("top_down", "mrpp", "distance", "agreement"):
        effect = shuffled.effects[question]
        known = effect.p[np.isfinite(effect.p)]
        assert len(known) > 1500
        assert stats.kstest(known, "uniform").pvalue > 1e-3, question
        size = effect.effect_size[np.isfinite(effect.effect_size)]
        assert abs(size.mean()) < 4 * size.std() / math.sqrt(len(size)), question
    runs = shuffled.effects["interleaving"].effect_size
    runs = runs[np.isfinite(runs)]
    assert abs(runs.mean() - 1) < 4 * runs.std() / math.sqrt(len(runs))


# Shape and bookkeeping -----------------------------------------------------------------------------------------


def comparison_of_made_up(*, estimates_only: bool = False) -> tuple[Comparison, CoreTokens, Partition, Partition]:
    b = make_batch(10, 40)
    core, space = b.core(), b.space()
    categories, segments = categorize(core, space), segment(core)
    return compare(core, space, categories, segments, seed=3, estimates_only=estimates_only), core, categories, segments


def test_every_question_has_an_answer_in_the_order_of_the_table_and_q_is_left_open() -> None:
    comparison, core, _, _ = comparison_of_made_up()
    assert list(comparison.effects) == list(QUESTIONS)
    for name, effect in comparison.effects.items():
        assert (effect.question, effect.null) == (name, QUESTIONS[name])
        assert len(effect) == len(core)
        assert np.isnan(effect.q).all()


def test_neurons_that_cannot_be_tested_get_nan_everywhere() -> None:
    comparison, core, _, _ = comparison_of_made_up()
    few = core.n < 20
    assert few.sum() == 2
    for effect in comparison.effects.values():
        assert np.isnan(effect.observed[few]).all()
        assert np.isnan(effect.p[few]).all()
    assert np.isnan(comparison.mean_similarity[few]).all()
    assert np.isfinite(comparison.mean_similarity[~few]).all()


def test_a_layer_of_which_no_neuron_can_be_tested_is_compared_without_harm() -> None:
    b = make_batch(4, 40)
    core, space = b[np.array([1, 2])].core(), b.space()
    comparison = compare(core, space, categorize(core, space), segment(core))
    assert all(np.isnan(effect.p).all() for effect in comparison.effects.values())


def test_estimates_only_have_the_same_effects() -> None:
    full, quick = comparison_of_made_up()[0], comparison_of_made_up(estimates_only=True)[0]
    for name in QUESTIONS:
        if name != "homogeneity_stepdown":
            np.testing.assert_array_equal(quick.effects[name].effect_size, full.effects[name].effect_size)
    assert np.isnan(quick.effects["mrpp"].p).all()


def test_rows_of_a_comparison_are_those_neurons() -> None:
    comparison, *_ = comparison_of_made_up()
    some = comparison.rows(np.array([3, 0]))
    np.testing.assert_array_equal(some.mean_similarity, comparison.mean_similarity[[3, 0]])
    np.testing.assert_array_equal(some.effects["peak"].p, comparison.effects["peak"].p[[3, 0]])
    np.testing.assert_array_equal(some.profile, comparison.profile[[3, 0]])


def effect_with(p: np.ndarray) -> Effect:
    return Effect("peak", QUESTIONS["peak"], p, p, p, p, p, np.full(p.shape, np.nan))


def test_q_is_over_all_neurons_of_all_layers_and_each_group_is_a_family() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.random((5, 2)), rng.random((8, 3))
    one[2, 1] = np.nan
    first, second = with_q([effect_with(one), effect_with(two)])
    for column in (0, 1):
        together = np.r_[one[:, column], two[:, column]]
        expected = oracle.benjamini_hochberg(together)
        np.testing.assert_allclose(np.r_[first.q[:, column], second.q[:, column]], expected)
    np.testing.assert_allclose(second.q[:, 2], oracle.benjamini_hochberg(two[:, 2]))
    assert first.q.shape == one.shape


def test_q_of_a_question_with_one_answer_a_neuron_runs_over_layers_too() -> None:
    rng = np.random.default_rng(1)
    parts = [rng.random(4), rng.random(6)]
    found = with_q([effect_with(p) for p in parts])
    np.testing.assert_allclose(np.concatenate([e.q for e in found]), oracle.benjamini_hochberg(np.concatenate(parts)))
    assert [len(e) for e in found] == [4, 6]


def test_arrays_of_unequal_shape_make_no_effect() -> None:
    p = np.zeros(3)
    with pytest.raises(DataError, match=r"Effect\.p must have shape \(3,\), got \(2,\)"):
        Effect("peak", "", p, p, p, p, p[:2], p)
