"""The labels of the spectrum: in rows, none over another, every mark at its activation."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from tests.samples import hostile_card, make_card

from intraneuron.data.card import Card
from intraneuron.figures.frame import Frame
from intraneuron.figures.lanes import GAP, RADIUS, Lane, Placed, Style, lanes, spread
from intraneuron.figures.layout import text_width

STYLE = Style()
CARDS = [make_card(), make_card(categories=1), make_card(tokens=20), make_card(categories=10), hostile_card()]


def laid(card: Card, width: float, style: Style = STYLE) -> tuple[list[Lane], Frame]:
    frame = Frame.around(card.tokens, width)
    return lanes(card, frame, style), frame


def box(one: Placed, frame: Frame) -> tuple[float, float]:
    """Return what a mark and its label cover, left to right."""
    at, length = frame.px(one.token.activation), text_width(one.label, STYLE.font)
    if one.side == "left":
        return at - RADIUS - length, at + RADIUS
    return at - RADIUS, at + (RADIUS + length if one.side == "right" else RADIUS)


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("width", [284.0, 584.0, 1144.0])
def test_no_label_lies_over_another_label_or_mark(card: Card, width: float) -> None:
    found, frame = laid(card, width)
    for lane in found:
        labelled = [one for one in lane.placed if one.side]
        for a, b in combinations(labelled, 2):
            if a.y == b.y:
                (start, end), (other_start, other_end) = box(a, frame), box(b, frame)
                assert end <= other_start + GAP or other_end <= start + GAP, (a.label, b.label)


@pytest.mark.parametrize("card", CARDS)
def test_every_token_is_placed_once_in_the_lane_of_its_category(card: Card) -> None:
    found, _ = laid(card, 584)
    ranks = [one.token.rank for lane in found for one in lane.placed]
    assert sorted(ranks) == list(range(len(card.tokens)))
    assert all(one.token.category == lane.number for lane in found for one in lane.placed)


@pytest.mark.parametrize("card", CARDS)
def test_labels_stay_inside_the_picture(card: Card) -> None:
    found, frame = laid(card, 584)
    for lane in found:
        for one in lane.placed:
            start, end = box(one, frame)
            assert -GAP <= start <= end <= frame.width + RADIUS + GAP


def test_lanes_follow_each_other_and_hold_their_rows() -> None:
    found, _ = laid(make_card(), 584)
    assert [lane.number for lane in found] == [0, 1, 2, 3, 4, 5, -1]
    assert all(a.bottom == b.top for a, b in pairwise(found))
    assert all(lane.top < one.y < lane.bottom for lane in found for one in lane.placed)


def test_a_token_without_room_keeps_its_mark_and_loses_its_label() -> None:
    found, _ = laid(make_card(categories=1), 284, Style(max_rows=2))
    crowded = [one for one in found[0].placed if not one.side]
    assert crowded
    assert all(one.label == "" for one in crowded)
    assert len(found[0].placed) == found[0].category.size if found[0].category else False


def test_fewer_rows_are_needed_where_there_is_more_room() -> None:
    narrow, wide = laid(make_card(), 584)[0], laid(make_card(), 1144)[0]
    assert wide[-1].bottom < narrow[-1].bottom


def test_labels_in_one_row_are_spread_until_they_do_not_overlap() -> None:
    placed = spread([10, 12, 14, 290], [20, 20, 20, 20], 0, 300)
    assert all(b - a >= 20 for a, b in pairwise(placed))
    assert placed[0] >= 10
    assert placed[-1] <= 290


def test_labels_that_have_room_stay_where_they_belong() -> None:
    assert spread([50, 150, 250], [20, 20, 20], 0, 300) == [50, 150, 250]
