"""TokenActivations: what an observation of one layer leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from intraneuron.config import Sign
from intraneuron.data._checks import check_shape
from intraneuron.errors import DataError


@dataclass(frozen=True)
class TokenActivations:
    """Sums of activation a token and neuron of one layer, in H separate parts of the text.

    The one array with tokens before neurons, because rows are added by token; it is turned once, when core
    tokens are selected.

    Attributes
    ----------
    layer : int
    neuron : int32 array, (N,)
        Which neurons of the layer the columns are.
    count : int64 array, (H, V)
        How often each token was seen in each part. H is 1 in vocabulary mode, 2 in corpus mode (even and odd
        documents).
    total : float32 array, (H, V, N)
        Sum of activation over these sightings.
    """

    layer: int
    neuron: np.ndarray
    count: np.ndarray
    total: np.ndarray

    def __post_init__(self) -> None:
        check_shape("TokenActivations", "count", self.count, (None, None))
        check_shape("TokenActivations", "total", self.total, (*self.count.shape, len(self.neuron)))

    @property
    def parts(self) -> int:
        """H, the number of separate parts."""
        return int(self.count.shape[0])

    @property
    def mean(self) -> np.ndarray:
        """Mean activation of each token and neuron over all parts, float32 (V, N); NaN for tokens not seen."""
        seen = self.count.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean: np.ndarray = (self.total.sum(axis=0, dtype=np.float64) / seen[:, None]).astype(np.float32)
        return mean

    def columns(self, index: np.ndarray | slice) -> TokenActivations:
        """Return some neurons only."""
        return replace(self, neuron=self.neuron[index], total=self.total[:, :, index])

    def turned(self, sign: Sign, *, by: int | None = None) -> TokenActivations:
        """Return the activations turned round, so that those on the side of 0 that is asked for are above 0.

        Parameters
        ----------
        sign : str
            ``positive``: as they are; ``negative``: times -1; ``magnitude``: each token and neuron times the sign of
            its sum.
        by : int, optional
            The part of the text whose sums say so for ``magnitude``; all when not given.
        """
        if sign == "positive":
            return self
        if sign == "negative":
            return replace(self, total=-self.total)
        side = np.sign(self.total.sum(axis=0) if by is None else self.total[by])
        return replace(self, total=self.total * side)

    def part(self, h: int) -> TokenActivations:
        """Return one part of the text as an observation by itself."""
        return replace(self, count=self.count[h : h + 1], total=self.total[h : h + 1])


def merge(a: TokenActivations, b: TokenActivations) -> TokenActivations:
    """Add two observations of the same neurons on different text."""
    same = a.layer == b.layer and a.total.shape == b.total.shape and np.array_equal(a.neuron, b.neuron)
    if not same:
        msg = (
            f"Only observations of the same neurons can be merged, got layer {a.layer} {a.total.shape} "
            f"and layer {b.layer} {b.total.shape}."
        )
        raise DataError(msg)
    return replace(a, count=a.count + b.count, total=a.total + b.total)
