from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from tests.made_up import make_batch

from intraneuron.data import Comparison
from intraneuron.kernels.jackknife import interval_factor, standard_error
from intraneuron.pipeline.background import background
from intraneuron.pipeline.compare import compare, with_q
from intraneuron.pipeline.numbers import BY_NAME, NUMBERS
from intraneuron.pipeline.partition import categorize, segment
from intraneuron.pipeline.pattern import PATTERNS, bars
from intraneuron.pipeline.results import Population
from intraneuron.pipeline.summarize import BINS, Layer, estimates, leave_out, pattern_rows, summarize

GROUPS = 6
SHARE = np.full(GROUPS, 1 / GROUPS)


def population(seed: int, *, core: slice = slice(None), size: int = 12) -> Population:
    b = make_batch(size, 30, seed=seed)[core]
    own, space = b.core(), b.space()
    categories, segments = categorize(own, space), segment(own)
    around = background(space, np.ones(len(b.vectors), dtype=bool))
    found = compare(own, space, categories, segments, spelling=b.spelling(), background=around)
    effects = {name: with_q([effect])[0] for name, effect in found.effects.items()}
    return Population(own, categories, segments, replace(found, effects=effects))


def noisy(comparison: Comparison, seed: int) -> Comparison:
    """Return the comparison as it might be without one group of tokens."""
    rng = np.random.default_rng(seed)
    effects = {
        name: replace(e, effect_size=e.effect_size + 0.1 * rng.normal() + 0.01 * rng.normal(size=e.p.shape))
        for name, e in comparison.effects.items()
    }
    return replace(comparison, effects=effects, profile=comparison.profile + 0.1 * rng.normal())


def jackknife(comparison: Comparison, seed: int) -> np.ndarray:
    return leave_out(comparison, [noisy(comparison, seed + g) for g in range(GROUPS)], SHARE, 400)


def make_layer(number: int, twins: Sequence[str] = ("shuffled", "rotated")) -> Layer:
    populations = {name: population(10 * number + i) for i, name in enumerate(("neurons", *twins))}
    observed: list[str] = [name for name in ("neurons", "rotated") if name in populations]
    parts = {name: jackknife(populations[name].comparison, 100 * number) for name in observed}
    return Layer(number, populations, parts)


LAYERS = [make_layer(0), make_layer(1)]
TABLES = summarize(LAYERS)


def row(table: str, **wanted: object) -> dict[str, object]:
    (found,) = [r for r in TABLES[table] if all(r[k] == v for k, v in wanted.items())]
    return found


def mean(name: str, layer: int, population: str) -> float:
    return float(np.nanmean(BY_NAME[name].of(LAYERS[layer].populations[population].comparison)))


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: n.name)
def test_a_claim_is_the_mean_over_neurons_beside_that_of_each_twin(number: object) -> None:
    name = number.name  # type: ignore[attr-defined]
    for layer in (0, 1):
        found = row("claims", number=name, layer=layer)
        for population_name in ("neurons", "shuffled", "rotated"):
            assert found[population_name] == pytest.approx(mean(name, layer, population_name), rel=1e-12)
        p = BY_NAME[name].p_of(LAYERS[layer].populations["rotated"].comparison)
        if np.isfinite(p).any():
            share = (p[np.isfinite(p)] < 0.05).mean()
            assert found["share_rotated"] == pytest.approx(share)
        assert found["difference"] == pytest.approx(mean(name, layer, "neurons") - mean(name, layer, "rotated"))
        assert found["expected_by_chance"] == BY_NAME[name].chance


def test_the_mean_over_layers_weighs_layers_alike() -> None:
    small = Layer(1, {k: population(5, size=4) for k in ("neurons", "shuffled", "rotated")}, {})
    found = summarize([LAYERS[0], small])["claims"][0]
    values = [float(np.nanmean(NUMBERS[0].of(x.populations["neurons"].comparison))) for x in (LAYERS[0], small)]
    assert found["layer"] is None
    assert found["neurons"] == pytest.approx(np.mean(values))
    assert math.isnan(found["neurons_low"])


def half_width(parts: list[np.ndarray], weights: list[float]) -> np.ndarray:
    error, degrees = standard_error(parts, weights)
    return np.asarray(interval_factor(degrees) * error)


def test_intervals_are_students_around_the_mean_and_around_the_difference() -> None:
    index = [n.name for n in NUMBERS].index("peak")
    parts = LAYERS[1].jackknife
    alone = half_width([parts["neurons"]], [1.0])[index]
    left = half_width([parts["neurons"], parts["rotated"]], [1.0, -1.0])[index]
    found = row("claims", number="peak", layer=1)
    assert found["neurons_high"] == pytest.approx(found["neurons"] + alone)
    assert found["neurons_low"] == pytest.approx(found["neurons"] - alone)
    assert found["difference_high"] == pytest.approx(found["difference"] + left)
    assert found["difference_low"] == pytest.approx(found["difference"] - left)
    assert left > 0
    both = [layer.jackknife[name] for layer in LAYERS for name in ("neurons", "rotated")]
    over_layers = half_width(both, [0.5, -0.5, 0.5, -0.5])[index]
    whole = row("claims", number="peak", layer=None)
    assert whole["difference_high"] == pytest.approx(whole["difference"] + over_layers)


def test_what_could_have_been_seen_is_the_effect_of_80_percent_power() -> None:
    index = [n.name for n in NUMBERS].index("peak")
    parts = LAYERS[1].jackknife
    found = row("claims", number="peak", layer=1)
    for name, given in (
        ("neurons", ([parts["neurons"]], [1.0])),
        ("difference", ([parts["neurons"], parts["rotated"]], [1.0, -1.0])),
    ):
        error, degrees = standard_error(*given)
        t = stats.t(degrees[index])
        assert found[f"{name}_detectable"] == pytest.approx((t.ppf(0.975) + t.ppf(0.8)) * error[index])


