"""compare: core tokens and their two partitions -> the effects, one a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from intraneuron.config import MIN_TOKENS, PROFILE_WINDOW
from intraneuron.data import QUESTIONS, Background, Comparison, CoreTokens, Effect, Partition, Space, Spelling
from intraneuron.kernels.abstraction import abstraction
from intraneuron.kernels.agreement import agreement
from intraneuron.kernels.background import tightness
from intraneuron.kernels.composition import composition
from intraneuron.kernels.homogeneity import Zones, zones
from intraneuron.kernels.multiplicity import benjamini_hochberg
from intraneuron.kernels.ranks import top_down
from intraneuron.kernels.runs import interleaving
from intraneuron.kernels.selectivity import selectivity
from intraneuron.pipeline.similarity import Similarity, with_similarity


def compare(
    core: CoreTokens,
    space: Space,
    categories: Partition,
    segments: Partition,
    *,
    seed: int = 0,
    estimates_only: bool = False,
    spelling: Spelling | None = None,
    background: Background | None = None,
    similarity: Similarity | None = None,
) -> Comparison:
    """Ask every question of every neuron.

    q is left NaN: it is defined over all neurons of a study (:func:`with_q`).

    Parameters
    ----------
    core : CoreTokens
    space : Space
    categories : Partition by meaning
    segments : Partition by activation
    seed : int
        Keys the Monte Carlo draws of small zones, together with layer and neuron.
    estimates_only : bool
        Leave out (NaN) the nulls and p of the pair statistics, and the p of ranks, selectivity and purity; several
        times faster.
    spelling : Spelling, optional
        Of the vocabulary; without it ``abstraction`` is NaN.
    background : Background, optional
        Of the eligible vocabulary in this space; without it ``tightness`` is NaN.
    similarity : Similarity, optional
        From :func:`intraneuron.pipeline.similarity.similarity`, when it is there already, with the spelling.
    """
    if similarity is None:
        verb = partial(compare, seed=seed, estimates_only=estimates_only, background=background)
        blocks = with_similarity(core, space, spelling)
        found = [verb(core[own], space, categories[own], segments[own], similarity=S) for own, S in blocks]
        return Comparison.concatenate(found)
    keys = keys_of(core, seed)
    effects = category_effects(core, categories, keys, fast=estimates_only)
    effects |= agreement_effects(core, categories, segments, fast=estimates_only)
    zone, z = zone_effects(core, segments, similarity, keys, fast=estimates_only)
    effects |= zone
    effects["tightness"] = _tightness(core, z.mean_similarity, background)
    return Comparison({name: effects[name] for name in QUESTIONS}, z.mean_similarity, z.profile)


def keys_of(core: CoreTokens, seed: int) -> np.ndarray:
    """Return seed, layer and neuron of every row, which key its draws, int64 (3, N)."""
    return np.stack([np.full(len(core), seed), core.layer, core.neuron]).astype(np.int64)


def _effect(question: str, *columns: np.ndarray) -> Effect:
    """Wrap observed, effect size, null mean, null SD and p; q is not known yet."""
    observed, effect_size, null_mean, null_std, p = (np.ascontiguousarray(column) for column in columns)
    q = np.full(observed.shape, np.nan)
    return Effect(question, QUESTIONS[question], observed, effect_size, null_mean, null_std, p, q)


def zone_effects(
    core: CoreTokens, segments: Partition, similarity: Similarity, keys: np.ndarray, *, fast: bool
) -> tuple[dict[str, Effect], Zones]:
    """Return the effects that depend on segments and cosines alone, with all that was found of the zones.

    ``fast`` leaves out nulls and p (``estimates_only`` of :func:`compare`).
    """
    z = zones(
        similarity.meaning,
        core.n,
        core.activation,
        segments.label,
        segments.n_groups,
        keys=keys,
        window=PROFILE_WINDOW,
        min_tokens=MIN_TOKENS,
        estimates_only=fast,
    )
    pairs = {
        "homogeneity": z.homogeneity,
        "homogeneity_stepdown": z.stepdown,
        "peak": z.peak,
        "mrpp": z.mrpp,
        "distance": z.distance,
    }
    effects = {name: _effect(name, *np.moveaxis(table, -1, 0)) for name, table in pairs.items()}
    effects["abstraction"] = _effect("abstraction", *_abstraction(core, segments, similarity, keys, fast))
    return effects, z


def category_effects(core: CoreTokens, categories: Partition, keys: np.ndarray, *, fast: bool) -> dict[str, Effect]:
    """Return the effects that depend on categories and activation alone; ``fast`` as in :func:`zone_effects`."""
    groups = (categories.label, core.n, categories.n_groups)
    s = selectivity(core.activation, *groups, keys=keys, estimates_only=fast)
    t = top_down(core.activation, *groups, estimates_only=fast)
    r = interleaving(*groups)
    zero = 0 * t.delta
    return {
        "top_down": _effect("top_down", t.h, t.eta2, t.null_mean, t.null_std, t.p),
        "category_delta": _effect("category_delta", t.delta, t.delta, zero, t.delta_std, t.delta_p),
        "selectivity": _effect("selectivity", s.share, s.selectivity, s.null_mean, s.null_std, s.p),
        "interleaving": _effect("interleaving", r.runs, r.interleaving, r.null_mean, r.null_std, r.p),
    }


def agreement_effects(
    core: CoreTokens, categories: Partition, segments: Partition, *, fast: bool, zones_only: int | None = None
) -> dict[str, Effect]:
    """Return the effects that depend on categories and segments alone; ``fast`` as in :func:`zone_effects`.

    ``zones_only`` describes the composition of only so many segments, the first ones.
    """
    a = agreement(categories.label, segments.label, core.n, estimates_only=fast)
    shares = np.stack([a.information_first, a.information_second], axis=1)
    undefined = np.full(shares.shape, np.nan)
    groups = (categories.label, segments.label, core.n, categories.n_groups, segments.n_groups)
    c = composition(*groups, most=zones_only, estimates_only=fast)
    with np.errstate(invalid="ignore", divide="ignore"):
        order = np.where(c.entropy_mean > 0, 1 - c.entropy / c.entropy_mean, np.nan)
    return {
        "agreement": _effect("agreement", a.x2, a.ami, a.null_mean, a.null_std, a.p),
        "information": _effect("information", shares, shares, 0 * shares, undefined, undefined),
        "segment_purity": _effect(
            "segment_purity", c.purity, c.purity - c.purity_mean, c.purity_mean, c.purity_std, c.purity_p
        ),
        "segment_entropy": _effect(
            "segment_entropy", c.entropy, order, c.entropy_mean, c.entropy_std, np.full(order.shape, np.nan)
        ),
    }


def _abstraction(
    core: CoreTokens, segments: Partition, similarity: Similarity, keys: np.ndarray, fast: bool
) -> list[np.ndarray]:
    """Return the five columns of the question, undefined without a spelling."""
    if similarity.form is None:
        return [np.full(len(core), np.nan)] * 5
    given = (similarity.meaning, similarity.form, core.n, segments.label, segments.n_groups)
    a = abstraction(*given, keys=keys, min_tokens=MIN_TOKENS, estimates_only=fast)
    return [a.abstraction, a.abstraction, 0 * a.abstraction, a.null_std, a.p]


def _tightness(core: CoreTokens, mean_similarity: np.ndarray, background: Background | None) -> Effect:
    """Compare each neuron's tokens with random ones; undefined without a background."""
    if background is None:
        return _effect("tightness", *[np.full(len(core), np.nan)] * 5)
    std, p = tightness(mean_similarity, core.n, background.size, background.mean, background.sums)
    null = np.where(np.isfinite(mean_similarity), background.mean, np.nan)
    return _effect("tightness", mean_similarity, mean_similarity - null, null, std, p)


