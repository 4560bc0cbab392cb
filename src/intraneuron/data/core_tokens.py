"""CoreTokens: the tokens that a neuron responds to most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from intraneuron.data._checks import check_shape
from intraneuron.errors import DataError

MAYBE = ("rank_correlation", "overlap")
"""What may be left out; it is NaN then."""

_UNKNOWN: np.ndarray = np.full(0, np.nan)


@dataclass(frozen=True)
class CoreTokens:
    """The up to K tokens of highest mean activation of each neuron, most active first.

    Attributes
    ----------
    layer, neuron : int32 arrays, (N,)
    n : int32 array, (N,)
        How many core tokens the neuron has; the rest of its row is padding.
    token_id : int32 array, (N, K)
        Padding is -1.
    activation : float64 array, (N, K)
        Mean activation, descending; padding is NaN.
    count : int64 array, (N, K)
        Sightings of the token; -1 when unknown or padding.
    reliability : float64 array, (N,)
        Correlation between the two halves' means over the core tokens, stepped up to the whole text
        (Spearman-Brown); NaN when there is only one part.
    rank_correlation : float64 array, (N,)
        The same of the ranks; NaN when not given.
    overlap : float64 array, (N,)
        Share of core tokens that the two halves, each selecting by itself, have in common; NaN when not given.
    """

    layer: np.ndarray
    neuron: np.ndarray
    n: np.ndarray
    token_id: np.ndarray
    activation: np.ndarray
    count: np.ndarray
    reliability: np.ndarray
    rank_correlation: np.ndarray = field(default_factory=lambda: _UNKNOWN)
    overlap: np.ndarray = field(default_factory=lambda: _UNKNOWN)

    def __post_init__(self) -> None:
        size, width = len(self.layer), self.token_id.shape[-1]
        for name in MAYBE:
            if getattr(self, name) is _UNKNOWN:
                object.__setattr__(self, name, np.full(size, np.nan))
        for name in ("layer", "neuron", "n", "reliability", *MAYBE):
            check_shape("CoreTokens", name, getattr(self, name), (size,))
        for name in ("token_id", "activation", "count"):
            check_shape("CoreTokens", name, getattr(self, name), (size, width))

    def __len__(self) -> int:
        """Return N."""
        return len(self.layer)

    @property
    def width(self) -> int:
        """K, the length of a row."""
        return int(self.token_id.shape[1])

    def __getitem__(self, index: slice | np.ndarray) -> CoreTokens:
        """Return some neurons."""
        return CoreTokens(**{name: getattr(self, name)[index] for name in self.__dataclass_fields__})

    @staticmethod
    def concatenate(parts: Sequence[CoreTokens]) -> CoreTokens:
        """Put blocks of neurons below each other, in the order given."""
        if not parts:
            msg = "There is nothing to concatenate: got no blocks of core tokens."
            raise DataError(msg)
        names = parts[0].__dataclass_fields__
        return CoreTokens(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})
