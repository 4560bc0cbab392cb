"""What a study on disk offers: the spaces and the sums that its numbers can be computed from under other choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from intraneuron.config import LAYER_INPUT, PUBLISHED, PartitionConfig, SpaceConfig
from intraneuron.data import Space, Vocabulary
from intraneuron.errors import StudyError
from intraneuron.intact import is_whole
from intraneuron.manifest import same_command
from intraneuron.models.words import eligible_tokens
from intraneuron.pipeline.numbers import reference_of
from intraneuron.pipeline.specifications import Selection
from intraneuron.space_files import space_file
from intraneuron.spaces import StudySpaces
from intraneuron.store import StudyFolder
from intraneuron.sum_tables import sums_file


@dataclass
class Offered:
    """A finished study, as far as its numbers can be computed again under other settings.

    Attributes
    ----------
    folder : StudyFolder
    summary : dict
    """

    folder: StudyFolder
    summary: Mapping[str, Any] = field(init=False)
    _read: dict[SpaceConfig, Space] = field(default_factory=dict)
    _last: dict[SpaceConfig, tuple[int, Space]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.summary = self.folder.summary()
        if self.reference not in self.summary["populations"]:
            msg = (
                f"The study in {self.folder.path} has no {self.reference} twin, and robustness is that of the "
                f"difference from it. Run: {same_command(self.folder.path, '--twins', f'shuffled,{self.reference}')}"
            )
            raise StudyError(msg)
        self.vocabulary: Vocabulary = self.folder.vocabulary()

    @property
    def reference(self) -> str:
        """The twin that neurons are judged by."""
        return reference_of(self.summary)

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers of the study's last command."""
        return tuple(self.summary["layers"])

    @property
    def settings(self) -> Mapping[str, Any]:
        """The study's settings."""
        found: Mapping[str, Any] = self.folder.manifest["settings"]
        return found

    @property
    def published(self) -> bool:
        """Whether it is a study of published lists."""
        return bool(self.settings["mode"] == PUBLISHED)

    @property
    def own_space(self) -> SpaceConfig:
        """The study's own space."""
        return SpaceConfig(**self.settings["space"])

    @property
    def own_selection(self) -> Selection:
        """How the study itself chose core tokens."""
        observe = self.settings["observe"]
        names = [f.name for f in fields(Selection)]
        return Selection(**{name: observe[name] for name in names if name in observe})

    @property
    def own_partition(self) -> PartitionConfig:
        """The study's own partitions."""
        return PartitionConfig(**self.settings["partition"])

    # Spaces -------------------------------------------------------------------------------------------------

    def has_space(self, config: SpaceConfig) -> bool:
        """Tell whether a space is kept, or one that it can be made from."""
        if config.space == LAYER_INPUT:
            return all(is_whole(self.folder.path / space_file(LAYER_INPUT, layer)) for layer in self.layers)
        kept = [config.full_name] + ([replace(config, center=False).full_name] if config.center else [])
        return any(is_whole(self.folder.path / space_file(name)) for name in kept)

    def space(self, config: SpaceConfig, layer: int) -> Space:
        """Return a space in a layer; spaces of all layers are read once, of those by layer the last one is kept."""
        if config.space == LAYER_INPUT:
            if self._last.get(config, (None,))[0] != layer:
                words = self.settings["observe"].get("words", False)
                self._last[config] = layer, StudySpaces(self.folder, config, words=words).of("neurons", layer)
            return self._last[config][1]
        if config not in self._read:
            self._read[config] = self._space(config)
        return self._read[config]

    def _space(self, config: SpaceConfig) -> Space:
        if is_whole(self.folder.path / space_file(config.full_name)):
            return self.folder.read_space(config.full_name)
        space = self.folder.read_space(replace(config, center=False).full_name)
        if self.published:
            return space.centered(~self.vocabulary.special)
        return space.centered(self.eligible & space.defined if config.file else self._of_words(space))

    def _of_words(self, space: Space) -> np.ndarray:
        """Return the tokens with a vector in a space that may be core tokens, as far as words go."""
        return eligible_tokens(self.vocabulary, space, words=self.settings["observe"].get("words", False))

    @property
    def eligible(self) -> np.ndarray:
        """Tokens that may be core tokens, however often they were seen, bool (V,).

        Raises
        ------
        StudyError
            When the token embeddings, which say which tokens have a direction, are not kept.
        """
        eligible = self._of_words(self.space(SpaceConfig("input"), self.layers[0]))
        own = self.own_space
        return eligible & self.space(own, self.layers[0]).defined if own.file else eligible

    # Sums ---------------------------------------------------------------------------------------------------

    @property
    def has_sums(self) -> bool:
        """Whether the study keeps what core tokens can be selected from anew."""
        files = (sums_file(self.folder, name, layer) for name in ("neurons", self.reference) for layer in self.layers)
        return not self.published and self.has_space(SpaceConfig("input")) and all(map(is_whole, files))

    def is_kept(self, selection: Selection) -> bool:
        """Tell whether a selection's core tokens are the study's own, or the first of them."""
        own = self.own_selection
        shorter = selection.core_tokens < own.core_tokens and not own.cross_fit
        return replace(selection, core_tokens=own.core_tokens) == own and (shorter or selection == own)

    def least_eligible(self) -> int:
        """Return how many tokens can be core tokens, in the layer in which they are fewest."""
        seen = self.folder.read(self.folder.path / "vocabulary.parquet")["count"].to_numpy()
        notes = self.folder.manifest["observation"]
        return min(int((self.eligible & (seen >= notes[str(layer)]["min_count"])).sum()) for layer in self.layers)
