"""analyse: categorize, segment and compare in one pass, so that cosines are computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from intraneuron.config import PartitionConfig
from intraneuron.data import Background, Comparison, CoreTokens, Norms, Partition, Space, Spelling
from intraneuron.pipeline.compare import compare
from intraneuron.pipeline.partition import categorize, recategorize, segment
from intraneuron.pipeline.similarity import Similarity, with_similarity


@dataclass(frozen=True)
class Analysis:
    """Core tokens in groups by meaning and by activation, and what the two have to do with each other."""

    categories: Partition
    segments: Partition
    comparison: Comparison


def analyse(
    core: CoreTokens,
    space: Space,
    config: PartitionConfig | None = None,
    *,
    seed: int = 0,
    estimates_only: bool = False,
    spelling: Spelling | None = None,
    background: Background | None = None,
    dealt: Sequence[tuple[CoreTokens, np.ndarray]] = (),
    similarity: Similarity | None = None,
    norms: Norms | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Analysis]:
    """Group core tokens by meaning and by activation, and compare the two.

    The numbers are those of :func:`categorize`, :func:`segment` and :func:`compare` one after the other, bit for
    bit; most of the time goes into cosines, which the three then share, and the dealt twins with them.

    Parameters
    ----------
    core : CoreTokens
    space : Space
    config : PartitionConfig
    seed, estimates_only, spelling, background
        As in :func:`compare`.
    dealt : sequence of (CoreTokens, order)
        Twins that :mod:`intraneuron.pipeline.shuffle` made of ``core``: they keep the categories of their neuron's
        tokens, renumbered.
    similarity : Similarity, optional
        Of all of ``core``, with the spelling, when it is there already.
    norms : Norms, optional
        As in :func:`categorize`.
    progress : callable
        Is told how many neurons are done.

    Returns
    -------
    list of Analysis
        That of ``core``, and those of the twins that are given.
    """
    config = config or PartitionConfig()
    verb = partial(compare, seed=seed, estimates_only=estimates_only, background=background)
    segments = [segment(one, config.segments) for one in (core, *(twin for twin, _ in dealt))]
    found: list[tuple[list[Partition], list[Comparison]]] = [([], []) for _ in segments]
    known = None if similarity is None else [(slice(0, len(core)), similarity)]
    for own, S in known or with_similarity(core, space, spelling):
        part, meaning = core[own], categorize(core[own], space, config.categories, similarity=S, norms=norms)
        blocks = [(part, meaning, S)]
        for twin, order in ((twin[own], order[own]) for twin, order in dealt):
            blocks.append((twin, recategorize(meaning, twin, order), S.rearranged(order)))
        for (one, categories, cosines), zones, (partitions, comparisons) in zip(blocks, segments, found, strict=True):
            partitions.append(categories)
            comparisons.append(verb(one, space, categories, zones[own], similarity=cosines))
        progress(min(own.stop, len(core)))
    return [
        Analysis(Partition.concatenate(partitions), zones, Comparison.concatenate(comparisons))
        for zones, (partitions, comparisons) in zip(segments, found, strict=True)
    ]
