"""Comparison: what every question found of some neurons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from intraneuron.data.effect import Effect

QUESTIONS = {
    "top_down": "activations dealt at random to the tokens (beta, exact mean and variance)",
    "category_delta": "activations dealt at random to the tokens (exact rank sum)",
    "selectivity": "activations dealt at random to the tokens (exact moments, saddlepoint, draws for small ones)",
    "interleaving": "activations dealt at random to the tokens (exact up to 128 tokens, else three exact moments)",
    "homogeneity": "a random subset of the neuron's core tokens (three exact moments by kinds of tokens, or draws)",
    "homogeneity_stepdown": "a random subset of the tokens of this and lower segments (as homogeneity)",
    "peak": "activations dealt at random to the tokens (as homogeneity)",
    "mrpp": "activations dealt at random to the tokens (three exact moments)",
    "distance": "activations dealt at random to the tokens (four exact moments)",
    "agreement": "tables with the same margins (three exact moments; exact where one has two groups)",
    "information": "tables with the same margins (exact mean)",
    "segment_purity": "tables with the same margins (exact distribution)",
    "segment_entropy": "tables with the same margins (exact mean and variance)",
    "abstraction": "a random subset of the neuron's core tokens (as homogeneity)",
    "tightness": "as many random eligible tokens of the vocabulary (moments of the whole vocabulary)",
}
"""Every question that is asked of a neuron, and the null it is held against."""


@dataclass(frozen=True)
class Comparison:
    """All effects of some neurons, and their homogeneity profile.

    Attributes
    ----------
    effects : dict
        By question, in the order of :data:`QUESTIONS`.
    mean_similarity : float64 (N,)
        Mean cosine over all pairs of core tokens.
    profile : float64 (N, K - 9)
        Mean cosine inside each window of 10 consecutive ranks.
    """

    effects: dict[str, Effect]
    mean_similarity: np.ndarray
    profile: np.ndarray

    def rows(self, index: slice | np.ndarray) -> Comparison:
        """Return some neurons."""
        effects = {name: effect[index] for name, effect in self.effects.items()}
        return Comparison(effects, self.mean_similarity[index], self.profile[index])

    @staticmethod
    def concatenate(parts: Sequence[Comparison]) -> Comparison:
        """Put blocks of neurons below each other, in the order given."""
        effects = {name: Effect.concatenate([part.effects[name] for part in parts]) for name in parts[0].effects}
        mean = np.concatenate([part.mean_similarity for part in parts])
        return Comparison(effects, mean, np.concatenate([part.profile for part in parts]))
