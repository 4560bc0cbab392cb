"""Intervals for the mean of a layer: delete one group of tokens (or of texts) at a time.

A layer's neurons are a census, and they share their tokens: resampling neurons would give intervals three to four
times too narrow. What can vary is the text or the vocabulary, so groups of it are left out one by one. References:
Busing, Meijer and van der Leeden (1999), doi 10.1023/A:1008800423698 (groups of unequal size).
"""

from __future__ import annotations

import numpy as np
from scipy import stats


def jackknife_parts(full: np.ndarray, without: np.ndarray, share: np.ndarray, population: int) -> np.ndarray:
    r"""Return what the jackknife variance of a mean over a layer's neurons is made of, from a sample of them.

    With :math:`\delta_{ij}` the change of neuron i's number when group j is left out and :math:`h_j` = 1 / share, the
    scaled deviation of its pseudo-value j is

    .. math:: d_{ij} = [-(h_j - 1) \delta_{ij} + \sum_k (1 - 1/h_k) \delta_{ik}] / \sqrt{h_j - 1}.

    The variance of the mean is the mean over j of the squared mean over i. Part of that square is the neurons' own
    noise, the variance of d over neurons divided by n; for all N neurons of the layer it would be divided by N. (Where
    a number is undefined in part of the sample, n and N count the rest.)

    Parameters
    ----------
    full : float64 (n, M)
        M numbers of n sampled neurons.
    without : float64 (J, n, M)
        The same with one of J groups left out.
    share : float64 (J,)
        Share of the whole that each group is, in (0, 1).
    population : int
        N.

    Returns
    -------
    float64 (3, J, M)
        Mean scaled deviations; own noise of the sample; own noise of the layer. Kept apart so that layers
        and populations can be added up before squaring: :func:`standard_error`.
    """
    change = without - full[None]
    h = 1 / share[:, None, None]
    defined = np.isfinite(change)
    change = np.where(defined, change, 0.0)
    deviation = (-(h - 1) * change + ((1 - 1 / h) * change).sum(axis=0)) / np.sqrt(h - 1)
    size = defined.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(defined, deviation, 0.0).sum(axis=1) / size
        own = np.where(defined, deviation - mean[:, None], 0.0)
        variance = (own**2).sum(axis=1) / (size - 1)
        tested = population * size / change.shape[1]  # neurons of the layer in which the number is defined
        return np.stack([mean, variance / size, variance / tested])


def standard_error(parts: list[np.ndarray], weights: list[float]) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the standard error of a weighted sum of means whose parts share their groups, and its degrees of freedom.

    ``parts`` are results of :func:`jackknife_parts`; a difference has weights 1 and -1, a mean over L layers 1 / L
    each. Deviations are added before squaring, because layers and twins share the tokens left out. What the sampled
    neurons' own noise adds to the square is replaced by what the whole layer's adds.

    That subtraction leaves the noise of the square A in a smaller variance V, so that its degrees of freedom are
    :math:`(J - 1)(V / A)^2` (Satterthwaite 1946, doi 10.2307/3002019): J - 1 when all neurons are in the sample.

    Returns
    -------
    error, degrees : float64 (M,)
    """
    together = np.sum([w * part[0] for w, part in zip(weights, parts, strict=True)], axis=0)
    sample, layer = (
        np.sum([w * w * part[i] for w, part in zip(weights, parts, strict=True)], axis=0).mean(axis=0) for i in (1, 2)
    )
    square = (together**2).mean(axis=0)
    # What neurons share is at least 0; of a census, sample = layer, all of the square is kept.
    variance = np.maximum(square - (sample - layer), np.minimum(layer, square))
    with np.errstate(invalid="ignore", divide="ignore"):
        kept = np.where(square > 0, np.minimum(variance / square, 1.0), 1.0)
    return np.sqrt(variance), (len(together) - 1) * kept**2


def sampling_error(values: np.ndarray, population: int) -> np.ndarray:
    r"""Return how far the mean of sampled neurons may be from that of all N of their layer, as a standard error.

    .. math:: \sqrt{(1 - n/N) s^2 / m},

    with s² the variance over the m sampled neurons that have the number: Cochran (1977), *Sampling Techniques*, 2.6.
    0 when all are taken; NaN when fewer than two have the number. The jackknife says what other texts would have given
    for the layer, whichever of its neurons are taken; for a mean of some of them, this is added to it.

    Parameters
    ----------
    values : float64 (n, M)
        M numbers of n sampled neurons.
    population : int
        N.

    Returns
    -------
    float64 (M,)

    >>> values = np.array([[1.0], [2.0], [3.0], [4.0]])
    >>> sampling_error(values, 4).tolist(), sampling_error(values, 16).round(3).tolist()
    ([0.0], [0.559])
    """
    if len(values) >= population:
        return np.zeros(values.shape[1])
    defined = np.isfinite(values)
    size = defined.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(defined, values, 0.0).sum(axis=0) / size
        variance = (np.where(defined, values - mean, 0.0) ** 2).sum(axis=0) / (size - 1)
        return np.asarray(np.sqrt((1 - len(values) / population) * variance / size))


def interval_factor(degrees: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Return how many standard errors an interval of this level is wide on each side (Student's t)."""
    return np.asarray(stats.t.ppf(0.5 + level / 2, degrees))


def of_the_same_neurons(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the parts of second minus first where both may be of the same sampled neurons, float64 (3, J, M).

    Their noises may go together, so nobody knows how much of the square of the difference is noise of the sample: none
    is taken off (:func:`standard_error`), and the error is, if anything, too large.
    """
    return with_noise(second - first)


def with_noise(parts: np.ndarray) -> np.ndarray:
    """Return parts of which nothing is taken off as noise of the sampled neurons, float64 (3, J, M)."""
    return np.stack([parts[0], np.zeros_like(parts[0]), np.zeros_like(parts[0])])


def error_of_sum(errors: np.ndarray, degrees: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the standard error of a sum of independent estimates, and its degrees of freedom.

    .. math:: V = \sum_i e_i^2, \qquad f = V^2 / \sum_i (e_i^4 / f_i)

    (Welch 1947, doi 10.1093/biomet/34.1-2.28). Without any error the degrees are the smallest of the estimates'.

    Parameters
    ----------
    errors, degrees : float64 (S, M)
        A row an estimate.

    Returns
    -------
    error, degrees : float64 (M,)

    >>> error, degrees = error_of_sum(np.array([[3.0], [4.0]]), np.array([[10.0], [10.0]]))
    >>> float(error[0]), round(float(degrees[0]), 3)
    (5.0, 18.546)
    """
    variance = (errors**2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = variance**2 / (errors**4 / degrees).sum(axis=0)
    return np.sqrt(variance), np.where(variance > 0, found, degrees.min(axis=0))
