"""Passes of the model over windows of tokens: batches in, sums a token and neuron out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from intraneuron.kernels.scatter import Rows, compact_rows
from intraneuron.models.loading import quiet
from intraneuron.models.sites import Site, tapped
from intraneuron.models.texts import SHARDS, Windows
from intraneuron.models.twins import RotatedTwin, input_moments, rotated_rows

if TYPE_CHECKING:
    from intraneuron.models.loading import LoadedModel

JACKKNIFE_NEURONS = 128
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

    @cached_property
    def column(self) -> int | None:
        """The only column of the windows with counted positions, if there is only one."""
        columns = np.flatnonzero(self.windows.counted.any(axis=0))
        return int(columns[0]) if len(columns) == 1 else None

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
    """Some windows as the model takes them.

    ``arguments`` are the model's; ``halves`` and ``shards`` are the rows of :meth:`pick`'s positions.
    """

    arguments: dict[str, Any]
    column: int | None
    halves: torch.Tensor
    shards: torch.Tensor | None

    @property
    def shape(self) -> tuple[int, int]:
        """Windows and positions."""
        rows, columns = self.arguments["input_ids"].shape
        return rows, columns

    def pick(self, values: torch.Tensor) -> torch.Tensor:
        """Return what the model computed as (P, F), without a copy: all positions, or the only column."""
        if self.column is None:
            return values.reshape(-1, values.shape[-1])
        return values.reshape(*self.shape, -1)[:, self.column]


class LayerSums:
    """The tables of one layer, filled during a pass: rows (and one for what is not counted) x columns."""

    def __init__(self, task: Task, site: Site, twin: RotatedTwin | None) -> None:
        """Start with zeros; ``twin`` only where it is observed in the pass (corpus mode)."""
        self.site = site
        self.twin = twin
        self.vocabulary_size = len(task.model.vocabulary)
        widths = task.widths(site)
        rows = len(task.halves.seen) + 1
        self.halves = {name: torch.zeros(rows, width) for name, width in widths.items()}
        self.subset = {name: task.subset(site, name) for name in widths} if task.corpus else {}
        self.shards = {
            name: torch.zeros(len(task.shards.seen) + 1, len(columns)) for name, columns in self.subset.items()
        }
        self._columns = {name: torch.from_numpy(columns).long() for name, columns in self.subset.items()}

    def add(self, batch: _Batch, x: torch.Tensor | None, activation: torch.Tensor) -> None:
        """Add a batch. Rows are added one by one, in the order of positions: the sums have one result."""
        values = {"neurons": batch.pick(activation)}
        if x is not None:
            x = batch.pick(x)
            values |= {"input": x} if self.twin is None else {"rotated": self.twin.activations(x)}
        for name, value in values.items():
            value = value.to(device="cpu", dtype=torch.float32)
            self.halves[name].index_add_(0, batch.halves, value)
            if batch.shards is not None:
                part = value.index_select(1, self._columns[name])
                self.shards[name].index_add_(0, batch.shards, part)


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
        for batch, counted in _batches(task, np.arange(len(task.windows))):
            forward(**batch.arguments)
            done += counted
            progress(done)
    return list(layers.values())


def _batches(task: Task, window: np.ndarray) -> Iterator[tuple[_Batch, int]]:
    """Yield batches of some windows, each with its number of counted positions."""
    device = task.model.device
    size = max(1, BATCH_POSITIONS[device.type] // task.windows.token_id.shape[1])
    where = slice(None) if task.column is None else task.column
    for start in range(0, len(window), size):
        chosen = window[start : start + size]
        token_id = task.windows.token_id[chosen]
        yield (
            _Batch(
                _arguments(task.model, token_id),
                task.column,
                torch.from_numpy(task.halves.index[chosen][:, where].ravel()),
                torch.from_numpy(task.shards.index[chosen][:, where].ravel()) if task.corpus else None,
            ),
            int(task.windows.counted[chosen].sum()),
        )


def _arguments(model: LoadedModel, token_id: np.ndarray) -> dict[str, Any]:
    """Return the model's arguments. An encoder sees padding, which stands at the end, unless it is masked."""
    real = token_id >= 0
    arguments: dict[str, Any] = {"input_ids": torch.from_numpy(np.where(real, token_id, 0)).long()}
    if model.kind == "causal":
        arguments["use_cache"] = False
    elif not real.all():
        arguments["attention_mask"] = torch.from_numpy(real).long()
    return {
        name: value.to(model.device) if isinstance(value, torch.Tensor) else value for name, value in arguments.items()
    }


def _pilot_twins(task: Task, sites: Sequence[Site]) -> dict[int, RotatedTwin]:
    """Return the rotated twins of some layers, with the moments of evenly spaced positions."""
    chosen, step = _pilot_windows(task, max(site.width for site in task.model.sites))
    kept: dict[int, list[torch.Tensor]] = {site.layer: [] for site in sites}
    batch: _Batch

    def receive(site: Site, x: torch.Tensor | None, _: torch.Tensor) -> None:
        if x is not None:
            counted = (batch.halves < len(task.halves.seen)).nonzero()[::step, 0]
            kept[site.layer].append(batch.pick(x)[counted.to(x.device)].float().cpu())

    with quiet(), tapped(task.model.body, sites, receive, inputs=True) as forward:
        for batch, _ in _batches(task, chosen):
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
