r"""Exact tail of chi-square of a table of two columns whose margins are fixed.

With x_c of the n_c tokens of category c among the s of the smaller segment, of m tokens in all,

.. math:: X^2 = \frac{m^2}{s (m - s)} \sum_c \frac{(x_c - n_c s / m)^2}{n_c}

is a sum over categories, and the counts are multivariate hypergeometric: binomial counts, given that they add up to s.
So the distribution of (tokens so far, sum so far) is built up category by category, the sum in steps of 1 / 400 of the
observed one. Reference: Agresti (1992), doi 10.1214/ss/1177011454 (exact inference for tables with fixed margins).
"""

from __future__ import annotations

import math

import numpy as np

from intraneuron.kernels.compiled import compiled

STEPS = 400
"""Steps between 0 and the observed sum. Rounding each term to a step moves p by about 1 % of itself."""


@compiled()
def _weights(n, share, weight):  # type: ignore[no-untyped-def]
    """Write the binomial probabilities of 0..n tokens."""
    for x in range(n + 1):
        ways = math.lgamma(n + 1.0) - math.lgamma(x + 1.0) - math.lgamma(n - x + 1.0)
        weight[x] = math.exp(ways + x * math.log(share) + (n - x) * math.log1p(-share))


@compiled()
def _term(x, n, share, unit):  # type: ignore[no-untyped-def]
    """Return the term of a category of n tokens, x of them in the segment, in steps."""
    return np.int64(round((x - n * share) ** 2 / n / unit))


@compiled()
def two_column_upper(size, inside):  # type: ignore[no-untyped-def]
    """Return the mid-p of X^2, P(X^2 > observed) + P(X^2 = observed) / 2.

    ``size`` has the tokens of each category (0 for none), ``inside`` those of them in the smaller segment. X^2 is
    above 0.
    """
    m = s = 0
    for c in range(len(size)):
        m += size[c]
        s += inside[c]
    share = s / m
    unit = 0.0
    for c in range(len(size)):
        if size[c] > 0:
            unit += (inside[c] - size[c] * share) ** 2 / size[c] / STEPS
    reached = np.int64(0)
    for c in range(len(size)):
        if size[c] > 0:
            reached += _term(inside[c], size[c], share, unit)
    now, after = np.zeros((s + 1, reached + 1)), np.zeros((s + 1, reached + 1))
    now[0, 0] = 1.0
    weight = np.zeros(m + 1)
    taken = 0
    for c in range(len(size)):
        n = size[c]
        if n == 0:
            continue
        _weights(n, share, weight)
        after[:] = 0.0
        for x in range(min(n, s) + 1):
            term = _term(x, n, share, unit)
            if term > reached:
                continue
            for j in range(min(taken, s - x) + 1):
                for v in range(reached - term + 1):
                    after[j + x, v + term] += now[j, v] * weight[x]
        now, after = after, now
        taken += n
    whole = np.zeros(m + 1)
    _weights(m, share, whole)
    below = 0.0
    for v in range(reached):
        below += now[s, v]
    return 1.0 - (below + now[s, reached] / 2) / whole[s]
