"""The specification curve: every specification is drawn once, sorted, with its interval and its choices."""

from __future__ import annotations

import math

import pytest
from tests.figures.drawing import is_json, rows, texts, width
from tests.samples import make_specifications

from intraneuron.figures.specifications import BRIEF_BESIDE, COLORS, KEY, robustness, specifications

TABLE = make_specifications()


def test_every_specification_of_a_number_is_drawn_in_order() -> None:
    table = make_specifications()
    drawn = {row["at"]: row for row in rows(specifications(table, "ami")) if "at" in row}
    own = [row for row in table if row["number"] == "ami" and row["layer"] is None]
    assert len(drawn) == len(own)
    assert [drawn[at]["difference"] for at in range(len(own))] == sorted(row["difference"] for row in own)
    assert {row["beside"] for row in drawn.values()} == {row["beside"] for row in own} <= set(COLORS)
    assert sum(row["own"] for row in drawn.values()) == 1


def test_numbers_that_speak_downwards_are_sorted_the_other_way() -> None:
    drawn = {row["at"]: row for row in rows(specifications(make_specifications(), "interleaving")) if "at" in row}
    differences = [drawn[at]["difference"] for at in sorted(drawn)]
    assert differences == sorted(differences, reverse=True)


def test_only_choices_that_were_varied_have_a_row() -> None:
    [row, *_] = [row for row in rows(specifications(make_specifications(), "peak")) if "at" in row]
    assert {"center", "core_tokens"} <= set(row)
    assert not {"space", "segments", "categories", "forms"} & set(row)
    assert row["core_tokens"].startswith("core tokens: ")


def test_one_figure_has_a_number_a_claim() -> None:
    shown = " ".join(texts(robustness(make_specifications())))
    assert all(claim in shown for claim in ("C1:", "C2:", "C4:"))
    assert len(KEY) == 5


@pytest.mark.parametrize("size", [340, 680, 920])
def test_the_figure_fits_its_width(size: int) -> None:
    assert width(specifications(make_specifications(), "ami", size)) <= size + 2


def test_what_is_undefined_is_left_out() -> None:
    table = [row | {"low": math.nan, "high": math.nan} for row in make_specifications()]
    assert is_json(specifications(table, "ami"))
    none = [row | {"difference": math.nan} for row in table]
    assert any("not defined" in text for text in texts(specifications(none, "ami")))
    assert any("No number is defined" in text for text in texts(robustness(none)))


@pytest.mark.parametrize("size", [340, 680, 920])
def test_the_names_of_choices_have_room(size: int) -> None:
    table = [row | {"segments": "equal-width:5" if row["segments"] == "natural" else row["segments"]} for row in TABLE]
    axis = specifications(table, "ami", size).to_dict()["vconcat"][1]["encoding"]["y"]["axis"]
    assert axis["labelLimit"] >= len("segments: equal-width:5") * 0.5 * axis["labelFontSize"]


def test_the_legend_says_of_whom_it_speaks_and_that_an_interval_of_0_shows_nothing() -> None:
    legend = specifications(TABLE, "ami").to_dict()["vconcat"][0]["layer"][1]["encoding"]["color"]["legend"]
    assert legend["title"] == "neurons beside their twins"
    assert '"no more": "not shown to be more"' in legend["labelExpr"]
    assert {row["means"] for row in rows(specifications(TABLE, "ami")) if "at" in row} <= set(BRIEF_BESIDE.values())
