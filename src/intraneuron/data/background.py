"""Background: what random tokens of a vocabulary have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from intraneuron.data._checks import check_shape


@dataclass(frozen=True)
class Background:
    """All tokens that could have been core tokens, summed up for the null of tightness.

    Attributes
    ----------
    size : int
        How many they are.
    mean : float
        Mean cosine over all their pairs.
    sums : float64 array, (11,)
        Graph sums of their centred cosines (:func:`intraneuron.kernels.background.background_sums`).
    """

    size: int
    mean: float
    sums: np.ndarray

    def __post_init__(self) -> None:
        check_shape("Background", "sums", self.sums, (11,))
