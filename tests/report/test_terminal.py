"""Cards and claims in the terminal: whole at 80 columns, readable without colour, deaf to escape sequences."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType
from tests.samples import NUMBERS, empty_card, hostile_card, make_card, make_summary, without_model

from intraneuron.data.card import Card
from intraneuron.data.display import visible
from intraneuron.figures.reference import REFERENCES
from intraneuron.pipeline.pattern import PATTERNS
from intraneuron.report.strip import Strip
from intraneuron.report.terminal import card_text, render_card, render_claims
from intraneuron.report.wording import finding, pattern_sentence, short_name, whole_model

CARDS = {
    "usual": make_card(),
    "ten categories": make_card(categories=10),
    "no category": make_card(categories=0),
    "no rotated twin": make_card(rotated=False),
    "20 tokens": make_card(tokens=20),
    "hostile": hostile_card(),
    "empty": empty_card(),
}
every_card = pytest.mark.parametrize("card", CARDS.values(), ids=CARDS.keys())


def printed(what: RenderableType, width: int, color: bool = False) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=color, color_system="truecolor" if color else None)
    with console.capture() as captured:
        console.print(what)
    return captured.get()


@every_card
@pytest.mark.parametrize("width", [80, 120])
def test_a_card_fits_the_terminal(card: Card, width: int) -> None:
    lines = printed(render_card(card, width), width).splitlines()
    assert lines
    assert max(cell_len(line) for line in lines) <= width


@every_card
def test_no_escape_sequence_of_a_token_reaches_the_terminal(card: Card) -> None:
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", card_text(card))


def test_every_core_token_is_listed_with_its_category() -> None:
    card = make_card()
    text = " ".join(card_text(card).split())
    for category in card.categories:
        tokens = [visible(token.token) for token in card.tokens if token.category == category.category]
        assert ", ".join(tokens) in text


def test_markup_in_a_token_is_text() -> None:
    assert "[bold red]markup[/]" in card_text(hostile_card(), 200)


def test_a_card_says_the_same_without_colour() -> None:
    card = make_card()
    colored = printed(render_card(card, 80), 80, color=True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == printed(render_card(card, 80), 80)


def test_zones_and_numbers_stand_beside_the_twins() -> None:
    text = card_text(make_card())
    assert re.search(r"1\*\s+\S+\s+\S+\s+20\s+0\.142\s+0\.098\s+0\.121\s+< 0\.001\s+< 0\.001\s+0\.45", text)
    assert "selectivity +0.07" in " ".join(text.split())
    assert re.search(r"C1 agreement \(AMI\)\s+0\.045\s+0\.029\s+0\.058\s+0\.001\s+0\.012\s+0\.041", text)
    assert all(short_name(row[0]) in text for row in NUMBERS)


def test_the_heads_of_the_table_of_zones_are_whole_at_80_columns() -> None:
    card = make_card()
    zones = tuple(replace(zone, high=0.25, low=0.0635, p=0.0001, q=0.0001) for zone in card.segments)
    text = printed(render_card(replace(card, segments=zones), 80), 80)
    assert re.search(r"^zone +from +to +tokens +homogen\. +random +rotated +p +q +purity$", text, re.MULTILINE)


def test_a_neuron_of_a_published_list_stands_beside_readout_twins_and_is_told_that_they_are_a_lower_bound() -> None:
    text = " ".join(card_text(replace(make_card(), reference="readout")).split())
    assert "homogen. random readout" in text
    assert "number value readout read. 95% shuffled" in text
    assert "rotated" not in text
    assert "lower bound" in text
    assert "lower bound" not in card_text(make_card())


def test_the_claims_of_published_lists_are_beside_readout_twins() -> None:
    text = " ".join(printed(render_claims(without_model(make_summary())), 100).split())
    assert "shuff. readout left [95%] p<.05 read." in text
    assert "left: neurons minus readout twins" in text
    assert "rotated" not in text
    assert "lower bound" in text


def test_what_is_undefined_is_a_dash() -> None:
    text = card_text(make_card(rotated=False))
    assert re.search(r"1\*\s+\S+\s+\S+\s+20\s+0\.142\s+0\.098\s+–", text)
    assert "nan" not in text.lower()
    assert "never active" in card_text(empty_card())


def test_a_pattern_is_explained_and_called_weak_evidence() -> None:
    text = " ".join(card_text(make_card()).split())
    assert "Pattern peak: the most active tokens are more alike than the rest" in text
    assert "weak evidence" in text


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_has_a_plain_sentence(pattern: str, name: str) -> None:
    told = pattern_sentence(pattern, REFERENCES[name])
    assert re.fullmatch(rf"Pattern {pattern}: [^{{}}]+\.", told)
    assert name in pattern_sentence("untested", REFERENCES[name])


def test_the_strip_places_the_strongest_token_at_the_right_end() -> None:
    card = make_card()
    strip = Strip.of(card, 40)
    assert strip is not None
    assert strip.cell(card.tokens[0].activation) == 39
    assert strip.cell(card.tokens[-1].activation) == 0


def test_the_strip_shows_each_token_of_a_category_once() -> None:
    card = make_card()
    strip = Strip.of(card, 500)
    assert strip is not None
    for category in card.categories:
        marks = strip.category(card, category.category).plain.replace(" ", "")
        assert sum(int(mark) if mark.isdigit() else 1 for mark in marks) == category.size


def test_a_card_of_one_token_has_an_axis() -> None:
    card = make_card(tokens=20)
    one = Card(**{**card.__dict__, "tokens": card.tokens[:1]})
    assert "activation" in card_text(one)


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("rotated", [True, False])
def test_claims_fit_the_terminal_with_all_their_columns(width: int, rotated: bool) -> None:
    text = printed(render_claims(make_summary(rotated=rotated)), width)
    assert max(cell_len(line.rstrip()) for line in text.splitlines()) <= width
    header = next(line for line in text.splitlines() if line.startswith("claim"))
    assert header.split() == [
        "claim",
        "and",
        "number",
        "neurons",
        "[95%]",
        "shuff.",
        "rotated",
        "left",
        "[95%]",
        "p<.05",
        "rot.",
    ]


def test_no_interval_of_the_claims_is_broken_at_80_columns() -> None:
    summary = make_summary()
    values = {"neurons": -0.0099, "neurons_low": -0.0120, "neurons_high": -0.0078, "shuffled": -0.0010}
    values |= {"rotated": -0.0034, "difference": -0.0065, "difference_low": -0.0082, "difference_high": -0.0048}
    summary["claims"] = [row | values for row in summary["claims"]]
    text = printed(render_claims(summary), 80)
    rows = text.splitlines()
    assert "−.0010" in text
    assert [line for line in rows if line.count("[") != line.count("]")] == []
    assert "[−.0082,−.0048]" in text


def test_a_row_of_claims_is_one_line_at_100_columns() -> None:
    summary = make_summary()
    text = printed(render_claims(summary), 100)
    row = summary["claims"][0]
    line = next(line for line in text.splitlines() if line.startswith("C1 agreement"))
    low, high = (f"{row[name]:.3f}"[1:] for name in ("neurons_low", "neurons_high"))
    assert f"{row['neurons']:.3f} [{low},{high}]" in line
    assert line.split()[-2:] == ["31%", "24%"]


def test_claims_without_a_twin_show_dashes() -> None:
    line = next(
        line
        for line in printed(render_claims(make_summary(rotated=False)), 100).splitlines()
        if line.startswith("C1 agreement")
    )
    assert line.split()[-4:] == ["–", "–", "31%", "–"]


def test_a_study_of_one_layer_speaks_of_the_whole_model() -> None:
    rows = [{"layer": 3, "number": "ami"}, {"layer": 3, "number": "peak"}]
    assert whole_model(rows) == rows
    assert whole_model([*rows, {"layer": 4, "number": "ami"}]) == []


def test_under_the_claims_stands_what_the_study_says_to_each() -> None:
    text = printed(render_claims(make_summary()), 80)
    assert "C1 (agreement (AMI)): more than in random directions." in text
    assert "C4 (interleaving): not testable." in printed(render_claims(make_summary(rotated=False)), 80)


def test_a_finding_without_twin_or_interval_says_what_is_missing() -> None:
    row = {"neurons": 0.05, "rotated": 0.04, "difference": 0.01}
    assert finding(row).endswith("a difference of 0.010, without an interval.")
    assert "without rotated twins" in finding({"neurons": 0.05, "rotated": None})
    assert "could not be tested" in finding({"neurons": None})


def test_no_number_of_the_claims_table_is_broken_in_the_middle() -> None:
    summary = make_summary()
    row = next(row for row in summary["claims"] if row["layer"] is None)
    row |= {
        "neurons": 0.00054,
        "neurons_low": -0.00907,
        "neurons_high": 0.01016,
        "shuffled": -0.001,
        "rotated": -0.00461,
    }
    row |= {"difference": 0.00515, "difference_low": -0.00656, "difference_high": 0.01686}
    words = printed(render_claims(summary), 80).split()
    assert {"[−.00907,", ".01016]", "[−.00656,", ".01686]"} <= set(words)
    assert "]" not in words
