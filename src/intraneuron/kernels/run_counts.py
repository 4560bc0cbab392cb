r"""Exact distribution of the number of runs of a short random order of tokens in categories.

Categories enter one after the other. An order of L tokens with e equal neighbours takes in n tokens of a new category
as r runs, of which b separate equal neighbours, with probability

.. math:: \binom{n-1}{r-1} \binom{e}{b} \binom{L+1-e}{r-b} \Big/ \binom{L+n}{n},

and has e - b + n - r equal neighbours then: only sums of positive numbers. Reference for two categories: Wald and
Wolfowitz (1940), doi 10.1214/aoms/1177731909.
"""

from __future__ import annotations

import numpy as np

from intraneuron.kernels.compiled import compiled

EXACT, EXACT_TWO = 128, 500
"""Up to so many tokens the distribution is computed, and up to so many of two categories: with more categories it takes
a number of steps of third to fourth order in the tokens, with two of second order."""


def binomials(n: int) -> np.ndarray:
    """Return Pascal's triangle up to row n, float64 (n + 1, n + 1)."""
    table = np.zeros((n + 1, n + 1))
    table[:, 0] = 1.0
    for i in range(1, n + 1):
        table[i, 1:] = table[i - 1, 1:] + table[i - 1, :-1]
    return table


@compiled()
def _take_in(equal, length, n, choose, out):  # type: ignore[no-untyped-def]
    """Write the probabilities of equal neighbours after n tokens of a new category came among ``length``."""
    out[:] = 0.0
    for e in range(max(length, 1)):
        if equal[e] == 0.0:
            continue
        free = length + 1 - e
        share = equal[e] / choose[length + n, n]
        for r in range(1, min(n, length + 1) + 1):
            for b in range(max(0, r - free), min(e, r) + 1):
                out[e - b + n - r] += share * choose[n - 1, r - 1] * choose[e, b] * choose[free, r - b]


@compiled()
def few_runs(size, runs, choose):  # type: ignore[no-untyped-def]
    """Return P(R < runs) + P(R = runs) / 2 of a random order of tokens in groups of these sizes (at least 1 each).

    ``choose`` is :func:`binomials` of at least as many tokens.
    """
    m = np.int64(0)
    for s in size:
        m += s
    equal, after = np.zeros(m + 1), np.zeros(m + 1)
    equal[0] = 1.0
    length = np.int64(0)
    for s in size:
        _take_in(equal, length, s, choose, after)
        equal, after = after, equal
        length += s
    wanted = m - runs  # equal neighbours of the order observed
    p = equal[wanted] / 2
    for e in range(wanted + 1, m):
        p += equal[e]
    return p
