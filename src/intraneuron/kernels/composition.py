r"""What a zone of activation is made of: share of its commonest category, entropy over categories.

With both margins fixed (m tokens, n_c of them in category c, s of them in the zone), the counts x_c of a zone
are multivariate hypergeometric:

.. math:: P(x) = \prod_c \binom{n_c}{x_c} \Big/ \binom{m}{s}, \qquad \sum_c x_c = s.

A sum over all such x is one coefficient of a product of k polynomials, so the distribution of the largest count and
two moments of the entropy are exact, without draws. Reference: Shannon (1948).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from intraneuron.kernels.blocks import over_neurons
from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.subset_sums import binomial_chances, log_choose

CERTAIN = 1e-13
"""The distribution of the largest count is followed until so little of it is left."""


class Composition(NamedTuple):
    """What :func:`composition` returns, (N, G) each."""

    purity: np.ndarray
    purity_mean: np.ndarray
    purity_std: np.ndarray
    purity_p: np.ndarray
    entropy: np.ndarray
    entropy_mean: np.ndarray
    entropy_std: np.ndarray


@compiled()
def _ways_of_each(size, share, table):  # type: ignore[no-untyped-def]
    """Write C(n_c, x) share^x (1 - share)^(n_c - x) into row c of ``table``.

    The powers cancel in every ratio. With the share of the tokens that are in the zone nothing overflows or vanishes.
    """
    for c in range(len(size)):
        binomial_chances(size[c], share, table[c])


@compiled()
def _ways(size, choose, s, most, now, after):  # type: ignore[no-untyped-def]
    """Return the ways to fill a zone of s with at most ``most`` of each category, weighted."""
    now[0] = 1.0
    filled = 0
    for c in range(len(size)):
        largest = min(size[c], most)
        reach = min(s, filled + largest)
        for total in range(reach + 1):
            ways = 0.0
            for x in range(max(0, total - filled), min(largest, total) + 1):
                ways += choose[c, x] * now[total - x]
            after[total] = ways
        now, after, filled = after, now, reach
    return now[s] if filled >= s else 0.0


@compiled()
def _largest_count(size, choose, s, all_ways, now, after):  # type: ignore[no-untyped-def]
    """Return mean and standard deviation of the largest count."""
    mean = square = below = 0.0
    for x in range(1, s + 1):
        up_to = _ways(size, choose, s, x, now, after) / all_ways
        mean += (up_to - below) * x
        square += (up_to - below) * x * x
        below = up_to
        if 1.0 - below < CERTAIN:
            break
    return mean, math.sqrt(max(square - mean * mean, 0.0))


@compiled()
def _reached(size, choose, s, least, now, after):  # type: ignore[no-untyped-def]
    """Return the ways to fill a zone of s with ``least`` or more of some category, weighted: positive terms only."""
    now[0, 0], now[1, 0] = 1.0, 0.0  # row 0: not yet reached, row 1: reached
    filled = 0
    for c in range(len(size)):
        reach = min(s, filled + size[c])
        for total in range(reach + 1):
            short = enough = 0.0
            for x in range(max(0, total - filled), min(size[c], total) + 1):
                ways, rest = choose[c, x], total - x
                enough += ways * now[1, rest]
                if x < least:
                    short += ways * now[0, rest]
                else:
                    enough += ways * now[0, rest]
            after[0, total], after[1, total] = short, enough
        now, after, filled = after, now, reach
    return now[1, s]


@compiled()
def _parts(s, part):  # type: ignore[no-untyped-def]
    """Write what a category with x = 0..s of s tokens adds to the entropy, in nats."""
    part[0] = 0.0
    for x in range(1, s + 1):
        part[x] = -x / s * math.log(x / s)


@compiled()
def _entropy_mean(size, m, s, part):  # type: ignore[no-untyped-def]
    """Return the mean entropy of a zone of s of m tokens: each category's count is hypergeometric."""
    mean = 0.0
    for n in size:
        x = max(0, s - (m - n))
        p = math.exp(log_choose(n, x) + log_choose(m - n, s - x) - log_choose(m, s))
        while x <= min(n, s):
            mean += p * part[x]
            p *= (n - x) * (s - x) / ((x + 1.0) * (m - n - s + x + 1.0))
            x += 1
    return mean


