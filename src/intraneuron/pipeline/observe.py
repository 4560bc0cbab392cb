"""Observe: run the model and keep, of every layer, what each token did to each neuron."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from intraneuron.data import TokenActivations, neuron_name
from intraneuron.errors import DataError, SettingError
from intraneuron.kernels.scatter import Rows, spread, spread_bytes
from intraneuron.models.lens import as_loaded
from intraneuron.models.texts import Windows, vocabulary_windows
from intraneuron.models.twins import RotatedTwin, input_moments, rotated_rows
from intraneuron.pipeline.passes import LayerSums, Task, run_pass

if TYPE_CHECKING:
    from intraneuron.config import ObserveConfig, RunConfig, Twin
    from intraneuron.models.loading import LoadedModel
    from intraneuron.models.sites import Site

TWIN_BLOCK = 2048
"""Tokens whose artificial neurons are computed at a time."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Observation:
    """One layer, observed.

    Attributes
    ----------
    layer : int
    populations : dict of TokenActivations
        ``neurons``, and ``rotated`` when that twin is wanted; H is 1 in vocabulary mode, 2 in corpus mode.
    shards : dict of TokenActivations
        The same for a keyed subset of JACKKNIFE_NEURONS of each population, with H = SHARDS parts; empty in
        vocabulary mode, where the jackknife leaves out groups of tokens.
    """

    layer: int
    populations: dict[str, TokenActivations]
    shards: dict[str, TokenActivations] = field(default_factory=dict)


def observe(
    model: Any,
    config: ObserveConfig,
    *,
    run: RunConfig,
    twins: Sequence[Twin] = (),
    texts: Windows | None = None,
    progress: Progress = lambda done, total: None,
) -> Iterator[Observation]:
    """Observe layers of a model, one after the other.

    Layers are read in groups whose sums fit into ``run.memory``; each group takes one forward pass that ends
    after its last layer. No digit depends on the grouping.

    Parameters
    ----------
    model : LoadedModel, or a model of TransformerLens (:func:`intraneuron.load_lens` says which)
    config : ObserveConfig
    run : RunConfig
    twins : twins wanted; ``rotated`` is observed in the same pass, the others are made later
    texts : Windows
        Needed in corpus mode.
    progress : callable
        Called with counted positions done and to do, over all passes.

    Yields
    ------
    Observation
        In ascending order of layers.

    Raises
    ------
    ModelError
        When the model cannot be read.
    SettingError
        When a layer does not exist, or corpus mode has no texts.
    DataError
        When an activation is not finite.
    """
    model = as_loaded(model)
    corpus = config.mode == "corpus" or (config.mode == "auto" and texts is not None)
    if corpus and texts is None:
        msg = "Corpus mode needs texts, got none. Give --texts FILE, FOLDER or docs, or use --mode vocabulary."
        raise SettingError(msg)
    windows = texts if corpus and texts is not None else vocabulary_windows(model)
    sites = _wanted_sites(model, config.layers)
    task = Task(model, windows, config.seed, corpus=corpus, rotated="rotated" in twins)
    return _observe_groups(task, group_layers(task, sites, run.memory), progress)


def group_layers(task: Task, sites: Sequence[Site], memory: float) -> list[list[Site]]:
    """Return the layers of each pass: as few passes as fit into memory (GiB), the smallest group first.

    A pass costs as much as its last layer is deep, so what does not fill a group stands first.
    """
    budget = memory * 2**30 - max(_bytes_handed_out(task, site) for site in sites)
    groups: list[list[Site]] = [[]]
    room = budget
    for site in reversed(sites):
        held = _bytes_held(task, site)
        if groups[-1] and held > room:
            groups.append([])
            room = budget
        groups[-1].append(site)
        room -= held
    return [group[::-1] for group in groups[::-1]]


