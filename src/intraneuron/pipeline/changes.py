"""changes: two or more finished studies -> the means of each, and each one's minus another's, with intervals.

What is the neurons' own is their mean minus that of the twin they are judged by; each of the three (neurons, twin, own)
is compared by itself, because a number that grows in neurons and twin alike says nothing of neurons.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from intraneuron.kernels.jackknife import error_of_sum, interval_factor, of_the_same_neurons, standard_error
from intraneuron.pipeline.numbers import NUMBERS, Number

Row = dict[str, Any]

OF = ("neurons", "twin", "own")
"""Whose mean a row is: the neurons', that of the twin they are judged by, or the first minus the second."""

M = len(NUMBERS)

PAIRED, APART = "paired", "apart"
"""How an interval of a difference was made: from the same groups left out of both, or from two variances that add."""


@dataclass(frozen=True)
class LayerNumbers:
    """The numbers of one layer.

    Attributes
    ----------
    layer : int
    values : dict
        ``neurons`` and ``twin``: those of :data:`~intraneuron.pipeline.numbers.NUMBERS`, (N, M); no twin where the
        study has none.
    parts : dict
        By the same names, what their jackknife is made of, (3, J, M); missing where there is none.
    """

    layer: int
    values: dict[str, np.ndarray]
    parts: dict[str, np.ndarray]


@dataclass(frozen=True)
class Side:
    """One of the studies that are compared.

    Attributes
    ----------
    name : str
    twin : str
        The twin that its neurons are judged by.
    layers : list of LayerNumbers
        Those that are compared, in order: the first of one study with the first of another.
    groups : str
        What its jackknife leaves out: the same text for studies that leave out the same groups.
    """

    name: str
    twin: str
    layers: Sequence[LayerNumbers]
    groups: str


def mean_rows(sides: Sequence[Side]) -> list[Row]:
    """Return the mean of every number, a study, place (None: over its layers) and kind of :data:`OF`."""
    return [row for side in sides for place in _places(side) for row in _means(side, place)]


def change_rows(sides: Sequence[Side]) -> list[Row]:
    """Return the same as differences, of each study from each one before it in the list."""
    pairs = [(a, b) for b in range(len(sides)) for a in range(b)]
    return [row for a, b in pairs for place in _places(sides[a]) for row in _changes(sides[a], sides[b], place)]


def _places(side: Side) -> list[int | None]:
    return [None, *range(len(side.layers))]


def _chosen(side: Side, place: int | None) -> Sequence[LayerNumbers]:
    return side.layers if place is None else [side.layers[place]]


def _means(side: Side, place: int | None) -> Iterator[Row]:
    layers = _chosen(side, place)
    for of in OF:
        half = _half(_parts([(side, layers, 1.0)], of))
        for index, number in enumerate(NUMBERS):
            value = value_of(layers, of, index)
            yield {
                **_head(number, of),
                "study": side.name,
                "layer": _layer(side, place),
                "twin": side.twin,
                "value": value,
                "low": value - half[index],
                "high": value + half[index],
            }


def _changes(first: Side, second: Side, place: int | None) -> Iterator[Row]:
    before, after = _chosen(first, place), _chosen(second, place)
    method = PAIRED if first.groups == second.groups else APART
    for of in OF:
        comparable = of == "neurons" or first.twin == second.twin  # what kinds of twins differ by is no neuron's
        half = _half_of_change(first, second, place, of) if comparable else np.full(M, math.nan)
        for index, number in enumerate(NUMBERS):
            change = value_of(after, of, index) - value_of(before, of, index) if comparable else math.nan
            yield {
                **_head(number, of),
                "first": first.name,
                "second": second.name,
                "layer_first": _layer(first, place),
                "layer_second": _layer(second, place),
                "change": change,
                "low": change - half[index],
                "high": change + half[index],
                "interval": method if math.isfinite(half[index]) else None,
            }


def _half_of_change(first: Side, second: Side, place: int | None, of: str) -> np.ndarray:
    terms = [(first, _chosen(first, place), -1.0), (second, _chosen(second, place), 1.0)]
    if first.groups == second.groups:
        return _half(_parts(terms, of))
    return _half_apart([_parts([term], of) for term in terms])


def _head(number: Number, of: str) -> Row:
    return {"claim": number.claim, "number": number.name, "title": number.title, "of": of}


def _layer(side: Side, place: int | None) -> int | None:
    return None if place is None else side.layers[place].layer


def value_of(layers: Sequence[LayerNumbers], of: str, index: int) -> float:
    """Return a mean over layers of the mean over neurons; ``own`` is over the layers in which both are defined."""
    if of == "own":
        each = [_mean(layer, "neurons", index) - _mean(layer, "twin", index) for layer in layers]
    else:
        each = [_mean(layer, of, index) for layer in layers]
    known = [value for value in each if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan


def _mean(layer: LayerNumbers, population: str, index: int) -> float:
    if population not in layer.values:
        return math.nan
    values = layer.values[population][:, index]
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if len(defined) else math.nan


Parts = list[tuple[np.ndarray, float]]


def _parts(terms: Iterable[tuple[Side, Sequence[LayerNumbers], float]], of: str) -> Parts | None:
    """Return the jackknife parts of a weighted sum of means, with their weights; None where one is missing.

    Two sides may hold the same neurons, or the same rows of a twin: the same place in a layer of the same number and
    size. Their parts are put together first.
    """
    populations = {"own": (("neurons", 1.0), ("twin", -1.0))}.get(of, ((of, 1.0),))
    found: dict[tuple[Any, ...], tuple[np.ndarray, float]] = {}
    for _, layers, sign in terms:
        for layer in layers:
            for population, weight in populations:
                if population not in layer.parts or population not in layer.values:
                    return None
                part, own = layer.parts[population], sign * weight / len(layers)
                key = (population, layer.layer, len(layer.values[population]))
                found[key] = _joined(found[key], (part, own)) if key in found else (part, own)
    return list(found.values())


def _joined(first: tuple[np.ndarray, float], second: tuple[np.ndarray, float]) -> tuple[np.ndarray, float]:
    """Return two parts of perhaps the same neurons as one; their weights are opposite, since each side has as many."""
    return of_the_same_neurons(first[0], second[0]), second[1]


def _error(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    return standard_error([part for part, _ in parts], [weight for _, weight in parts])


def _half(parts: Parts | None) -> np.ndarray:
    """Return half the 95 % interval of each number, (M,); NaN without a jackknife."""
    if parts is None:
        return np.full(M, math.nan)
    error, degrees = _error(parts)
    return np.asarray(interval_factor(degrees) * error)


def _half_apart(sides: Sequence[Parts | None]) -> np.ndarray:
    """Return the same of estimates whose errors are taken as independent, so that their variances add."""
    found = [_error(parts) for parts in sides if parts is not None]
    if len(found) < len(sides):
        return np.full(M, math.nan)
    error, degrees = error_of_sum(*(np.stack(arrays) for arrays in zip(*found, strict=True)))
    return np.asarray(interval_factor(degrees) * error)
