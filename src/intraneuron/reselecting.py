"""The core tokens of a study under other selections: the first of its own, or selected anew from the sums it keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from intraneuron.config import PUBLISHED, SpaceConfig
from intraneuron.data import CoreTokens, TokenActivations
from intraneuron.keeping import sample
from intraneuron.kernels.orthants import orthants
from intraneuron.models.words import forms_of
from intraneuron.offering import Offered
from intraneuron.pipeline.leave_out import select_without
from intraneuron.pipeline.select import select
from intraneuron.pipeline.specifications import Selection
from intraneuron.pipeline.vary import Chosen
from intraneuron.sum_tables import read_sums
from intraneuron.tables import read_core_tokens_table

BLOCK = 256
"""Neurons whose sums are read at a time."""


class Reselected:
    """The core tokens of a study's neurons and twins of reference, a layer at a time."""

    def __init__(self, offered: Offered, neurons: int) -> None:
        """Take a study, and how many neurons of a layer are wanted; 0: all."""
        self._offered, self._neurons, self._folder = offered, neurons, offered.folder
        self._populations = ("neurons", offered.reference)

    def pairs(self, layer: int, wanted: Sequence[Selection]) -> Iterator[tuple[Selection, tuple[Chosen, Chosen]]]:
        """Yield the core tokens of neurons and twins under each selection."""
        anew = [one for one in wanted if not self._offered.is_kept(one)]
        made = [self._from_sums(name, layer, anew) if anew else {} for name in self._populations]
        for selection in wanted:
            if selection in anew:
                yield selection, (made[0][selection], made[1][selection])
            else:
                first, second = (self._kept(name, layer, selection) for name in self._populations)
                yield selection, (first, second)

    def _kept(self, population: str, layer: int, selection: Selection) -> Chosen:
        """Return the study's own core tokens, or the first of them, with those of its jackknife."""
        core, mode = self._folder.core_tokens(population, layer), self._offered.settings["mode"]
        parts = self._jackknife(population, layer)
        rows, some = self._sampled(core, parts[0])
        full, *without = [_first(part[some], selection.core_tokens) for part in parts]
        notes = self._folder.manifest["observation"][str(layer)]
        share = np.array(notes.get("shares", {}).get(population, notes["share"]))
        own = _first(core[rows], selection.core_tokens)
        how = {"refilled": mode != PUBLISHED, "texts": mode == "corpus"}
        return Chosen(own, full, tuple(without), share, population=len(core), **how)

    def _jackknife(self, population: str, layer: int) -> list[CoreTokens]:
        """Return the core tokens of some neurons with everything, and without each group that the study left out."""
        frame = self._folder.read(self._folder.layer_file(f"jackknife/{population}/core_tokens", layer))
        group, every = frame["group"].to_numpy(), read_core_tokens_table(frame)
        return [every[group == g] for g in np.unique(group)]

    def _sampled(self, core: CoreTokens, kept: CoreTokens) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that means are taken over, and those of a jackknife that intervals are estimated from.

        They are the same neurons, unless more are wanted than the study has left tokens out of.
        """
        count = min(self._neurons or len(core), len(core))
        some = sample(len(kept), count)
        if count > len(kept):
            return sample(len(core), count), some
        return np.flatnonzero(np.isin(core.neuron, kept.neuron[some])), some

    def _from_sums(self, population: str, layer: int, wanted: list[Selection]) -> dict[Selection, Chosen]:
        """Return core tokens that are selected anew; groups of tokens are left out of them, in texts too."""
        core, kept = self._folder.core_tokens(population, layer), self._jackknife(population, layer)[0]
        rows, some = self._sampled(core, kept)
        eligible = self._offered.eligible
        embeddings = self._offered.space(SpaceConfig("input"), self._offered.layers[0])
        group = orthants(embeddings.vector, eligible)
        weight = np.bincount(group[eligible], minlength=int(group.max()) + 1).astype(float)
        used = np.flatnonzero(weight > 0)
        whole: dict[Selection, list[CoreTokens]] = {selection: [] for selection in wanted}
        for block in self._sums(population, layer, rows):
            for selection, parts in whole.items():
                parts.append(select(block, eligible, **self._how(selection, layer)))
        lacking: dict[Selection, list[list[CoreTokens]]] = {selection: [] for selection in wanted}
        for block in self._sums(population, layer, kept.neuron[some]):
            for selection, blocks in lacking.items():
                blocks.append(self._without(block, eligible, group, [-1, *map(int, used)], selection, layer))
        share = weight[used] / weight.sum()
        out = {}
        for selection, blocks in lacking.items():
            full, *without = [CoreTokens.concatenate(parts) for parts in zip(*blocks, strict=True)]
            own = CoreTokens.concatenate(whole[selection])
            how: dict[str, Any] = {"refilled": True, "texts": False, "population": len(core)}
            out[selection] = Chosen(own, full, tuple(without), share, **how)
        return out

    def _without(
        self,
        some: TokenActivations,
        eligible: np.ndarray,
        group: np.ndarray,
        groups: list[int],
        selection: Selection,
        layer: int,
    ) -> list[CoreTokens]:
        """Select with each group of tokens left out; only tokens that were seen often enough are eligible."""
        how = self._how(selection, layer)
        seen = some.count.sum(axis=0) >= how["min_count"]
        if selection.cross_fit:
            return [select(some, eligible & (group != g), **how) for g in groups]
        usual = {name: how[name] for name in ("core_tokens", "form", "sign")}
        return select_without(some, eligible & seen, group, groups, **usual)

    def _how(self, selection: Selection, layer: int) -> dict[str, Any]:
        notes = self._folder.manifest["observation"][str(layer)]
        return {
            "core_tokens": selection.core_tokens,
            "min_count": int(notes["min_count"]),
            "cross_fit": selection.cross_fit,
            "form": forms_of(self._offered.vocabulary, selection.forms),
            "sign": selection.sign,
        }

    def _sums(self, population: str, layer: int, rows: np.ndarray) -> Iterator[TokenActivations]:
        """Yield the sums of so many neurons at a time; of a model's populations, row i is neuron i."""
        for start in range(0, len(rows), BLOCK):
            yield read_sums(self._folder, population, layer, rows[start : start + BLOCK].tolist())


def _first(core: CoreTokens, width: int) -> CoreTokens:
    """Return the first tokens of every row."""
    arrays: Mapping[str, np.ndarray] = {
        name: np.ascontiguousarray(getattr(core, name)[:, :width]) for name in ("token_id", "activation", "count")
    }
    return replace(core, n=np.minimum(core.n, width).astype(core.n.dtype), **arrays)