@compiled()
def _entropy_deviation(size, choose, s, all_ways, part, now, after):  # type: ignore[no-untyped-def]
    """Return the standard deviation of the entropy of a zone of s tokens.

    ``now[j, t]`` sums (partial entropy)^j over the ways to place t tokens; what a category would add if all were
    alike is subtracted from each one's part, so that the powers do not cancel.
    """
    origin = math.log(len(size)) / len(size)
    now[0, 0], now[1, 0], now[2, 0] = 1.0, 0.0, 0.0
    filled = 0
    for c in range(len(size)):
        reach = min(s, filled + size[c])
        for total in range(reach + 1):
            m0 = m1 = m2 = 0.0
            for x in range(max(0, total - filled), min(size[c], total) + 1):
                ways, f, rest = choose[c, x], part[x] - origin, total - x
                m0 += ways * now[0, rest]
                m1 += ways * (now[1, rest] + f * now[0, rest])
                m2 += ways * (now[2, rest] + 2 * f * now[1, rest] + f * f * now[0, rest])
            after[0, total], after[1, total], after[2, total] = m0, m1, m2
        now, after, filled = after, now, reach
    first, second = now[1, s] / all_ways, now[2, s] / all_ways
    variance = second - first * first
    return math.sqrt(variance) if variance > 1e-14 else 0.0


@compiled()
def _count(category, segment, n, table):  # type: ignore[no-untyped-def]
    """Add up how many tokens of each segment are in each category."""
    for j in range(n):
        if category[j] >= 0 and segment[j] >= 0:
            table[segment[j], category[j]] += 1


@compiled()
def _core(start, stop, category, segment, n, k, n_segments, most, estimates_only, out):  # type: ignore[no-untyped-def]
    width = category.shape[1] + 1
    k_max, G = max(k.max(), 1), out.shape[1]
    now, after = np.zeros((3, width)), np.zeros((3, width))
    part = np.zeros(width)
    for i in range(start, stop):
        if k[i] < 2:
            continue
        table = np.zeros((G, k_max), np.int64)
        _count(category[i], segment[i], n[i], table)
        size = np.zeros(k[i], np.int64)
        for g in range(G):
            for c in range(k[i]):
                size[c] += table[g, c]
        choose = np.zeros((k[i], width))
        done = np.int64(-1)  # zones are mostly of one size: what depends on it is computed once
        all_ways = mean = std = entropy_mean = entropy_std = 0.0
        for g in range(min(n_segments[i], most)):
            s, largest = np.int64(0), np.int64(0)
            for c in range(k[i]):
                s += table[g, c]
                largest = max(largest, table[g, c])
            if s < 1:
                continue
            if s != done:
                _ways_of_each(size, s / size.sum(), choose)
                all_ways = _ways(size, choose, s, s, now[0], after[0])
                mean, std = _largest_count(size, choose, s, all_ways, now[0], after[0])
                _parts(s, part)
                entropy_mean = _entropy_mean(size, size.sum(), s, part)
                if not estimates_only:
                    entropy_std = _entropy_deviation(size, choose, s, all_ways, part, now, after)
                done = s
            entropy = 0.0
            for c in range(k[i]):
                entropy += part[table[g, c]]
            row = out[i, g]
            row[0], row[1], row[2] = largest / s, mean / s, std / s
            row[4], row[5] = entropy, entropy_mean
            if estimates_only:
                continue
            row[3] = min(1.0, _reached(size, choose, s, largest, now, after) / all_ways)
            row[6] = entropy_std


def composition(
    category: np.ndarray,
    segment: np.ndarray,
    n: np.ndarray,
    k: np.ndarray,
    n_segments: np.ndarray,
    *,
    most: int | None = None,
    estimates_only: bool = False,
) -> Composition:
    """Describe the categories that each segment of each neuron holds, against fixed margins.

    Purity is the share of the commonest category, entropy that over categories in nats; tokens without a category
    are left out. Mean and standard deviation of both and the upper p of purity (discrete) are exact for a random zone
    of the same size. Entropy has no p: no tail with so few moments fits its lumpy distribution.

    Parameters
    ----------
    category, segment : int16 (N, K)
        -1 where a token is in none.
    n : int32 (N,)
    k, n_segments : int16 (N,)
        Numbers of groups.
    most : int, optional
        Describe only so many segments, the first ones; all when not given.
    estimates_only : bool
        Leave out (NaN) the p of purity and the standard deviation of entropy.

    Returns
    -------
    Composition
        NaN with fewer than two categories, and for segments without a token of any.

    >>> c = composition(np.array([[0, 0, 1, 1]]), np.array([[0, 0, 1, 1]]), *np.array([[4], [2], [2]]))
    >>> [round(float(x), 4) for x in (c.purity[0, 0], c.purity_mean[0, 0], c.purity_p[0, 0])]
    [1.0, 0.6667, 0.3333]
    """
    G = int(n_segments.max(initial=0))
    out = np.full((len(category), G, 7), np.nan)
    over_neurons(
        _core, len(category), (category, segment, n, k, n_segments, G if most is None else most, estimates_only), (out,)
    )
    return Composition(*(np.ascontiguousarray(column) for column in np.moveaxis(out, -1, 0)))
