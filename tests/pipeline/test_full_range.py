"""Layer profiles of the full range: means, intervals, and what their shape is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from intraneuron.data import Percentiles
from intraneuron.kernels.jackknife import jackknife_parts
from intraneuron.pipeline.full_range import RangedLayer, full_range_tables

N, G, J = 30, 100, 8
NULL = 0.2


def layer(number: int, seed: int = 0, /, **profiles: np.ndarray) -> tuple[RangedLayer, dict[str, np.ndarray]]:
    """Return a layer whose populations have these mean profiles above random tokens, and what they are without groups.

    All neurons are in the sample, and groups are equally large.
    """
    rng = np.random.default_rng(seed)
    shared = rng.normal(scale=0.002, size=(J, 1, G))
    populations, parts, left = {}, {}, {}
    for name, mean in profiles.items():
        own = mean + rng.normal(scale=0.003, size=(N, G))
        without = own + shared + rng.normal(scale=0.001, size=(J, N, G))
        nothing = np.full((N, G), np.nan)
        index, tokens = np.arange(N, dtype=np.int32), np.full(G, 9, dtype=np.int32)
        populations[name] = Percentiles(number, index, tokens, NULL, own + NULL, nothing, nothing)
        parts[name] = jackknife_parts(own, without, np.full(J, 1 / J), N)
        left[name] = np.stack([own.mean(axis=0), *without.mean(axis=1)])
    return RangedLayer(number, populations, parts), left


def textbook(left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return estimate and half of the 95 % interval of the delete-a-group jackknife, groups equally large."""
    without = left[1:]
    variance = (J - 1) / J * ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    return left[0], stats.t.ppf(0.975, J - 1) * np.sqrt(variance)


def rows(found: list[dict[str, Any]], number: int | None, population: str) -> dict[str, np.ndarray]:
    some = [row for row in found if row["layer"] == number and row["population"] == population]
    assert [row["percentile"] for row in some] == list(range(1, G + 1))
    return {name: np.array([row[name] for row in some]) for name in some[0] if name not in ("layer", "population")}


RISING = np.linspace(-0.1, 0.2, G)
TOP = np.where(np.arange(G) >= 97, 0.2, 0.0)
FALLING = np.linspace(0.1, -0.1, G)


def test_a_profile_has_means_and_the_intervals_of_the_jackknife() -> None:
    made, left = layer(3, neurons=RISING, rotated=TOP)
    found = full_range_tables([made])["profile"]
    own, twin = rows(found, 3, "neurons"), rows(found, 3, "rotated")
    mean, half = textbook(left["neurons"])
    np.testing.assert_allclose(own["above"], mean, rtol=1e-9)
    np.testing.assert_allclose(own["homogeneity"], mean + NULL, rtol=1e-9)
    np.testing.assert_allclose([own["low"], own["high"]], [mean - half, mean + half], rtol=1e-6)
    difference, half = textbook(left["neurons"] - left["rotated"])
    np.testing.assert_allclose(twin["difference"], difference, rtol=1e-9)
    np.testing.assert_allclose(twin["difference_low"], difference - half, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(twin["difference_high"], difference + half, rtol=1e-6, atol=1e-9)
    assert (own["neurons"] == N).all()
    assert np.isnan([own[name] for name in ("difference", "difference_low", "difference_high")]).all()


def test_the_mean_over_layers_adds_up_before_it_squares() -> None:
    some = [layer(n, n, neurons=RISING, rotated=TOP) for n in (0, 1)]
    found = full_range_tables([one for one, _ in some])["profile"]
    mean, half = textbook((some[0][1]["neurons"] + some[1][1]["neurons"]) / 2)
    own = rows(found, None, "neurons")
    np.testing.assert_allclose(own["above"], mean, rtol=1e-9)
    np.testing.assert_allclose(own["high"] - own["above"], half, rtol=1e-6)
    assert (own["neurons"] == 2 * N).all()


def shape(**profiles: np.ndarray) -> dict[str, Any]:
    return full_range_tables([layer(0, 0, **profiles)[0]])["shape"][1]


def test_a_steady_rise_is_told_from_one_at_the_very_top() -> None:
    steady, top = shape(neurons=RISING, rotated=FALLING), shape(neurons=TOP, rotated=FALLING)
    assert steady["rank_correlation"] > 0.99
    assert steady["half_from"] == pytest.approx(67, abs=2)
    assert top["half_from"] == 98
    assert top["rank_correlation"] < 0.7
    assert steady["top"] == pytest.approx(0.2, abs=0.002)
    assert steady["top_low"] < steady["top"] < steady["top_high"]


def test_a_profile_that_does_not_rise_to_the_top_has_no_half() -> None:
    found = shape(neurons=FALLING, rotated=RISING)
    assert found["half_from"] is None
    assert found["highest"] <= 3
    assert found["highest_above"] == pytest.approx(0.1, abs=0.01)
    assert found["top_twin"] == pytest.approx(0.2, abs=0.002)


def test_percentiles_beyond_the_twin_are_counted() -> None:
    found = shape(neurons=np.where(np.arange(G) < 30, 0.1, 0.0), rotated=np.where(np.arange(G) >= 60, 0.1, 0.0))
    assert found["beyond"] == pytest.approx(30, abs=5)
    assert found["below"] == pytest.approx(40, abs=5)
    alone = shape(neurons=RISING)
    assert alone["beyond"] is alone["below"] is None
    assert np.isnan(alone["top_twin"])


def test_what_is_undefined_in_all_neurons_stays_undefined_and_in_some_leaves_the_others() -> None:
    made, _ = layer(0, neurons=RISING)
    own = made.populations["neurons"].homogeneity
    own[:, 40] = np.nan
    own[: N // 2, 99] = np.nan
    found = full_range_tables([made])
    profile = rows(found["profile"], 0, "neurons")
    assert np.isnan(profile["above"][40])
    assert (profile["neurons"][40], profile["neurons"][99]) == (0, N // 2)
    assert profile["above"][99] == pytest.approx(own[N // 2 :, 99].mean() - NULL)
    own[:] = np.nan
    undefined = full_range_tables([made])["shape"][1]
    assert undefined["highest"] is None
    assert undefined["half_from"] is None
    assert np.isnan(undefined["rank_correlation"])
