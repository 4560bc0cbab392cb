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
from intraneuron.kernels.subset_sums import binomial_chances, log_choose
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
    # The best second break moves up with the first one, so those of some first breaks bound those between them.
    found = np.empty(n + 1, np.int64)
    found[0], found[n - 1] = 2, n - 1
    stride = 1
    while 2 * stride < n - 1:
        stride *= 2
    while stride > 0:
        for a in range(stride, n - 1, 2 * stride):
            left, largest = total[a] * total[a] / a, -1.0
            for b in range(max(found[a - stride], a + 1), found[min(a + stride, n - 1)] + 1):
                middle, right = total[b] - total[a], total[n] - total[b]
                between = left + middle * middle / (b - a) + right * right / (n - b)
                if between > largest:
                    largest, found[a] = between, b
            if largest > best:
                best, first, second = largest, a, found[a]
        stride //= 2
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
def _parts(a, own, size, total, mean, row, part):  # type: ignore[no-untyped-def]
    """Write mean similarities and parts (a row each: alpha by kind, row sums) of the tokens ``own`` of kind a."""
    part[KINDS] = 0.0
    row[a] = 0.0
    for b in range(KINDS):
        whole = 0.0
        for i in range(len(own)):
            part[b, i] = total[b, own[i]]
            part[KINDS, i] += part[b, i]
            whole += part[b, i]
        mean[a, b] = whole / max(size[a] * (size[b] - (a == b)), 1)
        row[a] += whole / size[a]
        others, less = size[b], mean[a, b]
        if a == b:
            others, less = size[b] - 2, (size[a] - 1) * mean[a, a]
        for i in range(len(own)):
            part[b, i] = (part[b, i] - less * (1 if a == b else others)) / others if others > 0 else 0.0
    for i in range(len(own)):
        part[KINDS, i] -= row[a]


@compiled()
def find_kinds(M, square, n, kinds):  # type: ignore[no-untyped-def]
    """Split n >= 4 tokens into kinds and fill ``kinds``; M has a zero diagonal, ``square`` is M M."""
    kind = three_kinds(_leading(square, n))
    size, mean, rest, slope = kinds.size, kinds.mean, kinds.rest, kinds.slope
    tokens, part = np.empty((KINDS, n), np.int64), np.empty((KINDS + 1, n))
    size[:] = 0
    for i in range(n):
        tokens[kind[i], size[kind[i]]] = i
        size[kind[i]] += 1
    total, squares = _sums_by_kind(M, n, kind)
    for a in range(KINDS):
        own = tokens[a, : size[a]]
        _parts(a, own, size, total, mean, kinds.row, part)
        for b in range(KINDS):
            rest[a, b] = 0.0
            for i in range(len(own)):
                rest[a, b] += squares[b, own[i]]
        for b in range(KINDS + 1):
            for c in range(b + 1):
                products = 0.0
                for i in range(len(own)):
                    products += part[b, i] * part[c, i]
                slope[a, b, c] = slope[a, c, b] = products
    for a in range(KINDS):
        for b in range(KINDS):
            if a != b:
                fitted = size[a] * size[b] * mean[a, b] ** 2
                fitted += size[b] * slope[a, b, b] + size[a] * slope[b, a, a]
            else:
                rest[a, a] /= 2
                fitted = size[a] * (size[a] - 1) / 2 * mean[a, a] ** 2 + (size[a] - 2) * slope[a, a, a]
            rest[a, b] = max(rest[a, b] - fitted, 0.0) if a != b or size[a] > 3 else 0.0


@compiled()
def _by_count(n, out):  # type: ignore[no-untyped-def]
    """Write, for 0, 1, ... of a kind's n tokens taken, the factors of three parts of the variance.

    Those of residuals to other kinds, of residuals within the kind, and of the tokens' parts.
    """
    for c in range(out.shape[1]):
        one = two = three = four = 1.0
        for k in range(4):
            share = (c - k) / (n - k) if n > k else 0.0
            one *= share if k < 1 else 1.0
            two *= share if k < 2 else 1.0
            three *= share if k < 3 else 1.0
            four *= share
        out[0, c] = one - two
        out[1, c] = two - 2 * three + four
        out[2, c] = c * (n - c) / (n * (n - 1.0)) if n > 1 else 0.0


@compiled()
def _quadratic(slope, v, e):  # type: ignore[no-untyped-def]
    """Return the coefficients of x^0, x^1 and x^2 in (v + x e)' slope (v + x e)."""
    none = one = two = 0.0
    for b in range(KINDS + 1):
        for d in range(KINDS + 1):
            none += v[b] * v[d] * slope[b, d]
            one += 2 * v[b] * e[d] * slope[b, d]
            two += e[b] * e[d] * slope[b, d]
    return none, one, two


