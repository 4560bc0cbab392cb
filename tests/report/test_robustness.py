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
from intraneuron.report.robustness import headings, is_apart, render_robustness, said
from intraneuron.report.robustness_page import robustness_page

FACTS: dict[str, Any] = {"specifications": 8, "twin": "rotated", "layers": [0], "neurons": 24, "model": "tiny"}


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    rows = make_specifications()
    claims = [{"number": "peak", "layer": None, "difference": 0.04, "difference_low": 0.03, "difference_high": 0.05}]
    made = {"specifications": rows, "conclusions": conclusions(rows, claims), "choices": choice_rows(rows)}
    return made | {"facts": FACTS, "remarks": ["Left out: <b>space</b>."], "said": "8 specifications of tiny."}


def sentence_of(found: dict[str, Any], number: str) -> str:
    [row] = [row for row in found["conclusions"] if row["number"] == number]
    return said(row, found["choices"], "rotated")


def test_what_holds_everywhere_and_what_turns_on_a_choice_is_said_first(found: dict[str, Any]) -> None:
    assert headings(found["conclusions"], "rotated") == [
        "More than in rotated twins under every choice: peak, top 20.",
        "Less than in rotated twins under every choice: interleaving.",
        "It depends on the choice: agreement (AMI), on mean taken off, 2 of 4 sets.",
    ]


def test_a_number_is_told_in_counts_range_and_choice(found: dict[str, Any]) -> None:
    told = sentence_of(found, "peak")
    assert told.startswith(
        "Top 20 tokens more alike than the rest: more than in rotated twins in all 4 specifications."
    )
    assert (
        "The difference has the same sign in all: 0.050 to 0.053 (median 0.052; the study's own, of all its neurons, "
        "0.040)." in told
    )
    assert (
        "No choice by itself changes what the interval says; mean taken off moves it most: 0.051 with no, 0.053 with "
        "yes." in told
    )
    told = sentence_of(found, "ami")
    assert (
        "not shown to be more than in rotated twins (interval holds 0) in 6 of 8 specifications, more in 2. "
        "A difference of 0.017 would have been seen with a chance of 80 % (median over specifications)." in told
    )
    assert "It turns most on mean taken off, 2 of 4 sets of specifications that differ in nothing else" in told


def test_one_specification_is_one() -> None:
    rows = [row for row in make_specifications() if row["number"] == "peak"][:1]
    [row] = conclusions(rows)
    told = said(row, choice_rows(rows), "rotated")
    assert "in the one specification" in told
    assert told.endswith("No choice was varied.")


def test_what_is_undefined_is_said_to_be() -> None:
    rows = [row | {"difference": math.nan, "beside": "untested"} for row in make_specifications()]
    found = conclusions(rows)
    assert headings(found, "rotated") == ["Not testable: agreement (AMI); peak, top 20; interleaving."]
    assert "It is not defined in neurons and twins alike." in said(found[0], [], "rotated")


@pytest.mark.parametrize("columns", [80, 120])
def test_the_terminal_shows_every_number_in_80_columns(found: dict[str, Any], columns: int) -> None:
    out = StringIO()
    Console(file=out, width=columns).print(render_robustness(found["conclusions"], found["choices"], FACTS))
    text = out.getvalue()
    assert "C1 agreement" in text
    assert "2 of 4" in text
    assert max(map(len, text.splitlines())) <= columns
    assert "…" not in text


def test_the_page_has_a_curve_and_a_table_a_number_and_nothing_of_the_network(found: dict[str, Any]) -> None:
    page = robustness_page(found)
    for number in ("ami", "peak", "interleaving"):
        assert f'data-chart="curve-{number}"' in page
        assert f'id="{number}"' in page
    assert "More than in rotated twins under every choice: peak, top 20." in page
    assert "&lt;b&gt;space" in page
    assert "default-src 'none'" in page
    assert not re.search(r'(src|href)="https?:', page)


