"""Partition: core tokens split into groups, by meaning (categories) or by activation (segments)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from intraneuron.data._checks import check_shape
from intraneuron.errors import DataError

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
        Every category has a token; segments of equal width can be empty.
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
        self._check_labels()

    def _check_labels(self) -> None:
        """Raise DataError where labels and the number of groups disagree: kernels trust that they do not."""
        wrong = (self.label < -1).any(axis=1) | (self.label >= self.n_groups[:, None]).any(axis=1)
        if self.by == "meaning":
            for g in range(int(self.n_groups.max(initial=0))):
                wrong |= (g < self.n_groups) & ~(self.label == g).any(axis=1)
        if wrong.any():
            row = int(np.argmax(wrong))
            groups, labels = int(self.n_groups[row]), ", ".join(map(str, np.unique(self.label[row])))
            allowed = f"from 0 to {groups - 1}, or -1" if groups > 0 else "-1"
            each = ", each number once or more" if self.by == "meaning" and groups > 0 else ""
            msg = f"Partition.label of {groups} groups must be {allowed}{each}, got {labels} in row {row}."
            raise DataError(msg)

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
