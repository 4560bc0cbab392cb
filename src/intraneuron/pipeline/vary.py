"""vary: core tokens of neurons and twins, and a space -> every number under every partition, with its jackknife."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from intraneuron.data import CoreTokens, Effect, Norms, Partition, Space, Spelling
from intraneuron.kernels.jackknife import jackknife_parts, sampling_error
from intraneuron.kernels.spelling import spellings
from intraneuron.pipeline.compare import agreement_effects, category_effects, keys_of, zone_effects
from intraneuron.pipeline.leave_out import differ, union_of
from intraneuron.pipeline.partition import categorize_each, segment
from intraneuron.pipeline.similarity import NEURONS, Similarity, similarity
from intraneuron.pipeline.specifications import Column, columns
from intraneuron.pipeline.summarize import unless_lost

Told = Callable[[int], None]
"""Called with the rows of core tokens that are done."""


@dataclass(frozen=True)
class Chosen:
    """The core tokens of one population and layer under one selection, whatever the space and the partitions.

    Attributes
    ----------
    core : CoreTokens
        Neurons that means are taken over.
    full : CoreTokens
        Some of them, from which intervals are estimated.
    without : tuple of CoreTokens
        The same with one group of tokens or texts left out at a time.
    share : float64 (J,)
        Share of the whole that each group is.
    refilled : bool
        Whether other tokens take the place of those that are left out.
    texts : bool
        Whether groups are texts rather than tokens.
    population : int
        How many neurons there are in the layer, of which these are some or all.
    """

    core: CoreTokens
    full: CoreTokens
    without: tuple[CoreTokens, ...]
    share: np.ndarray
    refilled: bool
    texts: bool
    population: int

    @property
    def same(self) -> bool:
        """Whether intervals are estimated from the very tokens that means are taken over."""
        same = np.array_equal(self.core.neuron, self.full.neuron) and self.core.width == self.full.width
        return same and not differ(self.core, self.full).any()


@dataclass(frozen=True)
class Estimate:
    """Numbers of a population in a layer, one a column of :func:`intraneuron.pipeline.specifications.columns`.

    Attributes
    ----------
    mean : float64 (M,)
        Over the neurons in which the number is defined; NaN when there are none.
    size : int64 (M,)
        How many these are.
    parts : float64 (3, J, M)
        As :func:`intraneuron.kernels.jackknife.jackknife_parts` returns them, for the whole layer.
    sampling : float64 (M,)
        Standard error of the mean as one of the whole layer, from that its neurons are a sample; 0 of a whole layer.
    taken, population : int
        Of how many neurons numbers were computed, and how many there are in the layer.
    """

    mean: np.ndarray
    size: np.ndarray
    parts: np.ndarray
    sampling: np.ndarray
    taken: int
    population: int

    @property
    def sampled(self) -> bool:
        """Whether there are more neurons in the layer than were taken."""
        return self.taken < self.population


class Varied:
    """A :class:`Chosen` under some partitions: what does not depend on the space is found once, for all spaces."""

    def __init__(
        self,
        chosen: Chosen,
        segments: Sequence[str],
        categories: Sequence[str],
        spelling: Spelling,
        norms: Norms | None = None,
    ) -> None:
        """Cut the activation axes, and compare how tokens are spelt; ``norms`` are the study's, where it has some."""
        self._norms, self._chosen, self._columns = norms, chosen, columns(tuple(segments), tuple(categories))
        self._categories = categories
        core, full = chosen.core, chosen.full
        self._own = None if chosen.same else Spelled(core, segments, core.token_id, core.n, spelling)
        union, n, orders = union_of([full, *chosen.without])
        every = CoreTokens.concatenate([full, *chosen.without])
        changed = np.concatenate([np.ones(len(full), dtype=bool), *(differ(full, core) for core in chosen.without)])
        self._place = np.flatnonzero(changed)  # a neuron that lost no token is not analysed again
        self._order, self._row = np.concatenate(orders)[self._place], self._place % max(len(full), 1)
        self._again = Spelled(every[self._place], segments, union, n, spelling)

    def estimate(self, space: Space, told: Told = lambda done: None) -> Estimate:
        """Compute every number in a space, and again with each group left out.

        Parameters
        ----------
        space : Space
        told : callable
        """
        again = self._of_parts(space, told)
        size = len(self._chosen.full)
        table = again[:size] if self._own is None else self._of_own(self._own, space, told)
        defined = np.isfinite(table)
        # As the mean of a study is taken: over the neurons that have the number.
        means = [float(v[ok].mean()) if ok.any() else math.nan for v, ok in zip(table.T, defined.T, strict=True)]
        population = self._chosen.population
        sampling = sampling_error(table, population)
        return Estimate(np.array(means), defined.sum(axis=0), self._parts(again), sampling, len(table), population)

    @property
    def rows(self) -> int:
        """How many rows of core tokens are analysed in each space."""
        return len(self._again.core) + (0 if self._own is None else len(self._own.core))

    def _of_own(self, spelled: Spelled, space: Space, told: Told) -> np.ndarray:
        found = []
        for own in _blocks(len(spelled.core)):
            core = spelled.core[own]
            alike = Similarity(similarity(core.token_id, core.n, space).meaning, spelled.form[own])
            found.append(self._table(core, space, alike, spelled.zones_of(own)))
            told(len(core))
        return np.concatenate(found)

    def _of_parts(self, space: Space, told: Told) -> np.ndarray:
        """Return the numbers with all tokens, and below them those of neurons that lost some, group by group."""
        again = self._again
        alike = Similarity(similarity(again.token_id, again.n, space).meaning, again.form)
        found = []
        for own in _blocks(len(again.core)):
            block = alike.rearranged(self._order[own], self._row[own])
            found.append(self._table(again.core[own], space, block, again.zones_of(own)))
            told(len(found[-1]))
        return np.concatenate(found)

    def _parts(self, table: np.ndarray) -> np.ndarray:
        chosen, size = self._chosen, len(self._chosen.full)
        every = np.tile(table[:size], (1 + len(chosen.without), 1))
        every[self._place] = table
        without = every[size:].reshape(len(chosen.without), size, -1)
        kept = without if chosen.refilled else unless_lost(table[:size], without)
        return jackknife_parts(table[:size], kept, chosen.share, chosen.population)

    def _table(self, core: CoreTokens, space: Space, alike: Similarity, zones: Mapping[str, Partition]) -> np.ndarray:
        meanings = categorize_each(core, space, self._categories, similarity=alike, norms=self._norms)
        return table_of_numbers(core, alike, zones, meanings, self._columns)


