"""Effect: the answer to one question about every neuron."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from intraneuron.data._checks import check_shape

ARRAYS = ("observed", "effect_size", "null_mean", "null_std", "p", "q")


@dataclass(frozen=True)
class Effect:
    """Observed value, effect size, null and p of one question, for N neurons or N neurons x G groups.

    Attributes
    ----------
    question : str
        Its name in :data:`intraneuron.pipeline.compare.QUESTIONS`.
    null : str
        The null model in one phrase.
    observed, effect_size, null_mean, null_std : float64 arrays, (N,) or (N, G)
    p : float64 array
        Probability under the null of a value at least as extreme in the question's direction.
    q : float64 array
        Benjamini-Hochberg over all neurons of the study, a family for each question and group; NaN until
        the study is complete.
    """

    question: str
    null: str
    observed: np.ndarray
    effect_size: np.ndarray
    null_mean: np.ndarray
    null_std: np.ndarray
    p: np.ndarray
    q: np.ndarray

    def __post_init__(self) -> None:
        for name in ARRAYS:
            check_shape("Effect", name, getattr(self, name), self.observed.shape)

    def __len__(self) -> int:
        """Return N."""
        return len(self.observed)

    def __getitem__(self, index: slice | np.ndarray) -> Effect:
        """Return some neurons."""
        arrays: dict[str, Any] = {name: getattr(self, name)[index] for name in ARRAYS}
        return replace(self, **arrays)

    @staticmethod
    def concatenate(parts: Sequence[Effect]) -> Effect:
        """Put blocks of neurons below each other, in the order given; those of fewer groups get NaN for the rest."""
        width = max((part.observed.shape[1] for part in parts if part.observed.ndim == 2), default=0)
        arrays: dict[str, Any] = {
            name: np.concatenate([_widened(getattr(part, name), width) for part in parts]) for name in ARRAYS
        }
        return replace(parts[0], **arrays)


def _widened(table: np.ndarray, width: int) -> np.ndarray:
    if table.ndim == 1 or table.shape[1] == width:
        return table
    return np.pad(table, ((0, 0), (0, width - table.shape[1])), constant_values=np.nan)