@compiled()
def _given(kinds, factor, c0, low, left, inside, rows, average, variance):  # type: ignore[no-untyped-def]
    """Write mean and variance of the statistic given the counts c0, low + x, left - low - x, for x = 0, 1, ...

    The statistic is ``inside`` times the sum of M over the pairs taken, plus ``rows`` times their sum of row sums.
    ``factor`` is :func:`_by_count` of each kind. For a given c0 all is polynomial in x, or in a table by count.
    """
    mean, rest = kinds.mean, kinds.rest
    count, step = np.empty(KINDS), np.zeros(KINDS)
    count[0], count[1], count[2] = c0, low, left - low
    step[1], step[2] = 1.0, -1.0
    m0 = m1 = m2 = 0.0  # coefficients of the mean
    v, e = np.empty(KINDS + 1), np.zeros(KINDS + 1)
    variance[:] = 0.0
    for a in range(KINDS):
        c, d = count[a], step[a]
        m0 += inside * c * (c - 1) / 2 * mean[a, a] + rows * c * kinds.row[a]
        m1 += inside * d * (2 * c - 1) / 2 * mean[a, a] + rows * d * kinds.row[a]
        m2 += inside * d * d / 2 * mean[a, a]
        for b in range(a + 1, KINDS):
            m0 += inside * c * count[b] * mean[a, b]
            m1 += inside * (c * step[b] + d * count[b]) * mean[a, b]
            m2 += inside * d * step[b] * mean[a, b]
        for b in range(KINDS):
            v[b], e[b] = inside * (count[b] - (a == b)), inside * step[b]
        v[KINDS] = rows
        none, one, two = _quadratic(kinds.slope[a], v, e)
        within, alone = inside**2 * rest[a, a], factor[a]
        begin, by = np.int64(c), np.int64(d)
        for x in range(len(variance)):
            at = begin + by * x
            variance[x] += within * alone[1, at] + (none + x * (one + x * two)) * alone[2, at]
    first, second, third = factor[0, 0, c0], factor[1, 0], factor[2, 0]
    for x in range(len(variance)):
        one, two = second[low + x], third[left - low - x]
        between = first * (rest[0, 1] * one + rest[0, 2] * two) + rest[1, 2] * one * two
        variance[x] = max(variance[x] + inside**2 * between, 0.0)
        average[x] = m0 + x * (m1 + x * m2)


@compiled()
def kinds_upper(kinds, size, inside, rows, observed, std, skewness, closed):  # type: ignore[no-untyped-def]
    """Return P(statistic >= observed) of a random subset of ``size`` tokens: the mixture over counts of kinds.

    ``inside`` and ``rows`` weigh the sums inside the subset and of its row sums. ``std`` and ``skewness`` are the exact
    ones; ``closed`` is the p without kinds.
    """
    n0, n1, n2 = kinds.size[0], kinds.size[1], kinds.size[2]
    n = n0 + n1 + n2
    chance, factor = np.empty((KINDS, n + 1)), np.empty((KINDS, 3, size + 1))
    for a in range(KINDS):
        binomial_chances(kinds.size[a], size / n, chance[a])
        _by_count(kinds.size[a], factor[a, :, : min(size, kinds.size[a]) + 1])
    whole = math.exp(log_choose(n, size) + size * math.log(size / n) + (n - size) * math.log1p(-size / n))
    most = (min(size, n0) + 1) * (min(size, n1) + 1)
    weight, average, variance = np.empty(most), np.empty(most), np.empty(most)
    found = 0
    for c0 in range(max(0, size - n1 - n2), min(size, n0) + 1):
        left = size - c0
        low, high = max(0, left - n2), min(left, n1)
        own = slice(found, found + high + 1 - low)
        _given(kinds, factor, c0, low, left, inside, rows, average[own], variance[own])
        for c1 in range(low, high + 1):
            weight[found] = chance[0, c0] * chance[1, c1] * chance[2, left - c1] / whole
            found += 1
    third, scale = skewness * std**3, 0.0
    for i in range(found):
        third -= weight[i] * average[i] * (average[i] * average[i] + 3 * variance[i])
        scale += weight[i] * variance[i] * math.sqrt(variance[i])
    shape = lognormal_shape(third / scale if scale > SLIGHT * std**3 else 0.0)
    p = 0.0
    for i in range(found):
        if not weight[i] > RARE * closed:
            continue
        if variance[i] > FIXED * std**2:
            p += weight[i] * lognormal_shaped((observed - average[i]) / math.sqrt(variance[i]), shape)
        elif average[i] >= observed - SAME * std:
            p += weight[i]
    return p
