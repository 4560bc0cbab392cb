"""Partition: core tokens split into groups, by meaning (categories) or by activation (segments)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from intraneuron.data._checks import check_shape

By = Literal["meaning", "activation"]

_ARRAYS = ("label", "n_groups", "n_cut", "quality")


@dataclass(frozen=True)
class Partition:
    """A label a core token.

    Attributes
    ----------
    by : "meaning" or "activation"
        Groups by meaning are categories, groups by activation are segments.
    method : str
        How the groups were made, as the option is written (``ward``, ``quantile:5``).
    label : int16 array, (N, K)
        0 is the group of highest mean activation; -1 is padding or a token in no group.
    n_groups : int16 array, (N,)
    n_cut : int16 array, (N,)
        Groups before small categories were dropped; 0 when the neuron was not grouped.
    quality : float64 array, (N,)
        Categories: mean silhouette before small groups are dropped. Segments: goodness of variance fit,
        1 - SSW/SST. NaN when undefined.
    """

    by: By
    method: str
    label: np.ndarray
    n_groups: np.ndarray
    n_cut: np.ndarray
    quality: np.ndarray

    def __post_init__(self) -> None:
        size = len(self.n_groups)
        check_shape("Partition", "label", self.label, (size, None))
        check_shape("Partition", "n_cut", self.n_cut, (size,))
        check_shape("Partition", "quality", self.quality, (size,))

    def __len__(self) -> int:
        """Return N."""
        return len(self.n_groups)

    def __getitem__(self, index: slice | np.ndarray) -> Partition:
        """Return some neurons."""
        arrays: dict[str, Any] = {name: getattr(self, name)[index] for name in _ARRAYS}
        return replace(self, **arrays)

    @staticmethod
    def concatenate(parts: Sequence[Partition]) -> Partition:
        """Put blocks of neurons below each other, in the order given."""
        arrays: dict[str, Any] = {name: np.concatenate([getattr(p, name) for p in parts]) for name in _ARRAYS}
        return replace(parts[0], **arrays)
