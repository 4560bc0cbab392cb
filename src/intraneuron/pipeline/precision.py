"""precision: what a shorter number format of the forward pass costs, in core tokens, on a sample."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from intraneuron.data import CoreTokens, TokenActivations
from intraneuron.kernels.halves import in_common
from intraneuron.models.texts import Windows
from intraneuron.pipeline.observe import observe_passes, wanted_sites
from intraneuron.pipeline.task import Piece, Task

if TYPE_CHECKING:
    from intraneuron.models.loading import LoadedModel

POSITIONS = 16_384
"""Positions of the sample, about."""

NEURONS = 256
"""Neurons of each layer that are compared."""


@dataclass(frozen=True)
class Precision:
    """Core tokens of the same neurons, on the same sample, in two number formats.

    Attributes
    ----------
    positions : int
        Tokens of text, or of the vocabulary, in the sample.
    overlap : dict of float
        By layer: the share of core tokens that a neuron has in both, mean over neurons; NaN when none has any.
    """

    positions: int
    overlap: dict[int, float]


def precision(
    model: LoadedModel,
    reference: LoadedModel,
    windows: Windows,
    layers: Sequence[int],
    *,
    choose: Callable[[TokenActivations], CoreTokens],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Precision:
    """Select core tokens on evenly spaced windows with a model, and with the same model in another number format.

    A sample has fewer tokens, and fewer sightings of each, than the whole: sums average less, so the overlap is on the
    low side.

    Parameters
    ----------
    model, reference : LoadedModel
    windows : Windows
    layers : layers to compare
    choose : callable
        Selects core tokens, as :func:`intraneuron.pipeline.select.select` does.
    progress : callable
        Is told how many of how many positions are done.
    """
    sample = sampled_windows(windows, POSITIONS)
    chosen = []
    for i, one in enumerate((model, reference)):
        task = Task(one, sample, seed=0, corpus=False, rotated=False, most=NEURONS)
        pieces = [[Piece(site) for site in wanted_sites(one, tuple(layers))]]

        def told(done: int, total: int, before: int = i) -> None:
            progress(before * total + done, 2 * total)

        chosen.append(
            {found.layer: choose(found.populations["neurons"]).token_id for found in observe_passes(task, pieces, told)}
        )
    first, second = chosen
    return Precision(sample.positions, {layer: _mean(in_common(first[layer], second[layer])) for layer in first})


def has_room(model: LoadedModel) -> bool:
    """Whether the same model in float32 fits into the memory that is free on its device; True where nobody can tell."""
    needed = 4 * sum(parameter.numel() for parameter in model.model.parameters())
    if model.device.type == "cuda":
        return bool(needed < torch.cuda.mem_get_info(model.device)[0])
    try:
        said = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:  # not Linux
        return True
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", said, re.MULTILINE)
    return found is None or needed < 1024 * int(found[1])


def sampled_windows(windows: Windows, positions: int) -> Windows:
    """Return evenly spaced windows with about so many counted positions, at least one; all when there are few."""
    share = min(1.0, positions / max(windows.positions, 1))
    n = max(1, round(share * len(windows)))
    chosen = np.linspace(0, len(windows) - 1, n).astype(int)
    return windows.rows(chosen)


def _mean(values: np.ndarray) -> float:
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if len(defined) else float("nan")
