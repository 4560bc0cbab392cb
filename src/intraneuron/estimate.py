"""What a study will cost: time, memory and disk, before it starts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from intraneuron.config import PUBLISHED
from intraneuron.importing import ImportPlan
from intraneuron.listing import READOUT_ROOM
from intraneuron.pipeline.memory import pass_bytes
from intraneuron.planned import Planned, keeps_inputs
from intraneuron.planning import Plan
from intraneuron.quoting import most_contexts
from intraneuron.samples import tokens_kept
from intraneuron.sum_tables import SUMMED
from intraneuron.twinning import ModelPasses, plan_models

BASE_MEMORY = 0.7e9
"""Interpreter, torch and compiled code, bytes."""

NEURON_SECONDS = 2.5e-3
"""All statistics of one neuron at K = 100, D = 400 on two cores, with its intervals' share."""

NEURON_BYTES = 6_500
"""A neuron's rows in all tables at K = 100, compressed."""

RANGE_SECONDS, RANGE_BYTES = 3e-10, 2_300
"""A number of the vectors of all tokens, in the full range of a neuron on two cores, with its intervals; its row."""

POSITION_BYTES = 24
"""A position of text: its token, whether it counts, and the rows of the two tables that it adds to."""

CONTEXT_BYTES = 77
"""A context of a neuron, compressed."""

FORWARD_EFFICIENCY = 0.4
"""Share of the speed of a plain matrix product that a forward pass reaches, sums and twins included."""


SAMPLING_EFFICIENCY = 0.1
"""The same where a model writes token by token."""


@dataclass(frozen=True)
class Estimate:
    """Rough costs: seconds, bytes of memory, bytes of disk."""

    seconds: float
    memory: float
    disk: float


def estimate(plan: Planned, todo: Mapping[str, Sequence[int]], path: Path | None = None) -> Estimate:
    """Estimate what is left to do (layers of each stage) from its sizes and a short matrix product on this machine.

    ``path`` is the study's folder, where samples of the model may be that need not be drawn again.
    """
    observed = todo.get("observe", ())
    held, flops, sums, kept = OBSERVING[plan.mode](plan, observed)
    width = plan.config.observe.core_tokens / 100
    seconds, memory = 10.0, BASE_MEMORY + held
    quoted = todo.get("contexts", ())
    if quoted:
        seconds += _flops(cast(Plan, plan), max(quoted)) / (_speed() * FORWARD_EFFICIENCY)
    if observed or quoted:
        seconds += _sampling(plan, path)
    if observed:
        seconds += flops / (_speed() * FORWARD_EFFICIENCY)
        memory += sums
    seconds += _rows(plan, todo.get("compare", ())) * NEURON_SECONDS * width**2
    written = max(_rows(plan, todo.get(name, ())) for name in ("observe", "compare"))
    disk = NEURON_BYTES * written * width + (held / 4 if observed else 0.0)
    ranged, wide = _ranged(plan, todo.get("full_range", ()))
    seconds, disk = seconds + ranged * wide * RANGE_SECONDS, disk + ranged * RANGE_BYTES
    disk += kept + CONTEXT_BYTES * most_contexts(plan.config) * sum(plan.n_neurons(layer) for layer in quoted)
    return Estimate(seconds, memory, disk)


def _rows(plan: Planned, layers: Sequence[int]) -> int:
    return sum(plan.n_rows(name, layer) for name in ("neurons", *plan.config.twin.twins) for layer in layers)


def _ranged(plan: Planned, layers: Sequence[int]) -> tuple[float, float]:
    """Return of how many rows the full range is made, and of how many numbers the vectors of the vocabulary are."""
    if not layers:
        return 0.0, 0.0
    names = [name for name in ("neurons", *plan.config.twin.twins) if name in SUMMED]
    return float(sum(plan.n_rows(name, layer) for name in names for layer in layers)), plan.input_space().vector.size


def _of_model(plan: Plan, observed: Sequence[int]) -> tuple[float, float, float, float]:
    """Return the bytes of the weights, the operations of the passes, and the bytes of sums in memory and kept."""
    models = 1 + ("untrained" in plan.config.twin.twins)
    weights = 4.0 * models * sum(p.numel() for p in plan.model.model.parameters())
    if not observed:
        return weights, 0.0, 0.0, 0.0
    texts = POSITION_BYTES * _positions(plan) if plan.mode == "corpus" else 0.0
    passes = planned_passes(plan, observed)
    flops = sum(_flops(plan, pieces[-1].layer) for one in passes for pieces in one.passes)
    sums = sum(max(pass_bytes(one.task, pieces) for pieces in one.passes) for one in passes)
    kept = sum(map(_kept, passes)) if "tables" in plan.run.keep else 0.0
    kept += sum(map(_kept_inputs, passes))
    return weights, flops, sums + texts, kept


