"""Passes of the model over windows of tokens: batches in, sums a token and neuron out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from intraneuron.kernels.scatter import Rows, add_columns, add_rows, compact_rows, in_row_order
from intraneuron.models.feeding import at_tokens, model_arguments
from intraneuron.models.loading import quiet
from intraneuron.models.sites import Site, tapped
from intraneuron.models.texts import SHARDS, Windows
from intraneuron.models.twins import RotatedTwin, input_moments, rotated_rows

if TYPE_CHECKING:
    from intraneuron.models.loading import LoadedModel

JACKKNIFE_NEURONS = 256
"""Neurons of a layer and population whose sums are also kept shard by shard."""

BATCH_POSITIONS = {"cpu": 2048, "mps": 8192, "cuda": 16384}
"""Positions of one batch."""

PILOT_POSITIONS = 8192
PILOT_WINDOWS = 32
"""In corpus mode the twin's moments come from about so many positions (or four times the width), spread over
at least so many windows."""

_PILOT, _SUBSET = 2, 3  # last words of seeds; models/twins.py has 1


@dataclass(frozen=True)
class Task:
    """What is observed: the windows, and the rows of the tables that their positions add to.

    Attributes
    ----------
    model : LoadedModel
    windows : Windows
    seed : int
    corpus : bool
        Two halves and SHARDS shards; else one part.
    rotated : bool
        Whether the rotated twin is wanted.
    """

    model: LoadedModel
    windows: Windows
    seed: int
    corpus: bool
    rotated: bool

    @property
    def parts(self) -> int:
        """H."""
        return 2 if self.corpus else 1

    @cached_property
    def halves(self) -> Rows:
        """Rows by (half, token); by token in vocabulary mode."""
        return self._rows(self.windows.shard % self.parts, self.parts)

    @cached_property
    def shards(self) -> Rows:
        """Rows by (shard, token)."""
        return self._rows(self.windows.shard, SHARDS)

    def _rows(self, part: np.ndarray, parts: int) -> Rows:
        size = len(self.model.vocabulary)
        key = part[:, None].astype(np.int64) * size + self.windows.token_id
        return compact_rows(key, self.windows.counted, parts * size)

    def widths(self, site: Site) -> dict[str, int]:
        """Return the columns of the tables that a pass fills for a layer.

        The rotated twin needs the moments of x. In vocabulary mode x itself is kept, a row a token, and the
        twin is made after the pass; in corpus mode a pilot comes before the pass.
        """
        widths = {"neurons": site.n_neurons}
        if self.rotated:
            widths |= {"rotated": rotated_rows(site)} if self.corpus else {"input": site.width}
        return widths

    def subset(self, site: Site, population: str) -> np.ndarray:
        """Return the keyed neurons of a population that are also summed shard by shard, int32 (n,)."""
        size = self.widths(site)[population]
        which = list(self.widths(site)).index(population)
        stream = np.random.default_rng([self.seed, site.layer, which, _SUBSET])
        chosen = stream.choice(size, min(size, JACKKNIFE_NEURONS), replace=False)
        return np.sort(chosen).astype(np.int32)


@dataclass(frozen=True)
class _Batch:
    """Some windows: the model's arguments, and which rows their positions add to.

    ``halves`` and ``shards`` are a row of the tables for each position, ``order`` the counted positions.
    """

    arguments: dict[str, Any]
    order: np.ndarray
    halves: np.ndarray
    shards: np.ndarray | None


class LayerSums:
    """The tables of one layer, rows x columns, filled during a pass."""

    def __init__(self, task: Task, site: Site, twin: RotatedTwin | None) -> None:
        """Start with zeros; ``twin`` only where it is observed in the pass (corpus mode)."""
        self.site = site
        self.twin = twin
        self.vocabulary_size = len(task.model.vocabulary)
        widths = task.widths(site)
        self.subset = {name: task.subset(site, name) for name in widths} if task.corpus else {}
        self.halves = {name: _zeros(task.halves, width) for name, width in widths.items()}
        self.shards = {name: _zeros(task.shards, len(columns)) for name, columns in self.subset.items()}

    def add(self, batch: _Batch, x: torch.Tensor | None, activation: torch.Tensor) -> None:
        """Add a batch, position by position: there is one result, whatever the threads do."""
        values = {"neurons": at_tokens(activation, decoder=self.site.decoder)}
        if x is not None:
            x = at_tokens(x, decoder=self.site.decoder).reshape(-1, x.shape[-1])
            values |= {"input": x} if self.twin is None else {"rotated": self.twin.activations(x)}
        for name, value in values.items():
            rows = value.reshape(-1, value.shape[-1]).float().cpu().contiguous().numpy()
            add_rows(rows, batch.order, batch.halves, self.halves[name])
            if batch.shards is not None:
                add_columns(rows, self.subset[name], batch.order, batch.shards, self.shards[name])


def _zeros(rows: Rows, width: int) -> np.ndarray:
    return np.zeros((len(rows.seen), width), dtype=np.float32)


def run_pass(task: Task, sites: Sequence[Site], progress: Callable[[int], None]) -> list[LayerSums]:
    """Run the model once over all windows, up to the last of the sites, and return the sums of each.

    ``progress`` gets the number of counted positions done.
    """
    twins = _pilot_twins(task, sites) if task.rotated and task.corpus else {}
    layers = {site.layer: LayerSums(task, site, twins.get(site.layer)) for site in sites}
    batch: _Batch
    done = 0

    def receive(site: Site, x: torch.Tensor | None, activation: torch.Tensor) -> None:
        layers[site.layer].add(batch, x, activation)

    with quiet(), tapped(task.model.body, sites, receive, inputs=task.rotated) as forward:
        for batch in _batches(task, np.arange(len(task.windows))):
            forward(**batch.arguments)
            done += len(batch.order)
            progress(done)
    return list(layers.values())


def _batches(task: Task, window: np.ndarray) -> Iterator[_Batch]:
    """Yield batches of some windows."""
    model = task.model
    size = max(1, BATCH_POSITIONS[model.device.type] // task.windows.token_id.shape[1])
    for start in range(0, len(window), size):
        chosen = window[start : start + size]
        halves = task.halves.index[chosen].ravel()
        yield _Batch(
            model_arguments(model.kind, model.model.config, task.windows.token_id[chosen], model.device),
            in_row_order(halves),
            halves,
            task.shards.index[chosen].ravel() if task.corpus else None,
        )


def _pilot_twins(task: Task, sites: Sequence[Site]) -> dict[int, RotatedTwin]:
    """Return the rotated twins of some layers, with the moments of evenly spaced positions."""
    chosen, step = _pilot_windows(task, max(site.width for site in task.model.sites))
    kept: dict[int, list[torch.Tensor]] = {site.layer: [] for site in sites}
    batch: _Batch

    def receive(site: Site, x: torch.Tensor | None, _: torch.Tensor) -> None:
        if x is not None:
            some = torch.from_numpy(np.sort(batch.order)[::step]).to(x.device)
            x = at_tokens(x, decoder=site.decoder)
            kept[site.layer].append(x.reshape(-1, site.width)[some].float().cpu())

    with quiet(), tapped(task.model.body, sites, receive, inputs=True) as forward:
        for batch in _batches(task, chosen):
            forward(**batch.arguments)
    return {
        site.layer: RotatedTwin.build(site, *input_moments(kept[site.layer]), rotated_rows(site), task.seed)
        for site in sites
    }


def _pilot_windows(task: Task, width: int) -> tuple[np.ndarray, int]:
    """Return evenly spaced windows and the step between their positions that are kept."""
    wanted = max(PILOT_POSITIONS, 4 * width)
    per_window = task.windows.positions / len(task.windows)
    n = min(len(task.windows), max(PILOT_WINDOWS, int(np.ceil(wanted / per_window))))
    offset = np.random.default_rng([task.seed, _PILOT]).random()
    chosen = np.floor((np.arange(n) + offset) * len(task.windows) / n).astype(np.int64)
    return chosen, max(1, int(task.windows.counted[chosen].sum() / wanted))
