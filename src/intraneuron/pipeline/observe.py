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
from intraneuron.kernels.scatter import spread
from intraneuron.models.latent_twins import rotated_twin
from intraneuron.models.lens import as_loaded
from intraneuron.models.texts import Windows, vocabulary_windows
from intraneuron.pipeline.memory import plan_passes
from intraneuron.pipeline.passes import Checkpoints, run_pass
from intraneuron.pipeline.sums import PieceSums, Sums
from intraneuron.pipeline.task import Piece, Task
from intraneuron.settings import bytes_of

if TYPE_CHECKING:
    from intraneuron.config import ObserveConfig, RunConfig, Twin
    from intraneuron.models.loading import LoadedModel
    from intraneuron.models.sites import Site

TWIN_BLOCK = 2048
"""Tokens whose artificial neurons are computed at a time."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Observation:
    """One layer, observed; or a slice of its neurons, where the sums of the whole layer do not fit into memory.

    Attributes
    ----------
    layer : int
    populations : dict of TokenActivations
        ``neurons``, and ``rotated`` when that twin is wanted; H is 1 in vocabulary mode, 2 in corpus mode. Their
        ``neuron`` says which of the layer's they are.
    shards : dict of TokenActivations
        The same for a keyed subset of JACKKNIFE_NEURONS of each population of the whole layer, with H = SHARDS parts;
        with the first slice, and empty in vocabulary mode, where the jackknife leaves out groups of tokens.
    index, of : int
        Number of the slice, and how many there are.
    sizes : dict of int
        How many neurons each population of the whole layer has.
    sample : TokenActivations, optional
        Evenly spaced neurons of the whole layer, with the first of several slices in corpus mode.
    entering : TokenActivations, optional
        What enters the layer's MLP, D columns, with the first slice, where it is wanted.
    """

    layer: int
    populations: dict[str, TokenActivations]
    shards: dict[str, TokenActivations] = field(default_factory=dict)
    index: int = 0
    of: int = 1
    sizes: dict[str, int] = field(default_factory=dict)
    sample: TokenActivations | None = None
    entering: TokenActivations | None = None


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
    after its last layer. A layer whose sums do not fit by themselves comes in slices of neurons, a pass each. No digit
    depends on the grouping.

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
        In ascending order of layers, and of slices in a layer.

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
    task = task_of(model, config, twins=twins, texts=texts)
    return observe_passes(task, plan_passes(task, wanted_sites(model, config.layers), bytes_of(run.memory)), progress)


def task_of(
    model: LoadedModel,
    config: ObserveConfig,
    *,
    twins: Sequence[Twin] = (),
    texts: Windows | None = None,
    most: int | None = None,
    inputs: bool = False,
) -> Task:
    """Return what :func:`observe` does: the windows, and the tables that they fill.

    Raises
    ------
    SettingError
        When corpus mode has no texts.
    """
    corpus = config.mode == "corpus" or (config.mode == "auto" and texts is not None)
    if corpus and texts is None:
        msg = "Corpus mode needs texts, got none. Give --texts FILE, FOLDER or docs, or use --mode vocabulary."
        raise SettingError(msg)
    windows = texts if corpus and texts is not None else vocabulary_windows(model)
    return Task(model, windows, config.seed, corpus=corpus, rotated="rotated" in twins, most=most, inputs=inputs)


def wanted_sites(model: LoadedModel, layers: tuple[int, ...] | None) -> list[Site]:
    """Return the sites of some layers of a model, ascending; of all when None.

    Raises
    ------
    SettingError
        When a layer does not exist, or none is wanted.
    """
    have = model.layers
    wanted = have if layers is None else sorted(set(layers))
    said = ", ".join(map(str, have)) if model.saes else f"0 to {len(have) - 1}"
    for layer in wanted:
        if layer not in have:
            msg = f"The model {model.name} has no layer {layer}: its layers are {said}."
            raise SettingError(msg)
    if not wanted:
        msg = f"No layer is wanted. The layers of {model.name} are {said}."
        raise SettingError(msg)
    return [model.site(layer) for layer in wanted]


def observe_passes(
    task: Task,
    passes: Sequence[Sequence[Piece]],
    progress: Progress = lambda done, total: None,
    checkpoints: Checkpoints | None = None,
) -> Iterator[Observation]:
    """Run the model once for each of some passes, and yield what was observed of each piece (:func:`observe`).

    Parameters
    ----------
    task : Task
    passes : list of lists of Piece
        As :func:`intraneuron.pipeline.memory.plan_passes` returns them.
    progress : callable
    checkpoints : Checkpoints, optional
        Where a pass leaves its sums from time to time.
    """
    positions = task.windows.positions
    for i, pieces in enumerate(passes):
        before, total = i * positions, len(passes) * positions
        found = run_pass(task, pieces, partial(_report, progress, before, total), checkpoints)
        while found:
            yield _hand_out(task, found.pop(0))


def _report(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _hand_out(task: Task, sums: PieceSums) -> Observation:
    """Turn a piece's tables into nouns, freeing each table when it has been read."""
    _check_finite(sums)
    piece = sums.piece
    rotated = entering = None
    if "input" in sums.halves:
        x = sums.halves.pop("input")
        if task.rotated and not task.corpus:
            columns = np.arange(sums.sizes["rotated"])[piece.columns(sums.sizes["rotated"])]
            rotated = _rotated_table(task, piece.site, x.total, columns)
        entering = _nouns(sums, x) if task.sums_inputs(piece) else None
    populations = {name: _nouns(sums, sums.halves.pop(name)) for name in list(sums.halves)}
    if rotated is not None:
        populations["rotated"] = rotated
    return Observation(
        piece.layer,
        populations,
        {name: _nouns(sums, sums.shards.pop(name)) for name in list(sums.shards)},
        piece.index,
        piece.of,
        sums.sizes,
        None if sums.sample is None else _nouns(sums, sums.sample),
        entering,
    )


