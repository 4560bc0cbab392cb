"""The dealt twins: a neuron's activations, dealt at random to its core tokens or to those about equally frequent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from intraneuron.data import CoreTokens
from intraneuron.kernels.keyed import shuffles

STRATA = 5
"""Groups of tokens seen about equally often, among which the twin ``frequency`` deals."""

_FREQUENCY = 1  # purpose of the stream, beside 0 of the shuffled twin


def shuffle(core: CoreTokens, *, seed: int = 0, purpose: int = 0) -> tuple[CoreTokens, np.ndarray]:
    """Permute activations among each neuron's core tokens, keyed by (seed, layer, neuron, purpose).

    Returns
    -------
    CoreTokens
        The same activations in the same (descending) order, on permuted tokens.
    order : int64 (N, K)
        The old rank of the token that now stands at each rank; -1 where padded.
    """
    order = shuffles(core.n, core.width, seed=seed, layer=core.layer, neuron=core.neuron, purpose=purpose)
    return _rearranged(core, order), order


def shuffle_within(core: CoreTokens, stratum: np.ndarray, *, seed: int = 0) -> tuple[CoreTokens, np.ndarray]:
    """Permute activations among those core tokens of each neuron that are in one stratum; keyed as :func:`shuffle`.

    Parameters
    ----------
    core : CoreTokens
    stratum : int (N, K)
        From 0; what it says of padding does not matter.
    seed : int

    Returns
    -------
    As :func:`shuffle`.
    """
    drawn = shuffles(core.n, core.width, seed=seed, layer=core.layer, neuron=core.neuron, purpose=_FREQUENCY)
    there = drawn >= 0
    first = np.where(there, stratum, stratum.max(initial=0) + 1).astype(np.int64) * core.width
    ranks = np.arange(core.width)
    places = np.argsort(first + ranks, axis=1)  # stratum after stratum, by rank
    sources = np.argsort(first + np.where(there, drawn, ranks), axis=1)  # stratum after stratum, at random
    order = np.empty_like(sources)
    np.put_along_axis(order, places, sources, axis=1)
    order = np.where(there, order, -1)
    return _rearranged(core, order), order


def frequency_strata(core: CoreTokens, strata: int = STRATA) -> np.ndarray:
    """Return the quintile of each core token's count among those of its neuron, int64 (N, K); -1 where padded.

    A token with r of n counts below it and t equal ones, itself among them, is in stratum
    ``floor(strata (r + (t - 1) / 2) / n)``: equal counts stay together.
    """
    there = core.token_id >= 0
    out = np.full(there.shape, -1, dtype=np.int64)
    for i, n in enumerate(core.n):
        count = core.count[i, :n]
        ordered = np.sort(count)
        below, reached = np.searchsorted(ordered, count, "left"), np.searchsorted(ordered, count, "right")
        out[i, :n] = strata * (below + reached - 1) // (2 * n)
    return out


def deal(core: CoreTokens, twin: str, *, seed: int = 0) -> tuple[CoreTokens, np.ndarray]:
    """Return a dealt twin by name (``shuffled`` or ``frequency``), as :func:`shuffle` does."""
    if twin == "shuffled":
        return shuffle(core, seed=seed)
    return shuffle_within(core, frequency_strata(core), seed=seed)


def _rearranged(core: CoreTokens, order: np.ndarray) -> CoreTokens:
    """Return the same activations on the tokens that stood at ``order``."""
    source = np.maximum(order, 0)
    token_id = np.where(order >= 0, np.take_along_axis(core.token_id, source, axis=1), -1)
    count = np.where(order >= 0, np.take_along_axis(core.count, source, axis=1), -1)
    return replace(core, token_id=token_id.astype(np.int32), count=count)
