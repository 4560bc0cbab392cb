"""What a test could have seen: effects that it finds with a given power."""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from intraneuron.kernels.tails import SYMMETRIC

POWER = 0.8
"""The power at which an effect counts as one that could have been seen."""


def detectable_factor(degrees: np.ndarray, level: float = 0.95, power: float = POWER) -> np.ndarray:
    r"""Return how many standard errors an effect must be for its interval to exclude 0 with this power.

    :math:`t_{1/2 + level/2} + t_{power}` of Student's t with these degrees of freedom. Reference: Bloom (1995), doi
    10.1177/0193841X9501900504 (minimum detectable effects).

    >>> detectable_factor(np.array([10.0, 1e9])).round(3)
    array([3.107, 2.802])
    """
    return np.asarray(stats.t.ppf(0.5 + level / 2, degrees) + stats.t.ppf(power, degrees))


def power_z(power: float = POWER) -> float:
    """Return how many standard deviations above what is asked an effect must lie to pass with this power."""
    return float(special.ndtri(power))


def lognormal_quantile(p: float, skewness: float) -> float:
    r"""Return the z that a standardised shifted lognormal of this skewness exceeds with probability p.

    The inverse of :func:`intraneuron.kernels.tails.upper_tail`. NaN in, NaN out.

    >>> round(lognormal_quantile(0.01047, 1.0), 3)
    3.0
    """
    if abs(skewness) < SYMMETRIC:
        return float(-special.ndtri(p))
    eta = abs(skewness) / 2
    t = (eta + np.sqrt(1 + eta * eta)) ** (2.0 / 3.0)
    y = t + 1 / t - 1
    sign = np.sign(skewness)
    w = np.exp(-sign * special.ndtri(p) * np.sqrt(np.log(y)))
    return float(sign * (w - np.sqrt(y)) / np.sqrt(y * (y - 1)))
