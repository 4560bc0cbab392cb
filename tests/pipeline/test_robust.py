"""What holds under every specification, and which choice the rest turns on: on tables made by hand."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import pytest

from intraneuron.pipeline.robust import beside_of, choice_rows, conclusions

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
    assert (row["untested"], row["more"], row["everywhere"], row["turns_on"]) == (1, 1, None, None)
    assert choice_rows(table({("input", False): math.nan, ("input", True): 0.1})) == []
    [none] = conclusions(table({("input", False): math.nan}))
    assert none["everywhere"] == "untested"
    assert math.isnan(none["median"])
    assert not none["one_sign"]


def test_small_values_speak_for_a_relation_where_they_should() -> None:
    assert [beside_of(-1, *ends) for ends in ((-0.2, -0.1), (-0.1, 0.1), (0.1, 0.2), (math.nan, 1.0))] == [
        *("more", "no more", "less", "untested")
    ]
