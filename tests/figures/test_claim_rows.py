"""Rows of the claims table as they are written: what is shown adds up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.samples import NAN

from intraneuron.figures.claim_rows import bounds, interval, written

VALUES = st.floats(-3, 3, allow_nan=False)


def make_row(neurons: float, rotated: float, half: float = 0.01) -> dict[str, Any]:
    difference = neurons - rotated
    return {
        **{"neurons": neurons, "neurons_low": neurons - half, "neurons_high": neurons + half, "rotated": rotated},
        **{"difference": difference, "difference_low": difference - half, "difference_high": difference + half},
    }


def read(text: str) -> Decimal:
    return Decimal(text.replace("−", "-"))


@given(neurons=VALUES, rotated=VALUES)
def test_the_difference_is_that_of_the_numbers_beside_it(neurons: float, rotated: float) -> None:
    row = make_row(neurons, rotated)
    shown = {name: read(written(row, name)) for name in ("neurons", "rotated", "difference")}
    assert shown["neurons"] - shown["rotated"] == shown["difference"]
    assert abs(shown["difference"] - Decimal(row["difference"])) < Decimal("0.001")


@pytest.mark.parametrize(
    ("neurons", "rotated", "shown"),
    [
        (0.05, 0.03, ("0.050", "0.030", "0.020")),
        (0.01935970472862414, 0.012582740926167688, ("0.0194", "0.0126", "0.0068")),
        (0.03855140931529675, 0.030135589111758797, ("0.03855", "0.03014", "0.00841")),
        (-0.0244, -0.0089, ("−0.0244", "−0.0089", "−0.0155")),
    ],
    ids=["at once", "one decimal more", "two more and one in the last place", "negative"],
)
def test_more_decimals_are_written_only_where_they_are_needed(
    neurons: float, rotated: float, shown: tuple[str, ...]
) -> None:
    row = make_row(neurons, rotated)
    assert tuple(written(row, name) for name in ("neurons", "rotated", "difference")) == shown


def test_an_interval_has_the_decimals_of_its_value() -> None:
    assert interval(make_row(0.05, 0.03, 0.003), "difference") == "0.020 [0.017, 0.023]"
    assert interval(make_row(0.01936, 0.01258, 0.003), "difference") == "0.0068 [0.0038, 0.0098]"


def test_what_is_undefined_is_a_dash_without_interval() -> None:
    row = make_row(0.05, 0.03) | {"rotated": None, "difference": None, "difference_low": NAN}
    assert (written(row, "rotated"), written(row, "difference")) == ("–", "–")
    assert interval(row, "difference") == "–"
    assert bounds(row, "difference") == ("", "")
