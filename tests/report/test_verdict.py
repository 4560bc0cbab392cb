"""What a study says to a claim: sign, chance, and the interval of the difference from the rotated twin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.samples import NAN, make_card, make_summary

from intraneuron.report.verdict import Verdict, verdict
from intraneuron.report.wording import (
    BRIEF,
    KEY_NUMBERS,
    VERDICTS,
    VERDICTS_OF_ABSENCE,
    key_rows,
    needed,
    said,
    said_briefly,
)


def row(number: str, claim: str, neurons: float, rotated: float, half: float, chance: float = 0.0) -> dict[str, Any]:
    difference = neurons - rotated
    return {
        **{"claim": claim, "number": number, "expected_by_chance": chance},
        **{"neurons": neurons, "neurons_low": neurons - half, "neurons_high": neurons + half, "rotated": rotated},
        **{"difference": difference, "difference_low": difference - half, "difference_high": difference + half},
    }


CASES = [
    ("peak", "C2", 0.039, 0.030, 0.002, "more"),
    ("peak", "C2", 0.039, 0.030, 0.020, "no more"),
    ("peak", "C2", -0.022, -0.009, 0.004, "less"),
    ("peak", "C2", -0.002, -0.020, 0.004, "by chance"),
    ("distance_r", "C1", -0.020, -0.009, 0.003, "more"),
    ("distance_r", "C1", -0.009, -0.020, 0.003, "less"),
    ("distance_r", "C1", -0.009, -0.010, 0.003, "no more"),
]
INTERLEAVING = [
    (0.98, 0.99, 0.03, "by chance"),
    (1.05, 1.10, 0.01, "by chance"),
    (1.05, 0.90, 0.01, "by chance"),
    (0.80, 0.95, 0.02, "more"),
    (0.80, 0.79, 0.02, "no more"),
    (0.90, 0.70, 0.02, "less"),
]


@pytest.mark.parametrize(("number", "claim", "neurons", "rotated", "half", "expected"), CASES)
def test_a_relation_is_judged_in_the_direction_of_its_number(
    number: str, claim: str, neurons: float, rotated: float, half: float, expected: Verdict
) -> None:
    assert verdict(row(number, claim, neurons, rotated, half)) == expected


@pytest.mark.parametrize(("neurons", "rotated", "half", "expected"), INTERLEAVING)
def test_a_claim_of_absence_is_met_by_chance_whatever_the_twins_do(
    neurons: float, rotated: float, half: float, expected: Verdict
) -> None:
    assert verdict(row("interleaving", "C4", neurons, rotated, half, chance=1.0)) == expected


def test_a_claim_that_the_study_contradicts_is_not_said_to_hold() -> None:
    contrary = row("peak", "C2", -0.022, -0.009, 0.004)
    assert said(contrary) == "less than in random directions"
    apart = row("interleaving", "C4", 0.80, 0.95, 0.02, chance=1.0)
    assert said(apart) == "categories lie apart more than in random directions"
    assert said_briefly(apart) == "apart more"
    assert "in line" not in said(apart)


@pytest.mark.parametrize("missing", ["difference_low", "difference_high", "neurons_low"])
@pytest.mark.parametrize("nothing", [None, NAN])
def test_without_an_interval_nothing_is_said(missing: str, nothing: float | None) -> None:
    assert verdict(row("ami", "C1", 0.05, 0.03, 0.01) | {missing: nothing}) == "untested"


def test_without_the_rotated_twin_no_claim_can_be_tested() -> None:
    rows = key_rows(make_summary(rotated=False))
    assert list(rows) == list(KEY_NUMBERS)
    assert {said(one) for one in rows.values()} == {"not testable"}


def test_every_verdict_has_words_of_both_kinds() -> None:
    assert VERDICTS.keys() == VERDICTS_OF_ABSENCE.keys() == BRIEF.keys()


SEEN = {"difference_detectable": 0.0123, "neurons_detectable": 0.0456}


def test_where_nothing_was_seen_it_is_said_what_would_have_been() -> None:
    nothing = row("peak", "C2", 0.039, 0.030, 0.020) | SEEN
    expected = "no more than in random directions (a difference of 0.012 would have been seen with 80 % power)"
    assert said(nothing) == expected
    assert said(nothing | {"difference_detectable": NAN}) == "no more than in random directions"
    absent = row("interleaving", "C4", 0.98, 0.99, 0.03, chance=1.0) | SEEN
    assert said(absent).endswith("the claim (a distance from chance of 0.046 would have been seen with 80 % power)")


def test_where_something_was_seen_nothing_is_added() -> None:
    assert said(row("peak", "C2", 0.039, 0.030, 0.002) | SEEN) == "more than in random directions"
    assert said(row("peak", "C2", -0.022, -0.009, 0.004) | SEEN) == "less than in random directions"


@pytest.mark.parametrize("pattern", ["none", "peak"])
def test_a_card_without_a_pattern_says_what_would_have_made_one(pattern: str) -> None:
    card = make_card()
    numbers = tuple(replace(one, detectable=0.2 if one.name in ("ami", "peak") else NAN) for one in card.numbers)
    sentence = "With about 80 % power it would have had one at agreement (AMI) 0.200 or peak, top 20 0.200."
    assert needed(replace(card, pattern=pattern, numbers=numbers)) == (sentence if pattern == "none" else "")
    assert needed(replace(card, pattern="none")) == ""