def test_without_the_rotated_twin_there_is_no_difference_and_no_interval_of_it() -> None:
    found = summarize([make_layer(2, ("shuffled",))])["claims"][0]
    assert math.isnan(found["rotated"])
    assert math.isnan(found["difference"])
    assert math.isnan(found["difference_low"])
    assert math.isnan(found["difference_detectable"])
    assert np.isfinite(found["neurons_low"])
    assert np.isfinite(found["neurons_detectable"])


def test_what_gets_an_interval_are_the_numbers_and_the_profile_above_its_mean() -> None:
    comparison = LAYERS[0].populations["neurons"].comparison
    table = estimates(comparison)
    assert table.shape == (12, len(NUMBERS) + 21)
    for place, number in enumerate(NUMBERS):
        np.testing.assert_array_equal(table[:, place], number.of(comparison))
    np.testing.assert_array_equal(table[:, len(NUMBERS) :], comparison.profile - comparison.mean_similarity[:, None])


def test_the_profile_is_the_mean_above_each_neurons_own_mean() -> None:
    comparison = LAYERS[0].populations["rotated"].comparison
    expected = np.nanmean(comparison.profile - comparison.mean_similarity[:, None], axis=0)
    rows = [r for r in TABLES["profile"] if r["layer"] == 0 and r["population"] == "rotated"]
    np.testing.assert_allclose([r["homogeneity"] for r in rows], expected, rtol=1e-12)
    assert [r["rank"] for r in rows] == [w + 4.5 for w in range(21)]
    assert all(math.isnan(r["low"]) for r in rows)
    own = [r for r in TABLES["profile"] if r["layer"] == 0 and r["population"] == "neurons"]
    assert all(r["low"] < r["homogeneity"] < r["high"] for r in own)


def test_distributions_are_shares_of_all_tested_neurons() -> None:
    for number, edges in BINS.items():
        for name in ("neurons", "shuffled", "rotated"):
            rows = [r for r in TABLES["distributions"] if r["number"] == number and r["population"] == name]
            assert [r["low"] for r in rows] == edges[:-1].tolist()
            assert sum(r["share"] for r in rows) == pytest.approx(1)
            values = np.concatenate([BY_NAME[number].of(x.populations[name].comparison) for x in LAYERS])
            values = values[np.isfinite(values)]
            below = (values < edges[10]).mean()
            assert sum(r["share"] for r in rows[:10]) == pytest.approx(below)


def test_deltas_are_means_by_rank_among_neurons_with_as_many_categories() -> None:
    population = LAYERS[1].populations["shuffled"]
    delta = population.comparison.effects["category_delta"].observed
    for r in TABLES["deltas"]:
        if (r["layer"], r["population"]) != (1, "shuffled"):
            continue
        inside = population.categories.n_groups == r["n_categories"]
        assert r["neurons"] == inside.sum()
        if inside.any():
            assert r["delta"] == pytest.approx(delta[inside, r["category"]].mean())
        else:
            assert math.isnan(r["delta"])


def test_shares_of_patterns_add_up_and_twins_are_judged_by_the_same_bars() -> None:
    limits = {layer.layer: bars(layer.populations["rotated"].comparison) for layer in LAYERS}
    rows = pattern_rows(LAYERS, limits)
    for layer in (0, 1):
        for name in ("neurons", "shuffled", "rotated"):
            some = {r["pattern"]: r["share"] for r in rows if (r["layer"], r["population"]) == (layer, name)}
            assert list(some) == list(PATTERNS)
            assert sum(some.values()) == pytest.approx(1)
            assert some["untested"] == 0
            assert some["insufficient"] == pytest.approx(2 / 12)
    untested = pattern_rows(LAYERS, {})
    assert sum(r["share"] for r in untested if r["pattern"] == "untested") == pytest.approx(6 * 10 / 12)


def test_layers_in_which_nothing_is_defined_leave_the_mean_over_the_others() -> None:
    empty = population(3, core=slice(1, 3))
    lone = Layer(1, {"neurons": empty, "shuffled": empty, "rotated": empty}, {})
    found = summarize([LAYERS[0], lone])["claims"][0]
    assert found["neurons"] == pytest.approx(mean(NUMBERS[0].name, 0, "neurons"))


def test_a_difference_is_over_the_layers_in_which_both_are_defined() -> None:
    empty, known = population(3, core=slice(1, 3)), population(5)
    lone = Layer(1, {"neurons": known, "shuffled": known, "rotated": empty}, {})
    name = NUMBERS[0].name
    found = summarize([LAYERS[0], lone])["claims"][0]
    assert found["difference"] == pytest.approx(mean(name, 0, "neurons") - mean(name, 0, "rotated"))
    assert found["neurons"] - found["rotated"] != pytest.approx(found["difference"])


def test_without_a_model_the_difference_is_that_from_the_readout_twins_and_every_row_says_so() -> None:
    layer = make_layer(4, twins=("shuffled", "readout"))
    layer.jackknife["readout"] = jackknife(layer.populations["readout"].comparison, 77)
    rows = summarize([layer], "readout")["claims"]
    for row in rows:
        assert row["reference"] == "readout"
        assert "rotated" not in row
        if math.isfinite(row["neurons"]):
            assert row["difference"] == pytest.approx(row["neurons"] - row["readout"], abs=1e-12)
            assert row["difference_low"] < row["difference"] < row["difference_high"]
    assert not any("reference" in row for row in TABLES["claims"])
