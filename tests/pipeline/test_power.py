"""Power: the p of a discovery, the effect that a neuron would need, and what is found of planted relations."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import special
from tests.made_up import make_batch

from intraneuron.config import CalibrateConfig, Kind, PartitionConfig, SimulateConfig
from intraneuron.data import Comparison
from intraneuron.pipeline import power
from intraneuron.pipeline.analyse import analyse
from intraneuron.pipeline.compare import with_q
from intraneuron.pipeline.numbers import BY_NAME
from intraneuron.pipeline.partition import categorize
from intraneuron.pipeline.pattern import bar_of, bars, flags
from intraneuron.pipeline.power import (
    FLAGGED,
    detectable_in_neuron,
    detectable_in_neurons,
    discovery_p,
    judged,
    planted,
    planted_like,
    power_rows,
    reach,
    thresholds,
)
from intraneuron.pipeline.shuffle import shuffle
from intraneuron.pipeline.simulate import simulate

BASE = SimulateConfig(dimensions=24, categories=6, concentration=24.0)
STRENGTHS = (0.3, 0.45, 0.6, 0.75, 0.9)


def compared(kind: Kind, strength: float, size: int = 120) -> Comparison:
    made = simulate(size, replace(BASE, kind=kind, strength=strength), seed=8)
    found = analyse(made.core, made.space)[0].comparison
    return replace(found, effects={name: with_q([effect])[0] for name, effect in found.effects.items()})


@cache
def dealt() -> Comparison:
    made = simulate(300, BASE, seed=1)
    return analyse(made.core, made.space, dealt=[shuffle(made.core)])[1].comparison


@pytest.mark.parametrize("name", ["ami", "distance_r", "peak"])
def test_the_p_of_a_discovery_parts_those_with_a_small_q_from_the_others(name: str) -> None:
    number, comparison = BY_NAME[name], compared("peak", 0.6)
    limit = discovery_p(number, [comparison])
    p, q = number.p_of(comparison), number.q_of(comparison)
    assert (q < 0.05).any()
    np.testing.assert_array_equal(p <= limit, q < 0.05)


def test_without_a_discovery_it_is_the_p_of_the_first() -> None:
    number, comparison = BY_NAME["ami"], compared("none", 0.0, 40)
    effect = comparison.effects["agreement"]
    dull = replace(comparison, effects=comparison.effects | {"agreement": replace(effect, q=np.ones(40))})
    assert discovery_p(number, [dull, dull]) == pytest.approx(0.05 / 80)
    empty = replace(comparison, effects=comparison.effects | {"agreement": replace(effect, p=np.full(40, np.nan))})
    assert np.isnan(discovery_p(number, [empty]))
    assert "ami" not in thresholds([empty])


@pytest.mark.parametrize(
    ("kind", "name"), [("steps", "ami"), ("steps", "top_down_eta2"), ("gradient", "distance_r"), ("peak", "peak")]
)
def test_neurons_with_the_effect_that_is_needed_are_flagged_four_times_of_five(kind: Kind, name: str) -> None:
    number, twin, limit = BY_NAME[name], compared(kind, 0.3), 0.01
    needed = number.sign * detectable_in_neuron(number, dealt(), twin, limit)
    bar = number.sign * bar_of(name, twin)
    effects, shares = [], []
    for strength in STRENGTHS:
        found = compared(kind, strength)
        effect = number.sign * number.of(found)
        effects.append(float(np.nanmean(effect)))
        shares.append(float(((effect > bar) & (number.p_of(found) <= limit)).mean()))
    assert effects[0] < needed < effects[-1]
    z = np.interp(needed, effects, special.ndtri(np.clip(shares, 0.005, 0.995)))  # power curves are nearly normal
    assert special.ndtr(z) == pytest.approx(0.8, abs=0.05)


def test_a_number_needs_both_twins() -> None:
    comparison = compared("none", 0.0, 40)
    layers = {0: {"neurons": comparison, "shuffled": dealt(), "rotated": comparison}, 1: {"neurons": comparison}}
    found = detectable_in_neurons(layers)
    assert list(found) == [0]
    assert set(found[0]) == set(FLAGGED)
    few = replace(comparison, effects={k: e[:2] for k, e in comparison.effects.items()})
    assert np.isnan(detectable_in_neuron(BY_NAME["ami"], dealt(), few, 0.01))


def test_made_up_neurons_are_judged_by_the_studys_p() -> None:
    comparison = compared("steps", 0.5)
    limits = {"ami": 0.03, "peak": 0.2}
    found = judged(comparison, limits)
    for name, limit in limits.items():
        p, q = BY_NAME[name].p_of(found), BY_NAME[name].q_of(found)
        np.testing.assert_array_equal(q < 0.05, p <= limit)
    low = {name: -BY_NAME[name].sign * np.inf for name in bars(comparison)}
    np.testing.assert_array_equal(flags(found, low)["peak"], BY_NAME["peak"].p_of(found) <= 0.2)


def test_made_up_neurons_are_as_like_the_real_ones_as_can_be() -> None:
    made = simulate(40, replace(BASE, kind="none", categories=5, noise=0.0), seed=3)
    found = planted_like(made.core, categorize(made.core, made.space), made.space)
    assert (found.core_tokens, found.dimensions, found.categories) == (100, 24, 5)
    assert found.concentration == pytest.approx(BASE.concentration, rel=0.2)


def test_power_rows_count_what_is_found_of_every_planted_relation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "STRENGTHS", (0.0, 1.0))
    monkeypatch.setattr(power, "NOISES", (0.0,))
    limits = dict.fromkeys(("ami", "distance_r", "peak", "top_down_eta2"), 0.001)
    told: list[int] = []
    config = CalibrateConfig(planted=30, seed=2)
    rows, shares = power_rows(BASE, config, PartitionConfig(), limits, None, told.append)
    assert told == list(range(1, len(list(planted(BASE))) + 1))
    kinds = {(row["kind"], row["strength"]) for row in rows}
    assert kinds == {("none", 0.0), *((kind, s) for kind in ("gradient", "peak", "steps") for s in (0.0, 1.0))}
    for row in rows:
        assert row["share_q"] <= row["share_p"]
        if row["strength"] == 1 and row["number"] == "top_down_eta2":
            assert row["share_p"] == 1
    for kind, strength in kinds:
        own = [row["share"] for row in shares if (row["kind"], row["strength"]) == (kind, strength)]
        assert sum(own) == pytest.approx(1)
    nothing = {row["pattern"]: row["share"] for row in shares if row["kind"] == "none"}
    assert nothing["none"] > 0.9
    one = {row["number"]: row for row in reach(rows) if row["kind"] == "steps"}
    assert one["top_down_eta2"]["at_p"] == 1.0


def test_reach_is_the_least_strength_with_80_percent() -> None:
    plan = {"kind": "peak", "noise": 0.0, "number": "ami"}
    rows = [plan | {"strength": s, "share_p": a, "share_q": b} for s, a, b in ((0.1, 0.2, 0.1), (0.4, 0.8, 0.3))]
    rows += [plan | {"strength": 0.9, "share_p": 0.9, "share_q": 0.7}]
    [found] = reach(rows)
    assert found["at_p"] == 0.4
    assert np.isnan(found["at_q"])


def test_batches_without_categories_have_no_likeness() -> None:
    batch = make_batch(4, 30, seed=1)[1:3]  # too few tokens to be grouped
    found = planted_like(batch.core(), categorize(batch.core(), batch.space()), batch.space())
    assert found.categories == SimulateConfig.categories
    assert found.concentration == 0
