"""Tasks: what is observed, and how large the tables are that it fills."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from intraneuron.kernels.scatter import Rows, compact_rows
from intraneuron.models.texts import SHARDS, Windows
from intraneuron.models.twins import rotated_rows
from intraneuron.pipeline.select import sampled

if TYPE_CHECKING:
    from intraneuron.models.loading import LoadedModel
    from intraneuron.models.sites import Site

JACKKNIFE_NEURONS = 256
"""Neurons of a layer and population whose sums are also kept shard by shard."""

_SUBSET = 3  # last word of seeds; models/twins.py has 1, pipeline/passes.py 2


@dataclass(frozen=True)
class Task:
    """What is observed: the windows, and the rows of the tables that their positions add to.

    Attributes
    ----------
    model : LoadedModel
    windows : Windows
    seed : int
    corpus : bool
        Two halves and SHARDS shards; else one part.
    rotated : bool
        Whether the rotated twin is wanted.
    most : int, optional
        Only the first so many neurons of a layer; all when not given.
    inputs : bool
        Whether what enters the layer is summed, too.
    """

    model: LoadedModel
    windows: Windows
    seed: int
    corpus: bool
    rotated: bool
    most: int | None = None
    inputs: bool = False

    @property
    def parts(self) -> int:
        """H."""
        return 2 if self.corpus else 1

    @cached_property
    def halves(self) -> Rows:
        """Rows by (half, token); by token in vocabulary mode."""
        return self._rows(self.windows.shard % self.parts, self.parts)

    @cached_property
    def shards(self) -> Rows:
        """Rows by (shard, token)."""
        return self._rows(self.windows.shard, SHARDS)

    def _rows(self, part: np.ndarray, parts: int) -> Rows:
        size = len(self.model.vocabulary)
        key = part[:, None].astype(np.int64) * size + self.windows.token_id
        return compact_rows(key, self.windows.counted, parts * size)

    def sizes(self, site: Site) -> dict[str, int]:
        """Return how many neurons of each population a layer has."""
        n = site.n_neurons if self.most is None else min(site.n_neurons, self.most)
        return {"neurons": n} | ({"rotated": rotated_rows(site)} if self.rotated else {})

    def sums_inputs(self, piece: Piece) -> bool:
        """Return whether a piece holds the sums of what enters its layer: the first of a layer does."""
        return self.inputs and piece.index == 0

    def subset(self, site: Site, population: str) -> np.ndarray:
        """Return the keyed neurons of a population that are also summed shard by shard, int64 (n,)."""
        sizes = self.sizes(site)
        stream = np.random.default_rng([self.seed, site.layer, list(sizes).index(population), _SUBSET])
        size = sizes[population]
        return np.sort(stream.choice(size, min(size, JACKKNIFE_NEURONS), replace=False))


@dataclass(frozen=True)
class Piece:
    """Neurons of one layer that are observed in one pass: all of them, or a slice where a layer does not fit.

    Slices cut every population of the layer in ``of`` parts. The first also holds what is kept of the layer as a whole:
    the sums shard by shard, and those of a sample of neurons.
    """

    site: Site
    index: int = 0
    of: int = 1

    @property
    def layer(self) -> int:
        """Layer of the neurons."""
        return self.site.layer

    def columns(self, size: int) -> slice:
        """Return which neurons of a population of this size are in the piece.

        >>> Piece(None, 1, 3).columns(10)
        slice(3, 6, None)
        """
        return slice(size * self.index // self.of, size * (self.index + 1) // self.of)

    def sample(self, size: int) -> np.ndarray | None:
        """Return the sample of neurons that is kept of the whole layer beside its first slice; else None."""
        return np.arange(size)[sampled(size)] if self.of > 1 and self.index == 0 else None
