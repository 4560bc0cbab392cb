"""pattern: which kind of relation a neuron shows, judged against its layer's twin of reference, as a rule rotated."""

from __future__ import annotations

import numpy as np

from intraneuron.config import ALPHA
from intraneuron.data import Comparison
from intraneuron.pipeline.numbers import BY_NAME

FLAGS = {
    "steps": ("ami",),
    "gradient": ("distance_r",),
    "peak": ("peak",),
    "mixed": ("mrpp_a", "top_down_eta2", "interleaving"),
}
"""The numbers behind each flag; ``pattern`` is the first flag that holds."""

PATTERNS = (*FLAGS, "none", "insufficient", "untested")

QUANTILE = 0.95


def bars(twins: Comparison) -> dict[str, float]:
    """Return, for each number, the value that 5 % of the twins of reference go beyond."""
    return {name: bar_of(name, twins) for name in BY_NAME}


def bar_of(name: str, twins: Comparison) -> float:
    """Return the value of one number that 5 % of the twins go beyond, in the claim's direction."""
    number = BY_NAME[name]
    values = number.sign * number.of(twins)
    values = values[np.isfinite(values)]
    return float(number.sign * np.quantile(values, QUANTILE)) if len(values) else float("nan")


def flags(comparison: Comparison, limits: dict[str, float]) -> dict[str, np.ndarray]:
    """Return the flags of every neuron, bool (N,) each.

    A flag holds when, for one of its numbers, q < 0.05 and the effect is beyond the bar of the twin of reference.
    """
    out = {}
    for flag, names in FLAGS.items():
        holds = np.zeros(len(comparison.mean_similarity), dtype=bool)
        for name in names:
            number = BY_NAME[name]
            beyond = number.sign * number.of(comparison) > number.sign * limits[name]
            holds |= beyond & (number.q_of(comparison) < ALPHA)
        out[flag] = holds
    return out


def patterns(comparison: Comparison, found: dict[str, np.ndarray] | None) -> np.ndarray:
    """Return the pattern of every neuron, str (N,).

    ``found`` is None when no twin of reference was observed: then testable neurons are ``untested``.
    """
    tested = np.isfinite(comparison.mean_similarity)
    out = np.where(tested, "untested" if found is None else "none", "insufficient").astype("U12")
    for flag in reversed(FLAGS):
        if found is not None:
            out[found[flag] & tested] = flag
    return out
