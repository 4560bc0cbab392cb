"""What a study will cost: time, memory and disk, before it starts."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from intraneuron.pipeline.memory import pass_bytes
from intraneuron.planning import Plan
from intraneuron.twinning import ModelPasses, plan_models

BASE_MEMORY = 0.7e9
"""Interpreter, torch and compiled code, bytes."""

NEURON_SECONDS = 2.5e-3
"""All statistics of one neuron at K = 100, D = 400 on two cores, with its intervals' share."""

NEURON_BYTES = 6_500
"""A neuron's rows in all tables at K = 100, compressed."""

FORWARD_EFFICIENCY = 0.4
"""Share of the speed of a plain matrix product that a forward pass reaches, sums and twins included."""


@dataclass(frozen=True)
class Estimate:
    """Rough costs: seconds, bytes of memory, bytes of disk."""

    seconds: float
    memory: float
    disk: float


def estimate(plan: Plan, todo: Mapping[str, Sequence[int]]) -> Estimate:
    """Estimate what is left to do (layers of each stage) from its sizes and a short matrix product on this machine."""
    model, config = plan.model, plan.config
    observed, populations = todo.get("observe", ()), 1 + len(config.twin.twins)
    models = 1 + ("untrained" in config.twin.twins)
    weights = 4.0 * models * sum(p.numel() for p in model.model.parameters())
    passes = planned_passes(plan, observed)
    width = config.observe.core_tokens / 100
    seconds, memory = 10.0, BASE_MEMORY + weights
    if observed:
        flops = sum(_flops(plan, pieces[-1].layer) for one in passes for pieces in one.passes)
        seconds += flops / (_speed() * FORWARD_EFFICIENCY)
        memory += sum(max(pass_bytes(one.task, pieces) for pieces in one.passes) for one in passes)
    tested = _neurons(plan, todo.get("compare", ()))
    seconds += tested * populations * NEURON_SECONDS * width**2
    written = max((_neurons(plan, todo.get(name, ())) for name in ("observe", "compare")), default=0)
    disk = NEURON_BYTES * written * populations * width + (weights / 4 if observed else 0.0)
    return Estimate(seconds, memory, disk)


def _neurons(plan: Plan, layers: Sequence[int]) -> int:
    return sum(plan.model.sites[layer].n_neurons for layer in layers)


def _flops(plan: Plan, last: int) -> float:
    """Return the floating-point operations of a forward pass over everything that is read, up to the last layer."""
    model = plan.model
    positions = 3 * len(model.vocabulary) if plan.texts is None else plan.texts.token_id.size
    parameters = sum(p.numel() for p in model.model.parameters()) - model.model.get_input_embeddings().weight.numel()
    return float(2.0 * positions * parameters * (last + 1) / len(model.sites))


def planned_passes(plan: Plan, layers: Sequence[int]) -> list[ModelPasses]:
    """Return the passes in which layers would be observed, of each model."""
    if not layers:
        return []
    untrained = {"untrained": plan.model} if "untrained" in plan.config.twin.twins else {}  # of the same sizes
    return plan_models(plan.config, plan.run.memory, plan.texts, tuple(layers), {"neurons": plan.model} | untrained)


def passes_said(plan: Plan, layers: Sequence[int]) -> str:
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
