"""The stage that takes published lists as they are: core tokens of neurons and of the readout twin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from intraneuron.config import MIN_TOKENS
from intraneuron.data import CoreTokens, Space
from intraneuron.errors import DataError
from intraneuron.importing import ImportPlan
from intraneuron.keeping import JACKKNIFE_NEURONS, sample
from intraneuron.kernels.orthants import orthants
from intraneuron.pipeline.leave_out import leave_tokens_out, select_without
from intraneuron.pipeline.readout import readout
from intraneuron.pipeline.select import select
from intraneuron.sources.published import Published
from intraneuron.tables import core_tokens_table, vocabulary_table
from intraneuron.work import Work

READOUT_ROOM = 2**30
"""Bytes for readouts of all words along the directions that are taken at a time. No setting: with how many directions
a product is made may change its last digits."""

READOUT_BYTES = 28
"""What one readout takes while it is made."""


def list_stage(work: Work[ImportPlan]) -> None:
    """Keep the lists as core tokens, read random directions beside them, and keep those of the jackknife."""
    plan = work.plan
    space = plan.input_space()
    eligible = ~plan.vocabulary.special & space.defined
    group = word_groups(plan.source, eligible)
    with work.progress.stage("observe", "neurons") as report:
        done, total = 0, work.n_rows(["neurons"])
        for layer in work.layers:
            core, groups = plan.core_tokens(layer), range(int(group.max()) + 1)
            some = core[sample(len(core), JACKKNIFE_NEURONS)]
            kept = {"neurons": (core, [some, *leave_tokens_out(some, group, groups)])}
            if "readout" in work.own_twins:
                rows, seed = plan.n_rows("readout", layer), plan.config.observe.seed
                kept["readout"] = readouts(core, space, eligible, group, rows=rows, seed=seed)
            shares = {"neurons": _share(core.token_id, group), "readout": _share(np.flatnonzero(eligible), group)}
            _keep(work, layer, kept, shares)
            work.finish(layer)
            done += len(core)
            report(done, total)


def readouts(
    core: CoreTokens, space: Space, eligible: np.ndarray, group: np.ndarray, *, rows: int, seed: int
) -> tuple[CoreTokens, list[CoreTokens]]:
    """Return the core tokens of random directions of the space, as many a direction as a list of the layer holds.

    With them those of the first of these directions with each group of words left out, and before it with none: what
    a direction reads is known of every word, so others take the place of those that leave.
    """
    block = max(1, READOUT_ROOM // (READOUT_BYTES * len(eligible)))
    layer, once = int(core.layer[0]), np.ones((1, len(eligible)), dtype=np.int64)
    long = core.n >= MIN_TOKENS
    lengths = core.n[long] if long.any() else np.array([core.width])
    parts, without = [], []
    for first in range(0, rows, block):
        some = min(block, rows - first)
        found = readout(space, eligible, once, rows=some, layer=layer, seed=seed, first=first)
        size = lengths[np.arange(first, first + some) % len(lengths)]
        parts.append(_cut(select(found, eligible, core_tokens=core.width), size))
        left = found.columns(slice(max(0, JACKKNIFE_NEURONS - first)))
        if len(left.neuron):
            groups = range(-1, int(group.max()) + 1)
            again = select_without(left, eligible, group, groups, core_tokens=core.width)
            without.append([_cut(one, size[: len(one)]) for one in again])
    return _unseen(parts), [_unseen(some) for some in zip(*without, strict=True)]


def _cut(core: CoreTokens, size: np.ndarray) -> CoreTokens:
    """Leave each row its first so many tokens: top 20 of 30 is another thing than top 20 of 100."""
    beyond = np.arange(core.width) >= size[:, None]
    return replace(
        core,
        n=np.minimum(core.n, size).astype(np.int32),
        token_id=np.where(beyond, -1, core.token_id).astype(np.int32),
        activation=np.where(beyond, np.nan, core.activation),
    )


def _unseen(parts: Sequence[CoreTokens]) -> CoreTokens:
    """Put blocks of directions below each other: they are no sightings."""
    every = CoreTokens.concatenate(parts)
    return replace(every, count=np.full_like(every.count, -1))


def word_groups(source: Published, eligible: np.ndarray) -> np.ndarray:
    """Return the groups of words that are left out one by one, int16 (V,); -1 for a word in none.

    Orthants about the words that the lists of all layers hold, studied or not, so that layers share their groups. One
    in which no list has a word is none.

    Raises
    ------
    DataError
        When these words all point one way.
    """
    about = np.zeros(len(eligible), dtype=bool)
    for core in source.cores.values():
        about[core.token_id[core.token_id >= 0]] = True
    group = orthants(source.space.vector, eligible, about=about)
    used = np.unique(group[about])
    if len(used) < 2:
        msg = (
            "The words in the lists all have the same direction, so that nothing can be told from their likeness. "
            "Give other vectors (--vectors), or other columns of them (--columns)."
        )
        raise DataError(msg)
    return np.where(np.isin(group, used), np.searchsorted(used, group), -1).astype(np.int16)


def _keep(
    work: Work[ImportPlan],
    layer: int,
    kept: Mapping[str, tuple[CoreTokens, Sequence[CoreTokens]]],
    shares: Mapping[str, list[float]],
) -> None:
    """Write the core tokens of one layer, and those of the jackknife."""
    folder, (neurons, _) = work.folder, kept["neurons"]
    for name, (core, without) in kept.items():
        folder.write(folder.layer_file(f"{name}/core_tokens", layer), core_tokens_table(core))
        frames = [core_tokens_table(part).with_columns(group=pl.lit(g)) for g, part in enumerate(without, start=-1)]
        folder.write(folder.layer_file(f"jackknife/{name}/core_tokens", layer), pl.concat(frames))
    notes: dict[str, Any] = {
        "min_count": 0,
        "testable": int((neurons.n >= MIN_TOKENS).sum()),
        "most_core_tokens": int(neurons.n.max(initial=0)),
        "share": shares["neurons"],
        "shares": {name: shares[name] for name in kept if name != "neurons"},
    }
    folder.manifest["observation"][str(layer)] = notes
    unseen = np.zeros(len(work.plan.vocabulary), dtype=np.int64)
    folder.write(folder.path / "vocabulary.parquet", vocabulary_table(work.plan.vocabulary, unseen))


def _share(token_id: np.ndarray, group: np.ndarray) -> list[float]:
    """Return the share of some tokens that each group of words takes away.

    Of a group in which none of them is, that of half a token: it takes nothing away, and a share of 0 would weigh that
    nothing without end.
    """
    ids = token_id[token_id >= 0]
    size = np.bincount(group[ids] + 1, minlength=int(group.max()) + 2)  # the first: words in no group
    some = np.maximum(size[1:], 0.5)
    return [float(share) for share in some / (some.sum() + size[0])]
