"""What is kept of an observation: core tokens, of all text and of parts of it, slice by slice of a layer's neurons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from intraneuron.config import MIN_TOKENS
from intraneuron.data import TokenActivations
from intraneuron.data.core_tokens import MAYBE
from intraneuron.models.words import forms_of
from intraneuron.pipeline.leave_out import select_without
from intraneuron.pipeline.retest import RETESTED
from intraneuron.pipeline.select import RELIABLE, choose_min_count, select, select_halves
from intraneuron.pipeline.settling import settle
from intraneuron.planning import Plan
from intraneuron.tables import core_tokens_table, read_core_tokens_table, settling_table
from intraneuron.work import Work

if TYPE_CHECKING:
    from intraneuron.pipeline.observe import Observation

JACKKNIFE_NEURONS = 512
"""Neurons of a layer and population that intervals are estimated from in vocabulary mode, where leaving tokens out
needs no further sums. (In corpus mode sums are kept shard by shard: :mod:`intraneuron.pipeline.task`.)"""

RETEST_NEURONS = 2000
"""Neurons of a layer and population whose core tokens are also kept for each half of the text."""


class KeptLayer:
    """The tables that a study keeps of one layer's observation.

    Attributes
    ----------
    notes : dict
        What the manifest says of the layer.
    """

    def __init__(self, work: Work[Plan], layer: int, eligible: np.ndarray, group: np.ndarray) -> None:
        """Start with nothing; ``group`` are the groups of tokens that the jackknife leaves out, (V,)."""
        self.notes: dict[str, Any] = {}
        self._said: dict[str, Any] = {}
        self._work, self._layer = work, layer
        self._eligible, self._group = eligible, group
        self._form = forms_of(work.plan.vocabulary, work.plan.config.observe.forms)
        self._frames: dict[str, dict[int, pl.DataFrame]] = defaultdict(dict)

    def take(self, index: int, frames: Mapping[str, pl.DataFrame], notes: Mapping[str, Any]) -> None:
        """Take the tables of a slice, and what was noted of the layer."""
        for table, frame in frames.items():
            self._frames[table][index] = frame
        self.notes |= notes

    def note(self, said: Mapping[str, Any]) -> None:
        """Note something of the layer that is not found in its observation."""
        self._said = dict(said)

    def add(self, observation: Observation) -> dict[str, pl.DataFrame]:
        """Select core tokens of a layer, or of a slice of it, and return their tables by name.

        What makes a token eligible is decided with the neurons' first slice, which comes first.
        """
        if not self.notes:
            self.notes |= self._min_count(observation.sample or observation.populations["neurons"])
        frames: dict[str, pl.DataFrame] = {}
        for name, activations in observation.populations.items():
            frames |= self._of_population(name, activations, observation)
        self.take(observation.index, frames, {})
        return frames

    def write(self) -> None:
        """Write the layer's tables, and what the manifest says of it."""
        folder = self._work.folder
        for table, slices in self._frames.items():
            frame = pl.concat([slices[index] for index in sorted(slices)])
            order = [column for column in ("group", "half") if column in frame.columns and len(slices) > 1]
            folder.write(
                folder.layer_file(table, self._layer), frame.sort(*order, maintain_order=True) if order else frame
            )
            if table == "neurons/core_tokens":
                core = read_core_tokens_table(frame)
                self.notes |= {"testable": int((core.n >= MIN_TOKENS).sum()), "most_core_tokens": int(core.n.max())}
                if self._work.plan.mode == "corpus":
                    self.notes |= {column: _median(getattr(core, column)) for column in ("reliability", *MAYBE)}
        names = ("min_count", "min_count_reliability", "testable", "most_core_tokens", "share", "reliability", *MAYBE)
        said = {name: self.notes[name] for name in names if name in self.notes} | self._said
        folder.manifest["observation"][str(self._layer)] = said

    def _of_population(
        self, name: str, activations: TokenActivations, observation: Observation
    ) -> dict[str, pl.DataFrame]:
        config = self._work.plan.config.observe
        selection: dict[str, Any] = {
            "core_tokens": config.core_tokens,
            "min_count": self.notes["min_count"],
            "cross_fit": config.cross_fit,
            "form": self._form,
            "sign": config.sign,
        }
        frames = {f"{name}/core_tokens": core_tokens_table(select(activations, self._eligible, **selection))}
        shards, size = observation.shards.get(name), observation.sizes[name]
        if shards is not None:
            frames[f"jackknife/{name}/core_tokens"] = self._without_shards(shards, selection)
            chosen = {name: value for name, value in selection.items() if name != "cross_fit"}
            frames[f"{name}/settling"] = settling_table(settle(shards, self._eligible, seed=config.seed, **chosen))
        if activations.parts == 1:
            some = _sampled(activations, size, JACKKNIFE_NEURONS)
            frames |= (
                {f"jackknife/{name}/core_tokens": self._without_tokens(some, selection)} if len(some.neuron) else {}
            )
        elif name in RETESTED and len((some := _sampled(activations, size, RETEST_NEURONS)).neuron):
            chosen = {name: value for name, value in selection.items() if name != "cross_fit"}
            halves = enumerate(select_halves(some, self._eligible, **chosen))
            both = [core_tokens_table(core).with_columns(half=pl.lit(half)) for half, core in halves]
            frames[f"halves/{name}/core_tokens"] = pl.concat(both)
        return frames

    def _min_count(self, neurons: TokenActivations) -> dict[str, Any]:
        """Return the count that makes a token eligible, and what to say of it."""
        config = self._work.plan.config.observe
        if self._work.plan.mode == "vocabulary":
            return {"min_count": 1}
        if config.min_count != "auto":
            return {"min_count": config.min_count}
        how: dict[str, Any] = {"cross_fit": config.cross_fit, "form": self._form, "sign": config.sign}
        chosen, reliability = choose_min_count(neurons, self._eligible, core_tokens=config.core_tokens, **how)
        if not reliability >= RELIABLE:
            found = f"with {reliability:.2f}" if np.isfinite(reliability) else "too short to say how reliable"
            self._work.progress.say(
                f"Layer {self._layer}: no minimum count makes the median neuron reliable ({RELIABLE}); the best is "
                f"{chosen}, {found}. More text would help."
            )
        return {"min_count": chosen, "min_count_reliability": reliability}

    def _without_shards(self, shards: TokenActivations, selection: dict[str, Any]) -> pl.DataFrame:
        """Return sampled neurons' core tokens with all shards of text (-1) and with each left out."""
        weight = shards.count.sum(axis=1).astype(float)
        parts = 2 if selection["cross_fit"] else 1
        frames = []
        for g in [-1, *self._share(weight)]:
            core = select(_without(shards, g, parts=parts), self._eligible, **selection)
            frames.append(core_tokens_table(core).with_columns(group=pl.lit(g)))
        return pl.concat(frames)

    def _without_tokens(self, some: TokenActivations, selection: dict[str, Any]) -> pl.DataFrame:
        """Return some neurons' core tokens with all tokens (-1) and with each orthant of them left out."""
        eligible, group = self._eligible, self._group
        weight = np.bincount(group[eligible], minlength=int(group.max()) + 1).astype(float)
        groups = [-1, *self._share(weight)]
        chosen = {name: selection[name] for name in ("core_tokens", "form", "sign")}
        cores = select_without(some, eligible, group, groups, **chosen)
        frames = [core_tokens_table(core).with_columns(group=pl.lit(g)) for g, core in zip(groups, cores, strict=True)]
        return pl.concat(frames)

    def _share(self, weight: np.ndarray) -> list[int]:
        """Note the share of each group that holds anything, and return these groups."""
        used = np.flatnonzero(weight > 0)
        self.notes.setdefault("share", [float(w) for w in weight[used] / weight.sum()])
        return [int(g) for g in used]


def _median(values: np.ndarray) -> float:
    """Return the median of what is defined; NaN when nothing is."""
    defined = values[np.isfinite(values)]
    return float(np.median(defined)) if len(defined) else float("nan")


def _sampled(activations: TokenActivations, size: int, most: int) -> TokenActivations:
    """Return those of a layer's evenly spaced neurons, ``most`` of ``size``, that a slice has."""
    return activations.columns(np.flatnonzero(np.isin(activations.neuron, sample(size, most))))


def sample(size: int, most: int) -> np.ndarray:
    """Return evenly spaced neurons: all, when there are few."""
    return np.linspace(0, size - 1, min(most, size)).astype(int)


def _without(shards: TokenActivations, dropped: int, *, parts: int) -> TokenActivations:
    """Add the shards up but for one (-1: none), in one part or in the two halves: even and odd shards."""
    shard = np.arange(shards.parts)
    members = [(shard % parts == part) & (shard != dropped) for part in range(parts)]
    total = np.stack([shards.total[some].sum(axis=0, dtype=np.float64).astype(np.float32) for some in members])
    return replace(shards, count=np.stack([shards.count[some].sum(axis=0) for some in members]), total=total)
