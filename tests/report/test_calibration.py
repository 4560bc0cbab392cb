"""A calibration in the terminal: sizes, verdicts in red, and what planted relations are found."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console
from tests.samples import make_calibration

from intraneuron.report.calibration import render_calibration, verdict_lines

RED = "\x1b[1;31m"


def printed(width: int = 100, color: bool = False, rotated: bool = True) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=color, color_system="standard" if color else None)
    with console.capture() as captured:
        console.print(render_calibration(make_calibration(rotated=rotated)))
    return captured.get()


def test_a_size_stands_with_its_interval_beside_cloud_twins_and_neurons() -> None:
    line = next(line for line in printed().splitlines() if line.startswith("homogeneity 1"))
    assert line.split() == ["homogeneity", "1", "1.00±0.04", "1.00±0.09", "1.00±0.27", "65%", "50%", "58%"]
    assert "(1.00±0.27)" in next(line for line in printed().splitlines() if line.startswith("peak 20"))


def test_a_test_out_of_bounds_is_marked_and_named_in_red() -> None:
    text = printed(color=True)
    assert f"{RED}mrpp" in text
    assert f"{RED}Out of bounds: mrpp at p ≤ 0.001: 1.80 [1.53, 2.07], allowed 0.6 to 1.45." in text
    plain = printed()
    assert "\x1b" not in plain
    assert "1.80±0.27!" in plain


def test_when_no_test_is_out_of_bounds_that_is_said() -> None:
    size = [row for row in make_calibration()["size"] if row["test"] == "homogeneity 1"]
    assert [str(line) for line in verdict_lines(size)] == ["Every test that could be judged keeps its size."]


def test_strengths_patterns_and_kappa_are_shown() -> None:
    text = printed()
    assert "0.4/–" in text
    assert next(line for line in text.splitlines() if line.startswith("peak, 0.5, 0")).split()[-2:] == ["30%", "70%"]
    for forms, agreed in {"ranks": ["88%", "0.39"], "texts": ["91%", "0.52"]}.items():
        assert [line.split()[-2:] for line in text.splitlines() if line.split()[:2] == [forms, "all"]] == [agreed]


def test_without_rotated_twins_there_is_no_retest_and_a_dash() -> None:
    text = printed(rotated=False)
    assert "Patterns, twice" not in text
    assert next(line for line in text.splitlines() if line.startswith("mrpp")).split()[-2] == "–"


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_the_terminal(width: int) -> None:
    assert max(len(line.rstrip()) for line in printed(width).splitlines()) <= width
