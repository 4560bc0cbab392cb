"""The rotated twin: artificial neurons that read what a layer's neurons read, in no privileged direction.

Why it is the null that matters: for any linear readout, tokens near the top point along one direction, and so
resemble each other. What neurons show beyond their rotated twin is their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from intraneuron.models.families import Activation, combine
from intraneuron.models.projections import Projection
from intraneuron.models.sites import Site

MAX_ROTATED = 2000
"""Artificial neurons a layer, if it has as many real ones."""

_STREAM = 1  # last word of the twin's seeds, so that no other keyed stream equals one of them


@dataclass(frozen=True)
class RotatedTwin:
    """Artificial neurons of one layer, N' of them.

    With R of independent rows N(0, 1/N), row r reads W' = R W_in; its pre-activation is then shifted and
    scaled to the mean and standard deviation over tokens of a real neuron, drawn at random. Shift and scale
    are folded into weight and bias (which cancels R b), so that the twin costs one product. It is taken in the number
    format of the layer's weights, so that the twin's activations are rounded, and tied, as those of neurons are.

    Attributes
    ----------
    layer : int
    drawn : int32 array, (N',)
        The real neuron whose mean and standard deviation each row was given.
    weights : tuple of tensors, (N', D)
        One for each input projection: one, or gate and up, made from the same R.
    biases : tuple of tensors, (N',)
    activation : callable
        The family's nonlinearity.
    """

    layer: int
    drawn: np.ndarray
    weights: tuple[torch.Tensor, ...]
    biases: tuple[torch.Tensor, ...]
    activation: Activation

    @classmethod
    def build(cls, site: Site, x_mean: np.ndarray, x_cov: np.ndarray, rows: int, seed: int) -> RotatedTwin:
        """Draw the twin of a layer.

        Parameters
        ----------
        site : Site
        x_mean : float64 (D,)
        x_cov : float64 (D, D)
            Moments of x, the input of the input projections, over a sample of positions.
        rows : int
            N'. Row r depends on the seed, the layer and r alone.
        seed : int
        """
        drawn = np.empty(rows, dtype=np.int32)
        R = np.empty((rows, site.n_neurons), dtype=np.float32)
        for row in range(rows):
            drawn[row] = draw(site, row, seed, R[row])
        R /= np.sqrt(site.n_neurons, dtype=np.float32)
        with np.errstate(invalid="ignore"):  # of weights that are not finite; the observation names the neuron
            folded = [fold(projection, _turned(projection, R), drawn, x_mean, x_cov) for projection in site.inputs]
        weights, biases = zip(*folded, strict=True)
        return cls(site.layer, drawn, weights, biases, site.activation)

    def preactivations(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the pre-activations at some positions, (P, N') for each input projection; x is (P, D)."""
        x = x.to(self.weights[0].dtype)
        return tuple(torch.addmm(b, x, w.T) for w, b in zip(self.weights, self.biases, strict=True))

    def activations(self, x: torch.Tensor) -> torch.Tensor:
        """Return the activations at some positions, (P, N'); x is (P, D)."""
        return combine(self.activation, self.preactivations(x))


def rotated_rows(site: Site) -> int:
    """Return N', how many artificial neurons a layer gets."""
    return min(site.n_neurons, MAX_ROTATED)


def input_moments(blocks: Iterable[torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (D,) and covariance (D, D) of blocks of x, (P, D) each, in float64.

    Sums are taken about the first block's mean: x has directions whose mean is many times their deviation.
    """
    n, origin, first, second = 0, None, 0, 0
    for block in blocks:
        wide = block.cpu().double().numpy()
        origin = wide.mean(axis=0) if origin is None else origin
        wide = wide - origin
        n, first, second = n + len(wide), first + wide.sum(axis=0), second + wide.T @ wide
    shift = np.asarray(first) / n
    return np.asarray(origin) + shift, np.asarray(second) / n - np.outer(shift, shift)


def draw(site: Site, row: int, seed: int, normals: np.ndarray) -> int:
    """Fill one row of R (N,), before scaling, and return the real neuron whose moments it takes."""
    stream = np.random.default_rng([seed, site.layer, row, _STREAM])
    drawn = int(stream.integers(site.n_neurons))
    stream.standard_normal(out=normals, dtype=np.float32)
    return drawn


def _turned(projection: Projection, R: np.ndarray) -> np.ndarray:
    """Return R W of one input projection, float64 (N', D)."""
    turned: np.ndarray = (torch.from_numpy(R) @ projection.weight.float().cpu()).double().numpy()
    return turned


def fold(
    projection: Projection, turned: np.ndarray, drawn: np.ndarray, x_mean: np.ndarray, x_cov: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight and bias of the twin of one input projection, in its number format, with shift and scale inside.

    Over tokens, a readout w.x + b has the mean w.mean + b and the variance w' cov w. The shift is that of the weights
    as they are rounded: x has directions so long that their rounding alone would move the mean.

    Parameters
    ----------
    projection : Projection
    turned : float64 (N', D)
        R W.
    drawn : int32 (N',)
        The real neurons whose mean and standard deviation the rows take.
    x_mean, x_cov : float64 (D,), (D, D)
    """
    weight, bias = projection.weight, projection.bias
    wanted = weight.float().cpu().numpy()[drawn].astype(np.float64)
    offset = 0.0 if bias is None else bias.cpu().double().numpy()[drawn]
    spread, spread_wanted = _deviation(turned, x_cov), _deviation(wanted, x_cov)
    scale = np.divide(spread_wanted, spread, out=np.zeros_like(spread), where=spread > 0)
    rounded = torch.from_numpy(turned * scale[:, None]).to(weight.dtype)
    shift = (wanted - rounded.double().numpy()) @ x_mean + offset
    return rounded.to(weight.device), torch.from_numpy(shift).to(weight.device, weight.dtype)


def _deviation(weight: np.ndarray, cov: np.ndarray) -> np.ndarray:
    """Return the standard deviation over tokens of readouts, (N',)."""
    variance = np.einsum("nd,nd->n", weight @ cov, weight)
    deviation: np.ndarray = np.sqrt(np.maximum(variance, 0))
    return deviation
