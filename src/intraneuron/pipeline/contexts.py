"""contexts: the stretches of text in which a neuron is most active, and some from each of its segments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from intraneuron.config import Sign
from intraneuron.data import CoreTokens, Partition
from intraneuron.data.contexts import Contexts
from intraneuron.kernels.contexts import copy_around, keep_top, stretches
from intraneuron.models.feeding import at_tokens, model_arguments
from intraneuron.models.loading import quiet
from intraneuron.models.sites import Site, tapped
from intraneuron.pipeline.passes import batches
from intraneuron.pipeline.task import Task

if TYPE_CHECKING:
    from intraneuron.models.texts import Windows

PER_SEGMENT = 5
"""Contexts of each segment."""

BEFORE, AFTER = 12, 8
"""Tokens of a context before and after its own."""

LENGTH = BEFORE + 1 + AFTER

TURNS: dict[Sign, Callable[[np.ndarray], np.ndarray]] = {
    "positive": lambda values: values,
    "negative": np.negative,
    "magnitude": np.abs,
}
"""How activations are turned round, so that more is further from 0."""

_STREAM = 7  # last word of seeds; models/twins.py has 1, pipeline/passes.py 2, task.py 3, settling.py and readout.py 4


@dataclass(frozen=True)
class Sightings:
    """Where each token stands in the windows, and the stretch of text around each position.

    Attributes
    ----------
    windows : Windows
    place : int64 (P,)
        Counted positions, as window times C plus position, those of one token together.
    first : int64 (V + 1,)
        Where each token's begin in ``place``.
    begin, end : int32 (W, C)
    """

    windows: Windows
    place: np.ndarray
    first: np.ndarray
    begin: np.ndarray
    end: np.ndarray

    @classmethod
    def of(cls, windows: Windows, size: int) -> Sightings:
        """Look through windows of a vocabulary of ``size`` tokens."""
        place = np.flatnonzero(windows.counted)
        token = windows.token_id.ravel()[place]
        first = np.concatenate([[0], np.cumsum(np.bincount(token, minlength=size))])
        begin, end = stretches(windows.counted, windows.begins)
        return cls(windows, place[np.argsort(token, kind="stable")], first, begin, end)


@dataclass(frozen=True)
class Drawn:
    """Places that are shown of segments: M of them, in the order of windows.

    Attributes
    ----------
    neuron, window, position : int64 (M,)
    segment, rank : int16 (M,)
    start, stop : int32 (M,)
    """

    neuron: np.ndarray
    window: np.ndarray
    position: np.ndarray
    segment: np.ndarray
    rank: np.ndarray
    start: np.ndarray
    stop: np.ndarray


def draw(core: CoreTokens, segments: Partition, sightings: Sightings, *, seed: int) -> Drawn:
    """Draw contexts of each segment of each neuron: other tokens each time, and any sighting of each.

    Tokens are drawn without regard to how often they were seen: otherwise one frequent token would be most of them.
    The draw of a neuron is keyed by seed, layer and neuron.

    Parameters
    ----------
    core : CoreTokens
        Of one layer.
    segments : Partition
    sightings : Sightings
    seed : int
    """
    size, width = core.token_id.shape
    order, which = np.empty((size, width)), np.empty((size, width))
    for i, (layer, neuron) in enumerate(zip(core.layer, core.neuron, strict=True)):
        stream = np.random.default_rng([seed, int(layer), int(neuron), _STREAM])
        order[i], which[i] = stream.random(width), stream.random(width)
    label = np.where(core.token_id >= 0, segments.label, -1)
    chosen = np.argsort(np.where(label >= 0, label + order, np.inf), axis=1)
    label = np.take_along_axis(label, chosen, axis=1)
    begins = np.concatenate([np.ones((size, 1), dtype=bool), label[:, 1:] != label[:, :-1]], axis=1)
    column = np.broadcast_to(np.arange(width), label.shape)
    rank = column - np.maximum.accumulate(np.where(begins, column, 0), axis=1)
    row, at = np.nonzero((label >= 0) & (rank < PER_SEGMENT))
    column = chosen[row, at]
    token = core.token_id[row, column]
    seen = sightings.first[token + 1] - sightings.first[token]
    place = sightings.place[sightings.first[token] + np.minimum((which[row, column] * seen).astype(np.int64), seen - 1)]
    window, position = np.divmod(place, sightings.windows.token_id.shape[1])
    order_of = np.argsort(window, kind="stable")
    found = Drawn(
        neuron=core.neuron[row].astype(np.int64),
        window=window,
        position=position,
        segment=label[row, at].astype(np.int16),
        rank=rank[row, at].astype(np.int16),
        start=np.maximum(sightings.begin[window, position], position - BEFORE).astype(np.int32),
        stop=np.minimum(sightings.end[window, position], position + AFTER + 1).astype(np.int32),
    )
    return Drawn(**{name: getattr(found, name)[order_of] for name in Drawn.__dataclass_fields__})


class LayerContexts:
    """What is kept of one layer while the model runs."""

    def __init__(self, site: Site, drawn: Drawn, sightings: Sightings, top: int, sign: Sign) -> None:
        """Start with nothing; ``top`` contexts of highest activation, turned by ``sign``, are kept of a neuron."""
        self.site, self.drawn, self._sightings, self._sign = site, drawn, sightings, sign
        n = site.n_neurons
        self._best = np.zeros((n, top), dtype=np.float32)
        self._place = np.full((n, top, 2), -1, dtype=np.int64)
        self._start = np.zeros((n, top), dtype=np.int32)
        self._around = np.full((n, top, LENGTH), np.nan, dtype=np.float32)
        self._copied = np.full((len(drawn.neuron), LENGTH), np.nan, dtype=np.float32)

    def add(self, chosen: np.ndarray, activation: torch.Tensor) -> None:
        """Look at some windows, by their numbers, ascending."""
        windows, drawn = self._sightings.windows, self.drawn
        shape = (len(chosen), windows.token_id.shape[1], self.site.n_neurons)
        values = at_tokens(activation.reshape(shape), decoder=self.site.decoder).float().cpu().contiguous().numpy()
        values = TURNS[self._sign](values)
        for row, window in enumerate(chosen.tolist()):
            begin, end = self._sightings.begin[window], self._sightings.end[window]
            kept = (self._best, self._place, self._start, self._around)
            keep_top(values[row], windows.counted[window], begin, end, window, BEFORE, AFTER, *kept)
        first, last = np.searchsorted(drawn.window, [chosen[0], chosen[-1] + 1])
        some = slice(int(first), int(last))
        where = np.searchsorted(chosen, drawn.window[some])
        copy_around(values, where, drawn.neuron[some], drawn.start[some], drawn.stop[some], self._copied[some])

    def contexts(self) -> Contexts:
        """Return what was found: a neuron's top contexts first, then those of its segments."""
        token_id = self._sightings.windows.token_id
        neuron, rank = np.nonzero(self._place[:, :, 0] >= 0)
        window, position = self._place[neuron, rank].T
        start, around = self._start[neuron, rank], self._around[neuron, rank]
        drawn, none = self.drawn, np.full(len(neuron), -1)
        parts = [
            _contexts(token_id, neuron, none, rank, window, position, start, around),
            _contexts(
                token_id,
                *(drawn.neuron, drawn.segment, drawn.rank, drawn.window, drawn.position, drawn.start, self._copied),
            ),
        ]
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        order = np.lexsort((columns["rank"], columns["segment"], columns["neuron"]))
        return Contexts(self.site.layer, **{name: column[order] for name, column in columns.items()})


