"""The figures of a study: they draw what is defined, name what they show, and fit where they are put."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.figures.drawing import is_json, rows, texts, units, width
from tests.samples import NAN, make_summary

from intraneuron.figures.claims import claims
from intraneuron.figures.differentiation import differentiation, most_common_cut
from intraneuron.figures.distributions import distributions
from intraneuron.figures.palette import POPULATION_LABELS
from intraneuron.figures.patterns import SHOWN, patterns
from intraneuron.figures.profile import profile

FIGURES = [claims, profile, distributions, differentiation, patterns]
Draw = Callable[..., Any]

every_figure = pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)


def who(chart: Any) -> set[str]:
    return {str(row["who"]) for row in rows(chart) if "who" in row}


@every_figure
@pytest.mark.parametrize("layers", [(3,), tuple(range(6))], ids=len)
@pytest.mark.parametrize("others", [False, True], ids=["two twins", "all twins"])
def test_a_figure_fits_its_width(draw: Draw, layers: tuple[int, ...], others: bool) -> None:
    summary = make_summary(layers, others=others)
    for size in (340, 920):
        assert width(draw(summary, size)) <= size + 2


@every_figure
def test_a_figure_has_a_title_a_caption_and_a_description(draw: Draw) -> None:
    chart = draw(make_summary())
    assert chart.title.text
    assert chart.title.subtitle
    assert len(chart.description) > 40


@every_figure
@pytest.mark.parametrize("others", [False, True], ids=["two twins", "all twins"])
def test_neurons_stand_beside_the_twins_of_the_study_and_no_others(draw: Draw, others: bool) -> None:
    summary = make_summary(others=others)
    there = {POPULATION_LABELS[name] for name in summary["populations"]}
    assert len(there) == (6 if others else 3)
    assert who(draw(summary)) == there
    assert set(POPULATION_LABELS.values()).intersection(texts(draw(summary))) == there


@every_figure
def test_a_twin_that_was_not_observed_is_not_drawn(draw: Draw) -> None:
    assert who(draw(make_summary(rotated=False))) <= {"neurons", "shuffled twins"}


@every_figure
@pytest.mark.parametrize("missing", [None, NAN], ids=["null", "NaN"])
def test_what_is_undefined_is_left_out_and_never_drawn_as_zero(draw: Draw, missing: float | None) -> None:
    summary = make_summary()
    values = ("neurons", "neurons_low", "neurons_high", "homogeneity", "low", "high", "share", "delta", "rotated")
    for name in ("claims", "profile", "distributions", "deltas", "patterns"):
        for index in (0, -1):
            row = summary[name][index]
            summary[name][index] = {key: missing if key in values else value for key, value in row.items()}
    before, after = rows(draw(make_summary())), rows(draw(summary))
    assert is_json(draw(summary))
    assert len(after) < len(before)


@every_figure
@pytest.mark.parametrize("empty", [{}, {"claims": [], "profile": None, "patterns": []}], ids=["absent", "empty"])
def test_a_figure_without_data_says_so(draw: Draw, empty: dict[str, Any]) -> None:
    shown = texts(draw(empty))
    assert any(text.startswith(("No ", "Patterns need")) for text in shown)


@every_figure
def test_every_mark_has_a_tooltip_or_says_that_it_needs_none(draw: Draw) -> None:
    bare = [unit for unit in units(draw(make_summary())) if not _explains(unit)]
    assert [unit["mark"] for unit in bare] in ([], [{"strokeWidth": 2, "type": "line"}])


def _explains(unit: dict[str, Any]) -> bool:
    return "tooltip" in unit.get("encoding", {}) or "tooltip" in unit["mark"]


def test_a_study_of_one_layer_is_not_drawn_twice() -> None:
    summary = make_summary((3,))
    summary["profile"] += [row | {"layer": None} for row in summary["profile"]]
    assert {row["where"] for row in rows(profile(summary)) if "where" in row} == {"layer 3"}


def test_the_mean_over_layers_comes_first() -> None:
    summary = make_summary((0, 1))
    summary["profile"] += [row | {"layer": None} for row in summary["profile"] if row["layer"] == 0]
    titles = [text for text in texts(profile(summary)) if text in {"all layers", "layer 0", "layer 1"}]
    assert titles == ["all layers", "layer 0", "layer 1"]


def test_a_whisker_is_drawn_only_where_there_is_an_interval() -> None:
    summary = make_summary((0,))
    before = len(rows(claims(summary)))
    for row in summary["claims"]:
        row["neurons_low"] = None
    assert before - len(rows(claims(summary))) == len(summary["claims"])


def test_claims_draw_a_panel_a_number_in_the_order_of_the_table() -> None:
    titles = [text for text in texts(claims(make_summary(), 920)) if text[:3] in {"C1:", "C2:", "C3:", "C4:"}]
    assert len(titles) == 10
    assert titles[0].split() == ["C1:", "Agreement", "of", "categories", "and", "segments"]
    assert titles[-1].startswith("C4: Categories interleave")


def test_the_chance_line_of_interleaving_stands_at_one() -> None:
    shown = [row for row in rows(distributions(make_summary())) if row.get("text") == "by chance"]
    assert sorted(row["at"] for row in shown) == [0.0, 1.0]


def test_differentiation_shows_the_number_of_categories_that_most_neurons_have() -> None:
    summary = make_summary((0,))
    for row in summary["deltas"]:
        row["neurons"] = 300 if row["n_categories"] == 4 else 20
    assert most_common_cut(summary["deltas"]) == 4
    assert any("with 4 categories" in text for text in texts(differentiation(summary, 900)))
    assert {row["place"] for row in rows(differentiation(summary)) if "place" in row} == {1, 2, 3, 4}


def test_patterns_draw_relations_and_leave_out_neurons_without_one() -> None:
    assert {row["pattern"] for row in rows(patterns(make_summary()))} == set(SHOWN)
