"""Curve: how far two texts agree on core tokens, by their length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curve:
    """How far two texts agree, a row a split and length.

    Attributes
    ----------
    split, shards : int64 arrays, (P,)
        Which way to deal the shards, and how many each of the two texts got.
    tokens : float64 array, (P,)
        Tokens of one of the texts: the mean of both.
    correlation, overlap : float64 arrays, (P,)
        Median over neurons: of the two texts' means over the core tokens that one of them chose (both in turn), and
        the share of core tokens in common. NaN when undefined for every neuron.
    """

    split: np.ndarray
    shards: np.ndarray
    tokens: np.ndarray
    correlation: np.ndarray
    overlap: np.ndarray

    def mean(self, name: str) -> np.ndarray:
        """Return the mean over splits of a column, by length, shortest first."""
        return np.array([getattr(self, name)[self.shards == size].mean() for size in np.unique(self.shards)])
