"""Observations of a study's neurons, each with the twins that have core tokens of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from intraneuron.config import LAYER_INPUT, OWN_TWINS
from intraneuron.data import Space, TokenActivations
from intraneuron.pipeline.readout import readout
from intraneuron.planned import keeps_inputs
from intraneuron.planning import Plan
from intraneuron.progress import Report
from intraneuron.settings import bytes_of
from intraneuron.unfinished import Unfinished
from intraneuron.work import Work

if TYPE_CHECKING:
    from intraneuron.config import StudyConfig
    from intraneuron.models.loading import LoadedModel
    from intraneuron.models.texts import Windows
    from intraneuron.pipeline.observe import Observation
    from intraneuron.pipeline.task import Piece, Task

READOUTS = 256
"""Random directions that are read at a time."""


@dataclass(frozen=True)
class ModelPasses:
    """One of the models that a study observes, and its passes.

    Attributes
    ----------
    population : str
        Whose neurons they are: ``neurons`` or ``untrained``.
    task : Task
    passes : list of lists of Piece
    """

    population: str
    task: Task
    passes: list[list[Piece]]

    def pieces(self, layer: int) -> list[Piece]:
        """Return the pieces of a layer."""
        return [piece for one in self.passes for piece in one if piece.layer == layer]


def slice_name(population: str, layer: int, index: int, of: int) -> str:
    """Return what a slice of a layer is called on disk.

    >>> slice_name("neurons", 3, 0, 2)
    '03-neurons-0-of-2'
    """
    return f"{layer:02d}-{population}-{index}-of-{of}"


def plan_models(
    config: StudyConfig,
    memory: float | str,
    texts: Windows | None,
    layers: tuple[int, ...],
    models: dict[str, LoadedModel],
    *,
    inputs: bool = False,
) -> list[ModelPasses]:
    """Return the passes of each model; they run alternately, so each has its part of the memory.

    Parameters
    ----------
    config : StudyConfig
    memory : float or str
        As in :class:`intraneuron.config.RunConfig`.
    texts : Windows
    layers : layers to observe
    models : dict of LoadedModel
        By population; ``neurons`` first.
    inputs : bool
        Whether what enters each layer is kept; of the untrained twin only where that is the study's space.
    """
    from intraneuron.models.twins import rotated_rows
    from intraneuron.pipeline.memory import plan_passes
    from intraneuron.pipeline.observe import task_of, wanted_sites

    found = []
    for population, model in models.items():
        first = population == "neurons"
        twins = [twin for twin in OWN_TWINS if twin in config.twin.twins and twin == "rotated" and first]
        most = None if first else max(rotated_rows(site) for site in model.sites)
        wanted = inputs if first else inputs and config.space.space == LAYER_INPUT
        task = task_of(model, config.observe, twins=twins, texts=texts, most=most, inputs=wanted)
        passes = plan_passes(task, wanted_sites(model, layers), bytes_of(memory) // len(models))
        found.append(ModelPasses(population, task, passes))
    return found


class WithTwins:
    """The observations of a stage, layer by layer, with all twins that the study wants.

    Attributes
    ----------
    models : list of ModelPasses
    """

    def __init__(
        self, work: Work[Plan], space: Space, eligible: np.ndarray, unfinished: Unfinished, report: Report
    ) -> None:
        """Start; ``space`` is that of the input embeddings, in which the twin ``readout`` reads."""
        plan = work.plan
        models = {"neurons": plan.model} | (
            {"untrained": untrained_model(work)} if "untrained" in work.own_twins else {}
        )
        inputs = keeps_inputs(plan)
        self.models = plan_models(plan.config, plan.run.memory, plan.texts, work.layers, models, inputs=inputs)
        self._work, self._space, self._eligible = work, space, eligible
        self._steps = [(0, 1)] * len(self.models)
        self._report, self._unfinished = report, unfinished
        left = [self._left(one) for one in self.models]
        self._streams = [self._observed(i, passes) for i, passes in enumerate(left)]
        self._expected = [Counter(piece.layer for one in passes for piece in one) for passes in left]

    @property
    def seen(self) -> np.ndarray:
        """How often each token is seen, int64 (V,)."""
        seen: np.ndarray = self._count.sum(axis=0)
        return seen

    @property
    def _count(self) -> np.ndarray:
        """How often each token is seen, in each part of the text, int64 (H, V)."""
        task = self.models[0].task
        return task.halves.count.reshape(task.parts, -1)

    def kept(self, layer: int) -> Iterator[tuple[int, str]]:
        """Yield the slices of a layer that an earlier run has finished: number, and name on disk."""
        for one in self.models:
            for piece in one.pieces(layer):
                if piece.of > 1 and self._unfinished.notes(_name(one, piece)) is not None:
                    yield piece.index, _name(one, piece)

    def of(self, layer: int) -> Iterator[Observation]:
        """Yield what is to be observed of a layer: of each model in turn, whole or in slices, then readouts."""
        for one, stream, expected in zip(self.models, self._streams, self._expected, strict=True):
            for observation in islice(stream, expected[layer]):
                yield observation if one.population == "neurons" else _renamed(observation, one.population)
        if "readout" in self._work.own_twins:
            yield from self._readouts(layer)

    def name_of(self, observation: Observation) -> str:
        """Return what a slice of a layer is called on disk."""
        [population] = {one.population for one in self.models}.intersection(observation.populations)
        return slice_name(population, observation.layer, observation.index, observation.of)

    def _left(self, one: ModelPasses) -> list[list[Piece]]:
        """Return the passes that are still to run."""
        return [
            pieces
            for pieces in one.passes
            if pieces[0].of == 1 or self._unfinished.notes(_name(one, pieces[0])) is None
        ]

    def _observed(self, index: int, passes: list[list[Piece]]) -> Iterator[Observation]:
        from intraneuron.pipeline.observe import observe_passes

        def told(done: int, total: int) -> None:
            self._steps[index] = done, total
            self._report(sum(done for done, _ in self._steps), sum(total for _, total in self._steps))

        one = self.models[index]
        return observe_passes(one.task, passes, told, self._unfinished.checkpoints(one.population))

    def _readouts(self, layer: int) -> Iterator[Observation]:
        """Yield readouts of so many directions at a time."""
        from intraneuron.models.twins import rotated_rows
        from intraneuron.pipeline.observe import Observation

        work, count, task = self._work, self._count, self.models[0].task
        seed, size = work.plan.config.observe.seed, rotated_rows(work.plan.model.site(layer))
        starts = range(0, size, READOUTS)
        for index, first in enumerate(starts):
            rows = min(READOUTS, size - first)
            found = readout(self._space, self._eligible, count, rows=rows, first=first, layer=layer, seed=seed)
            shards = {}
            if task.corpus and index == 0:
                each = task.shards.count.reshape(-1, count.shape[1])
                shards = {"readout": _by_shard(found, each, len(task.subset(work.plan.model.site(layer), "neurons")))}
            yield Observation(layer, {"readout": found}, shards, index, len(starts), {"readout": size})


def _name(one: ModelPasses, piece: Piece) -> str:
    return slice_name(one.population, piece.layer, piece.index, piece.of)


def untrained_model(work: Work[Plan]) -> LoadedModel:
    """Return the model of the twin ``untrained``."""
    from intraneuron.models.untrained import untrained

    return untrained(work.plan.model, work.plan.config.observe.seed)


def _renamed(observation: Observation, population: str) -> Observation:
    """Return an observation of neurons, and of no twin, as one of a twin."""
    shards = observation.shards.get("neurons")
    return replace(
        observation,
        populations={population: observation.populations["neurons"]},
        shards={} if shards is None else {population: shards},
        sizes={population: observation.sizes["neurons"]},
        sample=None,
    )


def _by_shard(found: TokenActivations, count: np.ndarray, most: int) -> TokenActivations:
    """Return readouts, which are the same at every sighting, by the sightings of each shard, (SHARDS, V)."""
    columns = slice(min(most, len(found.neuron)))
    seen = found.count.sum(axis=0)
    once = found.total[:, :, columns].sum(axis=0) / np.maximum(seen, 1)[:, None]
    total = (count[:, :, None] * once[None]).astype(np.float32)
    return TokenActivations(found.layer, found.neuron[columns], count, total)
