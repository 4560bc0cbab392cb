"""readout: random directions of a space, read like neurons: what projection alone shows, without a model."""

from __future__ import annotations

import numpy as np

from intraneuron.data import Space, TokenActivations

_STREAM = 4  # last word of the directions' seeds; models/twins.py has 1, pipeline/passes.py 2 and 3

BLOCK = 4096
"""Tokens whose readouts are computed at a time."""


def readout(
    space: Space, eligible: np.ndarray, count: np.ndarray, *, rows: int, layer: int, seed: int = 0, first: int = 0
) -> TokenActivations:
    """Read every token's vector along random directions, as if each direction were a neuron.

    Direction r is u ~ N(0, I_D); the "activation" of token t is u·e_t, shifted and scaled to mean 0 and standard
    deviation 1 over the eligible tokens. It is the same at every sighting of the token. In deep layers neurons read
    other vectors than these, so there the twin is a lower bound.

    Parameters
    ----------
    space : Space
    eligible : bool (V,)
        Tokens that can be core; the others get 0.
    count : int64 (H, V)
        How often each token was seen, in H parts of the text.
    rows : int
        N', how many directions.
    first : int
        Number of the first one.
    layer, seed : int
        Row r depends on the seed, the layer and r alone.

    Returns
    -------
    TokenActivations
        With the sums that such neurons would have: count times activation, 0 for tokens that were not seen.
    """
    vectors = np.where(eligible[:, None], space.vector, 0).astype(np.float32)
    total = np.zeros((*count.shape, rows), dtype=np.float32)
    values = _standardised(vectors, eligible, directions(rows, vectors.shape[1], layer=layer, seed=seed, first=first))
    for h, seen in enumerate(count):
        np.multiply(values, seen[:, None], out=total[h])
    return TokenActivations(layer, np.arange(first, first + rows, dtype=np.int32), count, total)


def directions(rows: int, width: int, *, layer: int, seed: int, first: int = 0) -> np.ndarray:
    """Return random directions, rows of independent standard normal numbers, float32 (N', D)."""
    out = np.empty((rows, width), dtype=np.float32)
    for row in range(rows):
        np.random.default_rng([seed, layer, first + row, _STREAM]).standard_normal(out=out[row], dtype=np.float32)
    return out


def _standardised(vectors: np.ndarray, eligible: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Return readouts of mean 0 and deviation 1 over eligible tokens, (V, N'); 0 for the others."""
    values = np.empty((len(vectors), len(direction)), dtype=np.float32)
    for start in range(0, len(vectors), BLOCK):
        values[start : start + BLOCK] = vectors[start : start + BLOCK] @ direction.T
    some = values[eligible].astype(np.float64)
    mean, deviation = some.mean(axis=0), some.std(axis=0)
    scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    values[eligible] = (some - mean) * scale
    values[~eligible] = 0
    return values
