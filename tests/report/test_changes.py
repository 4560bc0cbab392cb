"""What a comparison says, in words, in a terminal and on a page; and its figures."""

from __future__ import annotations

import math
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from tests.figures.drawing import is_json, rows, texts, width
from tests.report.reading import Page

from intraneuron.figures import changes as figures
from intraneuron.figures.changes import letter
from intraneuron.pipeline.numbers import NUMBERS
from intraneuron.report.changes_page import changes_page
from intraneuron.report.changes_terminal import render_changes
from intraneuron.report.changes_words import direction, pair_of, verdicts

CHANGE = {"ami": (0.02, 0.01, 0.03), "peak": (0.01, -0.01, 0.03), "interleaving": (-0.1, -0.2, -0.05)}


def make(studies: tuple[str, ...] = ("before", "after"), layers: tuple[int, ...] = (0, 1)) -> dict[str, Any]:
    """Return the tables of made-up studies."""
    heads: list[dict[str, Any]] = [{"claim": n.claim, "number": n.name, "title": n.title} for n in NUMBERS]
    about = {"model": "m", "mode": "vocabulary", "space": "input", "twin": "rotated", "layers": list(layers)}
    means = [
        head | {"of": of, "study": s, "layer": layer, "twin": "rotated", "value": 0.1 * i, "low": 0.05, "high": 0.9}
        for i, s in enumerate(studies, 1)
        for layer in (None, *layers)
        for of in ("neurons", "twin", "own")
        for head in heads
    ]
    changes = []
    for b, second in enumerate(studies):
        for first in studies[:b]:
            for layer in (None, *layers):
                for head in heads:
                    change, low, high = CHANGE.get(head["number"], (-0.02, -0.03, -0.01))
                    both = {"first": first, "second": second, "layer_first": layer, "layer_second": layer}
                    told = {"change": change, "low": low, "high": high, "interval": "apart"}
                    changes += [head | both | told | {"of": of} for of in ("neurons", "twin", "own")]
    match: dict[str, Any] = {
        "first": studies[0],
        "second": studies[1],
        "layer_first": 0,
        "layer_second": 0,
        "match": "tokens",
    }
    worth: dict[str, Any] = {"pairs": 1024, "sharing": 1000, "cosine": 0.4, "median": 0.41, "random": 0.01, "twin": 0.2}
    worth |= {"among": 1024, "cosine_among": 0.4, "same_index": 0.9}
    r: dict[str, Any] = {
        "claim": "C1",
        "number": "ami",
        "pairs": 1000,
        "r": 0.5,
        "null_std": 0.03,
        "p": 1e-9,
        "r_twin": 0.1,
    }
    return {
        "studies": [{"study": s, "path": s} | about for s in studies],
        "means": means,
        "changes": changes,
        "matches": [match | worth],
        "correlations": [match | r],
        "settings": [{"name": "identity.weights", "values": list(map(str, range(len(studies))))}],
    }


def shown(tables: dict[str, Any], columns: int = 80) -> str:
    console = Console(file=StringIO(), width=columns, color_system=None)
    with console.capture() as captured:
        console.print(render_changes(tables, ["A remark."]))
    return captured.get()


@pytest.mark.parametrize(
    ("number", "low", "high", "expected"),
    [
        ("ami", 0.1, 0.2, "more"),
        ("ami", -0.2, -0.1, "less"),
        ("distance_r", -0.2, -0.1, "more"),
        ("interleaving", 0.1, 0.2, "less"),
        ("peak", -0.1, 0.2, "open"),
        ("peak", 0.0, 0.0, "same"),
        ("peak", math.nan, 0.1, "untested"),
        ("peak", None, None, "untested"),
    ],
)
def test_an_interval_says_which_has_more_or_that_nobody_can_say(
    number: str, low: float, high: float, expected: str
) -> None:
    assert direction({"number": number, "low": low, "high": high}) == expected


def test_every_claim_gets_a_sentence() -> None:
    said = verdicts(make(), {"before": "A", "after": "B"})
    assert len(said) == 6
    assert said[1].startswith("C1, agreement (AMI): more in B than in A (own +0.020 [0.010, 0.030], neurons +0.020")
    assert said[2].startswith("C2, peak, top 20: whether A or B has more cannot be said (own")
    assert said[3].startswith("C3, categories (eta²): less in B than in A")
    assert said[4].startswith("C4, interleaving: more in B than in A (own −0.100")


@pytest.mark.parametrize("studies", [("before", "after"), ("a", "b", "c", "d"), tuple("abcdefg")])
def test_the_terminal_fits_80_columns(studies: tuple[str, ...]) -> None:
    text = shown(make(studies))
    assert max(map(len, text.splitlines())) <= 80
    last = letter(len(studies) - 1)
    assert f"own {last} − A [95%]" in text
    assert "Note: A remark." in text
    assert "90.0 %" in text


def test_a_page_makes_no_request_and_has_every_table() -> None:
    page = Page(changes_page(make(("before", "<b>&after")), ["A <remark>."]))
    assert page.unbalanced == []
    assert page.loads() == page.handlers() == []
    assert not {"b", "remark"} & page.names()
    captions = [element.text for element in page.all("caption")]
    assert any("mean over the layers" in caption for caption in captions)
    assert {"How alike pairs are", "Rank correlation over pairs", "Facts and settings that differ"} <= set(captions)
    assert "A <remark>." in [element.text for element in page.all("li")]
    assert len([e for e in page.all("div") if "data-chart" in e.attributes]) == 3


def test_studies_without_pairs_and_differences_have_a_page_too() -> None:
    tables = make(layers=(2,)) | {"matches": [], "correlations": [], "settings": []}
    page = Page(changes_page(tables, []))
    assert "Pairs of neurons" not in [element.text for element in page.all("h2")]
    assert len([e for e in page.all("div") if "data-chart" in e.attributes]) == 2
    assert "The studies differ in no setting." in shown(tables)


@pytest.mark.parametrize(("size", "studies"), [(340, ("before", "after")), (920, ("a", "b", "c", "d"))])
def test_figures_fit_their_width_and_draw_every_point_of_the_tables(size: int, studies: tuple[str, ...]) -> None:
    tables = make(studies, tuple(range(9)))
    first, second = pair_of(tables)
    drawn = figures.means(tables, size), figures.changes(tables, first, second, size), figures.own(tables, size)
    assert all(is_json(chart) for chart in drawn)
    assert width(drawn[1]) <= size + 20
    points = {(r["number"], r["who"], r["where"]) for r in rows(drawn[0])}
    assert len(points) == len(NUMBERS) * 2 * len(studies)
    assert {r["where"] for r in rows(drawn[1]) if "where" in r} == {"all", *(f"layer {n}" for n in range(9))}
    assert {r["who"] for r in rows(drawn[2]) if "who" in r} == {f"layer {n}" for n in (0, 2, 3, 5, 6, 8)}
    assert any("A: " in text for text in texts(drawn[0]))


def test_what_is_undefined_is_not_drawn() -> None:
    tables = make()
    for row in tables["means"]:
        row["value"] = math.nan
    assert "No number is defined in these studies." in texts(figures.means(tables))
    for row in tables["changes"]:
        row["low"] = math.nan
    chart = figures.changes(tables, "before", "after")
    assert is_json(chart)
    assert {row["low"] for row in rows(chart) if "low" in row} == {None}
