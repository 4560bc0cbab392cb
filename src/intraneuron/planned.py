"""What is known of a study before it starts, wherever its neurons come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from intraneuron.config import LAYER_INPUT, RunConfig, StudyConfig
from intraneuron.models.words import eligible_tokens

if TYPE_CHECKING:
    from intraneuron.data import Norms, Space, Vocabulary


class Wanted(Protocol):
    """What a study is asked to be: all that says which of its stages are done. No model is needed to know it."""

    @property
    def config(self) -> StudyConfig:
        """Settings that numbers depend on."""

    @property
    def run(self) -> RunConfig:
        """How it is run."""

    @property
    def layers(self) -> tuple[int, ...]:
        """Layers, ascending."""

    @property
    def mode(self) -> str:
        """``vocabulary`` or ``corpus``."""

    @property
    def identity(self) -> dict[str, Any]:
        """Hashes of model and texts."""

    @property
    def context(self) -> int | None:
        """Tokens in a window of text; None in vocabulary mode."""

    @property
    def files(self) -> Mapping[str, str]:
        """Hashes of the files that settings name, by setting."""


def eligible_of(plan: Planned) -> np.ndarray:
    """Return the tokens that may be core tokens, bool (V,).

    They are not special, have a direction in the input space and, where that is another, in a space from a file, and
    are whole words where these are asked for.
    """
    eligible = eligible_tokens(plan.vocabulary, plan.input_space(), words=plan.config.observe.words)
    return eligible if plan.file_space is None else eligible & plan.file_space.defined


def keeps_inputs(study: Wanted) -> bool:
    """Tell whether a study keeps what enters each layer: where that is its space, or where it is asked to."""
    return study.config.space.space == LAYER_INPUT or "inputs" in study.run.keep


def quotes(study: Wanted) -> bool:
    """Tell whether a study keeps contexts: one of texts, unless they are not wanted."""
    return study.mode == "corpus" and study.config.observe.contexts > 0


def ranges(study: Wanted) -> bool:
    """Tell whether a study looks at the full range, beyond core tokens."""
    return study.config.partition.full_range


class Planned(Wanted, Protocol):
    """A study before it starts, wherever its neurons come from: what stages ask of their source."""

    @property
    def name(self) -> str:
        """The source as the user wrote it."""

    @property
    def default_folder(self) -> Path:
        """Where the study goes when nobody says otherwise."""

    @property
    def vocabulary(self) -> Vocabulary:
        """All tokens, by token id."""

    @property
    def n_layers(self) -> int:
        """Layers that there are, studied or not."""

    @property
    def reads(self) -> str:
        """What the first stage reads, in words."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What else is to be said before it starts."""

    def n_neurons(self, layer: int) -> int:
        """Return how many neurons a layer has."""

    def n_rows(self, population: str, layer: int) -> int:
        """Return how many rows a population has in a layer, at most."""

    def input_space(self) -> Space:
        """Return the unit vectors without which a token is never a core token."""

    def space_of(self, population: str) -> Space:
        """Return the space that a population is compared in, where it is one for all layers."""

    def further_spaces(self) -> Iterator[Space]:
        """Yield other spaces that the source has, by their names, that are kept beside the study's own."""

    @property
    def file_space(self) -> Space | None:
        """The vectors of ``--space file:PATH``; None with another space."""

    @property
    def norms(self) -> Norms | None:
        """The categories of ``--categories norms:FILE``; None with others."""

    def manifest(self) -> dict[str, Any]:
        """Return everything that a later reader needs to know where the numbers come from."""
