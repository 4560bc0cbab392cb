"""What a study will cost: time, memory and disk, before it starts."""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from intraneuron.planning import Plan

BASE_MEMORY = 0.7e9
"""Interpreter, torch and compiled code, bytes."""

NEURON_SECONDS = 0.9e-3
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


def estimate(plan: Plan, todo: Collection[str]) -> Estimate:
    """Estimate the costs of a study's stages from its sizes and a short matrix product on this machine."""
    model, config = plan.model, plan.config
    sites = [model.sites[layer] for layer in plan.layers]
    neurons = sum(site.n_neurons for site in sites)
    populations = 1 + len(config.twin.twins)
    vocabulary = len(model.vocabulary)
    positions = 3 * vocabulary if plan.texts is None else plan.texts.token_id.size
    share = (max(plan.layers) + 1) / len(model.sites)
    parameters = sum(p.numel() for p in model.model.parameters()) - model.model.get_input_embeddings().weight.numel()
    flops = 2.0 * positions * parameters * share
    width = config.observe.core_tokens / 100
    parts = 1 if plan.texts is None else 2
    table = 4.0 * parts * vocabulary * max(site.n_neurons for site in sites)
    held = min(plan.run.memory * 2**30, table * (1 + ("rotated" in config.twin.twins)) * len(sites))
    seconds = 10.0
    if "observe" in todo:
        seconds += flops / (_speed() * FORWARD_EFFICIENCY)
    if "compare" in todo:
        seconds += neurons * populations * NEURON_SECONDS * width**2
    weights = 4.0 * sum(p.numel() for p in model.model.parameters())
    disk = NEURON_BYTES * neurons * populations * width + weights / 4
    return Estimate(seconds, BASE_MEMORY + weights + max(held, table), disk)


def _speed() -> float:
    """Return floating-point operations a second of a float32 matrix product: the best of some short ones."""
    a = np.ones((512, 512), dtype=np.float32)
    best, end = math.inf, time.perf_counter() + 0.2
    while time.perf_counter() < end or best == math.inf:
        began = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - began)
    return 2 * 512.0**3 / best
