"""summarize: all layers and populations -> the numbers of a study, each beside its twins and with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from intraneuron.config import ALPHA, OWN_TWINS, PROFILE_WINDOW
from intraneuron.data import Comparison
from intraneuron.kernels.detectable import detectable_factor
from intraneuron.kernels.jackknife import interval_factor, jackknife_parts, standard_error
from intraneuron.pipeline.numbers import NUMBERS, REFERENCE, Number, difference_name, table_of
from intraneuron.pipeline.pattern import PATTERNS, flags, patterns
from intraneuron.pipeline.results import Population

Row = dict[str, Any]

KEPT = 0.9
"""Share of neurons in which a number has to stay defined when tokens leave that nothing replaces."""

Reach = tuple[float, float]
"""Half the interval of an estimate, and the effect that such an interval tells from 0 with 80 % power."""

BINS = {"ami": np.linspace(-0.2, 0.6, 81), "interleaving": np.linspace(0.0, 1.6, 81)}
"""Edges of the histograms; values beyond are counted in the outer bins."""


@dataclass(frozen=True)
class Layer:
    """One layer of a study.

    Attributes
    ----------
    layer : int
    populations : dict
        By name: ``neurons`` and the twins.
    jackknife : dict
        By name: the parts of the jackknife for the numbers of :data:`NUMBERS` and, behind them, the profile
        (:func:`leave_out`); missing for twins that need no interval.
    """

    layer: int
    populations: dict[str, Population]
    jackknife: dict[str, np.ndarray]

    def comparison(self, population: str) -> Comparison | None:
        """Return a population's comparison, or None when it was not studied."""
        found = self.populations.get(population)
        return None if found is None else found.comparison


def estimates(comparison: Comparison) -> np.ndarray:
    """Return what gets an interval: the numbers, then the profile above the neuron's mean, (N, M + windows)."""
    profile = comparison.profile - comparison.mean_similarity[:, None]
    return np.concatenate([table_of(comparison, Number.of), profile], axis=1)


def leave_out(
    full: Comparison, without: Sequence[Comparison], share: np.ndarray, population: int, *, refilled: bool = True
) -> np.ndarray:
    """Return the jackknife parts of some neurons: ``without[j]`` is their comparison without group j.

    Where other tokens did not take the place of those that were left out (``refilled`` False), a number that needs so
    many tokens may be undefined then, in the neurons that lost most. One that fewer than 90 % of the neurons keep has
    no parts: those that keep it are those that lost nothing.
    """
    own, rows = estimates(full), np.stack([estimates(c) for c in without])
    if not refilled:
        rows = unless_lost(own, rows)
    return jackknife_parts(own, rows, share, population)


def unless_lost(full: np.ndarray, without: np.ndarray) -> np.ndarray:
    """Return numbers without each group, (J, N, M), NaN for those that fewer than 90 % of the neurons keep."""
    with np.errstate(invalid="ignore", divide="ignore"):
        kept = np.isfinite(without).sum(axis=1) / np.isfinite(full).sum(axis=0)
    return np.where(kept.min(axis=0) >= KEPT, without, np.nan)


def summarize(layers: Sequence[Layer], reference: str = REFERENCE) -> dict[str, list[Row]]:
    """Return the tables ``claims``, ``profile``, ``distributions``, ``deltas`` and ``patterns``.

    Every number stands for neurons and for each twin; claims and profile have 95 % jackknife intervals for the
    neurons and for their difference from each twin with core tokens of its own; ``detectable`` is the effect whose
    interval would exclude 0 (for the neurons: chance) with 80 % power. ``layer`` None is the mean over layers.
    ``reference`` is the twin whose distance from the neurons is their ``difference``.
    """
    groups: list[tuple[int | None, Sequence[Layer]]] = [(None, layers)]
    groups += [(layer.layer, [layer]) for layer in layers]
    return {
        "claims": [row for name, some in groups for row in _claims(name, some, reference)],
        "profile": [row for name, some in groups for row in _profile_rows(name, some)],
        "distributions": [row for number in BINS for row in _distribution(number, layers)],
        "deltas": [row for layer in layers for row in _deltas(layer)],
    }


def _mean(values: Iterable[np.ndarray]) -> float:
    """Return the mean over layers of the mean over neurons; NaN when nothing is defined."""
    means = [float(v[np.isfinite(v)].mean()) for v in values if np.isfinite(v).any()]
    return sum(means) / len(means) if means else math.nan


def _difference(number: Number, layers: Sequence[Layer], twin: str) -> float:
    """Return the mean over layers of neurons minus twins, over the layers in which both are defined."""
    found = []
    for layer in layers:
        own, beside = layer.comparison("neurons"), layer.comparison(twin)
        if own is not None and beside is not None:
            found.append(_mean([number.of(own)]) - _mean([number.of(beside)]))
    known = [difference for difference in found if math.isfinite(difference)]
    return sum(known) / len(known) if known else math.nan


def _share(number: Number, comparisons: Sequence[Comparison]) -> float:
    """Return the share of tested neurons with p < 0.05."""
    return _mean((p < ALPHA)[np.isfinite(p)].astype(float) for p in (number.p_of(c) for c in comparisons))


def _of(layers: Sequence[Layer], population: str) -> list[Comparison]:
    return [c for c in (layer.comparison(population) for layer in layers) if c is not None]


