r"""Selectivity of a category: its share of the activation, beyond its share of tokens.

With w_j the activation of token j above that of the neuron's last core token, and m tokens with a category,

.. math:: s_c = \sum_{j \in c} w_j \Big/ \sum_j w_j - n_c / m,

the mean w inside the category over the mean of all, less 1, times the category's share of tokens. The null deals the
activations at random to the m tokens: sampling without replacement, whose first three moments are exact. Reference:
Cochran (1977), Sampling Techniques, section 2.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.counted_sums import counted_upper
from intraneuron.kernels.keyed import key_of
from intraneuron.kernels.subset_sums import drawn_upper, largest_upper, log_choose, saddlepoint_upper
from intraneuron.kernels.tails import least_p, lognormal_upper
from intraneuron.kernels.zone_tests import DRAWS, EXCEEDANCES, SMALL_P, SMALL_ZONE

PURPOSE = 4000
"""First of the streams' numbers; :mod:`intraneuron.kernels.homogeneity` has those below."""


class Selectivity(NamedTuple):
    """What :func:`selectivity` returns, (N, G) each."""

    share: np.ndarray
    selectivity: np.ndarray
    null_mean: np.ndarray
    null_std: np.ndarray
    p: np.ndarray


@compiled()
def _upper(w, size, total, z, skewness, key):  # type: ignore[no-untyped-def]
    """Return P(sum of ``size`` weights >= ``total``) for a total at or above the mean."""
    p = lognormal_upper(z, skewness)
    if p >= SMALL_P:
        return p
    exact = largest_upper(w, size, total)  # there the saddlepoint runs to infinity, and draws find nothing
    if not math.isnan(exact):
        return exact
    few = min(size, len(w) - size)
    if few < SMALL_ZONE:
        exact = counted_upper(w, few, total) if few == size else counted_upper(-w, few, total - w.sum())
        if not math.isnan(exact):
            return exact
        return drawn_upper(w, size, total, DRAWS, EXCEEDANCES, key_of(key[0], key[1], key[2], key[3]))
    exact = saddlepoint_upper(w, size, total)
    return p if math.isnan(exact) else exact


@compiled()
def _core(start, stop, activation, label, n, k, keys, estimates_only, out):  # type: ignore[no-untyped-def]
    for i in range(start, stop):
        if k[i] < 2:
            continue
        m = 0
        w = np.empty(n[i])
        size, inside = np.zeros(k[i], np.int64), np.zeros(k[i])
        for j in range(n[i]):
            c = label[i, j]
            if c >= 0:
                w[m] = activation[i, j] - activation[i, n[i] - 1]
                size[c] += 1
                inside[c] += w[m]
                m += 1
        w = w[:m]
        total = w.sum()
        if not total > 0 or m < 4:
            continue
        mean = total / m
        second = third = 0.0
        for j in range(m):
            second += (w[j] - mean) ** 2
            third += (w[j] - mean) ** 3
        for c in range(k[i]):
            s = size[c]
            row = out[i, c]
            row[0], row[2] = inside[c] / total, s / m
            row[1] = row[0] - row[2]
            variance = s * (m - s) / (m * (m - 1.0)) * second
            if s == m or not variance > 0:
                continue
            row[3] = math.sqrt(variance) / total
            if estimates_only:
                continue
            skewness = s * (m - s) * (m - 2.0 * s) / (m * (m - 1.0) * (m - 2.0)) * third / variance**1.5
            sign = 1.0 if row[1] >= 0 else -1.0
            key = (keys[0, i], keys[1, i], keys[2, i], PURPOSE + c)
            p = _upper(sign * w, s, sign * inside[c], sign * row[1] / row[3], sign * skewness, key)
            row[4] = min(1.0, 2.0 * max(p, least_p(log_choose(m, s))))


def selectivity(
    activation: np.ndarray,
    label: np.ndarray,
    n: np.ndarray,
    k: np.ndarray,
    *,
    keys: np.ndarray,
    estimates_only: bool = False,
) -> Selectivity:
    """Measure how much of a neuron's activation each category takes, beyond its share of tokens.

    Parameters
    ----------
    activation : float64 (N, K)
        Descending.
    label : int16 (N, K)
        Categories; -1 where a token is in none.
    n : int32 (N,)
    k : int16 (N,)
        Number of categories.
    keys : int64 (3, N)
        Seed, layer and neuron, for the draws of small categories.
    estimates_only : bool
        Leave p out (NaN): it takes most of the time.

    Returns
    -------
    Selectivity
        ``share`` of the activation above the last core token's, its difference from the share of tokens
        (``null_mean``) in [-1, 1], the null's standard deviation, and p (two-sided: twice the smaller tail). NaN
        with fewer than two categories, or when all activations are equal.

    >>> keys = np.zeros((3, 1), dtype=np.int64)
    >>> s = selectivity(np.array([[5.0, 3, 2, 1]]), np.array([[0, 0, 1, 1]]), *np.array([[4], [2]]), keys=keys)
    >>> [round(float(x), 4) for x in s.selectivity[0]]
    [0.3571, -0.3571]
    """
    out = np.full((len(label), int(k.max(initial=0)), 5), np.nan)
    over_neurons(_core, len(label), (activation, label, n, k, keys, estimates_only), (out,))
    return Selectivity(*(np.ascontiguousarray(column) for column in np.moveaxis(out, -1, 0)))
