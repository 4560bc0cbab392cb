"""Tail probabilities from the exact moments of a permutation distribution.

Normal tails are wrong by factors of 2 to 12 below p = 0.001 for these statistics: their distributions are
skewed. Each is therefore matched with a distribution of the same support or skewness.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from intraneuron.kernels.compiled import compiled

SYMMETRIC = 1e-3
"""Below this absolute skewness a normal tail is used."""

LARGEST = 1e8
"""A beta variable with larger parameters is a gamma or normal one, to all digits that are left."""


LEAST = float(np.finfo(np.float64).tiny)
"""The smallest p that is written: one in so many arrangements would be 0 in floating point, and no p is."""


@compiled()
def least_p(log_arrangements):  # type: ignore[no-untyped-def]
    """Return 1 / number of distinct arrangements, given by its logarithm: what no p is below."""
    return max(math.exp(-log_arrangements), LEAST)


def least_p_of(log_arrangements: np.ndarray) -> np.ndarray:
    """Return :func:`least_p` of every entry; NaN stays NaN.

    >>> least_p_of(np.array([0.0, 1e6])).tolist()
    [1.0, 2.2250738585072014e-308]
    """
    return np.asarray(np.maximum(np.exp(-log_arrangements), LEAST))


@compiled()
def normal_upper(z):  # type: ignore[no-untyped-def]
    """Return P(Z >= z) of a standard normal variable."""
    return 0.5 * math.erfc(z / math.sqrt(2.0))


@compiled()
def lognormal_shape(skewness):  # type: ignore[no-untyped-def]
    """Return what a lognormal variable of this skewness is computed from: (its sign or 0, s, shift, slope)."""
    if abs(skewness) < SYMMETRIC:
        return 0.0, 0.0, 0.0, 0.0
    eta = abs(skewness) / 2
    t = (eta + math.sqrt(1 + eta * eta)) ** (2.0 / 3.0)
    y = t + 1 / t - 1
    return math.copysign(1.0, skewness), math.sqrt(math.log(y)), math.sqrt(y), math.sqrt(y * (y - 1))


@compiled()
def lognormal_shaped(z, shape):  # type: ignore[no-untyped-def]
    """Return P(Z >= z) of a standardised shifted lognormal variable (negative sign: mirrored; 0: normal)."""
    sign, s, shift, slope = shape
    if sign == 0:
        return normal_upper(z)
    w = shift + sign * z * slope
    if w <= 0:
        return 1.0 if sign > 0 else 0.0
    return normal_upper(sign * math.log(w) / s)


@compiled()
def lognormal_upper(z, skewness):  # type: ignore[no-untyped-def]
    """Return P(Z >= z) of a standardised shifted (negative skewness: mirrored) lognormal variable."""
    if math.isnan(z) or math.isnan(skewness):
        return math.nan
    return lognormal_shaped(z, lognormal_shape(skewness))


def upper_tail(z: np.ndarray, skewness: np.ndarray) -> np.ndarray:
    r"""Return P(Z >= z) of a standardised shifted lognormal of given skewness, element by element.

    With g the skewness, :math:`y = e^{s^2}` solves :math:`(y + 2)\sqrt{y - 1} = |g|`; the variable
    :math:`w = \sqrt{y} + sign(g)\, z \sqrt{y (y - 1)}` is lognormal with parameters 0 and s. Skewness below 0.001 in
    size: the normal tail. NaN in, NaN out. For a lower tail negate both arguments.

    Parameters
    ----------
    z, skewness : float64 arrays of one shape

    >>> upper_tail(np.array([0.0, 3.0]), np.array([0.0, 1.0])).round(5)
    array([0.5    , 0.01047])
    """
    flat = [lognormal_upper(float(a), float(b)) for a, b in zip(np.ravel(z), np.ravel(skewness), strict=True)]
    return np.array(flat, dtype=np.float64).reshape(np.shape(z))


def beta_upper(x: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return P(X >= x) of the beta variable on [0, 1] with this mean and variance; NaN when it cannot vary."""
    with np.errstate(invalid="ignore", divide="ignore"):
        total = mean * (1 - mean) / variance - 1
        usable = (variance > 0) & (total > 0)
        p = special.betaincc(mean * total, (1 - mean) * total, np.clip(x, 0, 1))
    return np.where(usable, p, np.nan)


def bounded_upper(z: np.ndarray, skewness: np.ndarray, kurtosis: np.ndarray) -> np.ndarray:
    r"""Return P(Z >= z) of the standardised beta variable with four given moments; NaN where none has them.

    A beta variable ends on both sides, and has fewer extreme values than a gamma variable of its skewness: kurtosis k
    (3 for a normal variable) below :math:`3 + \tfrac32 g^2`. With :math:`\nu = 6 (k - g^2 - 1) / (6 + 3 g^2 - 2 k)` its
    parameters add up to :math:`\nu`, and the half of their difference is
    :math:`\tfrac{\nu}{2} (\nu + 2) g / \sqrt{(\nu + 2)^2 g^2 + 16 (\nu + 1)}`. Reference: Pearson (1895), doi
    10.1098/rsta.1895.0010 (type I).

    Parameters
    ----------
    z, skewness, kurtosis : float64 arrays of one shape
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        total = 6 * (kurtosis - skewness**2 - 1) / (6 + 3 * skewness**2 - 2 * kurtosis)
        usable = (total > 0) & (total < LARGEST)
        tilt = (total + 2) * skewness
        tilt /= np.sqrt(tilt**2 + 16 * (total + 1))
        a, b = total / 2 * (1 - tilt), total / 2 * (1 + tilt)
        x = a / total + z * np.sqrt(a * b / (total + 1)) / total
        p = special.betaincc(a, b, np.clip(x, 0, 1))
    return np.where(usable, p, np.nan)
