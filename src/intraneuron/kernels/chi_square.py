r"""Exact moments of chi-square of a table whose two margins are fixed, up to the third.

With A the projection onto the groups of one partition of n tokens (a_ij = 1 / n_g where two tokens share group g, else
0, minus 1 / n), B that of the other and :math:`\pi` a random order of the tokens, :math:`X^2 = n Z` with

.. math:: Z = \mathrm{tr}(A\, \pi B \pi').

Moments of Z are polynomials in sums over each matrix, and a power of a projection is itself, so five sums are enough:
T, the trace (groups minus 1); s, of a_ii^2; c, of a_ii^3; u, of a_ij^3; b, of a_ii a_ij a_jj. References: Haldane
(1940), doi 10.1093/biomet/31.3-4.346 (variance); Kazi-Aoual et al. (1995), doi 10.1016/0167-9473(94)00064-2 (third
moment of such a trace).
"""

from __future__ import annotations

import math

from intraneuron.kernels.compiled import compiled

CONSTANT = 1e-12
"""A variance below this share of the squared mean is what is left of rounding: X^2 cannot vary."""


@compiled()
def margin_sums(size, n):  # type: ignore[no-untyped-def]
    """Return (T, s, c, u, b) of the partition of n tokens into groups of these sizes; empty groups do not count."""
    T, off = -1.0, -1.0 / n
    s = c = u = dA = 0.0
    for g in size:
        if g > 0:
            d = 1.0 / g + off
            T += 1.0
            s += g * d**2
            c += g * d**3
            u += g**2 * (d**3 - off**3)
            dA += g * d
    # A maps the diagonal to itself minus its mean, since it is constant within groups.
    return T, s, c, u + n**2 * off**3, s - dA**2 / n


@compiled()
def _variance(n, T, s, t, r):  # type: ignore[no-untyped-def]
    """Return the variance of Z from T and s of one margin, t and r of the other."""
    v1, w1 = T * (n - 1 - T) / (n - 1), (n * s - T**2) / (n - 2)
    v2, w2 = t * (n - 1 - t) / (n - 1), (n * r - t**2) / (n - 2)
    return 2 * (v1 - w1) * (v2 - w2) / (n * (n - 3)) + w1 * w2 / (n - 1)


@compiled()
def _third_moment(n, first, second):  # type: ignore[no-untyped-def]
    """Return E[Z^3] for n >= 6; ``first`` and ``second`` are from :func:`margin_sums`."""
    T, S, C, U, B = first
    t, s, c, u, b = second
    n2, n3, n4 = n**2, n**3, n**4
    own = 2 * n * (n - 1) * (n - 2) * (T * (T + 2) * (T + 4) * c + t * (t + 2) * (t + 4) * C)
    own -= 3 * n * (n - 1) ** 2 * (n + 4) * ((T + 4) * S * c + (t + 4) * s * C)
    own -= 2 * n * (n - 1) * (n2 - n + 4) * ((2 * U + 3 * B) * c + (2 * u + 3 * b) * C)
    own += n2 * (n + 1) * (n2 + 15 * n - 4) * C * c
    cubes = 4 * (n4 - 8 * n3 + 19 * n2 - 4 * n - 16) * U * u + 24 * (n2 - n - 4) * (U * b + B * u)
    cubes += 6 * (n4 - 8 * n3 + 21 * n2 - 6 * n - 24) * B * b
    squares = 12 * (n4 - n3 - 8 * n2 + 36 * n - 48) + 12 * (n3 - 2 * n2 + 9 * n - 12) * (T + t)
    squares = (squares + 3 * (n4 - 4 * n3 - 2 * n2 + 9 * n - 12) * T * t) * S * s
    mixed = 24 * (n3 - 3 * n2 - 2 * n + 8) * (S * u + U * s) + 24 * (n3 - 2 * n2 - 3 * n + 12) * (S * b + B * s)
    mixed += 12 * (n2 - n + 4) * (T * S * u + t * s * U)
    mixed += 6 * (2 * n3 - 7 * n2 - 3 * n + 12) * (T * S * b + t * s * B)
    traces = (n3 - 9 * n2 + 23 * n - 14) * (T * t) ** 3
    traces += 6 * (n - 4) * (T * t) ** 2 * (T + t) + 8 * T * t * (T**2 + t**2)
    traces += 6 * (n3 - 9 * n2 + 24 * n - 14) * (T * t) ** 2
    traces += 24 * (n - 3) * T * t * (T + t) + 8 * (n3 - 9 * n2 + 26 * n - 22) * T * t
    return (own + cubes + squares + mixed + traces - _unequal(n, T, S, U, B, t, s, u, b)) / (
        n * (n - 1) * (n - 2) * (n - 3) * (n - 4) * (n - 5)
    )


@compiled()
def _unequal(n, T, S, U, B, t, s, u, b):  # type: ignore[no-untyped-def]
    """Return the terms of E[Z^3] in which one matrix enters by its trace and the other by another sum."""
    n2 = n**2
    third, second, first = T**3 * u + U * t**3, T**2 * u + U * t**2, T * u + U * t
    terms = 16 * third + 12 * (n2 - 5 * n + 8) * second + 8 * (3 * n2 - 15 * n + 16) * first
    third, second, first = T**3 * b + B * t**3, T**2 * b + B * t**2, T * b + B * t
    terms += 6 * (n2 - 5 * n + 4) * third + 24 * (n2 - 5 * n + 6) * second + 24 * (n2 - 5 * n + 8) * first
    third, second, first = T**3 * s + S * t**3, T**2 * s + S * t**2, T * s + S * t
    squares = 24 * third + 12 * (n2 - 5 * n + 12) * second + 24 * (n2 - 5 * n + 8) * first
    third, second, first = T * t * (T**2 * s + S * t**2), T * t * (T * s + S * t), T * t * (s + S)
    squares += 3 * (n2 - 5 * n + 2) * third + 6 * (n2 - 5 * n + 6) * second + 48 * first
    return terms + (n - 2) * squares


@compiled()
def chi_square_moments(first, second, n):  # type: ignore[no-untyped-def]
    """Return mean, standard deviation and skewness of X^2 of n tokens in groups of the sizes ``first`` and ``second``.

    Deviation and skewness are NaN where X^2 cannot vary, skewness where n < 6.
    """
    m = float(n)
    of_first, of_second = margin_sums(first, m), margin_sums(second, m)
    T, S, t, s = of_first[0], of_first[1], of_second[0], of_second[1]
    mean = T * t / (m - 1)
    variance = _variance(m, T, S, t, s)
    if not variance > CONSTANT * mean**2:
        return m * mean, math.nan, math.nan
    skewness = math.nan
    if n >= 6:
        third = _third_moment(m, of_first, of_second) - 3 * mean * variance - mean**3
        skewness = third / variance**1.5
    return m * mean, m * math.sqrt(variance), skewness
