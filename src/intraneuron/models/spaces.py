"""Spaces that a model brings with it: its token embeddings and its unembedding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from intraneuron.data import Space
from intraneuron.errors import SettingError
from intraneuron.models.words import eligible_tokens

if TYPE_CHECKING:
    from intraneuron.config import SpaceConfig
    from intraneuron.models.loading import LoadedModel


def input_vectors(model: LoadedModel) -> np.ndarray:
    """Return the token embeddings, float32 (V, D)."""
    weight: np.ndarray = model.model.get_input_embeddings().weight.detach().float().cpu().numpy()
    return weight


def output_vectors(model: LoadedModel) -> np.ndarray:
    """Return the unembedding, float32 (V, D).

    Raises
    ------
    SettingError
        When the model has none.
    """
    head = model.model.get_output_embeddings() if model.kind != "encoder" else None
    if head is None:
        raise no_unembedding(model.name)
    weight: np.ndarray = head.weight.detach().float().cpu().numpy()
    return weight


def no_unembedding(name: str) -> SettingError:
    """Return the error for a model without an output space."""
    msg = f"The model {name} has no unembedding, so it has no output space. Use --space input."
    return SettingError(msg)


SPACES: dict[str, Callable[[LoadedModel], np.ndarray]] = {
    "input": input_vectors,
    "output": output_vectors,
}
"""Vectors by the name of the space."""


def own_spaces(model: LoadedModel) -> Iterator[Space]:
    """Yield the token embeddings, and the unembedding where there is one that is another matrix."""
    yield input_space(model)
    head = model.model.get_output_embeddings() if model.kind != "encoder" else None
    if head is not None and head.weight is not model.model.get_input_embeddings().weight:
        yield Space.from_vectors("output", output_vectors(model))


def input_space(model: LoadedModel) -> Space:
    """Return the unit vectors of the token embeddings, whatever space a study measures meaning in.

    Tokens without a direction there are never core tokens.
    """
    return Space.from_vectors("input", input_vectors(model))


def read_space(model: LoadedModel, config: SpaceConfig, *, words: bool = False) -> Space:
    """Return unit vectors of a model's tokens, (V, D); centred, when asked, over those that may be core tokens.

    These are all but the special ones, or, with ``words``, whole words.

    Raises
    ------
    SettingError
        When the space is unknown, or the model does not have it.
    """
    vectors = SPACES.get(config.space)
    if vectors is None:
        msg = f"There is no space {config.space!r} of a model alone. Spaces: {', '.join(SPACES)}."
        raise SettingError(msg)
    space = Space.from_vectors(config.space, vectors(model))
    return space.centered(eligible_tokens(model.vocabulary, space, words=words)) if config.center else space
