"""The spaces of a study on disk: one for all layers, or one for each; whole, and centred when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from intraneuron.config import LAYER_INPUT, SpaceConfig
from intraneuron.data import Norms, Space, TokenActivations
from intraneuron.models.words import eligible_tokens
from intraneuron.place import NORMED
from intraneuron.space_files import read_vectors, space_file, write_vectors
from intraneuron.store import StudyFolder
from intraneuron.unfinished import Unfinished

if TYPE_CHECKING:
    from intraneuron.pipeline.observe import Observation

INPUTS = "inputs"
"""What a slice of a layer calls what enters it, among the sums that it keeps."""


def named_for(population: str, name: str) -> str:
    """Return the space of a population: that of the study, but the untrained model has its own, unless it is a file's.

    >>> named_for("rotated", "input"), named_for("untrained", "input"), named_for("untrained", "file")
    ('input', 'untrained-input', 'file')
    """
    return f"untrained-{name}" if population == "untrained" and not name.startswith("file") else name


def entered(found: TokenActivations) -> Space:
    """Return the space of what enters a layer: the direction of each token's mean vector, over all of the text.

    A token that was never seen has none.
    """
    seen = found.count.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = found.total.sum(axis=0, dtype=np.float64) / seen[:, None]
    return Space.from_vectors(LAYER_INPUT, mean)


@dataclass
class StudySpaces:
    """The spaces in which a study's populations are compared, read from its folder when they are asked for.

    Attributes
    ----------
    folder : StudyFolder
    config : SpaceConfig
    words : bool
        Whether only whole words may be core tokens: a centre is that of the tokens that may be.
    """

    folder: StudyFolder
    config: SpaceConfig
    words: bool = False
    _read: dict[str, Space] = field(default_factory=dict)
    _last: dict[str, tuple[int, Space]] = field(default_factory=dict)

    @classmethod
    def of_study(cls, folder: StudyFolder) -> StudySpaces:
        """Return the spaces that a study was made with."""
        settings = folder.manifest["settings"]
        return cls(folder, SpaceConfig(**settings["space"]), words=settings["observe"].get("words", False))

    @property
    def by_layer(self) -> bool:
        """Whether each layer has its own."""
        return self.config.space == LAYER_INPUT

    def name(self, population: str, layer: int) -> str:
        """Return what tells a space from the others of the study."""
        name = named_for(population, self.config.full_name)
        return f"{name}-{layer:02d}" if self.by_layer else name

    def of(self, population: str, layer: int) -> Space:
        """Return the space of a population in a layer; of spaces by layer only the last one stays in memory."""
        own = named_for(population, self.config.full_name)
        if not self.by_layer:
            if own not in self._read:
                self._read[own] = self.folder.read_space(own)
            return self._read[own]
        if self._last.get(own, (None,))[0] != layer:
            self._last[own] = layer, self._of_layer(population, layer)
        return self._last[own][1]

    def in_layers(self, layers: tuple[int, ...], population: str = "neurons") -> Mapping[int, Space]:
        """Return the spaces of a population by layer, each read when it is looked up."""
        return _Layers(self, layers, population)

    def _of_layer(self, population: str, layer: int) -> Space:
        space = self.folder.read_space(named_for(population, LAYER_INPUT), layer)
        if self.config.center:
            space = space.centered(eligible_tokens(self.folder.vocabulary(), space, words=self.words))
        return replace(space, name=self.name(population, layer))


@dataclass(frozen=True)
class _Layers(Mapping[int, Space]):
    spaces: StudySpaces
    layers: tuple[int, ...]
    population: str

    def __getitem__(self, layer: int) -> Space:
        if layer not in self.layers:
            raise KeyError(layer)
        return self.spaces.of(self.population, layer)

    def __iter__(self) -> Iterator[int]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)


class LayerInputs:
    """What enters a layer, on its way to disk: observed with the first slice, written when the layer is whole."""

    def __init__(self, unfinished: Unfinished, layer: int) -> None:
        self._unfinished, self._layer = unfinished, layer
        self._found: dict[str, Space] = {}

    def take(self, name: str) -> None:
        """Take what an earlier run has kept of a slice; ``name`` is what the slice is called on disk."""
        if INPUTS in self._unfinished.summed(name):
            space = read_vectors(self._kept(name), LAYER_INPUT)
            self._found[named_for(_population(name), LAYER_INPUT)] = space

    def add(self, observation: Observation, name: str) -> list[str]:
        """Take what was observed, and keep it beside the slice if it is one; return how the slice is to call it."""
        if observation.entering is None:
            return []
        space = entered(observation.entering)
        self._found[named_for(_population(name), LAYER_INPUT)] = space
        if observation.of > 1:
            write_vectors(self._kept(name), space, short=True)
        return [INPUTS]

    def write(self) -> None:
        """Write the spaces of the layer; those of an earlier observation go."""
        names = (named_for(population, LAYER_INPUT) for population in ("neurons", "untrained"))
        folder = self._unfinished.folder
        folder.withdraw(*(space_file(name, self._layer) for name in names if name not in self._found))
        for name, space in self._found.items():
            folder.write_space(replace(space, name=name), self._layer)

    def _kept(self, name: str) -> Path:
        return self._unfinished.sums_file(INPUTS, name)


def _population(name: str) -> str:
    """Return the population of a slice's name (:func:`intraneuron.twinning.slice_name`)."""
    return name.split("-")[1]


def write_norms(folder: StudyFolder, norms: Norms | None) -> None:
    """Write the categories that people gave to tokens; without any, those of an earlier run go."""
    if norms is None:
        folder.withdraw(NORMED)
        return
    token_id = np.flatnonzero(norms.category >= 0)
    named = [norms.name[category] for category in norms.category[token_id]]
    folder.write(folder.path / NORMED, pl.DataFrame({"token_id": token_id.astype(np.int32), "category": named}))


def read_norms(folder: StudyFolder) -> Norms | None:
    """Read the categories that people gave to tokens; None when there are none."""
    if not (folder.path / NORMED).is_file():
        return None
    frame = folder.read(folder.path / NORMED)
    names = frame["category"].unique(maintain_order=True).to_list()
    category = np.full(len(folder.vocabulary()), -1, dtype=np.int16)
    place = {name: i for i, name in enumerate(names)}
    category[frame["token_id"].to_numpy()] = [place[name] for name in frame["category"]]
    return Norms(tuple(names), category)
