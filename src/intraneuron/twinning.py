"""Observations of a study's neurons, each with the twins that have core tokens of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from intraneuron.data import Space, TokenActivations
from intraneuron.pipeline.readout import readout
from intraneuron.planning import Plan
from intraneuron.progress import Report
from intraneuron.work import Work

if TYPE_CHECKING:
    from intraneuron.models.loading import LoadedModel
    from intraneuron.pipeline.observe import Observation


def with_twins(work: Work[Plan], space: Space, eligible: np.ndarray, report: Report) -> Iterator[Observation]:
    """Observe the layers of a stage and yield them in ascending order, with all twins that the study wants.

    ``space`` is that of the input embeddings, in which the twin ``readout`` reads.
    """
    from intraneuron.models.twins import rotated_rows

    plan, wanted = work.plan, work.own_twins
    models = [plan.model, *([untrained_model(work)] if "untrained" in wanted else [])]
    steps: list[tuple[int, int]] = [(0, 1)] * len(models)
    streams = [_observed(work, model, i, steps, report) for i, model in enumerate(models)]
    for observation, *others in zip(*streams, strict=True):
        rows = rotated_rows(plan.model.sites[observation.layer])
        populations, shards = dict(observation.populations), dict(observation.shards)
        for other in others:
            populations["untrained"] = other.populations["neurons"].columns(slice(rows))
            if "neurons" in other.shards:
                shards["untrained"] = other.shards["neurons"]
        if "readout" in wanted:
            seed, layer = plan.config.observe.seed, observation.layer
            found = readout(space, eligible, populations["neurons"].count, rows=rows, layer=layer, seed=seed)
            populations["readout"] = found
            if "neurons" in shards:
                shards["readout"] = _by_shard(found, shards["neurons"])
        order = [name for name in work.observed if name in populations]
        yield replace(observation, populations={name: populations[name] for name in order}, shards=shards)


def untrained_model(work: Work[Plan]) -> LoadedModel:
    """Return the model of the twin ``untrained``."""
    from intraneuron.models.untrained import untrained

    return untrained(work.plan.model, work.plan.config.observe.seed)


def _observed(
    work: Work[Plan], model: LoadedModel, index: int, steps: list[tuple[int, int]], report: Report
) -> Iterator[Observation]:
    """Observe one of several models; they run alternately, so each has its part of the memory."""
    from intraneuron.pipeline.observe import observe

    plan = work.plan

    def told(done: int, total: int) -> None:
        steps[index] = done, total
        report(sum(done for done, _ in steps), len(steps) * total)

    return observe(
        model,
        replace(plan.config.observe, layers=work.layers),
        run=replace(plan.run, memory=plan.run.memory / len(steps)),
        twins=[twin for twin in work.own_twins if twin == "rotated" and index == 0],
        texts=plan.texts,
        progress=told,
    )


def _by_shard(found: TokenActivations, shards: TokenActivations) -> TokenActivations:
    """Return readouts, which are the same at every sighting, by the sightings of each shard."""
    columns = slice(len(shards.neuron))
    seen = found.count.sum(axis=0)
    once = found.total[:, :, columns].sum(axis=0) / np.maximum(seen, 1)[:, None]
    total = (shards.count[:, :, None] * once[None]).astype(np.float32)
    return TokenActivations(found.layer, found.neuron[columns], shards.count, total)
