"""How a row of the claims table is written, in figures, pages and terminals alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from intraneuron.data.display import decimals_of_difference, difference_as_written, is_defined, number
from intraneuron.figures.palette import POPULATIONS
from intraneuron.pipeline.numbers import reference_of


def digits(row: Mapping[str, Any]) -> int:
    """Return the decimals that all values of a row are written with.

    >>> digits({"neurons": 0.01936, "rotated": 0.01258, "difference": 0.00678})
    4
    """
    return decimals_of_difference(row.get("neurons"), row.get(reference_of(row)), row.get("difference"))


def other_twins(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the twins that rows of the claims table speak of beside ``shuffled`` and the twin of reference.

    >>> other_twins([{"neurons": 0.1, "rotated": 0.1, "shuffled": 0.0, "readout": 0.05}])
    ['readout']
    """
    usual = {"neurons", "shuffled", *(reference_of(row) for row in rows)}
    return [name for name in POPULATIONS if name not in usual and any(name in row for row in rows)]


def written(row: Mapping[str, Any], name: str) -> str:
    """Write a value of a row.

    The difference is that of the two numbers beside it as they are written, so that a reader finds it by subtraction;
    where two more decimals did not reconcile them, it is off its own rounding by one in the last place.

    >>> written({"neurons": 0.0385514, "rotated": 0.0301356, "difference": 0.0084158}, "difference")
    '0.00841'
    """
    places = digits(row)
    terms = row.get("neurons"), row.get(reference_of(row))
    if name == "difference" and is_defined(row.get(name)) and all(is_defined(term) for term in terms):
        return number(difference_as_written(*terms, places), places)  # type: ignore[arg-type]
    return number(row.get(name), places)


def interval(row: Mapping[str, Any], name: str) -> str:
    """Write a value of a row with its interval.

    >>> interval({"neurons": 0.041, "neurons_low": 0.03, "neurons_high": 0.05}, "neurons")
    '0.041 [0.030, 0.050]'
    """
    low, high = bounds(row, name)
    return f"{written(row, name)} [{low}, {high}]" if low and high else written(row, name)


def bounds(row: Mapping[str, Any], name: str) -> tuple[str, str]:
    """Write the ends of a value's interval; both are empty without one."""
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    if not is_defined(low) or not is_defined(high):
        return "", ""
    places = digits(row)
    return number(low, places), number(high, places)
