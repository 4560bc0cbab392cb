"""A card in a notebook: a picture and tables that load nothing, run nothing and leave the notebook's styles alone."""

from __future__ import annotations

import re

import pytest
from tests.report.reading import Page
from tests.samples import empty_card, hostile_card, make_card

from intraneuron.data.card import Card
from intraneuron.report.card_html import card_html

CARDS = [make_card(), make_card(rotated=False), make_card(tokens=20, categories=1), empty_card(), hostile_card()]


@pytest.fixture(scope="module", params=CARDS, ids=["usual", "no twin", "20 tokens", "empty", "hostile"])
def page(request: pytest.FixtureRequest) -> Page:
    card: Card = request.param
    return Page(card_html(card))


def test_it_loads_and_runs_nothing(page: Page) -> None:
    assert page.loads() == []
    assert page.handlers() == []
    assert "script" not in page.names()
    assert not {"img", "a", "link", "b", "iframe"} & page.names()


def test_its_styles_end_at_its_own_class(page: Page) -> None:
    (style,) = page.all("style")
    rules = re.sub(r"\{[^}]*\}", "", style.text)
    assert all(rule.strip().startswith(".intraneuron-card") for rule in rules.split(",") if rule.strip())
    assert page.elements[0].attributes["class"] == "intraneuron-card"


def test_nothing_in_it_has_an_id_that_another_card_could_have_too(page: Page) -> None:
    assert [element for element in page.elements if "id" in element.attributes] == []


def test_it_shows_the_picture_and_three_tables() -> None:
    page = Page(card_html(make_card()))
    assert len(page.all("svg")) == 1
    assert len(page.all("table")) == 3
    assert "0.142" in page.all("table")[1].text
    assert page.all("div")[0].text.count("weak evidence") == 1


def test_every_token_can_be_heard() -> None:
    labels = [element.attributes.get("aria-label", "") for element in Page(card_html(make_card())).all("path")]
    assert sum(label.startswith("·") for label in labels) == 100


def test_undefined_numbers_are_dashes() -> None:
    cells = [td.text for td in Page(card_html(empty_card())).all("td")]
    assert cells
    assert set(cells) == {"–"}
