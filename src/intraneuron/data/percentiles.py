"""Percentiles: how alike the tokens of each activation percentile of a neuron are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from intraneuron.data._checks import check_shape


@dataclass(frozen=True)
class Percentiles:
    """The full range of some neurons of one layer: all eligible tokens, in G groups by activation.

    Attributes
    ----------
    layer : int
    neuron : int32 array, (N,)
    tokens : int32 array, (G,)
        How many tokens a percentile holds, the least active first.
    null_mean : float
        Mean cosine of random eligible tokens.
    homogeneity : float64 array, (N, G)
        Mean cosine over the pairs inside a percentile; NaN under 3 tokens, and where most of them are tied with
        tokens of other percentiles.
    z : float64 array, (N, G)
        Homogeneity as it would be of random tokens: standardised by the null's mean and standard deviation.
    p : float64 array, (N, G)
        Upper tail.
    """

    layer: int
    neuron: np.ndarray
    tokens: np.ndarray
    null_mean: float
    homogeneity: np.ndarray
    z: np.ndarray
    p: np.ndarray

    def __post_init__(self) -> None:
        for name in ("homogeneity", "z", "p"):
            check_shape("Percentiles", name, getattr(self, name), (len(self.neuron), len(self.tokens)))

    @classmethod
    def concatenate(cls, parts: Sequence[Percentiles]) -> Percentiles:
        """Put neurons of one layer below each other."""
        first = parts[0]
        joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _OF_NEURONS}
        return cls(layer=first.layer, tokens=first.tokens, null_mean=first.null_mean, **joined)


_OF_NEURONS = ("neuron", "homogeneity", "z", "p")
