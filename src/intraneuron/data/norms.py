"""Norms: categories of tokens that people named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from intraneuron.data._checks import check_shape
from intraneuron.errors import DataError


@dataclass(frozen=True)
class Norms:
    """The category of every token of a vocabulary, as human norms have it.

    Attributes
    ----------
    name : tuple of str
        C categories.
    category : int16 array, (V,)
        Number of each token's category; -1 for a token without one.
    """

    name: tuple[str, ...]
    category: np.ndarray

    def __post_init__(self) -> None:
        check_shape("Norms", "category", self.category, (None,))
        if self.category.max(initial=-1) >= len(self.name):
            msg = f"Norms.category must be below the number of names, {len(self.name)}, got {self.category.max()}."
            raise DataError(msg)

    def of(self, token_id: np.ndarray) -> np.ndarray:
        """Return the categories of tokens, int16 of the same shape; -1 for those without one, and for padding."""
        known = self.category[np.maximum(token_id, 0)]
        return np.where(token_id >= 0, known, -1).astype(np.int16)
