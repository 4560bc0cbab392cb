r"""Tail of the mean similarity inside a random subset of tokens that are of a few kinds.

Where similarities are those of a few groups, how many tokens of each the subset takes decides most of its mean: the
distribution is lumpy and ends early, and no smooth tail with three moments follows it. So tokens are split into three
kinds, by the natural breaks of the leading eigenvector of their similarities. Given the counts of the kinds, which are
multivariate hypergeometric, mean and variance are exact: with

.. math:: M_{ij} = \mu_{ab} + \alpha_i^{(b)} + \alpha_j^{(a)} + \epsilon_{ij}

for i of kind a and j of kind b, the parts are uncorrelated. The tail is the mixture of shifted lognormal tails over
all counts, their common skewness such that the mixture has the exact third moment; it has the exact mean and variance
by itself. References: Fisher (1958), doi 10.1080/01621459.1958.10501479 (natural breaks); Hoeffding (1948), doi
10.1214/aoms/1177730196 (the decomposition).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.moments import times_vector
from intraneuron.kernels.subset_sums import log_choose
from intraneuron.kernels.tails import lognormal_shape, lognormal_shaped

KINDS = 3

ITERATIONS = 6
"""Multiplications by the squared matrix. Any direction among the leading ones does, so they need not converge."""

FIXED, SAME, SLIGHT = 1e-10, 1e-5, 1e-12
"""Cosines have the digits of float32. Given the counts, a variance of less than FIXED of the whole is none; a mean
that is SAME standard deviations below what is observed is as large; conditional third moments that together are SLIGHT
ones of the whole say nothing of a shape."""

RARE = 1e-9
"""Counts less probable than this part of the closed-form p are left out (of 20 tokens there are 231 counts)."""


class Kinds(NamedTuple):
    """Tokens of one neuron by kind, and what the conditional moments need; all zero before they are known.

    Attributes
    ----------
    size : int64 (3,)
        Tokens of each kind.
    mean : float64 (3, 3)
        Mean similarity of tokens of two kinds, the diagonal of M left out.
    rest : float64 (3, 3)
        Sum of the squared residuals over pairs of tokens of two kinds.
    slope : float64 (3, 4, 4)
        Of each kind, the products of its tokens' parts: three columns of alpha, and the row sums of M, centred.
    row : float64 (3,)
        Mean row sum of M.
    """

    size: np.ndarray
    mean: np.ndarray
    rest: np.ndarray
    slope: np.ndarray
    row: np.ndarray


@compiled()
def unknown():  # type: ignore[no-untyped-def]
    """Return an empty Kinds."""
    square = np.zeros((KINDS, KINDS))
    return Kinds(
        np.zeros(KINDS, np.int64), square, square.copy(), np.zeros((KINDS, KINDS + 1, KINDS + 1)), np.zeros(KINDS)
    )


@compiled()
def _leading(square, n):  # type: ignore[no-untyped-def]
    """Return nearly the leading eigenvector of a squared matrix, starting from its largest row."""
    best = 0
    for i in range(1, n):
        if square[i, i] > square[best, best]:
            best = i
    v = square[best, :n].copy()
    for _ in range(ITERATIONS):
        scale = 0.0
        for i in range(n):
            scale = max(scale, abs(v[i]))
        for i in range(n):
            v[i] /= scale
        v = times_vector(square, v, n)
    return v


@compiled()
def three_kinds(v):  # type: ignore[no-untyped-def]
    """Return the kind of each number, 0 to 2: the split with the least squares within, kinds of at least one number."""
    n = len(v)
    order = np.argsort(v, kind="mergesort")
    total = np.zeros(n + 1)
    for i in range(n):
        total[i + 1] = total[i] + v[order[i]]
    best, first, second = -1.0, 1, 2
    right, between = np.empty(n), np.empty(n)
    for b in range(1, n):
        right[b] = (total[n] - total[b]) * (total[n] - total[b]) / (n - b)
    for a in range(1, n - 1):
        left = total[a] * total[a] / a
        for b in range(a + 1, n):  # in vector registers
            middle = total[b] - total[a]
            between[b] = left + middle * middle / (b - a) + right[b]
        for b in range(a + 1, n):
            if between[b] > best:
                best, first, second = between[b], a, b
    kind = np.empty(n, np.int64)
    for i in range(n):
        kind[order[i]] = 0 if i < first else 1 if i < second else 2
    return kind


@compiled()
def _sums_by_kind(M, n, kind):  # type: ignore[no-untyped-def]
    """Return each token's sums of M and of M^2 over the tokens of each kind: two arrays (3, n)."""
    total, squares = np.zeros((KINDS, n)), np.zeros((KINDS, n))
    for i in range(n):
        to, to_squares = total[kind[i]], squares[kind[i]]
        for j in range(n):  # M is symmetric: columns side by side, each in the order of rows
            to[j] += M[i, j]
            to_squares[j] += M[i, j] * M[i, j]
    return total, squares


