"""Space: the vectors in which similarity of meaning is measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from intraneuron.data._checks import check_shape
from intraneuron.errors import DataError


@dataclass(frozen=True)
class Space:
    """Unit vectors, one a token; similarity is their cosine.

    Attributes
    ----------
    name : str
        Where the vectors come from, e.g. ``input`` or ``input-centered``.
    vector : float32 array, (V, D)
        Rows of length 1. A token without a vector has a row of NaN and is not eligible as a core token.
    """

    name: str
    vector: np.ndarray

    def __post_init__(self) -> None:
        check_shape("Space", "vector", self.vector, (None, None))
        if self.vector.dtype != np.float32:
            msg = f"Space.vector must be float32, got {self.vector.dtype}. Use Space.from_vectors."
            raise DataError(msg)

    @property
    def defined(self) -> np.ndarray:
        """True for tokens that have a vector, (V,)."""
        return np.asarray(np.isfinite(self.vector[:, 0]))

    @classmethod
    def from_vectors(cls, name: str, vectors: np.ndarray) -> Space:
        """Scale rows to length 1; a zero or non-finite row becomes NaN (the token has no direction)."""
        wide = np.asarray(vectors, dtype=np.float64)
        check_shape("Space", "vector", wide, (None, None))
        wide = _of_middle_size(wide)
        length = np.sqrt(np.einsum("vd,vd->v", wide, wide))
        defined = np.isfinite(length) & (length > 0)
        unit = np.full(wide.shape, np.nan, dtype=np.float32)
        unit[defined] = wide[defined] / length[defined, None]
        return cls(name, unit)

    def centered(self, eligible: np.ndarray) -> Space:
        """Subtract the mean unit vector of the eligible tokens and scale to length 1 again.

        Embeddings of one model often share a direction (a mean cosine of 0.3 is common); what that direction
        says about every token it cannot say about one.
        """
        rows = self.vector[eligible & self.defined].astype(np.float64)
        return Space.from_vectors(f"{self.name}-centered", self.vector - rows.mean(axis=0))


def _of_middle_size(rows: np.ndarray) -> np.ndarray:
    """Scale rows whose squares would overflow or vanish by a power of two, which changes no digit."""
    largest = np.maximum(rows.max(axis=1, initial=0.0), -rows.min(axis=1, initial=0.0))
    exponent = np.frexp(np.where(np.isfinite(largest), largest, 1.0))[1]
    odd = np.abs(exponent) > 400
    if not odd.any():
        return rows
    out = rows.copy()
    out[odd] = np.ldexp(rows[odd], -exponent[odd, None])
    return out
