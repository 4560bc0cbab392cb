"""pairs: neurons of a layer of one study, each with one of a layer of another, and what such a pair is worth.

Whatever neurons are paired, those of B's twin, random directions, can be paired with in the same way: how alike those
pairs are, and how their numbers go together, is what a pair says by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from scipy import stats

from intraneuron.data import CoreTokens
from intraneuron.kernels.pairing import one_to_one, paired_cosines, profile_cosines, shared_tokens
from intraneuron.pipeline.changes import LayerNumbers
from intraneuron.pipeline.numbers import NUMBERS

Row = dict[str, Any]

Match = Literal["index", "tokens"]

MOST = 16_384
"""Neurons of a layer that are assigned by tokens: their cosines are held at once, 8 bytes a pair."""


@dataclass(frozen=True)
class Matched:
    """What is paired: core tokens and numbers of a layer of two studies, and the twin of the second.

    Attributes
    ----------
    first, second : CoreTokens
    twin : CoreTokens or None
        Of the second study.
    first_numbers, second_numbers : LayerNumbers
    """

    first: CoreTokens
    second: CoreTokens
    twin: CoreTokens | None
    first_numbers: LayerNumbers
    second_numbers: LayerNumbers


@dataclass(frozen=True)
class Pairs:
    """Rows of two tables that belong together, and the cosine of their token profiles."""

    row: np.ndarray
    column: np.ndarray
    cosine: np.ndarray


def pair(first: CoreTokens, second: CoreTokens, match: Match) -> Pairs:
    """Pair neurons by their index (row i with row i, as many as both have), or one to one by their core tokens.

    By tokens, the sum of the cosines of token profiles is the largest that there is
    (:func:`~intraneuron.kernels.pairing.one_to_one`).
    """
    if match == "index":
        row = column = np.arange(min(len(first), len(second)))
        a, b = first[row], second[column]
        return Pairs(row, column, paired_cosines(a.token_id, a.activation, b.token_id, b.activation))
    alike = _cosines(first, second)
    row, column = one_to_one(alike)
    return Pairs(row, column, alike[row, column])


def _cosines(first: CoreTokens, second: CoreTokens) -> np.ndarray:
    return profile_cosines(first.token_id, first.activation, second.token_id, second.activation)


def match_rows(given: Matched, match: Match) -> tuple[list[Row], Row, list[Row]]:
    """Return the pairs of a layer (a row each), what they are worth (a row), and how numbers go together (a row each).

    Neurons without core tokens take no part. Pairs that share no core token are among the first only where they were
    made by index; the mean cosine is over all.
    """
    given = _with_tokens(given, match)
    own = pair(given.first, given.second, match)
    beside = None if given.twin is None else _beside(given, match)
    kept = own if match == "index" else _some(own, own.cosine > 0)
    return _pair_rows(given, kept), _worth(given, own, beside, match), _correlations(given, kept, beside)


def _with_tokens(given: Matched, match: Match) -> Matched:
    """Leave out neurons without core tokens: by index in pairs, by tokens each by itself; and such rows of the twin."""
    first, second = given.first.n > 0, given.second.n > 0
    if match == "index":
        first = second = first & second
    if given.twin is None:
        twin, beside = None, np.zeros(0, dtype=bool)
    else:
        beside = given.twin.n > 0
        twin = given.twin[beside]
    return Matched(
        given.first[first],
        given.second[second],
        twin,
        _rows(given.first_numbers, {"neurons": first}),
        _rows(given.second_numbers, {"neurons": second, "twin": beside}),
    )


def _rows(numbers: LayerNumbers, which: dict[str, np.ndarray]) -> LayerNumbers:
    return replace(numbers, values={n: v[which[n]] for n, v in numbers.values.items() if n in which})


def _some(pairs: Pairs, which: np.ndarray) -> Pairs:
    return Pairs(pairs.row[which], pairs.column[which], pairs.cosine[which])


@dataclass(frozen=True)
class _Beside:
    """The first study's neurons paired with the second's twin, and with as many of its neurons."""

    pairs: Pairs
    neurons: Pairs


def _beside(given: Matched, match: Match) -> _Beside:
    """Pair with the twin; where it has fewer rows than there are neurons, evenly spaced ones stand for all.

    The best of many rows is better than the best of few, so both are paired among equally many.
    """
    assert given.twin is not None
    size = min(len(given.first), len(given.second), len(given.twin))
    first, second, twin = (_spaced(len(core), size) for core in (given.first, given.second, given.twin))
    if match == "index":
        first = second = twin = np.arange(size)
    to_twin = pair(given.first[first], given.twin[twin], match)
    to_neurons = pair(given.first[first], given.second[second], match)
    return _Beside(
        Pairs(first[to_twin.row], twin[to_twin.column], to_twin.cosine),
        Pairs(first[to_neurons.row], second[to_neurons.column], to_neurons.cosine),
    )


def _spaced(size: int, most: int) -> np.ndarray:
    return np.linspace(0, size - 1, min(most, size)).astype(int)


def _pair_rows(given: Matched, pairs: Pairs) -> list[Row]:
    a, b = given.first[pairs.row], given.second[pairs.column]
    shared = shared_tokens(a.token_id, b.token_id)
    either = a.n.astype(int) + b.n.astype(int) - shared
    jaccard = np.divide(shared, either, out=np.full(len(shared), math.nan), where=either > 0)
    before = given.first_numbers.values["neurons"][pairs.row]
    after = given.second_numbers.values["neurons"][pairs.column]
    columns: dict[str, np.ndarray] = {
        "layer_first": a.layer,
        "neuron_first": a.neuron,
        "layer_second": b.layer,
        "neuron_second": b.neuron,
        "cosine": pairs.cosine,
        "shared": shared,
        "jaccard": jaccard,
    }
    for index, number in enumerate(NUMBERS):
        columns[f"{number.name}_first"] = before[:, index]
        columns[f"{number.name}_second"] = after[:, index]
        columns[f"{number.name}_change"] = after[:, index] - before[:, index]
    return [dict(zip(columns, row, strict=True)) for row in zip(*(c.tolist() for c in columns.values()), strict=True)]


def _worth(given: Matched, own: Pairs, beside: _Beside | None, match: Match) -> Row:
    same = given.first.neuron[own.row] == given.second.neuron[own.column]
    return {
        **_layers(given),
        "match": match,
        "neurons_first": len(given.first),
        "neurons_second": len(given.second),
        "pairs": len(own.row),
        "sharing": int((own.cosine > 0).sum()),
        "cosine": _mean(own.cosine),
        "median": float(np.median(own.cosine)) if len(own.cosine) else math.nan,
        "random": _mean(_cosines(given.first, given.second)),
        "twin": math.nan if beside is None else _mean(beside.pairs.cosine),
        "among": 0 if beside is None else len(beside.pairs.row),
        "cosine_among": math.nan if beside is None else _mean(beside.neurons.cosine),
        "same_index": _mean(same),
    }


def _layers(given: Matched) -> Row:
    return {"layer_first": given.first_numbers.layer, "layer_second": given.second_numbers.layer}


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else math.nan


def _correlations(given: Matched, pairs: Pairs, beside: _Beside | None) -> list[Row]:
    before, after = given.first_numbers.values["neurons"], given.second_numbers.values["neurons"]
    rows = []
    for index, number in enumerate(NUMBERS):
        found = rank_correlation(before[pairs.row, index], after[pairs.column, index])
        twin: Row = {"r_twin": math.nan, "pairs_twin": 0}
        if beside is not None and "twin" in given.second_numbers.values:
            other = given.second_numbers.values["twin"]
            theirs = rank_correlation(before[beside.pairs.row, index], other[beside.pairs.column, index])
            twin = {"r_twin": theirs["r"], "pairs_twin": theirs["pairs"]}
        rows.append({**_layers(given), "claim": number.claim, "number": number.name, **found, **twin})
    return rows


def rank_correlation(first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray) -> Row:
    r"""Return Spearman's r of numbers over pairs, where both are defined, with its null: pairs dealt anew.

    Over all ways to deal the pairs r has mean 0 and standard deviation exactly :math:`1 / \sqrt{P - 1}`, with ties as
    without (``null_std``); ``p`` is two-sided, from Student's t with P - 2 degrees of freedom. Under 10 pairs, or where
    all of one side are equal, it is NaN.

    >>> rank_correlation(range(17), range(17))["null_std"]
    0.25
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    both = np.isfinite(a) & np.isfinite(b)
    a, b, size = a[both], b[both], int(both.sum())
    if size < LEAST or np.ptp(a) == 0 or np.ptp(b) == 0:
        return {"pairs": size, "r": math.nan, "null_std": math.nan, "p": math.nan}
    found = stats.spearmanr(a, b)
    return {
        "pairs": size,
        "r": float(found.statistic),
        "null_std": 1 / math.sqrt(size - 1),
        "p": float(found.pvalue),
    }


LEAST = 10
"""Pairs below which no correlation is told."""
