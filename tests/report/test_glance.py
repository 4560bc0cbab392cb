"""The first screen: what the paper says is marked as the paper's, what the study says stands beside it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.report.reading import Page
from tests.samples import make_summary

from intraneuron.report.glance import claims_said, glance
from intraneuron.report.wording import CLAIMS, KEY_NUMBERS


def contrary_summary() -> dict[str, Any]:
    """Build a study in which the top tokens are less alike in the neurons than in the rotated twin."""
    summary = make_summary((0, 1))
    for row in summary["claims"]:
        if row["number"] == "peak":
            row |= {"neurons": -0.022, "neurons_low": -0.025, "neurons_high": -0.019, "rotated": -0.009}
            row |= {"difference": -0.013, "difference_low": -0.017, "difference_high": -0.010}
    return summary


@pytest.fixture
def page() -> Page:
    return Page(glance(contrary_summary()))


def test_each_claim_is_marked_as_the_papers(page: Page) -> None:
    said = [one.text for one in page.all("span") if one.attributes.get("class") == "paper"]
    assert said == [f"The paper: {CLAIMS[claim]}" for claim in KEY_NUMBERS]


def test_what_is_bold_is_what_the_study_says(page: Page) -> None:
    assert len(page.all("strong")) == len(KEY_NUMBERS)
    assert page.all("strong")[1].text == "Here: less than in random directions."
    assert not any(claim in bold.text for claim in CLAIMS.values() for bold in page.all("strong"))


def test_no_card_says_that_something_is_left_where_there_is_less(page: Page) -> None:
    card = page.all("li")[1].text
    assert "−0.022 in the neurons, −0.009 in random directions, a difference of −0.013 [−0.017, −0.010]." in card
    assert "own" not in card


def test_a_section_and_the_first_screen_say_the_same(page: Page) -> None:
    below = Page(claims_said(contrary_summary(), *KEY_NUMBERS))
    assert [one.text for one in below.all("strong")] == [one.text for one in page.all("strong")]
    assert len(Page(claims_said(contrary_summary(), "C1", "C4")).all("li")) == 2


def test_a_study_without_claims_has_no_list() -> None:
    assert glance({}) == claims_said({}, "C1") == ""