def _wanted_sites(model: LoadedModel, layers: tuple[int, ...] | None) -> list[Site]:
    sites = list(model.sites)
    wanted = range(len(sites)) if layers is None else sorted(set(layers))
    for layer in wanted:
        if not 0 <= layer < len(sites):
            msg = f"The model {model.name} has no layer {layer}: its layers are 0 to {len(sites) - 1}."
            raise SettingError(msg)
    if not wanted:
        msg = f"No layer is wanted. The layers of {model.name} are 0 to {len(sites) - 1}."
        raise SettingError(msg)
    return [sites[layer] for layer in wanted]


def _bytes_held(task: Task, site: Site) -> int:
    """Return the size of a layer's tables during its pass."""
    widths = task.widths(site)
    size = len(task.halves.seen) * sum(widths.values())
    if task.corpus:
        size += len(task.shards.seen) * sum(len(task.subset(site, name)) for name in widths)
    return 4 * size


def _bytes_handed_out(task: Task, site: Site) -> int:
    """Return the size of what is made of a layer's tables when it is handed out."""
    if not task.corpus:
        return 4 * len(task.model.vocabulary) * rotated_rows(site) if task.rotated else 0
    return sum(
        spread_bytes(task.halves, width) + spread_bytes(task.shards, len(task.subset(site, name)))
        for name, width in task.widths(site).items()
    )


def _observe_groups(task: Task, groups: list[list[Site]], progress: Progress) -> Iterator[Observation]:
    positions = task.windows.positions
    for i, group in enumerate(groups):
        before, total = i * positions, len(groups) * positions
        layers = run_pass(task, group, partial(_report, progress, before, total))
        while layers:
            yield _hand_out(task, layers.pop(0))


def _report(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _hand_out(task: Task, layer: LayerSums) -> Observation:
    """Turn a layer's tables into nouns, freeing each table when it has been read."""
    _check_finite(layer)
    if "input" in layer.halves:
        layer.halves["rotated"] = _rotated_table(task, layer.site, layer.halves.pop("input"))
    populations = {
        name: _token_activations(layer, layer.halves, name, task.halves, None) for name in list(layer.halves)
    }
    shards = {
        name: _token_activations(layer, layer.shards, name, task.shards, layer.subset[name])
        for name in list(layer.shards)
    }
    return Observation(layer.site.layer, populations, shards)


def _token_activations(
    layer: LayerSums, tables: dict[str, np.ndarray], name: str, rows: Rows, neuron: np.ndarray | None
) -> TokenActivations:
    total = spread(tables.pop(name), rows)
    size = layer.vocabulary_size
    if neuron is None:
        neuron = np.arange(total.shape[1], dtype=np.int32)
    return TokenActivations(
        layer.site.layer, neuron, rows.count.reshape(-1, size), total.reshape(-1, size, len(neuron))
    )


def _rotated_table(task: Task, site: Site, x: np.ndarray) -> np.ndarray:
    """Return the rotated twin's activations, a row a token, from x kept in vocabulary mode."""
    tokens = np.flatnonzero(task.halves.count)
    blocks = [tokens[start : start + TWIN_BLOCK] for start in range(0, len(tokens), TWIN_BLOCK)]
    moments = input_moments(torch.from_numpy(x[block]) for block in blocks)
    twin = RotatedTwin.build(site, *moments, rotated_rows(site), task.seed)
    table = np.zeros((len(x), rotated_rows(site)), dtype=np.float32)
    with torch.inference_mode():
        for block in blocks:
            table[block] = twin.activations(torch.from_numpy(x[block]).to(task.model.device)).cpu().numpy()
    return table


def _check_finite(layer: LayerSums) -> None:
    """Raise DataError naming a neuron whose sums are not finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        bad = np.flatnonzero(~np.isfinite(layer.halves["neurons"].sum(axis=0)))
    if len(bad):
        msg = (
            f"The activation of {neuron_name(layer.site.layer, int(bad[0]))} is NaN or infinite on some token, "
            f"and {len(bad) - 1} more neurons of the layer are like it. Use --dtype float32; if that is set, the "
            f"weights are damaged."
        )
        raise DataError(msg)
