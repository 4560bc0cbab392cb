r"""Exact tail of chi-square of a table of two columns whose margins are fixed.

With x_c of the n_c tokens of category c among the s of the smaller segment, of m tokens in all,

.. math:: X^2 = \frac{m^2}{s (m - s)} \sum_c \frac{(x_c - n_c s / m)^2}{n_c}

is a sum over categories, and the counts are multivariate hypergeometric: binomial counts, given that they add up to s.
So the distribution of (tokens so far, sum so far) is built up category by category, the sum in steps of 1 / 400 of the
observed one. Reference: Agresti (1992), doi 10.1214/ss/1177011454 (exact inference for tables with fixed margins).
"""

from __future__ import annotations

import numpy as np

from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.subset_sums import binomial_chances

STEPS = 400
"""Steps between 0 and the observed sum. Rounding each term to a step moves p by about 1 % of itself."""


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
    # The last column gathers all that is above: a sum of positive numbers, with digits however small.
    above = reached + 1
    now, after = np.zeros((s + 1, above + 1)), np.zeros((s + 1, above + 1))
    now[0, 0] = 1.0
    weight = np.zeros(m + 1)
    taken = 0
    for c in range(len(size)):
        n = size[c]
        if n == 0:
            continue
        binomial_chances(n, share, weight)
        after[:] = 0.0
        for x in range(min(n, s) + 1):
            term = min(_term(x, n, share, unit), above)
            for j in range(min(taken, s - x) + 1):
                for v in range(above - term):
                    after[j + x, v + term] += now[j, v] * weight[x]
                for v in range(above - term, above + 1):
                    after[j + x, above] += now[j, v] * weight[x]
        now, after = after, now
        taken += n
    whole = np.zeros(m + 1)
    binomial_chances(m, share, whole)
    return (now[s, above] + now[s, reached] / 2) / whole[s]
