"""similarity: core tokens and a space -> the cosines that categories and zones are about."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from intraneuron.data import CoreTokens, Space
from intraneuron.errors import DataError
from intraneuron.kernels.similarity import cosines

NEURONS = 512
"""Neurons whose cosines are in memory at a time: 20 MB at 100 core tokens. No result depends on it."""


def similarity(core: CoreTokens, space: Space) -> np.ndarray:
    """Return the cosine of every pair of each neuron's core tokens.

    Returns
    -------
    float32 (N, K, K)
        NaN where padded.

    Raises
    ------
    DataError
        When a core token has no vector in this space.
    """
    _check_vectors(core, space)
    return cosines(space.vector, core.token_id, core.n)


def with_similarity(core: CoreTokens, space: Space) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield consecutive blocks of neurons, at least one, with their cosines."""
    for start in range(0, max(len(core), 1), NEURONS):
        own = slice(start, start + NEURONS)
        yield own, similarity(core[own], space)


def _check_vectors(core: CoreTokens, space: Space) -> None:
    token_id = core.token_id[core.token_id >= 0]
    if len(token_id) and token_id.max() >= len(space.vector):
        msg = (
            f"The space {space.name!r} has {len(space.vector)} vectors, but a core token has id {token_id.max()}: "
            "it belongs to another vocabulary."
        )
        raise DataError(msg)
    missing = ~space.defined[token_id]
    if missing.any():
        msg = (
            f"{np.unique(token_id[missing]).size} core tokens have no vector in the space {space.name!r} (the first "
            f"is id {token_id[missing][0]}): zero or not finite. Leave them out when core tokens are selected."
        )
        raise DataError(msg)
