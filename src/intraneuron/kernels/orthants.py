"""Groups of tokens for the jackknife: the orthants of the first principal components of a space."""

from __future__ import annotations

import numpy as np


def orthants(
    vectors: np.ndarray, eligible: np.ndarray, components: int = 5, *, about: np.ndarray | None = None
) -> np.ndarray:
    """Return the orthant of each token among the leading principal components, 0..2^components - 1.

    Bit c is set when the centred vector has a positive coordinate on component c. Signs of components are fixed
    by making their largest coordinate positive.

    Parameters
    ----------
    vectors : float32 (V, D)
    eligible : bool (V,)
        Tokens that mean and covariance are taken over; other tokens get -1.
    about : bool (V,), optional
        Eligible tokens that mean and covariance are taken over instead, so that these are split most evenly.

    Returns
    -------
    int16 (V,)
    """
    rows = vectors[eligible if about is None else about].astype(np.float64)
    mean = rows.mean(axis=0)
    centred = rows - mean
    _, axes = np.linalg.eigh(centred.T @ centred)
    leading = axes[:, ::-1][:, :components]
    largest = np.abs(leading).argmax(axis=0)
    leading = leading * np.sign(leading[largest, np.arange(leading.shape[1])])
    if about is not None:
        centred = vectors[eligible] - mean
    bits = (centred @ leading > 0).astype(np.int16)
    group = np.full(len(vectors), -1, dtype=np.int16)
    group[eligible] = bits @ (1 << np.arange(bits.shape[1], dtype=np.int16))
    return group
