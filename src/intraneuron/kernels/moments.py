r"""Exact permutation moments of ``U = sum_{a<b} D_ab S_{pi(a) pi(b)}``, up to the third.

``D`` says which pairs of positions count and how much, ``S`` how alike two tokens are; under the null every
assignment ``pi`` of n tokens to n positions is equally likely. A product of two or three entries of a
symmetric matrix touches one of three (two factors) or eight (three factors) kinds of graph: the same edge,
edges that share a node, disjoint edges; triangle, star, path and so on. If ``t_p(M)`` is the sum of such
products over all ordered pairs or triples of edges that form graph p, then, J being all ones off the diagonal,

.. math:: E[U^2] = \sum_{p=1}^{3} t_p(D) t_p(S) / t_p(J), \qquad E[U^3] = \sum_{p=4}^{11} t_p(D) t_p(S) / t_p(J).

All sums but the triangles cost O(n^2). When ``S`` is centred off its diagonal, E[U] = 0 and the sums are
central moments. References: Mantel (1967); Mielke (1979); Kazi-Aoual et al. (1995), doi
10.1016/0167-9473(94)00064-2.
"""

from __future__ import annotations

import math

import numpy as np

from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.similarity import gram, mirror, tile_length

N_GRAPHS = 11
CANCELLED = 1e-10
"""A sum of terms that is smaller than this part of the largest of them is their rounding."""


@compiled()
def graph_sums(sums, t):  # type: ignore[no-untyped-def]
    """Turn power sums of a symmetric matrix with zero diagonal into its 11 graph sums ``t``.

    ``sums`` holds, with r_i, q_i, c_i the row sums of M, M^2, M^3 (by entry): S1 = sum r / 2, S2 = sum q / 2,
    S3 = sum c / 2, sum r^2, sum r^3, sum r q, r'Mr and trace(M M M).
    """
    S1, S2, S3, r2, r3, rq, rMr, X = sums
    h = (r2 - 2 * S2) / 2  # paths of two edges
    a = rq - 2 * S3  # ordered: one edge twice, a neighbour once
    P = (rMr - 2 * rq + 2 * S3 - X) / 2  # paths of three edges
    L = (r3 - 3 * rq + 4 * S3) / 6  # stars of three edges
    e = h * S1 - a - X / 2 - 3 * L - 2 * P  # a path of two edges and an edge apart
    t[0] = S2
    t[1] = 2 * h
    t[2] = S1 * S1 - t[0] - t[1]
    t[3] = S3
    t[4] = 3 * a
    t[5] = X
    t[6] = 3 * (S1 * S2 - S3 - a)
    t[7] = 6 * L
    t[8] = 6 * P
    t[9] = 6 * e
    t[10] = S1**3 - (t[3] + t[4] + t[5] + t[6] + t[7] + t[8] + t[9])


@compiled()
def powers_by_column(M, n):  # type: ignore[no-untyped-def]
    """Return the sums of M, M^2 and M^3 (by entry) over each of the first n columns: a row of each.

    Columns, not rows, though a symmetric matrix has the same sums: side by side they are summed in vector registers,
    each in the order of rows.
    """
    sums = np.zeros((3, n))
    first, second, third = sums[0], sums[1], sums[2]
    for i in range(n):
        for j in range(n):
            first[j] += M[i, j]
            second[j] += M[i, j] * M[i, j]
        for j in range(n):
            third[j] += M[i, j] * M[i, j] * M[i, j]
    return sums


@compiled()
def products_by_column(M, other, n):  # type: ignore[no-untyped-def]
    """Return the sums of the products of two symmetric matrices' entries over each of the first n columns."""
    sums = np.zeros(n)
    for i in range(n):
        for j in range(n):
            sums[j] += M[i, j] * other[i, j]
    return sums


@compiled()
def times_vector(M, v, n):  # type: ignore[no-untyped-def]
    """Return the product of a symmetric matrix's first n rows and columns with a vector."""
    product = np.zeros(n)
    for i in range(n):
        for j in range(n):
            product[j] += M[i, j] * v[i]
    return product


@compiled()
def matrix_sums(M, n, square, t):  # type: ignore[no-untyped-def]
    """Write the graph sums of the first n rows and columns of ``M`` into ``t``: float64, symmetric, zero diagonal.

    The rows of ``M`` from n to ``tile_length(n)`` exist and are finite; ``square`` is a buffer of its shape.
    """
    gram(M, n, n, square, False)
    mirror(square, n)
    r, q, c = powers_by_column(M, n)
    triangle, along = products_by_column(M, square, n), times_vector(M, r, n)
    S1 = S2 = S3 = r2 = r3 = rq = rMr = X = 0.0
    for i in range(n):
        S1 += r[i] / 2
        S2 += q[i] / 2
        S3 += c[i] / 2
        r2 += r[i] * r[i]
        r3 += r[i] * r[i] * r[i]
        rq += r[i] * q[i]
        rMr += r[i] * along[i]
        X += triangle[i]
    graph_sums((S1, S2, S3, r2, r3, rq, rMr, X), t)