def give_q(comparisons: Sequence[Comparison]) -> None:
    """Give every p its q over several comparisons, the layers of one population: :func:`with_q` of each question."""
    for question in QUESTIONS:
        effects = with_q([one.effects[question] for one in comparisons])
        for one, effect in zip(comparisons, effects, strict=True):
            one.effects[question] = effect


def with_q(effects: list[Effect]) -> list[Effect]:
    """Return one question's effects (a list, e.g. by layer) with q over all their neurons together.

    Groups are separate families; a layer whose neurons have fewer groups has fewer columns.
    """
    if effects[0].p.ndim == 1:
        q = benjamini_hochberg(np.concatenate([e.p for e in effects]))
        parts = np.split(q, np.cumsum([len(e) for e in effects])[:-1])
        return [replace(e, q=part) for e, part in zip(effects, parts, strict=True)]
    width = max(e.p.shape[1] for e in effects)
    padded = [np.pad(e.p, ((0, 0), (0, width - e.p.shape[1])), constant_values=np.nan) for e in effects]
    q = benjamini_hochberg(np.concatenate(padded))
    parts = np.split(q, np.cumsum([len(e) for e in effects])[:-1])
    return [replace(e, q=part[:, : e.p.shape[1]]) for e, part in zip(effects, parts, strict=True)]
