"""What holds under every specification, and which choice the rest turns on: on tables made by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from intraneuron.kernels.jackknife import interval_factor, standard_error
from intraneuron.pipeline.robust import Pair, beside_of, choice_rows, conclusions, reach
from intraneuron.pipeline.vary import Estimate

FIXED: dict[str, Any] = {"core_tokens": 100, "forms": "all", "sign": "positive", "cross_fit": False}


def table(
    differences: dict[tuple[str, bool], float], *, number: str = "peak", half: float = 0.01
) -> list[dict[str, Any]]:
    rows = []
    for (space, center), difference in differences.items():
        low, high = difference - half, difference + half
        rows.append(
            {
                **{"claim": "C2", "number": number, "layer": None, "space": space, "center": center},
                **{"segments": None, "categories": None, **FIXED, "difference": difference, "low": low, "high": high},
                **{"detectable": 1.4 * half if math.isfinite(difference) else math.nan},
                **{"beside": beside_of(1, low, high), "own": (space, center) == ("input", False)},
            }
        )
    return rows


def test_what_holds_everywhere_is_said_to() -> None:
    [row] = conclusions(table(dict(zip(product("ab", (False, True)), (0.1, 0.2, 0.3, 0.4), strict=True))))
    assert (row["specifications"], row["more"], row["no_more"], row["less"], row["untested"]) == (4, 4, 0, 0, 0)
    assert (row["everywhere"], row["one_sign"], row["turns_on"], row["moved_by"]) == ("more", True, None, "space")
    assert (row["lowest"], row["highest"]) == (0.1, 0.4)
    assert row["median"] == pytest.approx(0.25)


def test_the_choice_that_flips_the_rest_is_found() -> None:
    values = {("input", False): -0.02, ("input", True): 0.03, ("output", False): -0.05, ("output", True): 0.02}
    [row] = conclusions(table(values))
    assert (row["everywhere"], row["one_sign"], row["turns_on"]) == (None, False, "center")
    assert (row["own"], row["own_beside"]) == (-0.02, "less")
    choices = {(one["choice"], one["value"]): one for one in choice_rows(table(values))}
    assert set(choices) == {("space", "input"), ("space", "output"), ("center", "no"), ("center", "yes")}
    yes, no = choices["center", "yes"], choices["center", "no"]
    assert (yes["difference"], no["difference"]) == (pytest.approx(0.025), pytest.approx(-0.035))
    assert (yes["matched"], yes["changed"], yes["more"], no["less"]) == (2, 2, 2, 2)
    assert choices["space", "input"]["changed"] == 0


def test_specifications_that_are_not_matched_do_not_count_for_a_choice() -> None:
    values = {("input", False): 0.0, ("input", True): 0.1, ("file", True): 0.9}
    choices = {(one["choice"], one["value"]): one for one in choice_rows(table(values))}
    assert choices["center", "yes"]["difference"] == pytest.approx(0.1)
    assert choices["space", "input"]["difference"] == pytest.approx(0.1)
    assert choices["space", "file"]["matched"] == 1


def test_what_is_undefined_is_untested_and_has_no_mean() -> None:
    [row] = conclusions(table({("input", False): math.nan, ("input", True): 0.1}))
    assert (row["untested"], row["more"], row["everywhere"], row["turns_on"]) == (1, 1, "more", None)
    assert choice_rows(table({("input", False): math.nan, ("input", True): 0.1})) == []
    [none] = conclusions(table({("input", False): math.nan}))
    assert none["everywhere"] == "untested"
    assert math.isnan(none["median"])
    assert not none["one_sign"]


def test_small_values_speak_for_a_relation_where_they_should() -> None:
    assert [beside_of(-1, *ends) for ends in ((-0.2, -0.1), (-0.1, 0.1), (0.1, 0.2), (math.nan, 1.0))] == [
        *("more", "no more", "less", "untested")
    ]


def by_size(differences: dict[int, float], **more: Any) -> list[dict[str, Any]]:
    """Return specifications of so many core tokens; what is not otherwise said is that of one input space."""
    rows = table({(f"{size}", False): value for size, value in differences.items()})
    return [row | {"core_tokens": size, "space": "input"} | more for row, size in zip(rows, differences, strict=True)]


def test_a_value_that_can_nowhere_be_tested_does_not_hide_what_the_others_change() -> None:
    """Peak of 20 tokens has no rest when there are but 20 core tokens."""
    rows = by_size({20: math.nan, 100: 0.0, 200: 0.1})
    [row] = conclusions(rows)
    assert (row["turns_on"], row["turns_changed"], row["turns_matched"]) == ("core_tokens", 1, 1)
    assert (row["more"], row["no_more"], row["untested"], row["everywhere"]) == (1, 1, 1, None)
    choices = {one["value"]: one for one in choice_rows(rows)}
    assert {value: one["untested"] for value, one in choices.items()} == {"20": 1, "100": 0, "200": 0}
    assert math.isnan(choices["20"]["difference"])
    assert (choices["20"]["matched"], choices["100"]["matched"]) == (0, 1)


def test_what_cannot_be_tested_is_no_other_conclusion() -> None:
    rows = by_size({20: math.nan, 100: 0.1, 200: 0.2}) + by_size({20: math.nan, 100: math.nan, 200: 0.3}, center=True)
    [row] = conclusions(rows)
    assert (row["everywhere"], row["untested"], row["turns_on"]) == ("more", 3, None)
    assert {one["changed"] for one in choice_rows(rows)} == {0}


def test_a_choice_that_was_changed_in_many_sets_comes_before_one_of_few() -> None:
    """Sign changes its only set, space half of eight."""
    rows = []
    for size in range(8):
        values = {("a", False): 0.1, ("b", False): 0.0 if size < 4 else 0.1}
        rows += [row | {"core_tokens": 50 + size} for row in table(values)]
    [signed] = table({("a", False): 0.0})
    [row] = conclusions([*rows, signed | {"core_tokens": 50, "sign": "magnitude"}])
    assert (row["turns_on"], row["turns_changed"], row["turns_matched"]) == ("space", 4, 8)
    few = [one for one in rows if one["core_tokens"] < 57]
    [row] = conclusions([*few, signed | {"core_tokens": 50, "sign": "magnitude"}])
    assert (row["turns_on"], row["turns_changed"], row["turns_matched"]) == ("sign", 1, 1)


def test_the_study_s_own_number_is_that_of_its_summary() -> None:
    claims: list[dict[str, Any]] = [
        {"number": "peak", "layer": None, "difference": -0.3, "difference_low": -0.4, "difference_high": -0.2},
        {"number": "peak", "layer": 0, "difference": 0.9, "difference_low": 0.8, "difference_high": 1.0},
    ]
    [row] = conclusions(table({("input", False): 0.1}), claims)
    assert (row["study"], row["study_low"], row["study_high"], row["study_beside"]) == (-0.3, -0.4, -0.2, "less")
    assert (row["own"], row["own_beside"]) == (0.1, "more")
    [row] = conclusions(table({("input", False): 0.1}), [claims[0] | {"difference_low": None}])
    assert row["study_beside"] == "untested"
    assert conclusions(table({("input", False): 0.1}))[0]["study_beside"] is None


def test_what_would_have_been_seen_is_the_median_over_specifications() -> None:
    rows = by_size({20: math.nan, 100: 0.1, 200: 0.2, 300: 0.1})
    for row, seen in zip(rows, (math.nan, 0.5, 0.1, 0.2), strict=True):
        row["detectable"] = seen
    assert conclusions(rows)[0]["detectable"] == 0.2


def estimate(rng: np.random.Generator, *, rough: float, taken: int, population: int) -> Estimate:
    """Return an estimate of one number, of neurons whose own noise in the jackknife is so much."""
    own = rough**2 * rng.chisquare(taken - 1, (20, 1)) / (taken - 1)
    mean = np.sqrt(own / taken) * rng.standard_normal((20, 1)) + 0.01 * np.sign(rng.standard_normal((20, 1)))
    parts = np.stack([mean, own / taken, own / population])
    sampling = np.array([0.05 * (1 - taken / population) ** 0.5])
    return Estimate(np.array([0.1]), np.array([taken]), parts, sampling, taken, population)


@pytest.mark.parametrize("rough", [0.01, 10.0])
def test_an_interval_of_a_sample_holds_that_other_neurons_could_have_been_taken(rough: float) -> None:
    """Nor does it become endless where the neurons' own noise is all there is to estimate from."""
    rng = np.random.default_rng(3)
    neurons, twin = (estimate(rng, rough=rough, taken=64, population=1024) for _ in range(2))
    pair = Pair(neurons, twin, texts=False)
    half, seen = reach([pair])
    sampling = 1.96 * np.hypot(*(one.sampling[0] for one in (pair.neurons, pair.twin)))
    noise = [part * np.array([1.0, 0.0, 0.0])[:, None, None] for part in (pair.neurons.parts, pair.twin.parts)]
    error, degrees = standard_error(noise, [1.0, -1.0])
    assert sampling < half[0] < 1.1 * np.hypot(sampling, interval_factor(degrees) * error)
    assert 1.3 < seen[0] / half[0] < 1.5


def test_an_interval_of_all_neurons_is_that_of_the_jackknife_alone() -> None:
    """It may be that of fewer, whose own noise is then taken off, as a study does."""
    rng = np.random.default_rng(3)
    neurons, twin = (
        replace(estimate(rng, rough=10.0, taken=64, population=1024), taken=1024, sampling=np.zeros(1))
        for _ in range(2)
    )
    error, degrees = standard_error([neurons.parts, twin.parts], [1.0, -1.0])
    half, _ = reach([Pair(neurons, twin, texts=False)])
    np.testing.assert_array_equal(half, interval_factor(degrees) * error)
    assert (degrees < 19).all()
