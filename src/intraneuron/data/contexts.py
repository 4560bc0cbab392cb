"""Contexts: stretches of text around single tokens, and what a neuron does in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from intraneuron.data._checks import check_shape


@dataclass(frozen=True)
class Contexts:
    """M stretches of text, of one layer's neurons.

    Attributes
    ----------
    layer : int
    neuron : int32 array, (M,)
    segment : int16 array, (M,)
        Segment of the core token that the context is of; -1 for the neuron's top contexts, whatever their token.
    rank : int16 array, (M,)
        Among the contexts of the neuron and segment: top contexts by activation, those of a segment as drawn.
    at : int16 array, (M,)
        Place of the token in the context.
    n : int16 array, (M,)
        Tokens of the context; the rest of its row is padding.
    token_id : int32 array, (M, L)
        Padding is -1.
    activation : float32 array, (M, L)
        The neuron's activation at each token; padding is NaN.
    """

    layer: int
    neuron: np.ndarray
    segment: np.ndarray
    rank: np.ndarray
    at: np.ndarray
    n: np.ndarray
    token_id: np.ndarray
    activation: np.ndarray

    def __post_init__(self) -> None:
        size, width = self.token_id.shape
        for name in ("neuron", "segment", "rank", "at", "n"):
            check_shape("Contexts", name, getattr(self, name), (size,))
        check_shape("Contexts", "activation", self.activation, (size, width))

    def __len__(self) -> int:
        """Return M."""
        return len(self.neuron)
