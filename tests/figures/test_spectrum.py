"""The spectrum of a neuron shows every token, category and zone, and nothing that is undefined."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.figures.drawing import is_json, rows, texts, units, width
from tests.samples import NAN, empty_card, hostile_card, make_card

from intraneuron.data.card import Card
from intraneuron.data.display import visible
from intraneuron.figures.frame import Frame
from intraneuron.figures.palette import category_words
from intraneuron.figures.reference import REFERENCES
from intraneuron.figures.spectrum import spectrum
from intraneuron.figures.theme import to_svg
from intraneuron.figures.zones import find_zones, steps_of

CARDS = {
    "usual": make_card(),
    "one category": make_card(categories=1),
    "no category": replace(make_card(categories=0), categories=()),
    "ten categories": make_card(categories=10),
    "no rotated twin": make_card(rotated=False),
    "20 tokens": make_card(tokens=20),
    "hostile": hostile_card(),
    "empty": empty_card(),
}


def steps(card: Card) -> set[str]:
    return {str(row["what"]) for row in rows(spectrum(card)) if "what" in row}


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS.keys())
@pytest.mark.parametrize("size", [340, 1200])
def test_every_card_can_be_drawn_and_fits_its_width(card: Card, size: int) -> None:
    chart = spectrum(card, size)
    assert is_json(chart)
    assert width(chart) <= size


def test_labels_of_all_tokens_can_be_read_in_a_wide_picture() -> None:
    card = make_card()
    shown = texts(spectrum(card, 1200))
    assert [token.token for token in card.tokens if visible(token.token) not in shown] == []


def test_every_category_is_named_with_its_size() -> None:
    card = make_card()
    shown = texts(spectrum(card))
    for category in card.categories:
        assert category_words(category) in shown
        assert any(text.startswith(f"{category.size} tokens") for text in shown)


def test_every_token_has_a_mark_at_its_activation() -> None:
    card = make_card()
    marks = [row for row in rows(spectrum(card)) if "shown" in row]
    assert sorted(row["activation"] for row in marks) == sorted(token.activation for token in card.tokens)


def test_a_zone_that_passes_is_marked_and_others_are_not() -> None:
    shown = texts(spectrum(make_card()))
    assert "0.14*" in shown
    assert "0.12" in shown
    assert sum(text.endswith("*") for text in shown) == 1


def test_a_step_is_drawn_for_the_zone_the_random_subset_and_the_twin() -> None:
    assert steps(make_card()) == set(steps_of(REFERENCES["rotated"]))
    assert "same zone of readout twins" in steps(replace(make_card(), reference="readout"))


def test_a_twin_that_was_not_observed_is_not_drawn() -> None:
    assert steps(make_card(rotated=False)) == {"tokens of the zone", "random tokens of the neuron"}


def test_an_undefined_homogeneity_is_left_out_and_not_drawn_as_zero() -> None:
    card = make_card()
    segments = (replace(card.segments[0], homogeneity=NAN, q=NAN), *card.segments[1:])
    chart = spectrum(replace(card, segments=segments))
    drawn = {row["value"] for row in rows(chart) if row.get("what") == "tokens of the zone"}
    assert len(drawn) == 4
    assert 0 not in drawn
    assert is_json(chart)


def test_zones_tile_the_axis_without_gaps() -> None:
    card = make_card()
    frame = Frame.around(card.tokens, 584)
    zones = find_zones(card.segments, frame)
    assert [zone.segment.segment for zone in zones] == [4, 3, 2, 1, 0]
    assert [zone.start for zone in zones] == [frame.axis.low, *(zone.end for zone in zones[:-1])]
    assert zones[-1].end == frame.axis.high
    assert all(zone.start <= zone.segment.low <= zone.segment.high <= zone.end for zone in zones)


def test_a_neuron_that_was_never_active_gets_a_sentence() -> None:
    assert any("never active" in text for text in texts(spectrum(empty_card())))


def test_hostile_tokens_are_text_in_the_picture() -> None:
    drawn = to_svg(spectrum(hostile_card(), 1200))
    assert "<script" not in drawn
    assert "<img" not in drawn
    assert "\u202e" not in drawn
    assert r"safe\u202etxt.exe" in drawn


def test_every_mark_has_a_tooltip_or_says_that_it_needs_none() -> None:
    for unit in units(spectrum(make_card())):
        assert "tooltip" in unit.get("encoding", {}) or "tooltip" in unit["mark"], unit["mark"]
