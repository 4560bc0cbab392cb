"""Robustness in words, in the terminal and on its page."""

from __future__ import annotations

import math
import re
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from tests.samples import make_specifications

from intraneuron.pipeline.robust import choice_rows, conclusions
from intraneuron.report.robustness import headings, render_robustness, said
from intraneuron.report.robustness_page import robustness_page

FACTS: dict[str, Any] = {"specifications": 8, "twin": "rotated", "layers": [0], "neurons": 24, "model": "tiny"}


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    rows = make_specifications()
    made = {"specifications": rows, "conclusions": conclusions(rows), "choices": choice_rows(rows)}
    return made | {"facts": FACTS, "remarks": ["Left out: <b>space</b>."], "said": "8 specifications of tiny."}


def sentence_of(found: dict[str, Any], number: str) -> str:
    [row] = [row for row in found["conclusions"] if row["number"] == number]
    return said(row, found["choices"], "rotated")


def test_what_holds_everywhere_and_what_turns_on_a_choice_is_said_first(found: dict[str, Any]) -> None:
    assert headings(found["conclusions"]) == [
        "More under every choice: peak, top 20.",
        "Less under every choice: interleaving.",
        "It depends on the choice: agreement (AMI), on mean taken off.",
    ]


def test_a_number_is_told_in_counts_range_and_choice(found: dict[str, Any]) -> None:
    told = sentence_of(found, "peak")
    assert told.startswith(
        "Top 20 tokens more alike than the rest: more than in rotated twins in all 4 specifications."
    )
    assert "The difference has the same sign in all: 0.050 to 0.053 (median 0.052; the study's own 0.051)." in told
    assert "No choice by itself changes that; mean taken off moves it most: 0.051 with no, 0.053 with yes." in told
    told = sentence_of(found, "ami")
    assert "no more than in rotated twins in 4 of 8, less in 4 specifications" in told or " of 8" in told
    assert re.search(
        r"It turns most on mean taken off: changed alone, it changes what the interval says in \d of 4", told
    )


def test_one_specification_is_one() -> None:
    rows = [row for row in make_specifications() if row["number"] == "peak"][:1]
    [row] = conclusions(rows)
    told = said(row, choice_rows(rows), "rotated")
    assert "in the one specification" in told
    assert told.endswith("No choice was varied.")


def test_what_is_undefined_is_said_to_be() -> None:
    rows = [row | {"difference": math.nan, "beside": "untested"} for row in make_specifications()]
    found = conclusions(rows)
    assert headings(found) == ["Not testable: agreement (AMI); peak, top 20; interleaving."]
    assert "It is not defined in neurons and twins alike." in said(found[0], [], "rotated")


@pytest.mark.parametrize("columns", [80, 120])
def test_the_terminal_shows_every_number_in_80_columns(found: dict[str, Any], columns: int) -> None:
    out = StringIO()
    Console(file=out, width=columns).print(render_robustness(found["conclusions"], found["choices"], FACTS))
    text = out.getvalue()
    assert "C1 agreement (AMI)" in text
    assert "mean taken off" in text
    assert max(map(len, text.splitlines())) <= columns
    assert "…" not in text


def test_the_page_has_a_curve_and_a_table_a_number_and_nothing_of_the_network(found: dict[str, Any]) -> None:
    page = robustness_page(found)
    for number in ("ami", "peak", "interleaving"):
        assert f'data-chart="curve-{number}"' in page
        assert f'id="{number}"' in page
    assert "More under every choice: peak, top 20." in page
    assert "&lt;b&gt;space" in page
    assert "default-src 'none'" in page
    assert not re.search(r'(src|href)="https?:', page)
