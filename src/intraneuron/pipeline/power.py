"""power: what a study could have seen, in single neurons and in made-up ones with a planted relation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np
from scipy import stats

from intraneuron.config import ALPHA, CalibrateConfig, Kind, PartitionConfig, SimulateConfig
from intraneuron.data import Comparison, CoreTokens, Partition, Space
from intraneuron.kernels.detectable import POWER, lognormal_quantile, power_z
from intraneuron.kernels.von_mises_fisher import concentration_of
from intraneuron.pipeline.analyse import analyse
from intraneuron.pipeline.numbers import BY_NAME, NUMBERS, REFERENCE, Number
from intraneuron.pipeline.pattern import FLAGS, PATTERNS, bar_of, bars, flags, patterns
from intraneuron.pipeline.similarity import similarity
from intraneuron.pipeline.simulate import simulate

STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
"""Strengths of planted relations."""

NOISES = (0.0, 0.3)
"""Shares of tokens in no category."""

FLAGGED = tuple(name for names in FLAGS.values() for name in names)
"""The numbers that a pattern rests on."""

SOME, MOST_ALIKE = 512, 0.9
"""Neurons whose categories are looked at, evenly spaced; the likeness at which made-up tokens stop."""

LEAST_CATEGORIES = 4
"""Of made-up neurons: with fewer, what lies beside a planted peak would be nearly one category, and as much alike."""

Row = dict[str, Any]


# Single neurons ---------------------------------------------------------------------------------------------


def discovery_p(number: Number, comparisons: Sequence[Comparison]) -> float:
    """Return the largest p that counts as a discovery (q < 0.05) among these neurons.

    Without any discovery: 0.05 over the number of tests, the p at which the first one would count. NaN without a test.
    """
    p = np.concatenate([number.p_of(c) for c in comparisons])
    q = np.concatenate([number.q_of(c) for c in comparisons])
    tested = int(np.isfinite(p).sum())
    if tested == 0:
        return float("nan")
    found = p[q < ALPHA]
    return float(found.max()) if len(found) else ALPHA / tested


def thresholds(comparisons: Sequence[Comparison]) -> dict[str, float]:
    """Return the :func:`discovery_p` of every number that has a p."""
    found = {number.name: discovery_p(number, comparisons) for number in NUMBERS}
    return {name: p for name, p in found.items() if np.isfinite(p)}


def detectable_in_neuron(number: Number, shuffled: Comparison, rotated: Comparison, p: float) -> float:
    r"""Return the effect that a neuron would need to be flagged for one number with 80 % power.

    .. math:: \max(bar, \bar e_0 + s_0\, z_p) + 0.84\, \sqrt{s_0^2 + s_1^2}

    in the direction of the claim: beyond the rotated twins' bar and significant at ``p``, and that in four of five
    neurons with this effect on average. Mean, standard deviation :math:`s_0` and skewness of effects without a
    relation are those of the layer's shuffled twins, z is the quantile of the shifted lognormal with that skewness.
    Effects of neurons with a relation scatter more; how much is taken from the rotated twins, :math:`s_1`. On planted
    neurons the power is then 71 to 87 %. NaN with fewer than three of either.
    """
    null, beside = (number.sign * number.of(twin) for twin in (shuffled, rotated))
    null, beside = null[np.isfinite(null)], beside[np.isfinite(beside)]
    if min(len(null), len(beside)) < 3 or not null.std() > 0:
        return float("nan")
    z = lognormal_quantile(p, float(stats.skew(null)))
    asked = max(number.sign * bar_of(number.name, rotated), float(null.mean() + z * null.std()))
    return float(number.sign * (asked + power_z() * np.hypot(null.std(), beside.std())))


def detectable_in_neurons(
    layers: Mapping[int, Mapping[str, Comparison]], reference: str = REFERENCE
) -> dict[int, dict[str, float]]:
    """Return :func:`detectable_in_neuron` by layer, for the numbers of patterns; layers need both twins.

    ``layers`` holds comparisons by layer and population, with q; ``reference`` is the twin that neurons are judged by.
    """
    largest = thresholds([one["neurons"] for one in layers.values()])
    return {
        layer: {
            name: detectable_in_neuron(BY_NAME[name], found["shuffled"], found[reference], largest[name])
            for name in FLAGGED
            if name in largest
        }
        for layer, found in layers.items()
        if {"shuffled", reference} <= set(found)
    }


# Planted relations ------------------------------------------------------------------------------------------


def likeness(core: CoreTokens, categories: Partition, space: Space) -> float:
    """Return by how much tokens of one category are more alike (cosine) than tokens of two, over some neurons."""
    chosen = np.flatnonzero(categories.n_groups > 1)
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(SOME, len(chosen))).astype(int)]
    S = similarity(core.token_id[chosen], core.n[chosen], space).meaning
    label = categories.label[chosen]
    both = (label[:, :, None] >= 0) & (label[:, None, :] >= 0) & ~np.eye(S.shape[1], dtype=bool)
    same = label[:, :, None] == label[:, None, :]
    return float(S[both & same].mean() - S[both & ~same].mean()) if (both & ~same).any() else 0.0


def planted_like(core: CoreTokens, categories: Partition, space: Space) -> SimulateConfig:
    """Return settings of made-up neurons as like these as can be: tokens, dimensions, categories and their likeness."""
    D = space.vector.shape[1]
    grouped = categories.n_groups[categories.n_groups > 1]
    alike = min(max(likeness(core, categories, space), 0.0), MOST_ALIKE)
    return SimulateConfig(
        core_tokens=core.width,
        dimensions=D,
        categories=max(int(np.median(grouped)), LEAST_CATEGORIES) if len(grouped) else SimulateConfig.categories,
        concentration=concentration_of(alike, D),
    )


def planted(base: SimulateConfig) -> Iterator[SimulateConfig]:
    """Yield every relation that is planted: no relation once, the others in every strength; with each noise."""
    for noise in NOISES:
        for kind in get_args(Kind):
            for strength in (0.0,) if kind == "none" else STRENGTHS:
                yield replace(base, kind=kind, strength=strength, noise=noise)


def power_rows(
    base: SimulateConfig,
    config: CalibrateConfig,
    partition: PartitionConfig,
    largest: Mapping[str, float],
    limits: Mapping[str, float] | None,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[list[Row], list[Row]]:
    """Analyse made-up neurons as a study's are, and count what is found in them.

    Parameters
    ----------
    base : SimulateConfig
        What all of them have in common.
    config : CalibrateConfig
    partition : PartitionConfig
    largest : dict
        The :func:`discovery_p` of each number in the study.
    limits : dict or None
        The rotated twins' bars of the study; without them the bars of made-up neurons without a relation.
    progress : callable
        Is told how many relations are done.

    Returns
    -------
    power : rows
        A relation and test: share of neurons with p < 0.05, share with p at the study's q < 0.05, mean effect.
    patterns : rows
        A relation and pattern: share of neurons.
    """
    power: list[Row] = []
    shares: list[Row] = []
    own: dict[float, Mapping[str, float]] = {}
    for done, relation in enumerate(planted(base), 1):
        made = simulate(config.planted, relation, seed=config.seed)
        [analysis] = analyse(made.core, made.space, partition, seed=config.seed)
        comparison = judged(analysis.comparison, largest)
        if relation.kind == "none":
            own[relation.noise] = bars(comparison)
        plan = {name: getattr(relation, name) for name in ("kind", "strength", "noise")} | {"neurons": config.planted}
        power += [plan | row for row in _found(comparison, largest)]
        found = patterns(comparison, flags(comparison, dict(limits or own[relation.noise])))
        shares += [plan | {"pattern": name, "share": float((found == name).mean())} for name in PATTERNS]
        progress(done)
    return power, shares


def judged(comparison: Comparison, largest: Mapping[str, float]) -> Comparison:
    """Return a comparison whose q are below 0.05 exactly where p is at most the largest that was a discovery."""
    effects = dict(comparison.effects)
    for name, limit in largest.items():
        number = BY_NAME[name]
        effect, p = effects[number.question], number.p_of(comparison)
        q = effect.q.copy()
        with np.errstate(invalid="ignore"):
            own = np.where(np.isfinite(p), np.where(p <= limit, 0.0, 1.0), np.nan)
        if number.column is None:
            q = own
        elif number.column < q.shape[1]:
            q[:, number.column] = own
        effects[number.question] = replace(effect, q=q)
    return replace(comparison, effects=effects)


def _found(comparison: Comparison, largest: Mapping[str, float]) -> Iterator[Row]:
    for name, limit in largest.items():
        number = BY_NAME[name]
        p = number.p_of(comparison)
        p = p[np.isfinite(p)]
        if len(p):
            effect = number.of(comparison)
            yield {
                **{"number": name, "share_p": float((p < ALPHA).mean()), "share_q": float((p <= limit).mean())},
                **{"effect": float(effect[np.isfinite(effect)].mean()), "p_limit": limit},
            }


def reach(power: Sequence[Row]) -> list[Row]:
    """Return, a kind, noise and number, the least strength in which 80 % of the neurons are found.

    ``at_p`` by p < 0.05 and ``at_q`` by the study's q < 0.05; NaN where no strength suffices.
    """
    found: dict[tuple[str, float, str], dict[str, float]] = {}
    for row in power:
        if row["kind"] == "none":
            continue
        best = found.setdefault(
            (row["kind"], row["noise"], row["number"]), {"at_p": float("nan"), "at_q": float("nan")}
        )
        for name, share in (("at_p", row["share_p"]), ("at_q", row["share_q"])):
            if share >= POWER and not best[name] <= row["strength"]:
                best[name] = row["strength"]
    names = ("kind", "noise", "number")
    return [dict(zip(names, key, strict=True)) | best for key, best in found.items()]