@compiled()
def block_sums(size, within, between, n_groups, t):  # type: ignore[no-untyped-def]
    """Write the graph sums of a matrix that is constant within and between groups into ``t``, in O(G).

    Entry (i, j) is ``within[g]`` when both are in group g, else ``between``.
    """
    n = n2 = n3 = 0.0
    for g in range(n_groups):
        n += size[g]
        n2 += size[g] ** 2
        n3 += size[g] ** 3
    S1 = S2 = S3 = r2 = r3 = rq = X = R = 0.0
    for g in range(n_groups):
        s, w = float(size[g]), within[g]
        r = w * (s - 1) + between * (n - s)
        q = w * w * (s - 1) + between**2 * (n - s)
        c = w**3 * (s - 1) + between**3 * (n - s)
        S1 += s * r / 2
        S2 += s * q / 2
        S3 += s * c / 2
        r2 += s * r * r
        r3 += s * r**3
        rq += s * r * q
        R += s * r
        X += w**3 * s * (s - 1) * (s - 2) + 3 * w * between**2 * s * (s - 1) * (n - s)
    X += between**3 * (n**3 - 3 * n * n2 + 2 * n3)
    rMr = 0.0
    for g in range(n_groups):
        s, w = float(size[g]), within[g]
        r = w * (s - 1) + between * (n - s)
        rMr += s * r * (w * (s - 1) * r + between * (R - s * r))
    graph_sums((S1, S2, S3, r2, r3, rq, rMr, X), t)


@compiled()
def path_sums(m, t):  # type: ignore[no-untyped-def]
    """Write the graph sums of a path of m nodes (neighbours in an order: 1, else 0) into ``t``; m >= 3."""
    edges = m - 1.0
    r2 = 4.0 * (m - 2) + 2
    r3 = 8.0 * (m - 2) + 2
    rMr = 2 * (4.0 * (m - 3) + 4) if m > 3 else 8.0
    graph_sums((edges, edges, edges, r2, r3, r2, rMr, 0.0), t)


@compiled()
def ones_sums(n, t):  # type: ignore[no-untyped-def]
    """Write the graph sums of J (ones off the diagonal) of order n into ``t``."""
    size, within = np.empty(1, np.int64), np.ones(1)
    size[0] = n
    block_sums(size, within, 0.0, len(size), t)


@compiled()
def central_moments(tD, tS, tJ):  # type: ignore[no-untyped-def]
    """Return (standard deviation, skewness) of U when D or S is centred; NaN when U cannot vary."""
    second = largest = 0.0
    for p in range(3):
        if tJ[p] != 0:
            second += tD[p] * tS[p] / tJ[p]
            largest = max(largest, abs(tD[p] * tS[p] / tJ[p]))
    third = 0.0
    for p in range(3, N_GRAPHS):
        if tJ[p] != 0:
            third += tD[p] * tS[p] / tJ[p]
    if not second > CANCELLED * largest:  # what is left of terms that cancel is rounding
        return math.nan, math.nan
    std = math.sqrt(second)
    return std, third / std**3


def permutation_moments(D: np.ndarray, S: np.ndarray) -> tuple[float, float, float]:
    """Return mean, standard deviation and skewness of U for two symmetric matrices of one order.

    Parameters
    ----------
    D, S : float64 (n, n)
        Diagonals are ignored.

    Returns
    -------
    (mean, std, skewness); std and skewness are NaN when U cannot vary.

    >>> D = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    >>> S = np.array([[1, 3, 6], [3, 1, 9], [6, 9, 1]])
    >>> tuple(round(float(v), 6) for v in permutation_moments(D, S))
    (6.0, 2.44949, 0.0)
    """
    n = len(D)
    pairs = n * (n - 1) / 2
    upper = np.triu_indices(n, 1)
    mean_D, mean_S = D[upper].sum() / pairs, S[upper].sum() / pairs
    t = np.zeros((3, N_GRAPHS))
    size = tile_length(n)
    for row, (M, mean) in enumerate(((D, mean_D), (S, mean_S))):
        padded = np.zeros((size, size))
        padded[:n, :n] = M - mean
        np.fill_diagonal(padded, 0)
        matrix_sums(padded, n, np.zeros((size, size)), t[row])
    ones_sums(n, t[2])
    std, skewness = central_moments(t[0], t[1], t[2])
    return pairs * mean_D * mean_S, std, skewness
