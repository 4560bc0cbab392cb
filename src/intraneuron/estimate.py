"""What a study will cost: time, memory and disk, before it starts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from intraneuron.config import OWN_TWINS
from intraneuron.importing import ImportPlan
from intraneuron.listing import READOUT_ROOM
from intraneuron.planned import Planned
from intraneuron.planning import Plan

BASE_MEMORY = 0.7e9
"""Interpreter, torch and compiled code, bytes."""

NEURON_SECONDS = 2.5e-3
"""All statistics of one neuron at K = 100, D = 400 on two cores, with its intervals' share."""

NEURON_BYTES = 6_500
"""A neuron's rows in all tables at K = 100, compressed."""

POSITION_BYTES = 24
"""A position of text: its token, whether it counts, and the rows of the two tables that it adds to."""

FORWARD_EFFICIENCY = 0.4
"""Share of the speed of a plain matrix product that a forward pass reaches, sums and twins included."""


@dataclass(frozen=True)
class Estimate:
    """Rough costs: seconds, bytes of memory, bytes of disk."""

    seconds: float
    memory: float
    disk: float


def estimate(plan: Planned, todo: Mapping[str, Sequence[int]]) -> Estimate:
    """Estimate what is left to do (layers of each stage) from its sizes and a short matrix product on this machine."""
    observed = todo.get("observe", ())
    held, flops, sums = OBSERVING[plan.mode](plan, observed)
    width = plan.config.observe.core_tokens / 100
    seconds, memory = 10.0, BASE_MEMORY + held
    if observed:
        seconds += flops / (_speed() * FORWARD_EFFICIENCY)
        memory += sums
    seconds += _rows(plan, todo.get("compare", ())) * NEURON_SECONDS * width**2
    written = max(_rows(plan, todo.get(name, ())) for name in ("observe", "compare"))
    disk = NEURON_BYTES * written * width + (held / 4 if observed else 0.0)
    return Estimate(seconds, memory, disk)


def _rows(plan: Planned, layers: Sequence[int]) -> int:
    return sum(plan.n_rows(name, layer) for name in ("neurons", *plan.config.twin.twins) for layer in layers)


def _of_model(plan: Plan, observed: Sequence[int]) -> tuple[float, float, float]:
    """Return the bytes of the weights, the operations of the forward passes, and the bytes of the sums."""
    models = 1 + ("untrained" in plan.config.twin.twins)
    weights = 4.0 * models * sum(p.numel() for p in plan.model.model.parameters())
    if not observed:
        return weights, 0.0, 0.0
    texts = POSITION_BYTES * _positions(plan) if plan.mode == "corpus" else 0.0
    return weights, models * _flops(plan, max(observed)), _sums(plan, observed) + texts


def _of_lists(plan: ImportPlan, observed: Sequence[int]) -> tuple[float, float, float]:
    """Return the bytes of the vectors, the operations of random directions, and the bytes of what is made with them."""
    words, width = plan.source.space.vector.shape
    rows = sum(plan.n_rows("readout", layer) for layer in observed) * ("readout" in plan.config.twin.twins)
    return 4.0 * words * width, 2.0 * words * width * rows, 16.0 * words * width + READOUT_ROOM


OBSERVING: dict[str, Callable[[Any, Sequence[int]], tuple[float, float, float]]] = {
    "vocabulary": _of_model,
    "corpus": _of_model,
    "published": _of_lists,
}
"""By mode: bytes that are held throughout, operations of the first stage over some layers, bytes of its sums."""


def _flops(plan: Plan, last: int) -> float:
    """Return the floating-point operations of a forward pass over everything that is read, up to the last layer."""
    model = plan.model
    parameters = sum(p.numel() for p in model.model.parameters()) - model.model.get_input_embeddings().weight.numel()
    return float(2.0 * _positions(plan) * parameters * (last + 1) / plan.n_layers)


def _positions(plan: Plan) -> int:
    """Return how many tokens the model reads, padding and special ones among them."""
    return 3 * len(plan.model.vocabulary) if plan.texts is None else plan.texts.token_id.size


def _sums(plan: Plan, layers: Sequence[int]) -> float:
    """Return the bytes of the sums of activation that are held at a time: at least those of one layer."""
    parts = 1 if plan.texts is None else 2
    widest = max(plan.n_neurons(layer) for layer in layers)
    table = 4.0 * parts * len(plan.vocabulary) * widest
    every = table * (1 + sum(twin in plan.config.twin.twins for twin in OWN_TWINS)) * len(layers)
    return max(min(plan.run.memory * 2**30, every), table)


def _speed() -> float:
    """Return floating-point operations a second of a float32 matrix product: the best of some short ones."""
    a = np.ones((512, 512), dtype=np.float32)
    best, end = math.inf, time.perf_counter() + 0.2
    while time.perf_counter() < end or best == math.inf:
        began = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - began)
    return 2 * 512.0**3 / best
