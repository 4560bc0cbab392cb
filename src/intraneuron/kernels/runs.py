"""Interleaving: how often the category changes along the activation axis, against chance.

Reference: Wald and Wolfowitz (1940), doi 10.1214/aoms/1177731909, for two groups; here any number of groups and
three exact moments (:mod:`intraneuron.kernels.moments`, with D the neighbours in the order and S "differs").
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.moments import N_GRAPHS, block_sums, central_moments, ones_sums, path_sums
from intraneuron.kernels.run_counts import EXACT, EXACT_TWO, binomials, few_runs
from intraneuron.kernels.tails import least_p, lognormal_upper

LIKELY = 0.2
"""Above this p the closed form is kept."""


class Runs(NamedTuple):
    """What :func:`interleaving` returns, (N,) each."""

    runs: np.ndarray
    interleaving: np.ndarray
    null_mean: np.ndarray
    null_std: np.ndarray
    p: np.ndarray


@compiled()
def _core(start, stop, label, n, n_groups, choose, out):  # type: ignore[no-untyped-def]
    tD, tS, tJ = np.zeros(N_GRAPHS), np.zeros(N_GRAPHS), np.zeros(N_GRAPHS)
    for i in range(start, stop):
        k = n_groups[i]
        if k < 2:
            continue
        size = np.zeros(k, np.int64)
        runs, m, last = 0, np.int64(0), -1
        for j in range(n[i]):
            g = label[i, j]
            if g < 0:
                continue
            m += 1
            size[g] += 1
            runs += g != last
            last = g
        if m < 4:
            continue
        squares = 0.0
        arrangements = math.lgamma(m + 1.0)
        for g in range(k):
            squares += size[g] ** 2
            arrangements -= math.lgamma(size[g] + 1.0)
        expected = (m * (m + 1.0) - squares) / m
        differ = (expected - 1) / (m - 1)  # chance that two tokens are of different categories
        block_sums(size, np.full(k, -differ), 1 - differ, k, tS)
        path_sums(m, tD)
        ones_sums(m, tJ)
        std, skewness = central_moments(tD, tS, tJ)
        out[0, i], out[2, i], out[3, i] = runs, expected, std
        if math.isnan(std):
            continue
        out[1, i] = (runs - k) / (expected - k)
        p = lognormal_upper((expected - runs) / std, -skewness)
        if p < LIKELY and m <= (EXACT_TWO if k == 2 else EXACT):
            p = few_runs(size, runs, choose)
        out[4, i] = max(p, least_p(arrangements))


def interleaving(label: np.ndarray, n: np.ndarray, n_groups: np.ndarray) -> Runs:
    """Count runs of one category along the order of activation.

    ``interleaving = (R - k) / (E[R] - k)``, E[R] = (m (m + 1) - sum n_g^2) / m: 0 when every category is one
    zone, 1 as by chance, above 1 when they alternate. p is the lower tail: up to 128 tokens, of two categories up to
    500, the exact mid-p P(R < observed) + P(R = observed) / 2, unless the closed form is above 0.2; else that closed
    form, three exact moments without continuity correction, which makes it close to a mid-p.

    Parameters
    ----------
    label : int16 (N, K), in descending order of activation; -1 outside all categories
    n : int32 (N,)
    n_groups : int16 (N,)

    Returns
    -------
    Runs
        NaN under two categories. ``null_mean`` and ``null_std`` are those of the number of runs.

    >>> r = interleaving(np.array([[0, 0, 0, 1, 1, 1]], dtype=np.int16), np.array([6]), np.array([2]))
    >>> float(r.runs[0]), float(r.interleaving[0]), float(r.null_mean[0])
    (2.0, 0.0, 4.0)
    """
    out = np.full((5, len(label)), np.nan)
    over_neurons(_core, len(label), (label, n, n_groups, binomials(min(int(n.max(initial=0)), EXACT_TWO))), (out,))
    return Runs(*out)
