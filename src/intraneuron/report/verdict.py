"""verdict: what a study says to a claim of the paper, from the numbers of the claims table alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from intraneuron.data.display import is_defined
from intraneuron.pipeline.numbers import BY_NAME

Verdict = Literal["more", "no more", "less", "by chance", "untested"]

OF_ABSENCE = frozenset({"C4"})
"""Claims that there is no effect: a number as by chance is what they say."""


def verdict(row: Mapping[str, Any]) -> Verdict:
    """Judge by a row of the claims table whether a relation goes beyond random directions, and beyond chance.

    Both are judged by their 95 % intervals, in the direction in which a number speaks for a relation: downwards for
    interleaving and for the correlation with distance. ``by chance``: the neurons' own number does not go beyond
    chance, even if it goes beyond the twins'; of a claim of absence nothing else is asked. ``untested``: no number, no
    rotated twin, or no interval.

    >>> peak = {"number": "peak", "neurons_low": -0.025, "neurons_high": -0.019, "expected_by_chance": 0}
    >>> verdict(peak | {"difference_low": -0.017, "difference_high": -0.010})
    'less'
    """
    number = BY_NAME.get(str(row.get("number")))
    sign = number.sign if number else 1
    own = _toward(row, "neurons", sign, zero=float(row.get("expected_by_chance") or 0))
    left = _toward(row, "difference", sign)
    if own is None or left is None:
        return "untested"
    as_by_chance = own[0] <= 0
    if as_by_chance and (left[0] > 0 or row.get("claim") in OF_ABSENCE):
        return "by chance"
    if left[0] > 0:
        return "more"
    return "less" if left[1] < 0 else "no more"


def _toward(row: Mapping[str, Any], name: str, sign: int, zero: float = 0.0) -> tuple[float, float] | None:
    """Return an interval measured from ``zero`` in the direction of a relation, weaker end first; None without one."""
    ends = row.get(f"{name}_low"), row.get(f"{name}_high")
    if not all(is_defined(end) for end in ends):
        return None
    first, second = sorted(sign * (float(end) - zero) for end in ends if end is not None)
    return first, second
