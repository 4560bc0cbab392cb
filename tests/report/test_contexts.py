"""Contexts: every token shaded by the neuron's activation, nothing of a text ever more than text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from rich.cells import cell_len
from tests.hostile import HOSTILE
from tests.report.reading import Page
from tests.samples import empty_card, make_card

from intraneuron.data import Card, CardContext
from intraneuron.report.contexts import STRONGEST, contexts_html, contexts_text, group_name, spaced


def context(tokens: list[str], activations: list[float], at: int, segment: int = -1, rank: int = 0) -> CardContext:
    return CardContext(segment, rank, at, tuple(tokens), tuple(activations))


@pytest.fixture
def card() -> Card:
    top = [
        context([" the", " river", " bank"], [-0.2, 4.0, 1.0], 1),
        context([" a", " river", "s"], [0.0, 3.0, 2.0], 1, rank=1),
        context([" by", " rivers"], [0.5, 2.5], 1, rank=2),
        context([" of", " lakes"], [0.5, 2.0], 1, rank=3),
    ]
    zones = [context([" sea", f" {g}{i}"], [0.1, 1.0], 0, g, i) for g in (0, 3) for i in range(2)]
    return replace(make_card(), contexts=(*top, *zones))


def shades(page: Page) -> list[tuple[str, float, bool]]:
    found = []
    for one in page.all("span"):
        style = one.attributes.get("style", "")
        opacity = re.search(r"rgba\(230,159,0,([\d.]+)\)", style)
        if opacity:
            found.append((one.text, float(opacity[1]), "underline" in style))
    return found


def test_each_token_is_shaded_by_its_share_of_the_highest_activation_and_its_own_is_underlined(card: Card) -> None:
    first = shades(Page("".join(contexts_html(card))))[:3]
    assert first == [(" the", 0.0, False), (" river", STRONGEST, True), (" bank", round(STRONGEST / 4, 2), False)]


def test_top_contexts_come_first_and_then_those_of_each_zone_that_has_some(card: Card) -> None:
    page = Page("".join(contexts_html(card)))
    assert [one.text for one in page.all("h4")] == ["Most active", "Zone 1, drawn", "Zone 4, drawn"]
    assert len(page.all("li")) == 8


def test_a_card_without_contexts_says_nothing_of_them(card: Card) -> None:
    assert contexts_html(empty_card()) == []
    assert contexts_text(make_card(), 80) == []


@pytest.mark.parametrize("token", HOSTILE)
def test_nothing_in_a_text_is_more_than_text(token: str) -> None:
    hostile = replace(make_card(), contexts=(context([token, token], [1.0, 2.0], 1),))
    page = Page("".join(contexts_html(hostile)))
    assert page.names() <= {"details", "summary", "p", "h4", "ul", "li", "span", "bdi"}
    assert page.handlers() == []
    assert page.loads() == []
    title, line = contexts_text(hostile, 80)
    assert "\n" not in line.plain
    assert "\x1b" not in line.plain
    assert title.plain.startswith("In the texts")


def test_lines_of_the_terminal_have_the_token_in_brackets_and_fit(card: Card) -> None:
    title, *lines = contexts_text(card, 60)
    assert "--json" in title.plain
    assert [line.plain for line in lines[:2]] == [
        "Most active     4.00  the [river] bank",
        "Most active     3.00  a [river]s",
    ]
    assert len(lines) == 3 + 2
    assert all(cell_len(line.plain) <= 60 for line in lines)
    long = replace(make_card(), contexts=(context([" before"] * 12 + [" here"] + [" after"] * 8, [1.0] * 21, 12),))
    [_, line] = contexts_text(long, 70)
    assert cell_len(line.plain) <= 70
    assert "before [here] after" in line.plain


def test_words_of_wordpiece_get_their_spaces_back() -> None:
    assert "".join(spaced(["the", "play", "##er", "s", "##"])) == " the player s ##"
    assert "".join(spaced([" the", "n", " 2"])) == " then 2"


def test_groups_are_named_as_zones_are() -> None:
    assert [group_name(g) for g in (-1, 0, 4)] == ["Most active", "Zone 1, drawn", "Zone 5, drawn"]
