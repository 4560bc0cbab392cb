"""robust: numbers under every specification -> the table, and what holds in all of it or turns on a choice."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

import numpy as np

from intraneuron.config import SpaceConfig
from intraneuron.kernels.detectable import detectable_factor
from intraneuron.kernels.jackknife import error_of_sum, interval_factor, standard_error, with_noise
from intraneuron.pipeline.numbers import BY_NAME
from intraneuron.pipeline.specifications import CHOICES, Selection, Specifications, choices_of, matched, varied
from intraneuron.pipeline.vary import Estimate

Row = dict[str, Any]

Beside = Literal["more", "no more", "less", "untested"]
"""What the interval of a difference says, in the direction in which the number speaks for a relation: ``no more`` is
not shown to be more, the interval holds 0."""

BESIDE: tuple[Beside, ...] = ("more", "no more", "less", "untested")

ENOUGH = 8
"""Matched sets from which on the share that a choice changes is not that of a few."""


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
    half, seen = reach(pairs)
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
            "detectable": float(seen[m]),
            "n": int(sizes[0][m]),
            "n_twin": int(sizes[1][m]),
            "left_out": left_out,
        }


def reach(pairs: Sequence[Pair]) -> tuple[np.ndarray, np.ndarray]:
    """Return half the 95 % interval of the difference of whole layers, and the difference seen with a chance of 80 %.

    It holds what other texts or another vocabulary would have given and, where neurons are a sample, what other neurons
    would. Of few neurons, to take their own noise off as a study does can leave next to nothing to estimate the rest
    from: then it stays in, and the interval is, if anything, too wide. The narrower of the two is returned.
    """
    every = [one for pair in pairs for one in (pair.neurons, pair.twin)]
    parts = [one.parts for one in every]
    weights = [sign / len(pairs) for _ in pairs for sign in (1.0, -1.0)]
    some = [one for one in every if one.sampled]
    error, degrees = standard_error(parts, weights)
    if some:
        errors = [one.sampling / len(pairs) for one in some]
        sizes = [np.maximum(one.size - 1, 1) for one in some]
        both = [(error, degrees), standard_error(list(map(with_noise, parts)), weights)]
        both = [error_of_sum(np.stack([e, *errors]), np.stack([f, *sizes])) for e, f in both]
        narrow = interval_factor(both[0][1]) * both[0][0] <= interval_factor(both[1][1]) * both[1][0]
        error, degrees = (np.where(narrow, first, second) for first, second in zip(*both, strict=True))
    return interval_factor(degrees) * error, detectable_factor(degrees) * error


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


def conclusions(rows: Sequence[Row], claims: Sequence[Row] = ()) -> list[Row]:
    """Return a row a number: in how many specifications it is more than in twins, and what it turns on.

    ``rows`` are those of the table; only means over layers count. ``turns_on`` is the choice that, changed alone, most
    often changes what the interval says, and among such choices the one that moves the difference most; one that was
    changed in fewer than eight sets only where no other changes anything. None where no change of one choice does.

    Parameters
    ----------
    rows : list of dict
    claims : list of dict
        Those of the study's summary, of all its neurons.
    """
    of_study = {row["number"]: row for row in claims if row["layer"] is None}
    return [
        {
            "claim": BY_NAME[name].claim,
            "number": name,
            "specifications": len(own),
            **_counted(own),
            **_spread(own),
            **_of_study(name, of_study.get(name, {})),
            "own": next((row["difference"] for row in own if row["own"]), math.nan),
            "own_beside": next((row["beside"] for row in own if row["own"]), None),
            **_turning(_choices(name, own)),
        }
        for name, own in _by_number(rows).items()
    ]


def _counted(own: Sequence[Row]) -> Row:
    """Return what intervals say in how many specifications, and what they say wherever there is one."""
    counts = {beside.replace(" ", "_"): sum(row["beside"] == beside for row in own) for beside in BESIDE}
    said = {row["beside"] for row in own if row["beside"] != "untested"} or {"untested"}
    return counts | {"everywhere": said.pop() if len(said) == 1 else None}


def _spread(own: Sequence[Row]) -> Row:
    known = [row["difference"] for row in own if math.isfinite(row["difference"])]
    seen = [row["detectable"] for row in own if math.isfinite(row["detectable"])]
    return {
        "lowest": min(known, default=math.nan),
        "median": median(known) if known else math.nan,
        "highest": max(known, default=math.nan),
        "one_sign": bool(known) and len({value > 0 for value in known}) == 1,
        "detectable": median(seen) if seen else math.nan,
    }


def _of_study(name: str, told: Row) -> Row:
    """Return the difference that the study's summary has, over all its neurons, and what its interval says."""
    found = [told.get(f"difference{end}") for end in ("", "_low", "_high")]
    difference, low, high = (math.nan if value is None else float(value) for value in found)
    said = beside_of(BY_NAME[name].sign, low, high) if told else None
    return {"study": difference, "study_low": low, "study_high": high, "study_beside": said}


def _turning(choices: Sequence[Row]) -> Row:
    """Return the choice that changes most of what intervals say, and the one that moves the difference most."""
    turns = [row for row in choices if row["changed"]]
    most = max(
        turns, key=lambda row: (row["matched"] >= ENOUGH, row["changed"] / row["matched"], row["range"]), default={}
    )
    moved = max(choices, key=lambda row: row["range"], default={})
    return {
        "turns_on": most.get("choice"),
        "turns_changed": most.get("changed", 0),
        "turns_matched": most.get("matched", 0),
        "moved_by": moved.get("choice"),
    }


def choice_rows(rows: Sequence[Row]) -> list[Row]:
    """Return a row a number, choice and value: the mean difference there, over specifications that are matched.

    Matched are those that differ in that choice alone, and only where all of its values can be tested, but for those
    that can be tested nowhere. ``matched`` is how many such sets there are, and ``changed`` in how many of them the
    interval does not say the same for all values; ``untested`` counts all specifications with that value.
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
    tested = [row for row in rows if row["beside"] != "untested"]
    named = [{name: row[name] for name in CHOICES} for row in rows]
    for choice, values in varied(named).items():
        sets = [one for one in matched(tested, choice) if len(one) > 1]
        if not sets:
            continue
        changed = sum(len({row["beside"] for row in one.values()}) > 1 for one in sets)
        means = {value: float(np.mean([one[value]["difference"] for one in sets])) for value in sets[0]}
        told = [
            {
                **{"claim": rows[0]["claim"], "number": number, "choice": choice, "value": said_value(value)},
                "difference": means.get(value, math.nan),
                **{
                    b.replace(" ", "_"): sum(value in one and one[value]["beside"] == b for one in sets) for b in BESIDE
                },
                "untested": sum(row[choice] == value and row["beside"] == "untested" for row in rows),
                "matched": len(sets) if value in means else 0,
                "changed": changed if value in means else 0,
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
