"""results: one row a neuron, what the effects say side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from intraneuron.data import Comparison, CoreTokens, Effect, Partition, Vocabulary
from intraneuron.data.effect import ARRAYS
from intraneuron.pipeline.numbers import NUMBERS
from intraneuron.pipeline.pattern import FLAGS, patterns

TOP = 10


@dataclass(frozen=True)
class Population:
    """All that is known of some neurons of one layer (or of their twins)."""

    core: CoreTokens
    categories: Partition
    segments: Partition
    comparison: Comparison


def in_short(population: Population) -> Population:
    """Return what the tables of a summary are made from; all else is NaN or -1, and takes no memory.

    A population of a whole model takes 6 KB a neuron, in short 2 KB.
    """
    core, segments, comparison = population.core, population.segments, population.comparison
    asked = {number.question for number in NUMBERS}
    effects = {}
    for question, effect in comparison.effects.items():
        kept = ("effect_size", "p", "q") if question in asked else ("observed",) if question == DELTAS else ()
        effects[question] = _only(effect, kept)
    return Population(
        replace(core, activation=_nothing(core.activation, np.nan), count=_nothing(core.count, -1)),
        population.categories,
        replace(segments, label=_nothing(segments.label, -1)),
        Comparison(effects, comparison.mean_similarity, comparison.profile),
    )


DELTAS = "category_delta"
"""The question whose observed values, by rank of category, a summary has a table of."""


def _only(effect: Effect, kept: tuple[str, ...]) -> Effect:
    """Return an effect with some of its arrays."""
    others = [name for name in ARRAYS if name not in kept]
    gone: dict[str, Any] = {name: _nothing(effect.observed, np.nan) for name in others}
    return replace(effect, **gone)


def _nothing(array: np.ndarray, value: float) -> np.ndarray:
    """Return an array of the same shape that holds one value, once."""
    return np.broadcast_to(np.array(value, dtype=array.dtype), array.shape)


def results(
    population: Population,
    vocabulary: Vocabulary,
    *,
    clustered_above: float | None,
    flags: dict[str, np.ndarray] | None,
) -> pl.DataFrame:
    """Put a layer's results into one row a neuron (columns: ``docs/formats.md``).

    Parameters
    ----------
    population : Population
    vocabulary : Vocabulary
    clustered_above : float or None
        The 95th percentile of the rotated twin's silhouettes; None without that twin (``clustered`` is null).
    flags : dict or None
        From :func:`intraneuron.pipeline.pattern.flags`; None without the rotated twin.
    """
    core, categories = population.core, population.categories
    silhouette = categories.quality
    columns: dict[str, object] = {
        "layer": core.layer,
        "neuron": core.neuron,
        "n": core.n,
        "reliability": core.reliability,
        "rank_correlation": core.rank_correlation,
        "overlap": core.overlap,
        "top_tokens": [vocabulary.words(row[:TOP]) for row in core.token_id],
        "n_categories": categories.n_groups,
        "silhouette": silhouette,
        "clustered": clustered(silhouette, clustered_above),
    }
    columns |= _category_columns(population.comparison) | {"n_segments": population.segments.n_groups}
    columns |= _segment_columns(population.comparison) | _agreement_columns(population.comparison)
    columns |= _composition_columns(population.comparison)
    for flag in FLAGS:
        columns[f"flag_{flag}"] = None if flags is None else flags[flag]
    columns["pattern"] = patterns(population.comparison, flags)
    frame = pl.DataFrame(columns)
    boolean = [c for c in frame.columns if c == "clustered" or c.startswith("flag_")]
    return frame.with_columns(pl.col(boolean).cast(pl.Boolean))


def silhouette_bar(quality: np.ndarray) -> float:
    """Return the silhouette that 5 % of the rotated twins exceed; NaN when none is defined."""
    defined = quality[np.isfinite(quality)]
    return float(np.quantile(defined, 0.95)) if len(defined) else float("nan")


def clustered(silhouette: np.ndarray, above: float | None) -> list[bool | None]:
    """Return whether each silhouette is above the twin's bar; None where either is undefined."""
    return [None if above is None or np.isnan(s) else bool(s > above) for s in silhouette]


def _category_columns(comparison: Comparison) -> dict[str, object]:
    top_down, runs = comparison.effects["top_down"], comparison.effects["interleaving"]
    return {
        "top_down_h": top_down.observed,
        "top_down_eta2": top_down.effect_size,
        "top_down_p": top_down.p,
        "top_down_q": top_down.q,
        "interleaving": runs.effect_size,
        "interleaving_p": runs.p,
        "interleaving_q": runs.q,
    }


def _segment_columns(comparison: Comparison) -> dict[str, object]:
    zone, stepdown = comparison.effects["homogeneity"], comparison.effects["homogeneity_stepdown"]
    peak, mrpp, distance = (comparison.effects[name] for name in ("peak", "mrpp", "distance"))
    with np.errstate(invalid="ignore", divide="ignore"):
        zone_z, peak_z = zone.effect_size / zone.null_std, peak.effect_size / peak.null_std
    columns: dict[str, object] = {
        "homogeneity": zone.observed,
        "homogeneity_null": comparison.mean_similarity,
        "homogeneity_z": zone_z,
        "homogeneity_p": zone.p,
        "homogeneity_q": zone.q,
        "homogeneity_stepdown_p": stepdown.p,
    }
    for column, name in enumerate(("peak", "peak10", "peak5")):
        columns[name] = peak.observed[:, column]
        columns[f"{name}_z"] = peak_z[:, column]
        columns[f"{name}_p"] = peak.p[:, column]
        columns[f"{name}_q"] = peak.q[:, column]
    for name, effect, value in (("mrpp", mrpp, "mrpp_a"), ("distance", distance, "distance_r")):
        columns |= {value: effect.effect_size, f"{name}_p": effect.p, f"{name}_q": effect.q}
    return columns


def _composition_columns(comparison: Comparison) -> dict[str, object]:
    purity, entropy = comparison.effects["segment_purity"], comparison.effects["segment_entropy"]
    selectivity, abstraction = comparison.effects["selectivity"], comparison.effects["abstraction"]
    tightness = comparison.effects["tightness"]
    return {
        "selectivity": selectivity.effect_size,
        "selectivity_p": selectivity.p,
        "purity": purity.observed,
        "purity_null": purity.null_mean,
        "purity_p": purity.p,
        "entropy": entropy.observed,
        "entropy_null": entropy.null_mean,
        "abstraction": abstraction.observed,
        "abstraction_p": abstraction.p,
        "abstraction_q": abstraction.q,
        "tightness": tightness.effect_size,
        "tightness_p": tightness.p,
        "tightness_q": tightness.q,
    }


def _agreement_columns(comparison: Comparison) -> dict[str, object]:
    agreement, information = comparison.effects["agreement"], comparison.effects["information"]
    return {
        "ami": agreement.effect_size,
        "agreement_x2": agreement.observed,
        "agreement_p": agreement.p,
        "agreement_q": agreement.q,
        "information_category": information.observed[:, 0],
        "information_segment": information.observed[:, 1],
    }
