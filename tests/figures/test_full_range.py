"""The figure of the full range: what is drawn is in the table, and what is undefined is not drawn."""

from __future__ import annotations

from typing import Any

import pytest
from tests.figures.drawing import is_json, rows, texts, units, width
from tests.samples import NAN, make_full_range, make_summary

from intraneuron.figures.full_range import full_range


def summary(layers: tuple[int, ...] = (0, 1), **settings: Any) -> dict[str, Any]:
    return make_summary(layers) | {"full_range": make_full_range(layers, **settings)}


@pytest.mark.parametrize("layers", [(3,), (0, 1), tuple(range(12))], ids=len)
def test_it_fits_its_width_with_a_panel_a_layer(layers: tuple[int, ...]) -> None:
    for size in (340, 920):
        assert width(full_range(summary(layers), size)) <= size + 2
    names = {f"layer {layer}" for layer in layers} | ({"all layers"} if len(layers) > 1 else set())
    assert names <= set(texts(full_range(summary(layers))))
    assert "all layers" in texts(full_range(summary(layers))) or len(layers) == 1


def test_every_point_is_one_of_the_table() -> None:
    made = summary()
    profile = made["full_range"]["profile"]
    drawn = rows(full_range(made))
    assert len(drawn) == len(profile) == 3 * 2 * 100
    assert {(row["percentile"], row["above"]) for row in drawn} == {
        (row["percentile"], round(row["above"], 5)) for row in profile
    }


def test_the_band_is_that_of_the_neurons_alone() -> None:
    bands = [row for row in rows(full_range(summary())) if "low" in row]
    assert {row["who"] for row in bands} == {"neurons"}
    assert sum(unit["mark"]["type"] == "area" for unit in units(full_range(summary()))) == 1


def test_all_populations_of_the_study_are_told_apart() -> None:
    chart = full_range(summary(populations=("neurons", "rotated", "untrained")))
    assert {"neurons", "rotated twins", "untrained twins"} <= set(texts(chart))


@pytest.mark.parametrize("missing", [None, NAN], ids=["null", "NaN"])
def test_what_is_undefined_is_not_drawn_as_zero(missing: float | None) -> None:
    made = summary()
    for index in (0, 150):
        made["full_range"]["profile"][index] |= {"above": missing, "low": missing, "high": missing}
    assert is_json(full_range(made))
    assert len(rows(full_range(made))) == 598


@pytest.mark.parametrize("empty", [{}, {"full_range": None}, {"full_range": {"profile": []}}])
def test_without_data_it_says_so(empty: dict[str, Any]) -> None:
    assert any(text.startswith("No full range") for text in texts(full_range(empty)))