def _kept(one: ModelPasses) -> float:
    """Return the bytes of the tables of sums that are kept of a model."""
    task = one.task
    seen = task.halves.count.reshape(task.parts, -1).any(axis=0).sum()
    sites = {piece.layer: piece.site for pieces in one.passes for piece in pieces}
    return 4.0 * task.parts * float(seen) * sum(sum(task.sizes(site).values()) for site in sites.values())


def _kept_inputs(one: ModelPasses) -> float:
    """Return the bytes of what enters each layer of a model, where it is kept."""
    sites = {piece.layer: piece.site for pieces in one.passes for piece in pieces}
    return 2.0 * len(one.task.model.vocabulary) * sum(site.width for site in sites.values()) * one.task.inputs


def _of_lists(plan: ImportPlan, observed: Sequence[int]) -> tuple[float, float, float, float]:
    """Return the bytes of the vectors, the operations of random directions, and the bytes of what is made with them."""
    words, width = plan.source.space.vector.shape
    rows = sum(plan.n_rows("readout", layer) for layer in observed) * ("readout" in plan.config.twin.twins)
    return 4.0 * words * width, 2.0 * words * width * rows, 16.0 * words * width + READOUT_ROOM, 0.0


OBSERVING: dict[str, Callable[[Any, Sequence[int]], tuple[float, float, float, float]]] = {
    "vocabulary": _of_model,
    "corpus": _of_model,
    "published": _of_lists,
}
"""By mode: bytes that are held throughout, operations of the first stage over some layers, bytes of its sums in memory,
and on disk where they are kept."""


def _flops(plan: Plan, last: int) -> float:
    """Return the floating-point operations of a forward pass over everything that is read, up to the last layer."""
    model = plan.model
    parameters = sum(p.numel() for p in model.model.parameters()) - model.model.get_input_embeddings().weight.numel()
    return float(2.0 * _positions(plan) * parameters * (last + 1) / plan.n_layers)


def _sampling(plan: Any, path: Path | None) -> float:
    """Return the seconds that it takes to draw what is left of texts that the model writes itself."""
    if plan.mode != "corpus" or plan.texts is not None:
        return 0.0
    parameters = sum(p.numel() for p in plan.model.model.parameters())
    left = plan.read["tokens"] - (0 if path is None else tokens_kept(path))
    return float(2.0 * left * parameters / (_speed() * SAMPLING_EFFICIENCY))


def _positions(plan: Plan) -> int:
    """Return how many tokens the model reads, padding and special ones among them."""
    if plan.mode != "corpus":
        return 3 * len(plan.model.vocabulary)
    return plan.read["tokens"] + plan.read["documents"] if plan.texts is None else plan.texts.token_id.size


def planned_passes(plan: Any, layers: Sequence[int]) -> list[ModelPasses]:
    """Return the passes in which layers would be observed, of each model; none of published lists."""
    if not layers or plan.mode == PUBLISHED:
        return []
    untrained = {"untrained": plan.model} if "untrained" in plan.config.twin.twins else {}  # of the same sizes
    texts = plan.texts
    if plan.mode == "corpus" and texts is None:
        from intraneuron.models.sampling import stand_in

        texts = stand_in(plan.model, plan.read["tokens"])
    models = {"neurons": plan.model} | untrained
    return plan_models(plan.config, plan.run.memory, texts, tuple(layers), models, inputs=keeps_inputs(plan))


def passes_said(plan: Any, layers: Sequence[int]) -> str:
    """Return in words how often the model runs over everything, and for which layers each time."""
    found = planned_passes(plan, layers)
    said = []
    for one in found:
        cut = {pieces[0].layer: pieces[0].of for pieces in one.passes if pieces[0].of > 1}
        parts = [f"layer {layer} in {of} slices of neurons" for layer, of in cut.items()]
        parts += [_layers([p.layer for p in pieces]) for pieces in one.passes if pieces[0].of == 1]
        times = "one pass" if len(one.passes) == 1 else f"{len(one.passes)} passes"
        whose = "" if one.population == "neurons" else f" of the {one.population} twin"
        held = max(pass_bytes(one.task, pieces) for pieces in one.passes)
        each = "; ".join(sorted(parts, key=_first_number))
        said.append(f"{times}{whose} ({each}), sums of up to {held / 1e9:.2f} GB")
    return ", and ".join(said)


def _layers(layers: Sequence[int]) -> str:
    first, last = layers[0], layers[-1]
    if first == last:
        return f"layer {first}"
    dense = list(layers) == list(range(first, last + 1))
    return f"layers {first} to {last}" if dense else f"layers {', '.join(map(str, layers))}"


def _first_number(text: str) -> int:
    return int(text.split()[1].rstrip(","))


def _speed() -> float:
    """Return floating-point operations a second of a float32 matrix product: the best of some short ones."""
    a = np.ones((512, 512), dtype=np.float32)
    best, end = math.inf, time.perf_counter() + 0.2
    while time.perf_counter() < end or best == math.inf:
        began = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - began)
    return 2 * 512.0**3 / best