def _errors(layers: Sequence[Layer], twin: str | None = None) -> tuple[np.ndarray, np.ndarray] | None:
    """Return half widths of the 95 % intervals of all estimates, or of their differences from a twin.

    With them the effects that such intervals tell from 0 with 80 % power.
    """
    parts, weights = [], []
    for layer in layers:
        for name, sign in (("neurons", 1.0), (twin, -1.0)):
            if name is None:
                continue
            if name not in layer.jackknife:
                return None
            parts.append(layer.jackknife[name])
            weights.append(sign / len(layers))
    width = min(part.shape[2] for part in parts)
    error, degrees = standard_error([part[:, :, :width] for part in parts], weights)
    return interval_factor(degrees) * error, detectable_factor(degrees) * error


def _claims(layer: int | None, layers: Sequence[Layer], reference: str) -> Iterable[Row]:
    twins = dict.fromkeys((reference, *(name for name in OWN_TWINS if name in layers[0].populations)))
    own, beside = _errors(layers), {twin: _errors(layers, twin) for twin in twins}
    for index, number in enumerate(NUMBERS):
        reach = {twin: _reach(errors, index) for twin, errors in beside.items()}
        yield _claim(number, layer, layers, _reach(own, index), reach, reference)


def _claim(
    number: Number,
    layer: int | None,
    layers: Sequence[Layer],
    own: Reach,
    beside: Mapping[str, Reach],
    reference: str,
) -> Row:
    """Return a row; ``own`` is the reach of the neurons' mean, ``beside`` those of its difference from each twin."""
    names = dict.fromkeys(("neurons", "shuffled", reference, *layers[0].populations))
    means = {name: _mean(number.of(c) for c in _of(layers, name)) for name in names}
    shares = {f"share_{name}": _share(number, _of(layers, name)) for name in means}
    half, seen = own
    differences: Row = {}
    for twin, (around, visible) in beside.items():
        name, left = difference_name(twin, reference), _difference(number, layers, twin)
        differences |= {name: left, f"{name}_low": left - around, f"{name}_high": left + around}
        differences[f"{name}_detectable"] = visible
    return {
        "claim": number.claim,
        "number": number.name,
        "title": number.title,
        "layer": layer,
        **means,
        "neurons_low": means["neurons"] - half,
        "neurons_high": means["neurons"] + half,
        "neurons_detectable": seen,
        **differences,
        **shares,
        "expected_by_chance": number.chance,
        **({} if reference == REFERENCE else {"reference": reference}),
    }


def _reach(errors: tuple[np.ndarray, np.ndarray] | None, index: int) -> Reach:
    """Return the reach of one estimate; NaN without errors."""
    return (math.nan, math.nan) if errors is None else (float(errors[0][index]), float(errors[1][index]))


def _profile_rows(layer: int | None, layers: Sequence[Layer]) -> Iterable[Row]:
    band = _errors(layers)
    for population in layers[0].populations:
        some = _of(layers, population)
        curves = [column_means(c.profile - c.mean_similarity[:, None]) for c in some]
        mean = np.mean(curves, axis=0)
        for window, value in enumerate(mean):
            half = math.nan
            if population == "neurons" and band is not None:
                half = float(band[0][len(NUMBERS) + window])
            yield {
                "layer": layer,
                "population": population,
                "rank": window + (PROFILE_WINDOW - 1) / 2,
                "homogeneity": float(value),
                "low": float(value) - half,
                "high": float(value) + half,
            }


def column_means(table: np.ndarray) -> np.ndarray:
    """Return column means over defined entries; NaN for a column without any."""
    defined = np.isfinite(table)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(defined, table, 0.0).sum(axis=0) / defined.sum(axis=0))


def _distribution(name: str, layers: Sequence[Layer]) -> Iterable[Row]:
    number = next(n for n in NUMBERS if n.name == name)
    edges = BINS[name]
    for population in layers[0].populations:
        values = np.concatenate([number.of(c) for c in _of(layers, population)])
        values = values[np.isfinite(values)]
        if len(values) == 0:
            continue
        share = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / len(values)
        for low, high, height in zip(edges[:-1], edges[1:], share, strict=True):
            yield {
                "number": name,
                "population": population,
                "low": float(low),
                "high": float(high),
                "share": float(height),
            }


def _deltas(layer: Layer) -> Iterable[Row]:
    """Yield mean Cliff's delta by rank of category, for neurons and twins with as many categories."""
    for name, population in layer.populations.items():
        delta = population.comparison.effects["category_delta"].observed
        for k in range(2, delta.shape[1] + 1):
            rows = delta[population.categories.n_groups == k]
            for category in range(k):
                value = column_means(rows)[category] if len(rows) else math.nan
                yield {
                    "layer": layer.layer,
                    "population": name,
                    "category": category,
                    "n_categories": k,
                    "delta": float(value),
                    "neurons": len(rows),
                }


def pattern_rows(layers: Sequence[Layer], bars: dict[int, dict[str, float]]) -> list[Row]:
    """Return the share of each pattern, a layer and population; twins are judged by the same bars."""
    rows = []
    for layer in layers:
        for name, population in layer.populations.items():
            found = flags(population.comparison, bars[layer.layer]) if layer.layer in bars else None
            pattern = patterns(population.comparison, found)
            for kind in PATTERNS:
                share = float((pattern == kind).mean())
                rows.append({"layer": layer.layer, "population": name, "pattern": kind, "share": share})
    return rows
