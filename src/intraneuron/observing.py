"""The stage that runs the model: what is kept of an observation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from intraneuron.config import MIN_TOKENS
from intraneuron.data import TokenActivations
from intraneuron.data.core_tokens import MAYBE
from intraneuron.errors import DataError
from intraneuron.kernels.orthants import orthants
from intraneuron.pipeline.leave_out import select_without
from intraneuron.pipeline.retest import RETESTED
from intraneuron.pipeline.select import RELIABLE, choose_min_count, select, select_halves
from intraneuron.pipeline.settling import settle
from intraneuron.planning import Plan
from intraneuron.tables import core_tokens_table, settling_table, vocabulary_table
from intraneuron.twinning import with_twins
from intraneuron.work import Work

if TYPE_CHECKING:
    from intraneuron.pipeline.observe import Observation


JACKKNIFE_NEURONS = 512
"""Neurons of a layer and population that intervals are estimated from in vocabulary mode, where leaving tokens out
needs no further sums. (In corpus mode sums are kept shard by shard: :mod:`intraneuron.pipeline.passes`.)"""

RETEST_NEURONS = 2000
"""Neurons of a layer and population whose core tokens are also kept for each half of the text."""


def observe_stage(work: Work[Plan]) -> None:
    """Run the model over tokens or texts; keep core tokens of neurons and twins, and those of the jackknife."""
    space = work.plan.input_space()
    eligible = ~work.plan.vocabulary.special & space.defined
    group = orthants(space.vector, eligible)
    with work.progress.stage("observe", "positions") as report:
        for observation in with_twins(work, space, eligible, report):
            _keep(work, observation, eligible, group)
            work.finish(observation.layer)


def check_testable(work: Work) -> None:
    """Raise DataError when no neuron of the study has enough core tokens to be tested."""
    seen = [work.folder.manifest["observation"][str(layer)] for layer in work.plan.layers]
    if any(notes["testable"] for notes in seen):
        return
    most = max(notes["most_core_tokens"] for notes in seen)
    if work.plan.config.observe.cross_fit:
        msg = (
            f"Too few eligible tokens in both halves of the text: no neuron has {MIN_TOKENS} core tokens of the even "
            f"documents that the odd ones hold, the most is {most}. Give more text, or leave --cross-fit out."
        )
        raise DataError(msg)
    msg = (
        f"Too few eligible tokens: no neuron has {MIN_TOKENS} core tokens, the most is {most}. "
        "Give more text, or a lower --min-count."
    )
    raise DataError(msg)


def _keep(work: Work[Plan], observation: Observation, eligible: np.ndarray, group: np.ndarray) -> None:
    """Select core tokens of one layer and write them."""
    folder, config, layer = work.folder, work.plan.config.observe, observation.layer
    neurons = observation.populations["neurons"]
    min_count, notes = _min_count(work, neurons, eligible)
    selection: dict[str, Any] = {
        "core_tokens": config.core_tokens,
        "min_count": min_count,
        "cross_fit": config.cross_fit,
    }
    for name, activations in observation.populations.items():
        core = select(activations, eligible, **selection)
        folder.write(folder.layer_file(f"{name}/core_tokens", layer), core_tokens_table(core))
        shards = observation.shards.get(name)
        frame, share = _leave_out_core_tokens(activations, shards, eligible, group, selection)
        folder.write(folder.layer_file(f"jackknife/{name}/core_tokens", layer), frame)
        if shards is not None:
            curve = settle(shards, eligible, core_tokens=config.core_tokens, min_count=min_count, seed=config.seed)
            folder.write(folder.layer_file(f"{name}/settling", layer), settling_table(curve))
        if activations.parts == 2 and name in RETESTED:
            frame = _halves_core_tokens(activations, eligible, config.core_tokens, min_count)
            folder.write(folder.layer_file(f"halves/{name}/core_tokens", layer), frame)
        if name == "neurons":
            notes |= {"testable": int((core.n >= MIN_TOKENS).sum()), "most_core_tokens": int(core.n.max())}
            notes["share"] = share
            if neurons.parts == 2:
                notes |= {column: _median(getattr(core, column)) for column in ("reliability", *MAYBE)}
    folder.manifest["observation"][str(layer)] = notes
    count = neurons.count.sum(axis=0)
    folder.write(folder.path / "vocabulary.parquet", vocabulary_table(work.plan.vocabulary, count))


def _median(values: np.ndarray) -> float:
    """Return the median of what is defined; NaN when nothing is."""
    defined = values[np.isfinite(values)]
    return float(np.median(defined)) if len(defined) else float("nan")


def _min_count(work: Work[Plan], neurons: TokenActivations, eligible: np.ndarray) -> tuple[int, dict[str, Any]]:
    """Return the count that makes a token eligible, and what to say of it."""
    config = work.plan.config.observe
    if work.plan.mode == "vocabulary":
        return 1, {"min_count": 1}
    if config.min_count != "auto":
        return config.min_count, {"min_count": config.min_count}
    chosen, reliability = choose_min_count(
        neurons, eligible, core_tokens=config.core_tokens, cross_fit=config.cross_fit
    )
    if not reliability >= RELIABLE:
        found = f"with {reliability:.2f}" if np.isfinite(reliability) else "too short to say how reliable"
        work.progress.say(
            f"Layer {neurons.layer}: no minimum count makes the median neuron reliable ({RELIABLE}); the best is "
            f"{chosen}, {found}. More text would help."
        )
    return chosen, {"min_count": chosen, "min_count_reliability": reliability}


def _leave_out_core_tokens(
    activations: TokenActivations,
    shards: TokenActivations | None,
    eligible: np.ndarray,
    group: np.ndarray,
    selection: dict[str, Any],
) -> tuple[pl.DataFrame, list[float]]:
    """Return sampled neurons' core tokens with all groups (-1) and with each left out, and the groups' shares.

    Groups are shards of text in corpus mode, orthants of the vocabulary in vocabulary mode.
    """
    frames = []
    if shards is not None:
        weight = shards.count.sum(axis=1).astype(float)
        for g in range(-1, shards.parts):
            part = _without(shards, g, parts=2 if selection["cross_fit"] else 1)
            frames.append(core_tokens_table(select(part, eligible, **selection)).with_columns(group=pl.lit(g)))
    else:
        some = activations.columns(sample(len(activations.neuron), JACKKNIFE_NEURONS))
        weight = np.bincount(group[eligible], minlength=int(group.max()) + 1).astype(float)
        groups = range(-1, len(weight))
        for g, core in zip(
            groups,
            select_without(some, eligible, group, groups, core_tokens=selection["core_tokens"]),
            strict=True,
        ):
            frames.append(core_tokens_table(core).with_columns(group=pl.lit(g)))
    used = np.flatnonzero(weight > 0)
    frame = pl.concat(frames).filter(pl.col("group").is_in([-1, *used.tolist()]))
    return frame, [float(w) for w in weight[used] / weight.sum()]


def _halves_core_tokens(
    activations: TokenActivations, eligible: np.ndarray, core_tokens: int, min_count: int
) -> pl.DataFrame:
    """Return the core tokens that sampled neurons have in the even (0) and in the odd documents (1)."""
    some = activations.columns(sample(len(activations.neuron), RETEST_NEURONS))
    halves = select_halves(some, eligible, core_tokens=core_tokens, min_count=min_count)
    return pl.concat(core_tokens_table(core).with_columns(half=pl.lit(half)) for half, core in enumerate(halves))


def sample(size: int, most: int) -> np.ndarray:
    """Return evenly spaced neurons: all, when there are few."""
    return np.linspace(0, size - 1, min(most, size)).astype(int)


def _without(shards: TokenActivations, dropped: int, *, parts: int) -> TokenActivations:
    """Add the shards up but for one (-1: none), in one part or in the two halves: even and odd shards."""
    shard = np.arange(shards.parts)
    members = [(shard % parts == part) & (shard != dropped) for part in range(parts)]
    total = np.stack([shards.total[some].sum(axis=0, dtype=np.float64).astype(np.float32) for some in members])
    return replace(shards, count=np.stack([shards.count[some].sum(axis=0) for some in members]), total=total)
