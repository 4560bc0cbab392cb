"""The shuffled twin: each neuron's activations dealt at random to its own core tokens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from intraneuron.data import CoreTokens
from intraneuron.kernels.keyed import shuffles


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
    source = np.maximum(order, 0)
    token_id = np.where(order >= 0, np.take_along_axis(core.token_id, source, axis=1), -1)
    count = np.where(order >= 0, np.take_along_axis(core.count, source, axis=1), -1)
    return replace(core, token_id=token_id.astype(np.int32), count=count), order