class Spelled:
    """Core tokens with their zones, and how alike tokens are spelt."""

    def __init__(
        self, core: CoreTokens, segments: Sequence[str], token_id: np.ndarray, n: np.ndarray, spelling: Spelling
    ) -> None:
        """Take core tokens, and the tokens that are compared: theirs, or more than one row has of them."""
        self.core, self.token_id, self.n = core, token_id, n
        self.form = spellings(spelling.code, spelling.length, spelling.letters, token_id, n)
        self._zones = {method: segment(core, method) for method in segments}

    def zones_of(self, own: slice) -> dict[str, Partition]:
        """Return the zones of some rows, by method."""
        return {method: zones[own] for method, zones in self._zones.items()}


def _blocks(size: int) -> list[slice]:
    return [slice(start, start + NEURONS) for start in range(0, max(size, 1), NEURONS)]


def table_of_numbers(
    core: CoreTokens,
    alike: Similarity,
    zones: Mapping[str, Partition],
    meanings: Mapping[str, Partition],
    wanted: Sequence[Column],
) -> np.ndarray:
    """Return numbers of some neurons under several partitions, (N, M), each computed once.

    The numbers are those of :func:`intraneuron.pipeline.compare.compare`, bit for bit, without nulls and p.

    Parameters
    ----------
    core : CoreTokens
    alike : Similarity
        Of its tokens, with their spelling.
    zones, meanings : dict of Partition
        By activation and by meaning, by method.
    wanted : list of Column
    """
    keys = keys_of(core, 0)  # nothing is drawn for estimates
    effects: dict[tuple[str | None, str | None], Mapping[str, Effect]] = {}
    for cut, zone in zones.items():
        effects[cut, None], _ = zone_effects(core, zone, alike, keys, fast=True)
        for tree, meaning in meanings.items():
            effects[cut, tree] = agreement_effects(core, meaning, zone, fast=True, zones_only=1)
    for tree, meaning in meanings.items():
        effects[None, tree] = category_effects(core, meaning, keys, fast=True)
    effects[None, None] = effects[next(iter(zones)), None]  # what depends on no partition is the same in all
    return np.stack([one.number.among(effects[one.segments, one.categories]) for one in wanted], axis=1)
