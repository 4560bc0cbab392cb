"""What a comparison of studies says: which of two has more of the neurons' own, and what cannot be said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from intraneuron.data.display import decimals, is_defined, number
from intraneuron.pipeline.numbers import BY_NAME
from intraneuron.report.wording import KEY_NUMBERS, short_name

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]
Direction = Literal["more", "less", "open", "same", "untested"]

KEYS = {"C0": "tightness", **KEY_NUMBERS, "C5": "abstraction"}
"""The number that stands for each claim."""

NOTE = (
    "An interval is of one number alone: of twenty whose truth is 0, one excludes 0. It is made for tokens or texts "
    "that could have been others, not for another training of the same model."
)


def direction(row: Row) -> Direction:
    """Return whether a change goes towards more of a relation, less of it, or the interval leaves it open.

    For interleaving and the correlation with distance, smaller is more. ``same``: nothing differs at all.

    >>> direction({"number": "interleaving", "change": -0.02, "low": -0.03, "high": -0.01})
    'more'
    """
    low, high = row.get("low"), row.get("high")
    if low is None or high is None or not is_defined(low) or not is_defined(high):
        return "untested"
    if low == high == 0:
        return "same"
    if low <= 0 <= high:
        return "open"
    known = BY_NAME.get(str(row["number"]))
    return "more" if (low > 0) == (known is None or known.sign > 0) else "less"


def pair_of(tables: Tables) -> tuple[str, str]:
    """Return the two studies whose change is told first: the first and the last."""
    return str(tables["studies"][0]["study"]), str(tables["studies"][-1]["study"])


def changes_of(tables: Tables, first: str, second: str, *, whole: bool = True) -> list[Row]:
    """Return the changes from one study to another: over all layers that are compared, or layer by layer."""
    return [
        row
        for row in tables["changes"]
        if (row["first"], row["second"]) == (first, second) and (row["layer_first"] is None) == whole
    ]


def by_number(rows: Sequence[Row]) -> dict[str, dict[str, Row]]:
    """Return rows by number and by whose they are."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(str(row["number"]), {})[str(row["of"])] = row
    return found


def places(rows: Sequence[Row]) -> int:
    """Return the decimals that the changes of one number are written with."""
    return decimals(*(row.get("change") for row in rows))


def with_interval(row: Row, digits: int, field: str = "change", *, signed: bool = True) -> str:
    """Write a change, or a mean, with its interval.

    >>> with_interval({"change": 0.0123, "low": 0.01, "high": 0.0149}, 3)
    '+0.012 [0.010, 0.015]'
    """
    text = number(row.get(field), digits, signed=signed)
    low, high = row.get("low"), row.get("high")
    if not is_defined(low) or not is_defined(high):
        return text
    return f"{text} [{number(low, digits)}, {number(high, digits)}]"


def verdicts(tables: Tables, names: Mapping[str, str]) -> list[str]:
    """Say of each claim what changed from the first study to the last; ``names`` is how they are called."""
    first, second = pair_of(tables)
    rows = by_number(changes_of(tables, first, second))
    return [_verdict(claim, rows[key], names[first], names[second]) for claim, key in KEYS.items() if key in rows]


SAID: dict[Direction, str] = {
    "more": "more in {second} than in {first}",
    "less": "less in {second} than in {first}",
    "open": "whether {first} or {second} has more cannot be said",
    "same": "the same in {first} and {second}",
    "untested": "what is the neurons' own cannot be compared",
}


def _verdict(claim: str, of: Mapping[str, Row], first: str, second: str) -> str:
    """Say which study has more, and by how much; of whom the change is known."""
    digits = places([*of.values()])
    told = [
        f"{who} {with_interval(of[name], digits)}"
        for name, who in (("own", "own"), ("neurons", "neurons"), ("twin", "twins"))
        if is_defined(of[name].get("change"))
    ]
    said = SAID[direction(of["own"])].format(first=first, second=second)
    head = f"{claim}, {short_name(str(of['own']['number']))}: {said}"
    return f"{head} ({', '.join(told)})." if told else f"{head}."
