"""Top-down: does activation differ between categories? Rank tests with exact null moments.

References: Kruskal and Wallis (1952), doi 10.1080/01621459.1952.10483441; Cliff (1993), doi
10.1037/0033-2909.114.3.494.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.rank_sums import rank_sum_p, tied_rank_sum_p
from intraneuron.kernels.tails import beta_upper, least_p_of

ROUNDING = 1e-12
"""A variance of H/(m - 1) up to here is rounding: that of 1,000 tokens is above 1e-6."""


class TopDown(NamedTuple):
    """What :func:`top_down` returns."""

    h: np.ndarray
    eta2: np.ndarray
    null_mean: np.ndarray
    null_std: np.ndarray
    p: np.ndarray
    delta: np.ndarray
    delta_std: np.ndarray
    delta_p: np.ndarray
    mean_activation: np.ndarray


@compiled()
def _ranks(activation, label, n, rank):  # type: ignore[no-untyped-def]
    """Write ascending midranks among the tokens with a category; return (their number, tied)."""
    m = 0
    for i in range(n):
        if label[i] >= 0:
            m += 1
    tied = False
    above = 0
    i = 0
    while i < n:
        j, together = i, 0
        while j < n and activation[j] == activation[i]:
            together += label[j] >= 0
            j += 1
        for k in range(i, j):
            rank[k] = m - above - (together - 1) / 2.0
        tied = tied or together > 1
        above += together
        i = j
    return m, tied


@compiled()
def _core(start, stop, activation, label, n, n_groups, out, size, u, mean):  # type: ignore[no-untyped-def]
    """Fill, a neuron: m, tied, H, variance of H/(m-1), squares of ranks; a group: size, U, mean activation."""
    K = activation.shape[1]
    rank = np.empty(K)
    for i in range(start, stop):
        k = n_groups[i]
        if k < 2:
            continue
        m, tied = _ranks(activation[i], label[i], n[i], rank)
        if m < 4:
            continue
        middle = (m + 1) / 2.0
        squares = fourths = 0.0
        sums = np.zeros(k)
        for g in range(k):
            mean[i, g] = 0.0
        for j in range(n[i]):
            g = label[i, j]
            if g < 0:
                continue
            c = rank[j] - middle
            squares += c * c
            fourths += c**4
            sums[g] += c
            size[i, g] += 1
            mean[i, g] += activation[i, j]
        out[i, 0], out[i, 1] = m, tied
        ratio = inverse = 0.0
        for g in range(k):
            s = size[i, g]
            ratio += sums[g] ** 2 / s
            inverse += 1.0 / s
            u[i, g] = sums[g] + s * (m - s) / 2.0  # pairs won against the other groups, ties half
            mean[i, g] /= s
        if squares == 0:
            continue
        out[i, 2], out[i, 4] = (m - 1) * ratio / squares, squares
        d, Q1, Q2 = k - 1.0, inverse - 2.0 * k / m + 1.0 / m, fourths / squares**2
        v1, v2 = d * (m - 1 - d) / (m - 1), (m - 2.0) / (m - 1)
        w1, w2 = (m * Q1 - d * d) / (m - 2), (m * Q2 - 1) / (m - 2)
        variance = 2 * (v1 - w1) * (v2 - w2) / (m * (m - 3.0)) + w1 * w2 / (m - 1)
        # One token above all others, which are tied, in categories of one size: H is the same wherever it stands.
        out[i, 3] = variance if variance > ROUNDING else 0.0


def top_down(
    activation: np.ndarray, label: np.ndarray, n: np.ndarray, n_groups: np.ndarray, *, estimates_only: bool = False
) -> TopDown:
    r"""Test whether activation differs between the categories of each neuron.

    H is Kruskal and Wallis's, with tie correction; eta2 = (H - k + 1) / (m - k), 0 in expectation. H / (m - 1)
    lies in [0, 1] and is compared with the beta distribution of its exact permutation mean and variance (a
    chi-square tail is wrong by a factor of 4 at p = 0.001); two untied categories: exact rank sum. Per category:
    Cliff's delta, 2 U / (a b) - 1, against all other categories, with the two-sided rank-sum p of
    :mod:`intraneuron.kernels.rank_sums`.

    Parameters
    ----------
    activation : float64 (N, K), descending
    label : int16 (N, K), -1 outside all categories
    n : int32 (N,)
    n_groups : int16 (N,)
    estimates_only : bool
        Leave every p out (NaN).

    Returns
    -------
    TopDown
        (N,): h, eta2, null_mean, null_std (of h), p; (N, G): delta, delta_std, delta_p, mean_activation.
        Fewer than two categories: NaN. p is NaN, too, where H is the same for every permutation (null_std 0).
    """
    N, G = len(label), int(n_groups.max(initial=0))
    out = np.full((N, 5), np.nan)
    size = np.zeros((N, G), dtype=np.int64)
    u, mean = np.full((N, G), np.nan), np.full((N, G), np.nan)
    over_neurons(_core, N, (activation, label, n, n_groups), (out, size, u, mean))
    m, tied, h, variance, squares = out.T
    k = n_groups.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = beta_upper(h / (m - 1), (k - 1) / (m - 1), variance)
        log_arrangements = special.gammaln(m + 1) - special.gammaln(size + 1.0).sum(axis=1)
        p = np.maximum(p, least_p_of(log_arrangements))
        a, b = size.astype(np.float64), m[:, None] - size
        delta = np.where(a > 0, 2 * u / (a * b) - 1, np.nan)
        delta_std = np.where(a > 0, 2 * np.sqrt(squares[:, None] / (m * (m - 1))[:, None] / (a * b)), np.nan)
        eta2 = (h - k + 1) / (m - k)
    delta_p = np.full((N, G), np.nan)
    if estimates_only:
        p = np.full(N, np.nan)
        return TopDown(h, eta2, k - 1 + 0 * h, (m - 1) * np.sqrt(variance), p, delta, delta_std, delta_p, mean)
    there = (size > 0) & (b > 0) & np.isfinite(h)[:, None]
    untied = there & (tied == 0)[:, None]
    row = np.broadcast_to(m[:, None], size.shape)
    delta_p[untied] = rank_sum_p(u[untied], size[untied], row[untied].astype(np.int64))
    for i in np.flatnonzero((tied == 1) & np.isfinite(h)):
        values = activation[i, : n[i]][label[i, : n[i]] >= 0]
        delta_p[i, there[i]] = tied_rank_sum_p(values, u[i, there[i]], size[i, there[i]])
    two = (n_groups == 2) & (tied == 0) & np.isfinite(h)
    if two.any():
        p[two] = delta_p[two, 0]
    return TopDown(h, eta2, k - 1 + 0 * h, (m - 1) * np.sqrt(variance), p, delta, delta_std, delta_p, mean)