def _nouns(sums: PieceSums, table: Sums) -> TokenActivations:
    total, size = spread(table.total, table.rows), sums.vocabulary_size
    neuron = table.column.astype(np.int32)
    return TokenActivations(
        sums.piece.layer, neuron, table.rows.count.reshape(-1, size), total.reshape(-1, size, len(neuron))
    )


def _rotated_table(task: Task, site: Site, x: np.ndarray, columns: np.ndarray) -> TokenActivations:
    """Return some of the rotated twin's activations, a row a token, from x kept in vocabulary mode."""
    tokens = np.flatnonzero(task.halves.count)
    blocks = [tokens[start : start + TWIN_BLOCK] for start in range(0, len(tokens), TWIN_BLOCK)]
    twin = rotated_twin(site, lambda: (torch.from_numpy(x[block]) for block in blocks), task.seed)
    table = np.zeros((len(x), len(columns)), dtype=np.float32)
    some = slice(int(columns[0]), int(columns[-1]) + 1) if len(columns) else slice(0)
    with torch.inference_mode():
        for block in blocks:  # all at once, and then some of them: fewer columns would round a product otherwise
            table[block] = (
                twin.activations(torch.from_numpy(x[block]).to(task.model.device))[:, some].float().cpu().numpy()
            )
    return TokenActivations(site.layer, columns.astype(np.int32), task.halves.count.reshape(1, -1), table[None])


def _check_finite(sums: PieceSums) -> None:
    """Raise DataError naming a neuron whose sums are not finite."""
    table, layer = sums.halves["neurons"], sums.piece.layer
    with np.errstate(invalid="ignore", over="ignore"):
        bad = np.flatnonzero(~np.isfinite(table.total.sum(axis=0)))
    if len(bad):
        msg = (
            f"The activation of {neuron_name(layer, int(table.column[bad[0]]))} is NaN or infinite on some token, "
            f"and {len(bad) - 1} more neurons of the layer are like it. Use --dtype float32; if that is set, the "
            f"weights are damaged."
        )
        raise DataError(msg)
