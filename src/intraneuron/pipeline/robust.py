"""robust: numbers under every specification -> the table, and what holds in all of it or turns on a choice."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

import numpy as np

from intraneuron.config import SpaceConfig
from intraneuron.kernels.jackknife import interval_factor, standard_error
from intraneuron.pipeline.numbers import BY_NAME
from intraneuron.pipeline.specifications import CHOICES, Selection, Specifications, choices_of, matched, varied
from intraneuron.pipeline.vary import Estimate

Row = dict[str, Any]

Beside = Literal["more", "no more", "less", "untested"]
"""What the interval of a difference says, in the direction in which the number speaks for a relation."""

BESIDE: tuple[Beside, ...] = ("more", "no more", "less", "untested")


@dataclass(frozen=True)
class Pair:
    """Neurons and their twins of reference, in one layer under one selection in one space.

    Attributes
    ----------
    neurons, twin : Estimate
    texts : bool
        Whether groups of texts are left out for the interval, rather than of tokens.
    """

    neurons: Estimate
    twin: Estimate
    texts: bool


Found = Mapping[tuple[SpaceConfig, Selection], Mapping[int, Pair]]
"""By space and selection, by layer."""


def specification_rows(found: Found, chosen: Specifications, is_own: Callable[[Row], bool]) -> list[Row]:
    """Return the table: a row a specification, number and layer (None: the mean over layers).

    Parameters
    ----------
    found : dict
    chosen : Specifications
    is_own : callable
        Tells of a row's choices whether they are the study's own settings.
    """
    rows: list[Row] = []
    for (space, selection), pairs in found.items():
        columns = chosen.columns(selection)
        choices = [choices_of(space, selection, column) for column in columns]
        for layer, some in ((None, pairs), *((n, {n: pair}) for n, pair in pairs.items())):
            own = (own for own in _numbers(list(some.values())))
            for column, choice, numbers in zip(columns, choices, own, strict=True):
                named = {"claim": column.number.claim, "number": column.number.name, "layer": layer}
                beside = beside_of(column.number.sign, numbers["low"], numbers["high"])
                rows.append(named | choice | numbers | {"beside": beside, "own": is_own(choice)})
    return rows


def _numbers(pairs: Sequence[Pair]) -> Iterator[Row]:
    """Yield, a column, means over layers, their difference with its 95 % interval, and how many neurons there are."""
    parts = [one.parts for pair in pairs for one in (pair.neurons, pair.twin)]
    error, degrees = standard_error(parts, [sign / len(pairs) for _ in pairs for sign in (1.0, -1.0)])
    half = interval_factor(degrees) * error
    means = [np.stack([getattr(pair, name).mean for pair in pairs]) for name in ("neurons", "twin")]
    sizes = [np.sum([getattr(pair, name).size for pair in pairs], axis=0) for name in ("neurons", "twin")]
    left_out = "texts" if pairs[0].texts else "tokens"
    for m in range(len(half)):
        neurons, twin = (_mean(mean[:, m]) for mean in means)
        difference = _mean(means[0][:, m] - means[1][:, m])
        yield {
            "neurons": neurons,
            "twin": twin,
            "difference": difference,
            "low": difference - half[m],
            "high": difference + half[m],
            "n": int(sizes[0][m]),
            "n_twin": int(sizes[1][m]),
            "left_out": left_out,
        }


def _mean(values: np.ndarray) -> float:
    """Return the mean over the layers that have the number, summed as a study sums them; NaN without any."""
    known = [float(value) for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan


def beside_of(sign: int, low: float, high: float) -> Beside:
    """Return what the interval of a difference says; ``sign`` is -1 where small values speak for a relation.

    >>> beside_of(1, 0.1, 0.2), beside_of(-1, 0.1, 0.2), beside_of(1, -0.1, 0.2)
    ('more', 'less', 'no more')
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return "untested"
    weak, strong = sorted((sign * low, sign * high))
    return "more" if weak > 0 else "less" if strong < 0 else "no more"


def conclusions(rows: Sequence[Row]) -> list[Row]:
    """Return a row a number: in how many specifications it is more than in twins, and what it turns on.

    ``rows`` are those of the table; only means over layers count. ``turns_on`` is the choice that, changed alone, most
    often changes what the interval says, and among such choices the one that moves the difference most; None where no
    change of one choice changes it.
    """
    found = []
    for name, own in _by_number(rows).items():
        known = [row["difference"] for row in own if math.isfinite(row["difference"])]
        counts = {beside.replace(" ", "_"): sum(row["beside"] == beside for row in own) for beside in BESIDE}
        turns = [row for row in _choices(name, own) if row["changed"]]
        most = max(turns, key=lambda row: (row["changed"] / row["matched"], row["range"]), default=None)
        moved = max(_choices(name, own), key=lambda row: row["range"], default=None)
        found.append(
            {
                "claim": BY_NAME[name].claim,
                "number": name,
                "specifications": len(own),
                **counts,
                "lowest": min(known, default=math.nan),
                "median": median(known) if known else math.nan,
                "highest": max(known, default=math.nan),
                "one_sign": bool(known) and len({value > 0 for value in known}) == 1,
                "everywhere": next((b for b in BESIDE if own and all(row["beside"] == b for row in own)), None),
                "own": next((row["difference"] for row in own if row["own"]), math.nan),
                "own_beside": next((row["beside"] for row in own if row["own"]), None),
                "turns_on": None if most is None else most["choice"],
                "moved_by": None if moved is None else moved["choice"],
            }
        )
    return found


def choice_rows(rows: Sequence[Row]) -> list[Row]:
    """Return a row a number, choice and value: the mean difference there, over specifications that are matched.

    Matched are those that differ in that choice alone, and only where all of its values are there. ``matched`` is how
    many such sets there are, and ``changed`` in how many of them the interval does not say the same for all values.
    """
    return [row for name, own in _by_number(rows).items() for found in _choices(name, own) for row in found["values"]]


def _by_number(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row["layer"] is None:
            found.setdefault(row["number"], []).append(row)
    return found


def _choices(number: str, rows: list[Row]) -> list[Row]:
    """Return, a choice that was varied: its rows by value, how many sets are matched and change, and its range."""
    found = []
    for choice, values in varied([{name: row[name] for name in CHOICES} for row in rows]).items():
        sets = [one for one in matched(rows, choice) if all(math.isfinite(row["difference"]) for row in one.values())]
        if not sets:
            continue
        changed = sum(len({row["beside"] for row in one.values()}) > 1 for one in sets)
        means = {value: float(np.mean([one[value]["difference"] for one in sets])) for value in values}
        told = [
            {
                "claim": rows[0]["claim"],
                "number": number,
                "choice": choice,
                "value": said_value(value),
                "difference": means[value],
                **{b.replace(" ", "_"): sum(one[value]["beside"] == b for one in sets) for b in BESIDE},
                "matched": len(sets),
                "changed": changed,
            }
            for value in values
        ]
        spread = max(means.values()) - min(means.values())
        found.append({"choice": choice, "values": told, "matched": len(sets), "changed": changed, "range": spread})
    return found


def said_value(value: object) -> str:
    """Write a value of a choice.

    >>> said_value(True), said_value(100), said_value("ward:5")
    ('yes', '100', 'ward:5')
    """
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
