"""p_values: every p of a comparison in one table, a column a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from intraneuron.data import Comparison, Partition
from intraneuron.kernels.homogeneity import TOPS
from intraneuron.kernels.run_counts import EXACT, EXACT_TWO

LEVELS = (0.05, 0.01, 0.001)
"""The p at which a test's size is measured."""

BOUNDS = {0.05: (0.9, 1.1), 0.01: (0.85, 1.15), 0.001: (0.6, 1.45)}
"""What the share of shuffles with so small a p may be, as a multiple of that p."""

WITHOUT_P = ("information", "segment_entropy")
"""Questions that are answered without a p."""

OF_TOKENS = ("tightness",)
"""Questions about which tokens are core: dealing activations among them changes nothing, so it calibrates nothing."""

DISCRETE = ("category_delta", "segment_purity")
"""Questions whose p is exact and takes few values: their size may lie below the level, not above it."""


def mostly_counted(categories: Partition, zones: Partition) -> tuple[str, ...]:
    """Return the questions whose p is counted out in most neurons, and then takes few values, too.

    Interleaving: up to :data:`intraneuron.kernels.run_counts.EXACT` tokens, more of two categories. Agreement: two
    categories or two zones.
    """
    tokens, groups = (categories.label >= 0).sum(axis=1), categories.n_groups
    runs = tokens <= np.where(groups == 2, EXACT_TWO, EXACT)
    tables = (groups == 2) | (zones.n_groups == 2)
    there = groups > 1
    counted = {"interleaving": runs, "agreement": tables}
    return tuple(name for name, some in counted.items() if there.any() and some[there].mean() > 0.5)


@dataclass(frozen=True)
class PValue:
    """One p of a neuron.

    Attributes
    ----------
    question : str
        The effect it is taken from.
    column : int or None
        Which group of that effect, when it has several.
    counted : bool
        Whether it is counted out in most neurons.
    """

    question: str
    column: int | None = None
    counted: bool = False

    @property
    def name(self) -> str:
        """The question and its group: segments and categories count from 1, as pages count them.

        >>> PValue("homogeneity", 0).name, PValue("peak", 0).name, PValue("mrpp").name
        ('homogeneity 1', 'peak 20', 'mrpp')
        """
        if self.column is None:
            return self.question
        return f"{self.question} {TOPS[self.column] if self.question == 'peak' else self.column + 1}"

    @property
    def discrete(self) -> bool:
        """Whether the p is exact and takes few values."""
        return self.counted or self.question in DISCRETE

    def of(self, comparison: Comparison) -> np.ndarray:
        """Return it for every neuron, (N,); NaN for a group that no neuron has."""
        p = comparison.effects[self.question].p
        if self.column is None:
            return p
        return p[:, self.column] if self.column < p.shape[1] else np.full(len(p), np.nan)

    def allowed(self, level: float) -> tuple[float, float]:
        """Return the bounds of its size at a level, as multiples of the level."""
        low, high = BOUNDS[level]
        return (0.0, high) if self.discrete else (low, high)


def p_values_of(comparison: Comparison, counted: Sequence[str] = ()) -> tuple[PValue, ...]:
    """List every p that a comparison has, in the order of the questions; ``counted``: :func:`mostly_counted`."""
    found = []
    for question, effect in comparison.effects.items():
        if question not in (*WITHOUT_P, *OF_TOKENS):
            groups = [None] if effect.p.ndim == 1 else list(range(effect.p.shape[1]))
            found += [PValue(question, column, question in counted) for column in groups]
    return tuple(found)


def table_of_p(comparison: Comparison, wanted: Sequence[PValue]) -> np.ndarray:
    """Return one column a test, (N, C)."""
    return np.stack([one.of(comparison) for one in wanted], axis=1)


def shares_at(p: np.ndarray, level: float) -> np.ndarray:
    """Return the share of defined p at or below a level, a column of (N, C); NaN where none is defined."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((p <= level).sum(axis=0) / np.isfinite(p).sum(axis=0))
