"""full_range: percentiles of all layers and populations -> layer profiles, beside their twins and with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from intraneuron.config import OWN_TWINS
from intraneuron.data import Percentiles
from intraneuron.kernels.jackknife import interval_factor, standard_error
from intraneuron.pipeline.numbers import REFERENCE
from intraneuron.pipeline.summarize import Row, column_means


@dataclass(frozen=True)
class RangedLayer:
    """The full range of one layer.

    Attributes
    ----------
    layer : int
    populations : dict
        Percentiles by population: ``neurons`` and twins with core tokens of their own.
    jackknife : dict
        By population: the parts of the jackknife of homogeneity above that of random tokens
        (:func:`intraneuron.kernels.jackknife.jackknife_parts`).
    """

    layer: int
    populations: Mapping[str, Percentiles]
    jackknife: Mapping[str, np.ndarray]

    def above(self, population: str) -> np.ndarray:
        """Return the mean over neurons of homogeneity above that of random tokens, (G,); NaN where undefined in all."""
        found = self.populations[population]
        return column_means(found.homogeneity - found.null_mean)


@dataclass(frozen=True)
class Profile:
    """A mean over layers and neurons with half of its 95 % interval, by percentile."""

    mean: np.ndarray
    half: np.ndarray

    @property
    def clear(self) -> np.ndarray:
        """1 where the interval lies above 0, -1 where below, else 0."""
        return np.asarray((self.mean - self.half > 0).astype(int) - (self.mean + self.half < 0).astype(int))


def full_range_tables(layers: Sequence[RangedLayer], reference: str = REFERENCE) -> dict[str, list[Row]]:
    """Return the tables ``profile`` and ``shape``; ``layer`` None is the mean over layers.

    A row of ``profile`` is a layer, population and percentile: the mean over neurons of ``homogeneity``, of that
    ``above`` random tokens, with the 95 % jackknife interval of the latter, in how many ``neurons`` it is defined, and
    for a twin ``difference``, neurons minus twin, with its interval. ``shape`` says of each layer what the profile
    shows beside the twin of ``reference``.
    """
    groups: list[tuple[int | None, Sequence[RangedLayer]]] = [(None, layers)]
    groups += [(layer.layer, [layer]) for layer in layers]
    return {
        "profile": [row for name, some in groups for row in _profile(name, some)],
        "shape": [_shape(name, some, reference) for name, some in groups],
    }


def _profile(layer: int | None, layers: Sequence[RangedLayer]) -> Iterator[Row]:
    for name in layers[0].populations:
        own = _of(layers, {name: 1.0})
        homogeneity = np.mean([column_means(one.populations[name].homogeneity) for one in layers], axis=0)
        there = sum(np.isfinite(one.populations[name].homogeneity).sum(axis=0) for one in layers)
        differs = _of(layers, {"neurons": 1.0, name: -1.0}) if name in OWN_TWINS else _nothing(own)
        for g in range(len(own.mean)):
            yield {
                "layer": layer,
                "population": name,
                "percentile": g + 1,
                "homogeneity": float(homogeneity[g]),
                "neurons": int(there[g]),
                **_bounded("above", own, g, bare=True),
                **_bounded("difference", differs, g),
            }


def _nothing(like: Profile) -> Profile:
    """Return a profile that is undefined everywhere."""
    undefined = np.full_like(like.mean, np.nan)
    return Profile(undefined, undefined)


def _bounded(name: str, profile: Profile, g: int, *, bare: bool = False) -> Row:
    """Return a number and its interval; ``bare``: the bounds' names are low and high alone."""
    value, half, prefix = float(profile.mean[g]), float(profile.half[g]), "" if bare else f"{name}_"
    return {name: value, f"{prefix}low": value - half, f"{prefix}high": value + half}


def _of(layers: Sequence[RangedLayer], weights: Mapping[str, float]) -> Profile:
    """Return the mean over layers of a weighted sum of populations, with half of its interval."""
    mean = np.mean([np.sum([w * one.above(name) for name, w in weights.items()], axis=0) for one in layers], axis=0)
    parts = [one.jackknife[name] for one in layers for name in weights]
    error, degrees = standard_error(parts, [w / len(layers) for _ in layers for w in weights.values()])
    return Profile(mean, interval_factor(degrees) * error)


def _shape(layer: int | None, layers: Sequence[RangedLayer], reference: str) -> Row:
    own = _of(layers, {"neurons": 1.0})
    known = np.flatnonzero(np.isfinite(own.mean))
    row: Row = {"layer": layer, **_bounded("top", own, -1), "top_twin": math.nan, "beyond": None, "below": None}
    if reference in layers[0].populations:
        left = _of(layers, {"neurons": 1.0, reference: -1.0})
        row |= {"top_twin": float(_of(layers, {reference: 1.0}).mean[-1])} | _bounded("difference", left, -1)
        row |= {"beyond": int((left.clear > 0).sum()), "below": int((left.clear < 0).sum())}
    highest = int(known[np.argmax(own.mean[known])]) if len(known) else None
    steady = float(stats.spearmanr(known, own.mean[known]).statistic) if len(known) > 2 else math.nan
    return row | {
        "highest": None if highest is None else highest + 1,
        "highest_above": math.nan if highest is None else float(own.mean[highest]),
        "half_from": _half_from(own) if own.clear[-1] > 0 else None,
        "rank_correlation": steady,
    }


def _half_from(own: Profile) -> int:
    """Return the lowest percentile from which on all are at least half as far above random tokens as the highest."""
    low = np.flatnonzero(~(own.mean >= own.mean[-1] / 2))
    return int(low[-1]) + 2 if len(low) else 1
