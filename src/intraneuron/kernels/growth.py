"""Growth: how the agreement of two texts rises with their length, as a law that can be carried further."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Law(NamedTuple):
    """Odds of agreement that are a power of the length: y/(1 - y) = exp(intercept) length^slope."""

    intercept: float
    slope: float

    def value(self, length: float | np.ndarray) -> np.ndarray:
        """Return the agreement of two texts of this length, between 0 and 1."""
        return np.asarray(1 / (1 + np.exp(-self.intercept) * np.asarray(length, dtype=float) ** -self.slope))

    def length(self, value: float) -> float:
        """Return the length at which two texts agree so far; NaN when the law is undefined or does not rise."""
        if not self.slope > 0:
            return float("nan")
        exponent = (np.log(value / (1 - value)) - self.intercept) / self.slope
        return float(np.exp(min(exponent, MOST)))


MOST = 300.0
"""The logarithm of the greatest length that is told apart from more."""


def fit_law(length: np.ndarray, value: np.ndarray, slope: float | None = None) -> Law:
    """Fit the law by least squares on the logarithms of odds and length.

    With slope 1 it is Spearman-Brown's law for the correlation of two parallel measurements. Values that are
    undefined, 0 or 1 have no odds and are left out; with fewer than two left (one, when the slope is given), the
    law is NaN.

    Parameters
    ----------
    length, value : float64 (P,)
    slope : float or None
        None: fitted.

    References
    ----------
    Spearman C (1910). doi:10.1111/j.2044-8295.1910.tb00206.x
    Brown W (1910). doi:10.1111/j.2044-8295.1910.tb00207.x

    >>> law = fit_law(np.array([1.0, 2.0]), np.array([1 / 2, 2 / 3]))
    >>> round(law.slope, 6), round(law.length(0.9), 6)
    (1.0, 9.0)
    """
    with np.errstate(invalid="ignore"):
        used = (value > 0) & (value < 1)
    x, y = np.log(length[used]), np.log(value[used] / (1 - value[used]))
    if len(x) < (2 if slope is None else 1):
        return Law(float("nan"), float("nan"))
    if slope is None:
        away = x - x.mean()
        slope = float((away * y).sum() / (away**2).sum())
    return Law(float(y.mean() - slope * x.mean()), slope)
