"""The rows of one population and layer in each long table. Ranks and groups count from 1; undefined is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from intraneuron.config import LongTable
from intraneuron.data import CoreTokens, Effect, Partition
from intraneuron.manifest import damaged
from intraneuron.store import StudyFolder
from intraneuron.tables import read_core_tokens_table, read_effect_table, read_partition_table


@dataclass(frozen=True)
class Part:
    """What is exported at a time: all neurons (None), or some, of one population and layer.

    ``token`` are the texts of the vocabulary, by token id.
    """

    folder: StudyFolder
    population: str
    layer: int
    neurons: tuple[int, ...] | None
    token: pl.Series

    def read(self, table: str) -> pl.DataFrame:
        """Read the part's rows of a layer's table, e.g. ``core_tokens``."""
        file = self.folder.layer_file(f"{self.population}/{table}", self.layer)
        return self.folder.read(file, self._pick)

    def results(self) -> pl.DataFrame:
        """Read the part's rows of ``results.parquet``."""
        file = self.folder.path / self.population / "results.parquet"
        return self.folder.read(file, lambda lazy: self._pick(lazy.filter(pl.col("layer") == self.layer)))

    def core(self) -> CoreTokens:
        """Read core tokens."""
        return read_core_tokens_table(self.read("core_tokens"))

    def effect(self, question: str) -> Effect:
        """Read the answers to a question."""
        return read_effect_table(self.read(f"effects/{question}"), question)

    def _pick(self, lazy: pl.LazyFrame) -> pl.LazyFrame:
        return lazy if self.neurons is None else lazy.filter(pl.col("neuron").is_in(self.neurons))


def neurons(part: Part) -> pl.DataFrame:
    """Return a row a neuron: what ``results.parquet`` holds of it, without the lists, and the layer's minimum count."""
    min_count = int(part.folder.manifest["observation"][str(part.layer)]["min_count"])
    return part.results().with_columns(population=pl.lit(part.population), min_count=pl.lit(min_count))


def tokens(part: Part) -> pl.DataFrame:
    """Return a row a core token, the most active first."""
    core = part.core()
    categories = read_partition_table(part.read("categories"), "meaning", "")
    segments = read_partition_table(part.read("segments"), "activation", "")
    there = np.arange(core.width) < core.n[:, None]
    row, rank = np.nonzero(there)
    columns: dict[str, Any] = {
        **_names(part, core, row),
        "rank": rank + 1,
        "token_id": core.token_id[there],
        "token": part.token.gather(core.token_id[there].astype(np.uint32)),
        "activation": core.activation[there],
        "count": core.count[there],
        "category": categories.label[there] + 1,
        "segment": segments.label[there] + 1,
    }
    unknown = [pl.when(pl.col(name) > 0).then(pl.col(name)) for name in ("count", "category", "segment")]
    return pl.DataFrame(columns).with_columns(unknown)


def categories(part: Part) -> pl.DataFrame:
    """Return a row a category: its words, and how its activations compare with those of the others."""
    core, table = part.core(), part.read("categories")
    own = read_partition_table(table, "meaning", "")
    row, group = _groups(own)
    size, total = _sums(own, core.activation)
    delta, share = part.effect("category_delta"), part.effect("selectivity")
    columns = {
        **_names(part, core, row),
        "category": group + 1,
        "size": size[row, group],
        **_words(part, table, len(row)),
        "mean_activation": total[row, group] / size[row, group],
        "cliffs_delta": _at(delta.observed, row, group),
        **_tests("cliffs_delta", delta, row, group),
        "activation_share": _at(share.observed, row, group),
        "activation_share_null": _at(share.null_mean, row, group),
        "activation_share_null_sd": _at(share.null_std, row, group),
        "selectivity": _at(share.effect_size, row, group),
        "selectivity_p": _at(share.p, row, group),
        "selectivity_q": _at(share.q, row, group),
    }
    return pl.DataFrame(columns)


def segments(part: Part) -> pl.DataFrame:
    """Return a row a segment: its bounds, its homogeneity in meaning, and the categories in it."""
    core, table = part.core(), part.read("segments")
    own = read_partition_table(table, "activation", "")
    row, group = _groups(own)
    size, _ = _sums(own, core.activation)
    bound = table["bound"].to_numpy()
    zone, stepdown = part.effect("homogeneity"), part.effect("homogeneity_stepdown")
    purity, entropy = part.effect("segment_purity"), part.effect("segment_entropy")
    with np.errstate(invalid="ignore", divide="ignore"):
        z = zone.effect_size / zone.null_std
    columns = {
        **_names(part, core, row),
        "segment": group + 1,
        "size": size[row, group],
        "high": bound[row, group],
        "low": bound[row, group + 1],
        "homogeneity": _at(zone.observed, row, group),
        "homogeneity_z": _at(z, row, group),
        **_tests("homogeneity", zone, row, group),
        **_tests("stepdown", stepdown, row, group),
        "purity": _at(purity.observed, row, group),
        **_tests("purity", purity, row, group),
        "entropy": _at(entropy.observed, row, group),
        **_tests("entropy", entropy, row, group),
    }
    return pl.DataFrame(columns)


ROWS: dict[LongTable, Callable[[Part], pl.DataFrame]] = {
    "neurons": neurons,
    "tokens": tokens,
    "categories": categories,
    "segments": segments,
}
"""How the rows of each table are made; order and types of columns are those of ``columns.py``."""


def _names(part: Part, core: CoreTokens, row: np.ndarray) -> dict[str, Any]:
    whose = pl.repeat(part.population, len(row), dtype=pl.String, eager=True)
    return {"population": whose, "layer": core.layer[row], "neuron": core.neuron[row]}


def _groups(partition: Partition) -> tuple[np.ndarray, np.ndarray]:
    """Return the row and the number of every group, neuron by neuron."""
    width = int(partition.n_groups.max(initial=0))
    row, group = np.nonzero(np.arange(width) < partition.n_groups[:, None])
    return row, group


def _sums(partition: Partition, activation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many tokens each group has, and the sum of their activations, (N, G)."""
    inside = [partition.label == group for group in range(int(partition.n_groups.max(initial=0)))]
    if not inside:
        return np.zeros((len(activation), 0), np.int64), np.zeros((len(activation), 0))
    total = [np.where(own, activation, 0.0).sum(axis=1) for own in inside]
    return np.stack([own.sum(axis=1) for own in inside], axis=1), np.stack(total, axis=1)


def _at(table: np.ndarray, row: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return the entries of some groups; undefined where a table has no column for one."""
    found = np.full(len(row), np.nan)
    has = group < table.shape[1]
    found[has] = table[row[has], group[has]]
    return found


def _tests(name: str, effect: Effect, row: np.ndarray, group: np.ndarray) -> dict[str, np.ndarray]:
    columns = {"null": effect.null_mean, "null_sd": effect.null_std, "p": effect.p, "q": effect.q}
    return {f"{name}_{end}": _at(table, row, group) for end, table in columns.items()}


def _words(part: Part, table: pl.DataFrame, rows: int) -> dict[str, pl.Series]:
    """Return the words of every category, each a column."""
    words = table.filter(pl.col("n_categories") > 0)["words"].explode()
    if len(words) != rows:
        file = part.folder.layer_file(f"{part.population}/categories", part.layer)
        raise damaged(file, f"it has the words of {len(words)} categories, but {rows} categories")
    return {f"word_{i + 1}": words.list.get(i, null_on_oob=True) for i in range(3)}
