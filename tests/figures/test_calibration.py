"""The figure of a calibration: every test at every level, its verdict by colour, and curves of power."""

from __future__ import annotations

from typing import Any

import pytest
from tests.figures.drawing import is_json, rows, texts, width
from tests.samples import NAN, make_calibration

from intraneuron.figures.calibration import CURVES, VERDICTS, WHO, calibration


def verdicts(tables: dict[str, Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in rows(calibration(tables)):
        if "verdict" in row:
            found.setdefault(row["test"], set()).add(row["verdict"])
    return found


def test_every_test_is_drawn_with_its_verdict() -> None:
    found = verdicts(make_calibration())
    assert found["mrpp"] == {"within bounds", "out of bounds"}
    assert found["homogeneity 1"] == {"within bounds"}
    assert found["peak 20"] == {"too few shuffles"}
    shown = texts(calibration(make_calibration()))
    assert {*VERDICTS, *WHO.values(), "mrpp", "peak 20"} <= set(shown)
    assert "size at p ≤ 0.001" in shown


def test_power_is_a_curve_a_number_in_a_panel_a_planted_relation() -> None:
    found = [row for row in rows(calibration(make_calibration())) if "panel" in row]
    assert {row["panel"] for row in found} == {f"{kind}, 0% noise" for kind in ("gradient", "peak", "steps")}
    assert {row["number"] for row in found} == {"ami", "peak"} <= set(CURVES)


@pytest.mark.parametrize("size", [920, 1200])
def test_the_figure_fits_its_width(size: int) -> None:
    assert width(calibration(make_calibration(), size)) <= size + 2


def test_what_is_undefined_is_left_out() -> None:
    tables = make_calibration(rotated=False)
    tables["size"][0]["ratio"] = NAN
    chart = calibration(tables)
    assert is_json(chart)
    assert "rotated twins" not in {row.get("who") for row in rows(chart)}
    assert "No test has a p that is defined." in texts(calibration({"size": [], "power": []}))
