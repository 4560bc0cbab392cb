"""select: an observation of a layer -> the core tokens of its neurons."""

from __future__ import annotations

import math

import numpy as np

from intraneuron.config import MIN_TOKENS
from intraneuron.data import CoreTokens, TokenActivations
from intraneuron.errors import DataError
from intraneuron.kernels.selection import means_of, top_tokens

MIN_COUNTS = (5, 8, 12, 20, 30, 50, 80, 120, 200)
"""What ``--min-count auto`` tries."""

RELIABLE = 0.8
"""The median reliability that ``--min-count auto`` looks for."""


def select(
    activations: TokenActivations, eligible: np.ndarray, *, core_tokens: int = 100, min_count: int = 1
) -> CoreTokens:
    """Select the tokens of highest mean activation of every neuron.

    Eligible are tokens that ``eligible`` allows, that were seen at least ``min_count`` times, and whose mean
    activation is above 0: GELU and SiLU are not monotone, and without that last rule a neuron that hardly fires
    would get the tokens that switch it off most. Ties: smaller token id.

    Parameters
    ----------
    activations : TokenActivations
    eligible : bool (V,)
        False for special tokens and tokens without a vector.
    core_tokens : int
        K.
    min_count : int

    Raises
    ------
    DataError
        When an activation is NaN or infinite (the neuron is named).
    """
    seen = activations.count.sum(axis=0)
    check_finite(activations)
    token_id, mean, n = top_tokens(activations.total, activations.count, eligible & (seen >= min_count), core_tokens)
    count = np.where(token_id >= 0, seen[token_id], -1)
    layer = np.full(len(n), activations.layer, dtype=np.int32)
    reliability = _reliability(activations, token_id)
    return CoreTokens(layer, activations.neuron.astype(np.int32), n, token_id, mean, count, reliability)


def check_finite(activations: TokenActivations) -> None:
    """Raise DataError naming the first neuron with a NaN or infinite sum."""
    # A sum over tokens is finite exactly when all are (or they overflow, which is as bad).
    sums = activations.total.sum(axis=(0, 1), dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(sums))
    if len(bad):
        name = f"L{activations.layer}N{activations.neuron[bad[0]]}"
        msg = (
            f"The activations of {len(bad)} neurons are NaN or infinite, the first is {name}. "
            "Try --dtype float32, or check the model's weights."
        )
        raise DataError(msg)


def _reliability(activations: TokenActivations, token_id: np.ndarray) -> np.ndarray:
    """Return the correlation of the two halves' means over the core tokens, stepped up to the whole, (N,)."""
    if activations.parts != 2:
        return np.full(len(token_id), np.nan)
    half = [means_of(activations.total[h], activations.count[h], token_id) for h in (0, 1)]
    both = np.isfinite(half[0]) & np.isfinite(half[1])
    enough = both.sum(axis=1) >= MIN_TOKENS
    with np.errstate(invalid="ignore", divide="ignore"):
        size = both.sum(axis=1, keepdims=True)
        a, b = (np.where(both, h, 0.0) for h in half)
        a = np.where(both, a - a.sum(axis=1, keepdims=True) / size, 0.0)
        b = np.where(both, b - b.sum(axis=1, keepdims=True) / size, 0.0)
        r = (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
        return np.where(enough, 2 * r / (1 + r), np.nan)


def halves_overlap(
    activations: TokenActivations, eligible: np.ndarray, *, core_tokens: int, min_count: int
) -> np.ndarray:
    """Return the share of core tokens that two halves of the text have in common, (N,).

    Each half selects by itself, with half of ``min_count``.
    """
    half_count = max(1, min_count // 2)
    a, b = (select(activations.part(h), eligible, core_tokens=core_tokens, min_count=half_count) for h in (0, 1))
    common = np.array(
        [len(np.intersect1d(x[:i], y[:j])) for x, y, i, j in zip(a.token_id, b.token_id, a.n, b.n, strict=True)]
    )
    smaller = np.minimum(a.n, b.n)
    return np.where(smaller > 0, common / np.maximum(smaller, 1), np.nan)


def choose_min_count(
    activations: TokenActivations, eligible: np.ndarray, *, core_tokens: int, sample: int = 256
) -> tuple[int, float]:
    """Return the smallest count whose median reliability passes 0.8, with that reliability.

    Counts that leave fewer than 2 K tokens are not tried. When none passes, the most reliable count is returned;
    the caller sees from the second number that the text was too short. Looks at up to ``sample`` evenly spaced
    neurons.
    """
    step = max(1, len(activations.neuron) // sample)
    some = activations.columns(slice(None, None, step))
    seen = activations.count.sum(axis=0)
    best: tuple[int, float] = (MIN_COUNTS[0], float("nan"))
    for min_count in MIN_COUNTS:
        if min_count > MIN_COUNTS[0] and (eligible & (seen >= min_count)).sum() < 2 * core_tokens:
            break
        core = select(some, eligible, core_tokens=core_tokens, min_count=min_count)
        defined = core.reliability[np.isfinite(core.reliability)]
        median = float(np.median(defined)) if len(defined) else float("nan")
        if median > best[1] or (math.isnan(best[1]) and not math.isnan(median)):
            best = (min_count, median)
        if median >= RELIABLE:
            break
    return best
