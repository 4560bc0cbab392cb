"""similarity: core tokens and a space -> how alike every pair of a neuron's tokens is, in meaning and in spelling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from intraneuron.data import CoreTokens, Space, Spelling
from intraneuron.errors import DataError
from intraneuron.kernels.similarity import cosines, rearranged
from intraneuron.kernels.spelling import spellings

NEURONS = 512
"""Neurons whose similarities are in memory at a time: 40 MB at 100 core tokens. No result depends on it."""


@dataclass(frozen=True)
class Similarity:
    """How alike the tokens of some neurons are.

    Attributes
    ----------
    meaning : float32 array, (N, K, K)
        Cosines; NaN where padded.
    form : float32 array, (N, K, K), or None
        Form similarity of their spelling; None without a spelling.
    """

    meaning: np.ndarray
    form: np.ndarray | None = None

    def rearranged(self, order: np.ndarray, row: np.ndarray | None = None) -> Similarity:
        """Return it for the tokens at ``order`` (N', K') of neurons ``row`` (N',); of all when not given."""
        row = np.arange(len(order)) if row is None else row
        form = None if self.form is None else rearranged(self.form, order, row)
        return Similarity(rearranged(self.meaning, order, row), form)


def similarity(token_id: np.ndarray, n: np.ndarray, space: Space, spelling: Spelling | None = None) -> Similarity:
    """Compare every pair of each neuron's tokens.

    Parameters
    ----------
    token_id : int32 (N, K)
    n : int32 (N,)
    space : Space
    spelling : Spelling, optional

    Raises
    ------
    DataError
        When a token has no vector in this space.
    """
    _check_vectors(token_id, space)
    form = None
    if spelling is not None:
        form = spellings(spelling.code, spelling.length, spelling.letters, token_id, n)
    return Similarity(cosines(space.vector, token_id, n), form)


def with_similarity(
    core: CoreTokens, space: Space, spelling: Spelling | None = None
) -> Iterator[tuple[slice, Similarity]]:
    """Yield consecutive blocks of neurons, at least one, with their similarities."""
    for start in range(0, max(len(core), 1), NEURONS):
        own = slice(start, start + NEURONS)
        yield own, similarity(core.token_id[own], core.n[own], space, spelling)


def _check_vectors(token_id: np.ndarray, space: Space) -> None:
    token_id = token_id[token_id >= 0]
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
