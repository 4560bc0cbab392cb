"""The full range: from the sums that a study keeps and its vectors, how alike the tokens of each percentile are.

No model is needed: what the stage reads is on disk.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from intraneuron.data import Percentiles, Space, TokenActivations, parse_neuron
from intraneuron.errors import SettingError
from intraneuron.keeping import sample
from intraneuron.kernels.jackknife import jackknife_parts
from intraneuron.kernels.orthants import orthants
from intraneuron.models.words import eligible_tokens
from intraneuron.pipeline.percentiles import PERCENTILES, Range, percentiles, percentiles_without, whole_range
from intraneuron.spaces import StudySpaces
from intraneuron.store import StudyFolder
from intraneuron.sum_tables import SUMMED, read_sums
from intraneuron.tables import jackknife_table, percentiles_table, read_percentiles_table
from intraneuron.tensors import blocks_of
from intraneuron.work import Work

FOLDER = "percentiles"
"""The tables' folder in that of a population."""

BLOCK = 256
"""Neurons whose sums are in memory at a time."""

SAMPLED = 512
"""Neurons of a layer and population that intervals are estimated from, evenly spaced."""


class Ranges:
    """The tokens of the full range, for each layer and population of a study; those of several are made once."""

    def __init__(self, folder: StudyFolder) -> None:
        self._folder, self._vocabulary = folder, folder.vocabulary()
        self._seen = folder.read(folder.path / "vocabulary.parquet")["count"].to_numpy()
        self._spaces = StudySpaces.of_study(folder)
        self._made: dict[tuple[str, int], Range] = {}

    def space(self, population: str, layer: int) -> Space:
        """Return the space that a population of a layer is compared in."""
        return self._spaces.of(population, layer)

    def eligible(self, layer: int) -> np.ndarray:
        """Return the tokens that could be core tokens of the layer if they were active, bool (V,)."""
        words = bool(self._folder.manifest["settings"]["observe"].get("words", False))
        at_least = int(self._folder.manifest["observation"][str(layer)]["min_count"])
        text = eligible_tokens(self._vocabulary, self.space("neurons", layer), words=words)
        found: np.ndarray = text & (self._seen >= at_least)
        return found

    def of(self, population: str, layer: int) -> Range:
        """Return the tokens of a population of a layer."""
        at_least = int(self._folder.manifest["observation"][str(layer)]["min_count"])
        key = self.space(population, layer).name, at_least
        if key not in self._made:
            if self._spaces.by_layer:  # those of other layers are not asked for again
                self._made.clear()
            self._made[key] = whole_range(self.space(population, layer), self.eligible(layer))
        return self._made[key]


def full_range_stage(work: Work) -> None:
    """Cut every neuron's whole vocabulary into 100 percentiles; for sampled neurons, also without groups of tokens."""
    ranges = Ranges(work.folder)
    summed = [name for name in work.observed if name in SUMMED]
    done, total = 0, work.n_rows(summed)
    with work.progress.stage("full range", "neurons") as report:
        for layer in work.layers:
            group = orthants(ranges.space("neurons", layer).vector, ranges.eligible(layer))
            for name in summed:
                parts = []
                for sums in _in_blocks(work.folder, name, layer):
                    parts.append(percentiles(sums, ranges.of(name, layer)))
                    done += len(sums.neuron)
                    report(min(done, total), total)
                found = Percentiles.concatenate(parts)
                work.folder.write(work.folder.layer_file(f"{name}/{FOLDER}", layer), percentiles_table(found))
                left_out = _left_out(work.folder, name, layer, ranges.of(name, layer), group)
                work.folder.write(work.folder.layer_file(f"jackknife/{name}/{FOLDER}", layer), left_out)
            work.finish(layer)


def _in_blocks(folder: StudyFolder, population: str, layer: int) -> Iterator[TokenActivations]:
    for some in blocks_of(len(folder.core_tokens(population, layer)), BLOCK):
        yield read_sums(folder, population, layer, range(some.start, some.stop))


def _left_out(folder: StudyFolder, population: str, layer: int, over: Range, group: np.ndarray) -> pl.DataFrame:
    """Return the parts of the jackknife of a layer's mean percentiles, from evenly spaced neurons."""
    size = len(folder.core_tokens(population, layer))
    sums = read_sums(folder, population, layer, sample(size, SAMPLED).tolist())
    full, without, share = percentiles_without(sums, over, group)
    if len(share) < 2:  # nothing would be left
        return jackknife_table(np.full((3, 1, PERCENTILES), np.nan))
    return jackknife_table(jackknife_parts(full, without, share, size))


def full_range(folder: StudyFolder, name: str, population: str = "neurons") -> pl.DataFrame:
    """Return a row a percentile of one neuron, or twin, e.g. ``L1N204``: from the tables, or computed on the spot.

    Raises
    ------
    StudyError
        When the study keeps no sums of the layer, or a file is damaged.
    SettingError
        When there is no such neuron or population.
    """
    layer, neuron = parse_neuron(name)
    if population not in SUMMED:
        msg = f"population must be one of {', '.join(SUMMED)}: only they have a full range, got {population!r}."
        raise SettingError(msg)
    found = _known(folder, population, layer, neuron)
    if found is None:
        sums = read_sums(folder, population, layer, [neuron])
        found = percentiles(sums, Ranges(folder).of(population, layer))
    return pl.DataFrame(
        {
            "percentile": np.arange(1, PERCENTILES + 1, dtype=np.int32),
            "tokens": found.tokens,
            "homogeneity": found.homogeneity[0],
            "null_mean": found.null_mean,
            "z": found.z[0],
            "p": found.p[0],
        }
    )


def _known(folder: StudyFolder, population: str, layer: int, neuron: int) -> Percentiles | None:
    """Return what the study's tables say of a neuron, if it has them and there is such a neuron."""
    file = folder.layer_file(f"{population}/{FOLDER}", layer)
    if not file.is_file():
        return None
    frame = folder.read(file, lambda table: table.filter(pl.col("neuron") == neuron))
    return read_percentiles_table(frame) if len(frame) else None