@compiled()
def find_kinds(M, square, n, kinds):  # type: ignore[no-untyped-def]
    """Split n >= 4 tokens into kinds and fill ``kinds``; M has a zero diagonal, ``square`` is M M."""
    kind = three_kinds(_leading(square, n))
    size, mean, rest = kinds.size, kinds.mean, kinds.rest
    size[:], mean[:], rest[:], kinds.slope[:], kinds.row[:] = 0, 0.0, 0.0, 0.0, 0.0
    part = np.zeros((n, KINDS + 1))
    total, squares = _sums_by_kind(M, n, kind)
    for i in range(n):
        size[kind[i]] += 1
        for b in range(KINDS):
            part[i, b] = total[b, i]
            part[i, KINDS] += total[b, i]
            mean[kind[i], b] += total[b, i]
            rest[kind[i], b] += squares[b, i]
        kinds.row[kind[i]] += part[i, KINDS]
    for a in range(KINDS):
        kinds.row[a] /= size[a]
        for b in range(KINDS):
            mean[a, b] /= max(size[a] * (size[b] - (a == b)), 1)
    for i in range(n):
        a = kind[i]
        part[i, KINDS] -= kinds.row[a]
        for b in range(KINDS):
            if a != b:
                part[i, b] = part[i, b] / size[b] - mean[a, b]
            elif size[a] > 2:
                part[i, b] = (part[i, b] - (size[a] - 1) * mean[a, a]) / (size[a] - 2)
            else:
                part[i, b] = 0.0
        for b in range(KINDS + 1):
            for c in range(KINDS + 1):
                kinds.slope[a, b, c] += part[i, b] * part[i, c]
    for a in range(KINDS):
        for b in range(KINDS):
            if a != b:
                fitted = size[a] * size[b] * mean[a, b] ** 2
                fitted += size[b] * kinds.slope[a, b, b] + size[a] * kinds.slope[b, a, a]
            else:
                rest[a, a] /= 2
                fitted = size[a] * (size[a] - 1) / 2 * mean[a, a] ** 2 + (size[a] - 2) * kinds.slope[a, a, a]
            rest[a, b] = max(rest[a, b] - fitted, 0.0) if a != b or size[a] > 3 else 0.0


@compiled()
def _shares(taken, size, out):  # type: ignore[no-untyped-def]
    """Write the chances that one, two, three, four given tokens of a kind are all taken."""
    chance = 1.0
    for k in range(4):
        chance *= (taken - k) / (size - k) if size > k else 0.0
        out[k] = chance


@compiled()
def _given(kinds, taken, inside, rows, share):  # type: ignore[no-untyped-def]
    """Return mean and variance of the statistic, given how many tokens of each kind are taken.

    The statistic is ``inside`` times the sum of M over the pairs taken, plus ``rows`` times their sum of row sums.
    """
    size, mean, rest, slope = kinds.size, kinds.mean, kinds.rest, kinds.slope
    average = variance = 0.0
    for a in range(KINDS):
        _shares(taken[a], size[a], share[a])
    for a in range(KINDS):
        c, n = taken[a], size[a]
        average += inside * c * (c - 1) / 2 * mean[a, a] + rows * c * kinds.row[a]
        variance += inside**2 * rest[a, a] * (share[a, 1] - 2 * share[a, 2] + share[a, 3])
        for b in range(a + 1, KINDS):
            average += inside * c * taken[b] * mean[a, b]
            both = (share[a, 0] - share[a, 1]) * (share[b, 0] - share[b, 1])
            variance += inside**2 * rest[a, b] * both
        if 0 < c < n:
            squares = 0.0
            for b in range(KINDS + 1):
                of_b = rows if b == KINDS else inside * (taken[b] - (a == b))
                for d in range(KINDS + 1):
                    of_d = rows if d == KINDS else inside * (taken[d] - (a == d))
                    squares += of_b * of_d * slope[a, b, d]
            variance += squares * c * (n - c) / (n * (n - 1.0))
    return average, max(variance, 0.0)


@compiled()
def kinds_upper(kinds, size, inside, rows, observed, std, skewness, closed):  # type: ignore[no-untyped-def]
    """Return P(statistic >= observed) of a random subset of ``size`` tokens: the mixture over counts of kinds.

    ``inside`` and ``rows`` weigh the sums inside the subset and of its row sums. ``std`` and ``skewness`` are the exact
    ones; ``closed`` is the p without kinds.
    """
    n0, n1, n2 = kinds.size[0], kinds.size[1], kinds.size[2]
    most = (min(size, n0) + 1) * (min(size, n1) + 1)
    chance, average, variance = np.empty(most), np.empty(most), np.empty(most)
    taken, share = np.empty(KINDS, np.int64), np.empty((KINDS, 4))
    whole, found = log_choose(n0 + n1 + n2, size), 0
    log = np.empty(n0 + n1 + n2 + 1)  # of factorials
    for i in range(len(log)):
        log[i] = math.lgamma(i + 1.0)
    for c0 in range(max(0, size - n1 - n2), min(size, n0) + 1):
        for c1 in range(max(0, size - c0 - n2), min(size - c0, n1) + 1):
            taken[0], taken[1], taken[2] = c0, c1, size - c0 - c1
            ways = log[n0] - log[c0] - log[n0 - c0] + (log[n1] - log[c1] - log[n1 - c1])
            one = math.exp(ways + (log[n2] - log[taken[2]] - log[n2 - taken[2]]) - whole)
            if one > RARE * closed:
                chance[found] = one
                average[found], variance[found] = _given(kinds, taken, inside, rows, share)
                found += 1
    third, scale = skewness * std**3, 0.0
    for i in range(found):
        third -= chance[i] * average[i] * (average[i] ** 2 + 3 * variance[i])
        scale += chance[i] * variance[i] ** 1.5
    shape = lognormal_shape(third / scale if scale > SLIGHT * std**3 else 0.0)
    p = 0.0
    for i in range(found):
        if variance[i] > FIXED * std**2:
            p += chance[i] * lognormal_shaped((observed - average[i]) / math.sqrt(variance[i]), shape)
        elif average[i] >= observed - SAME * std:
            p += chance[i]
    return p
