"""Agreement of two partitions of the same tokens: chi-square, adjusted mutual information, shares of information.

Reference: Vinh, Epps and Bailey (2010), JMLR 11:2837-2854 (adjusted mutual information).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.chi_square import chi_square_moments
from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.tails import least_p, lognormal_upper
from intraneuron.kernels.two_columns import two_column_upper

EXACT_BELOW = 0.2
"""A closed-form p below this is made exact where one partition has two groups."""


class Agreement(NamedTuple):
    """What :func:`agreement` returns, (N,) each."""

    x2: np.ndarray
    null_mean: np.ndarray
    null_std: np.ndarray
    p: np.ndarray
    ami: np.ndarray
    information_first: np.ndarray
    information_second: np.ndarray


@compiled()
def _expected_information(rows, columns, m, log_factorial):  # type: ignore[no-untyped-def]
    """Return the mean mutual information (nats) over all tables with these margins."""
    total = 0.0
    for a in rows:
        for b in columns:
            if a == 0 or b == 0:
                continue
            fixed = log_factorial[a] + log_factorial[b] + log_factorial[m - a] + log_factorial[m - b] - log_factorial[m]
            for x in range(max(1, a + b - m), min(a, b) + 1):
                log_p = (
                    fixed
                    - log_factorial[x]
                    - log_factorial[a - x]
                    - log_factorial[b - x]
                    - log_factorial[m - a - b + x]
                )
                total += x / m * math.log(m * x / (a * b)) * math.exp(log_p)
    return total


@compiled()
def _entropy(size, m):  # type: ignore[no-untyped-def]
    total = 0.0
    for s in size:
        if s > 0:
            total -= s / m * math.log(s / m)
    return total


@compiled()
def _smaller_of_two(sizes):  # type: ignore[no-untyped-def]
    """Return the smaller of two groups, or -1 when there are more."""
    smaller = -1
    for g in range(len(sizes)):
        if sizes[g] > 0 and (smaller < 0 or sizes[g] < sizes[smaller]):
            smaller = g
    return smaller if (sizes > 0).sum() == 2 else -1


@compiled()
def _exact(table, rows, columns):  # type: ignore[no-untyped-def]
    """Return the exact mid-p of chi-square where one margin has two groups, NaN for another table."""
    column, row = _smaller_of_two(columns), _smaller_of_two(rows)
    if column >= 0:
        return two_column_upper(rows, table[:, column].copy())
    if row >= 0:
        return two_column_upper(columns, table[row].copy())
    return math.nan


@compiled()
def _test(x2, table, rows, columns, m, log_factorial, out):  # type: ignore[no-untyped-def]
    """Write the null mean of chi-square, its standard deviation, and the p of a table's."""
    arrangements = log_factorial[m]
    for size in rows:
        arrangements -= log_factorial[size]
    mean, std, skewness = chi_square_moments(rows, columns, m)
    out[1], out[2] = mean, std
    p = lognormal_upper((x2 - mean) / std, skewness)
    if p < EXACT_BELOW:
        exact = _exact(table, rows, columns)
        p = p if math.isnan(exact) else exact
    out[3] = max(p, least_p(arrangements))


@compiled()
def _core(start, stop, first, second, n, log_factorial, estimates_only, out):  # type: ignore[no-untyped-def]
    """Fill rows x2, its null mean, standard deviation and p, AMI, the two shares of information."""
    for i in range(start, stop):
        groups_a, groups_b = 0, 0
        for j in range(n[i]):
            groups_a, groups_b = max(groups_a, first[i, j] + 1), max(groups_b, second[i, j] + 1)
        if groups_a < 2 or groups_b < 2:
            continue
        table = np.zeros((groups_a, groups_b), np.int64)
        rows, columns = np.zeros(groups_a, np.int64), np.zeros(groups_b, np.int64)
        m = np.int64(0)
        for j in range(n[i]):
            a, b = first[i, j], second[i, j]
            if a >= 0 and b >= 0:
                table[a, b] += 1
                rows[a] += 1
                columns[b] += 1
                m += 1
        if (rows > 0).sum() < 2 or (columns > 0).sum() < 2 or m < 4:
            continue
        x2 = information = 0.0
        for g in range(groups_a):
            for h in range(groups_b):
                x = table[g, h]
                if x > 0:
                    x2 += x * x / (rows[g] * columns[h])
                    information += x / m * math.log(m * x / (rows[g] * columns[h]))
        out[0, i] = x2 = max(m * (x2 - 1), 0.0)  # of equal shares, rounding left as much below 0
        if not estimates_only:
            _test(x2, table, rows, columns, m, log_factorial, out[:, i])
        expected = _expected_information(rows, columns, m, log_factorial)
        entropy_a, entropy_b = _entropy(rows, m), _entropy(columns, m)
        gain = information - expected
        if (entropy_a + entropy_b) / 2 > expected:
            out[4, i] = gain / ((entropy_a + entropy_b) / 2 - expected)
        out[5, i] = gain / entropy_a
        out[6, i] = gain / entropy_b


def agreement(first: np.ndarray, second: np.ndarray, n: np.ndarray, *, estimates_only: bool = False) -> Agreement:
    r"""Compare two partitions of each neuron's tokens; tokens without a label in either are left out.

    ``x2`` is Pearson's chi-square of the table; its p is the upper tail of a shifted lognormal variable with its three
    exact moments under fixed margins (:mod:`intraneuron.kernels.chi_square`); where either partition has two groups and
    that tail is below 0.2, the exact mid-p (:mod:`intraneuron.kernels.two_columns`). ``ami`` = (MI -
    E[MI]) / (mean entropy - E[MI]); ``information_first`` = (MI - E[MI]) / H(first): how much of the first partition's
    entropy the second one removes beyond chance, and the reverse. All are 0 in expectation and 1 at most; MI in nats.

    Parameters
    ----------
    first, second : int16 (N, K)
    n : int32 (N,)
    estimates_only : bool
        Leave out (NaN) the null of chi-square and its p, which take most of the time.

    Returns
    -------
    Agreement
        NaN where either partition has fewer than two groups; p where chi-square cannot vary, or under 6 tokens.

    >>> halves = np.array([[0, 0, 0, 1, 1, 1]], dtype=np.int16)
    >>> a = agreement(halves, halves, np.array([6]))
    >>> float(a.x2[0]), round(float(a.ami[0]), 6)
    (6.0, 1.0)
    """
    out = np.full((7, len(first)), np.nan)
    log_factorial = np.array([math.lgamma(i + 1.0) for i in range(first.shape[1] + 1)])
    over_neurons(_core, len(first), (first, second, n, log_factorial, estimates_only), (out,))
    return Agreement(*out)
