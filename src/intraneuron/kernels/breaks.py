"""Segments: the activation axis of one neuron cut into contiguous zones, 0 the most active."""

from __future__ import annotations

from typing import Literal

import numpy as np

from intraneuron.kernels.natural import natural_breaks

Method = Literal["quantile", "equal-width", "natural", "top"]


def _quantile(activation: np.ndarray, n: np.ndarray, groups: float) -> np.ndarray:
    rank = np.arange(activation.shape[1])[None, :]
    return np.asarray(np.floor(rank * int(groups) / np.maximum(n, 1)[:, None]))


def _equal_width(activation: np.ndarray, n: np.ndarray, groups: float) -> np.ndarray:
    G = int(groups)
    last = np.maximum(n - 1, 0)
    low = np.take_along_axis(activation, last[:, None], axis=1)
    width = activation[:, :1] - low
    with np.errstate(invalid="ignore", divide="ignore"):
        from_below = np.floor((activation - low) / width * G)
    return np.asarray(G - 1 - np.clip(np.nan_to_num(from_below), 0, G - 1))


def _top(activation: np.ndarray, n: np.ndarray, share: float) -> np.ndarray:
    rank = np.arange(activation.shape[1])[None, :]
    return np.where(rank < np.maximum(np.ceil(share * n - 1e-9), 1)[:, None], 0, 1)


def _natural(activation: np.ndarray, n: np.ndarray, groups: float) -> np.ndarray:
    return natural_breaks(activation, n, int(groups))


METHODS = {"quantile": _quantile, "equal-width": _equal_width, "natural": _natural, "top": _top}
"""How segments can be made; each function returns labels for a whole table."""


def cut(activation: np.ndarray, n: np.ndarray, method: Method, amount: float) -> tuple[np.ndarray, np.ndarray]:
    """Cut each neuron's descending activations into segments.

    ``quantile``: rank r (from 0) is in segment floor(r G / n). ``equal-width``: G intervals of [min, max], closed
    at the top. ``natural``: G groups of least squares within; with G = 0 the fewest of 2 to 10 that fit by 0.85.
    ``top``: the first ceil(share n), at least one, against the rest.

    Parameters
    ----------
    activation : float64 (N, K), descending, NaN where padded
    n : int32 (N,)
    method : one of :data:`METHODS`
    amount : float
        G, or the share for ``top``.

    Returns
    -------
    label : int16 (N, K)
        -1 where padded.
    quality : float64 (N,), in [0, 1]
        Goodness of variance fit, 1 - SSW / SST; NaN when the activations do not vary.

    >>> cut(np.array([[9.0, 8.0, 2.0, 1.0]]), np.array([4]), "quantile", 2)
    (array([[0, 0, 1, 1]], dtype=int16), array([0.98]))
    """
    label = METHODS[method](activation, n, amount).astype(np.int16)
    padded = np.arange(activation.shape[1])[None, :] >= n[:, None]
    label[padded] = -1
    return label, variance_fit(activation, label)


def variance_fit(activation: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Return 1 - SSW / SST of the activations split by ``label``, a neuron; NaN when they do not vary."""
    valid = label >= 0
    values = np.where(valid, activation, 0.0)
    total, count = values.sum(axis=1), valid.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = np.where(valid, activation - (total / count)[:, None], 0.0)
        squares = (centred**2).sum(axis=1)
        between = np.zeros(len(label))
        for g in range(int(label.max(initial=-1)) + 1):
            inside = label == g
            size = inside.sum(axis=1)
            sums = np.where(inside, centred, 0.0).sum(axis=1)
            between += np.where(size > 0, sums**2 / np.maximum(size, 1), 0.0)
        return np.where(squares > 0, np.minimum(between / squares, 1.0), np.nan)
