"""Made-up neurons: keyed, as they are ordered, and found by the tests that are made for what is planted."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from intraneuron.config import Kind, SimulateConfig
from intraneuron.data import Comparison
from intraneuron.errors import SettingError
from intraneuron.pipeline.analyse import analyse
from intraneuron.pipeline.numbers import BY_NAME
from intraneuron.pipeline.p_values import p_values_of, table_of_p
from intraneuron.pipeline.simulate import simulate

KINDS: tuple[Kind, ...] = ("gradient", "peak", "steps")
OWN = {"gradient": "distance_r", "peak": "peak", "steps": "top_down_eta2"}
"""The number that is made for each planted relation."""

RANKED = ("category_delta", "selectivity", "segment_purity")
"""Tests of categories that are numbered by the activation they test, and one that is exact and discrete."""

BASE = SimulateConfig(dimensions=32, concentration=36.0, noise=0.2)
SIZE = 240


@cache
def compared(kind: Kind, strength: float) -> Comparison:
    made = simulate(SIZE, replace(BASE, kind=kind, strength=strength), seed=5)
    return analyse(made.core, made.space)[0].comparison


def found(kind: Kind, strength: float, number: str, level: float = 0.05) -> float:
    return float((BY_NAME[number].p_of(compared(kind, strength)) < level).mean())


@pytest.mark.parametrize("kind", ["none", *KINDS])
def test_at_strength_0_no_test_rejects_more_than_it_may(kind: Kind) -> None:
    comparison = compared(kind, 0.0)
    tests = [test for test in p_values_of(comparison) if test.question not in RANKED]
    p = table_of_p(comparison, tests)
    tries = np.isfinite(p).sum(axis=0)
    share = (p < 0.05).sum(axis=0) / np.maximum(tries, 1)
    assert (share <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / np.maximum(tries, 1))).all()
    assert share[tries > 0].mean() == pytest.approx(0.05, abs=0.012)


@pytest.mark.parametrize("kind", KINDS)
def test_power_rises_with_strength(kind: Kind) -> None:
    shares = [found(kind, strength, OWN[kind]) for strength in (0.0, 0.3, 0.5, 0.8)]
    assert shares[0] < 0.12
    assert np.all(np.diff(shares) > 0)
    assert shares[-1] > 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_planted_is_found_by_its_own_test_first(kind: Kind) -> None:
    shares = {name: found(kind, 0.3, name) for name in OWN.values()}
    assert max(shares, key=lambda name: shares[name]) == OWN[kind]


@pytest.mark.parametrize("kind", ["none", *KINDS])
def test_a_neuron_is_the_same_however_many_are_made(kind: Kind) -> None:
    config = replace(BASE, kind=kind, core_tokens=31)
    all_of_them, some = simulate(6, config, seed=3), simulate(2, config, seed=3, first=3)
    np.testing.assert_array_equal(all_of_them.core.activation[3:5], some.core.activation)
    np.testing.assert_array_equal(all_of_them.category[3:5], some.category)
    own = all_of_them.space.vector[all_of_them.core.token_id[3:5]]
    np.testing.assert_array_equal(own, some.space.vector[some.core.token_id])
    assert all_of_them.core.neuron[3:5].tolist() == some.core.neuron.tolist() == [3, 4]
    assert not np.array_equal(simulate(2, config, seed=4, first=3).core.activation, some.core.activation)


def test_tokens_are_in_descending_order_and_categories_as_large_as_they_can_be() -> None:
    made = simulate(4, SimulateConfig(kind="steps", core_tokens=50, categories=3, noise=0.1))
    assert (np.diff(made.core.activation, axis=1) <= 0).all()
    sizes = [np.bincount(row + 1).tolist() for row in made.category]
    assert sizes == [[5, 15, 15, 15]] * 4


def test_at_full_strength_the_most_active_fifth_of_a_peak_is_one_category() -> None:
    made = simulate(4, SimulateConfig(kind="peak", strength=1.0, noise=0.0))
    assert all(len(set(row[:20])) == 1 for row in made.category.tolist())
    assert all(row[0] not in row[20:] for row in made.category.tolist())


def test_at_full_strength_steps_are_zones_and_a_gradient_is_in_order() -> None:
    steps = simulate(3, SimulateConfig(kind="steps", strength=1.0, noise=0.0)).category
    assert ((np.diff(steps, axis=1) != 0).sum(axis=1) == 7).all()
    gradient = simulate(3, SimulateConfig(kind="gradient", strength=1.0, noise=0.0)).category
    assert (np.diff(gradient, axis=1) <= 0).all()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kind": "hill"}, "kind must be one of none, gradient, peak, steps, got 'hill'"),
        ({"strength": 1.5}, "strength must be between 0 and 1, got 1.5"),
        ({"noise": float("nan")}, "noise must be between 0 and 1, got nan"),
        ({"core_tokens": 19}, "core_tokens must be between 20 and 1000, got 19"),
        ({"categories": 1}, "categories must be between 2 and 10, got 1"),
        ({"dimensions": 1}, "dimensions must be at least 2, got 1"),
        ({"concentration": -1.0}, "concentration must be at least 0, got -1.0"),
    ],
)
def test_a_setting_out_of_range_is_refused(change: dict[str, object], text: str) -> None:
    with pytest.raises(SettingError, match=text):
        simulate(1, replace(BASE, **change))  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="size must be at least 1 neuron, got 0"):
        simulate(0)


@pytest.mark.parametrize("tokens", [20, 1000])
def test_the_smallest_and_the_largest_neurons_are_made(tokens: int) -> None:
    made = simulate(1, SimulateConfig(kind="steps", core_tokens=tokens, dimensions=4, concentration=3.0))
    assert made.core.token_id.shape == (1, tokens)
    np.testing.assert_allclose(np.linalg.norm(made.space.vector, axis=1), 1, rtol=1e-6)
