"""The figure of settling: it draws every point of its table, and what is settled."""

from __future__ import annotations

from typing import Any

import pytest
from tests.figures.drawing import is_json, rows, texts, units, width
from tests.samples import NAN, make_reliability, make_summary

from intraneuron.figures.settling import settling


def drawn(chart: Any, kind: str) -> list[dict[str, Any]]:
    return [row for row in rows(chart) if row.get("kind") == kind]


@pytest.mark.parametrize("layers", [(3,), tuple(range(6))], ids=len)
def test_it_fits_its_width(layers: tuple[int, ...]) -> None:
    for size in (340, 920):
        assert width(settling(make_summary(layers), size)) <= size + 2


def test_every_point_of_the_table_is_drawn_and_no_other() -> None:
    summary = make_summary()
    table = summary["reliability"]["curve"]
    chart = settling(summary)
    assert len(drawn(chart, "observed")) + len(drawn(chart, "law")) == len(table)
    assert {row["tokens"] for row in drawn(chart, "law")} <= {round(row["tokens"]) for row in table}


def test_there_is_a_panel_a_layer_and_number_with_its_settled_line() -> None:
    chart = settling(make_summary((0, 2)), 920)
    names = [f"layer {layer}: {name}" for layer in (0, 2) for name in ("correlation", "tokens in common")]
    assert [text for text in texts(chart) if text in names] == names
    assert [(row["where"], row["wanted"]) for row in drawn(chart, "end")] == list(
        zip(names, (0.9, 0.8) * 2, strict=True)
    )
    assert {row["read"] for row in drawn(chart, "end")} == {960_000}


@pytest.mark.parametrize("rotated", [True, False])
def test_the_twin_stands_beside_the_neurons_where_it_was_read(rotated: bool) -> None:
    chart = settling(make_summary(rotated=rotated))
    assert {row["who"] for row in drawn(chart, "observed")} == {"neurons", *(["rotated twins"] if rotated else [])}
    assert ("rotated twins" in texts(chart)) == rotated
    assert "shuffled twins" not in texts(chart)


@pytest.mark.parametrize("missing", [None, NAN], ids=["null", "NaN"])
def test_what_is_undefined_is_left_out(missing: float | None) -> None:
    summary = make_summary((0,))
    summary["reliability"]["curve"][0]["agreement"] = missing
    assert len(drawn(settling(summary), "observed")) == len(drawn(settling(make_summary((0,))), "observed")) - 1
    assert is_json(settling(summary))


@pytest.mark.parametrize("reliability", [None, {}, make_reliability() | {"curve": [], "settled": []}])
def test_without_texts_it_says_so(reliability: Any) -> None:
    assert any(text.startswith("No text was read") for text in texts(settling({"reliability": reliability})))


def test_every_mark_has_a_tooltip_and_the_chart_a_title_and_a_description() -> None:
    chart = settling(make_summary())
    assert all("tooltip" in unit["encoding"] for unit in units(chart))
    assert chart.title.text
    assert chart.title.subtitle
    assert len(chart.description) > 40