def contexts(
    task: Task,
    layers: Mapping[int, tuple[CoreTokens, Partition]],
    *,
    top: int,
    sign: Sign = "positive",
    progress: Callable[[int], None] = lambda done: None,
) -> Iterator[Contexts]:
    """Run the model once over all windows, and return contexts of every neuron of some layers.

    Parameters
    ----------
    task : Task
    layers : dict
        Core tokens and segments of each layer.
    top : int
        Contexts of highest activation, a window each.
    sign : str
        Activations are kept as they are (``positive``), times -1 (``negative``), or without their sign (``magnitude``).
    progress : callable
        Is told how many counted positions are done.

    Yields
    ------
    Contexts
        In ascending order of layers.
    """
    sightings = Sightings.of(task.windows, len(task.model.vocabulary))
    sites = [task.model.site(layer) for layer in sorted(layers)]
    found = {
        site.layer: LayerContexts(site, draw(*layers[site.layer], sightings, seed=task.seed), sightings, top, sign)
        for site in sites
    }
    chosen = np.empty(0, dtype=np.int64)
    done = 0

    def receive(site: Site, _: torch.Tensor | None, activation: torch.Tensor) -> None:
        found[site.layer].add(chosen, activation)

    model = task.model
    with quiet(), tapped(model.body, sites, receive) as forward:
        for chosen in batches(task, np.arange(len(task.windows))):
            forward(**model_arguments(model.kind, model.model.config, task.windows.token_id[chosen], model.device))
            done += int(task.windows.counted[chosen].sum())
            progress(done)
    for site in sites:
        yield found.pop(site.layer).contexts()


def _contexts(
    token_id: np.ndarray,
    neuron: np.ndarray,
    segment: np.ndarray,
    rank: np.ndarray,
    window: np.ndarray,
    position: np.ndarray,
    start: np.ndarray,
    activation: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return columns of contexts; the tokens are those of the windows."""
    there = ~np.isnan(activation)
    column = np.minimum(start[:, None] + np.arange(activation.shape[1]), token_id.shape[1] - 1)
    return {
        "neuron": neuron.astype(np.int32),
        "segment": segment.astype(np.int16),
        "rank": rank.astype(np.int16),
        "at": (position - start).astype(np.int16),
        "n": there.sum(axis=1).astype(np.int16),
        "token_id": np.where(there, token_id[window[:, None], column], -1).astype(np.int32),
        "activation": activation,
    }
