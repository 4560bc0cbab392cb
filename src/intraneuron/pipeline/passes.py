"""Passes of the model over windows of tokens: batches in, sums a token and neuron out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch

from intraneuron.kernels.scatter import in_row_order, parts_in_order
from intraneuron.models.feeding import at_tokens, model_arguments
from intraneuron.models.latent_twins import rotated_twin
from intraneuron.models.loading import quiet
from intraneuron.models.sites import Site, tapped
from intraneuron.models.twins import RotatedTwin
from intraneuron.pipeline.sums import Batch, PieceSums
from intraneuron.pipeline.task import Piece, Task

BATCH_POSITIONS = {"cpu": 2048, "mps": 8192, "cuda": 16384}
"""Positions of one batch in float32; twice as many in formats of two bytes, whose products gain by it.

Larger ones are slower on a CPU: blocks over 32 MB are given back to the kernel each time.
"""

PILOT_POSITIONS = 8192
PILOT_WINDOWS = 32
"""In corpus mode the twin's moments come from about so many positions (or four times the width), spread over
at least so many windows."""

_PILOT = 2  # last word of seeds; models/twins.py has 1, pipeline/task.py 3


class Checkpoints(Protocol):
    """Where a pass leaves what it has summed, so that a run that is killed goes on there."""

    def restore(self, tables: Mapping[str, np.ndarray]) -> int:
        """Fill tables with what was saved of them, and return after how many windows that was; 0 when nothing was."""

    def save(self, tables: Mapping[str, np.ndarray], done: int) -> None:
        """Save tables as they are after so many windows, if it is time to."""


@dataclass(frozen=True)
class _Fed:
    """A batch: the model's arguments, and where its positions are added."""

    arguments: dict[str, Any]
    rows: Batch


def run_pass(
    task: Task, pieces: Sequence[Piece], progress: Callable[[int], None], checkpoints: Checkpoints | None = None
) -> list[PieceSums]:
    """Run the model once over all windows, up to the last of the pieces' layers, and return the sums of each.

    ``progress`` gets the number of counted positions done.
    """
    sites = [piece.site for piece in pieces]
    twins = _pilot_twins(task, sites) if task.rotated and task.corpus else {}
    layers = {piece.layer: PieceSums(task, piece, twins.get(piece.layer)) for piece in pieces}
    tables = {name: table for sums in layers.values() for name, table in sums.state().items()}
    start = 0 if checkpoints is None else checkpoints.restore(tables)
    done = int(task.windows.counted[:start].sum())
    fed: _Fed

    def receive(site: Site, x: torch.Tensor | None, activation: torch.Tensor) -> None:
        layers[site.layer].add(fed.rows, x, activation)

    with quiet(), tapped(task.model.body, sites, receive, inputs=task.rotated or task.inputs) as forward:
        for chosen in batches(task, np.arange(start, len(task.windows))):
            fed = _feed(task, chosen)
            forward(**fed.arguments)
            done += len(fed.rows.order)
            progress(done)
            if checkpoints is not None:
                checkpoints.save(tables, int(chosen[-1]) + 1)
    return list(layers.values())


def batch_windows(task: Task) -> int:
    """Return how many windows a batch has."""
    positions = BATCH_POSITIONS[task.model.device.type] * 4 // min(4, task.model.dtype.itemsize)
    return max(1, positions // int(task.windows.token_id.shape[1]))


def batches(task: Task, window: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the numbers of some windows, batch by batch."""
    size = batch_windows(task)
    yield from (window[start : start + size] for start in range(0, len(window), size))


def _feed(task: Task, chosen: np.ndarray) -> _Fed:
    """Return what some windows are to the model, and to the tables."""
    model = task.model
    halves = task.halves.index[chosen].ravel()
    shards = task.shards.index[chosen].ravel() if task.corpus else None
    order = in_row_order(halves)
    return _Fed(
        model_arguments(model.kind, model.model.config, task.windows.token_id[chosen], model.device),
        Batch(order, parts_in_order(order, halves), halves, shards),
    )


def _pilot_twins(task: Task, sites: Sequence[Site]) -> dict[int, RotatedTwin]:
    """Return the rotated twins of some layers, with the moments of evenly spaced positions."""
    chosen, step = _pilot_windows(task, max(site.width for site in task.model.sites))
    kept: dict[int, list[torch.Tensor]] = {site.layer: [] for site in sites}
    fed: _Fed

    def receive(site: Site, x: torch.Tensor | None, _: torch.Tensor) -> None:
        if x is not None:
            some = torch.from_numpy(np.sort(fed.rows.order)[::step]).to(x.device)
            x = at_tokens(x, decoder=site.decoder)
            kept[site.layer].append(x.reshape(-1, site.width)[some].float().cpu())

    with quiet(), tapped(task.model.body, sites, receive, inputs=True) as forward:
        for some in batches(task, chosen):
            fed = _feed(task, some)
            forward(**fed.arguments)
    return {site.layer: rotated_twin(site, partial(iter, kept[site.layer]), task.seed) for site in sites}


def _pilot_windows(task: Task, width: int) -> tuple[np.ndarray, int]:
    """Return evenly spaced windows and the step between their positions that are kept."""
    wanted = max(PILOT_POSITIONS, 4 * width)
    per_window = task.windows.positions / len(task.windows)
    n = min(len(task.windows), max(PILOT_WINDOWS, int(np.ceil(wanted / per_window))))
    offset = np.random.default_rng([task.seed, _PILOT]).random()
    chosen = np.floor((np.arange(n) + offset) * len(task.windows) / n).astype(np.int64)
    return chosen, max(1, int(task.windows.counted[chosen].sum() / wanted))