def told_of(differences: list[tuple[float, str]], *claims: dict[str, Any]) -> tuple[dict[str, Any], str, list[str]]:
    """Return the conclusion of peak, its sentences and the headings; intervals say what stands beside differences."""
    [first, *_] = [row for row in make_specifications() if row["number"] == "peak"]
    rows = [
        first | {"core_tokens": 20 + i, "difference": difference, "beside": beside, "own": i == 1}
        for i, (difference, beside) in enumerate(differences)
    ]
    found = conclusions(rows, claims)
    return found[0], said(found[0], choice_rows(rows), "rotated"), headings(found, "rotated")


def test_an_interval_that_holds_0_is_no_result_and_stands_beside_what_would_have_been_seen() -> None:
    _, told, lines = told_of([(0.01, "no more"), (0.02, "no more")])
    assert "not shown to be more than in rotated twins (interval holds 0) in all 2 specifications" in told
    assert "A difference of 0.0014 would have been seen with a chance of 80 % (median over specifications)." in told
    assert lines == [
        "Not shown to be more than in rotated twins (interval holds 0) under every choice (behind each: the difference "
        "that would have been seen with a chance of 80 %): peak, top 20, 0.0014."
    ]


def test_where_it_cannot_be_tested_is_said_beside_what_holds_elsewhere() -> None:
    _, told, lines = told_of([(math.nan, "untested"), (0.1, "more"), (0.2, "more")])
    assert "more than in rotated twins in all 2 specifications in which it can be tested, not testable in 1." in told
    assert "0.100 with 21, 0.200 with 22, not testable with 20" in told
    assert lines == [
        "More than in rotated twins under every choice: peak, top 20 (wherever it can be tested; not in 1 of 3)."
    ]


def test_a_choice_was_varied_though_nothing_can_be_told_of_it() -> None:
    _, told, _ = told_of([(math.nan, "untested"), (0.1, "more")])
    assert told.endswith(
        "No two specifications that differ in one choice alone can be tested: what it turns on is not known."
    )


def test_where_the_study_and_a_sample_of_its_neurons_say_different_things_all_neurons_are_advised() -> None:
    claim = {"number": "peak", "layer": None, "difference": -0.1, "difference_low": -0.15, "difference_high": -0.05}
    row, told, lines = told_of([(0.1, "more"), (0.2, "more")], claim)
    assert is_apart(row)
    assert (
        "The study says of all its neurons: less, −0.100 [−0.150, −0.050]; with its settings those taken here say: "
        "more, 0.200. Give --neurons 0 for all neurons." in told
    )
    assert lines[-1] == (
        "The study, of all its neurons, says another thing than those taken here: peak, top 20. "
        "Give --neurons 0 for all neurons."
    )
    for same in ((0.2, "less"), (math.nan, "untested")):
        row, told, lines = told_of([(0.1, "more"), same], claim)
        assert not is_apart(row)
        assert "--neurons" not in " ".join([told, *lines])


def test_counts_of_the_terminal_add_up(found: dict[str, Any]) -> None:
    rows = [row | {"untested": 3, "specifications": row["specifications"] + 3} for row in found["conclusions"]]
    out = StringIO()
    Console(file=out, width=100).print(render_robustness(rows, found["choices"], FACTS))
    lines = [
        re.findall(r" (\d+)(?= )", line.removeprefix("C2 peak, top 20"))
        for line in out.getvalue().splitlines()
        if line.startswith("C2 peak, top 20")
    ]
    [(total, *parts)] = [list(map(int, counts)) for counts in lines if len(counts) == 5]
    assert total == sum(parts) == 7


def test_the_page_names_what_a_number_turns_on_right_behind_it(found: dict[str, Any]) -> None:
    page = robustness_page(found)
    heads = re.findall(r'<th scope="col">([^<]*)</th>', page)
    assert heads[:7] == ["number", "turns on", "of", "more", "not shown to be more", "less", "not testable"]
    assert re.search(r'mean taken off</span>, <span class="n">2 of 4 sets', page)
