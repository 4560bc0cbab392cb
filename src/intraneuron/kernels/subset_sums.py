r"""Tail of the sum of s of m numbers, drawn without replacement: saddlepoint and Monte Carlo.

Give every number j a coin that comes up with probability s / m; the drawn set is the coins' outcome given that s came
up. With the joint cumulant function :math:`K(t, u) = \sum_j \log(1 - s/m + s/m\, e^{t w_j + u})` the conditional tail
is that of Skovgaard's double saddlepoint. References: Skovgaard (1987), doi 10.2307/3214072; Robinson (1982), doi
10.1111/j.2517-6161.1982.tb01192.x; Besag and Clifford (1991), doi 10.1093/biomet/78.2.301.
"""

from __future__ import annotations

import math

import numpy as np

from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.keyed import AT_ONCE, subsets

STEPS = 60
"""Newton steps, halved ones included; a dozen do unless the sum is next to the largest possible one."""


@compiled()
def _cumulants(w, share, t, u, out):  # type: ignore[no-untyped-def]
    """Write K, its gradient (t, u) and its second derivatives (tt, tu, uu) into ``out``."""
    out[:] = 0.0
    for j in range(len(w)):
        z = t * w[j] + u + math.log(share / (1.0 - share))
        out[0] += math.log(1.0 - share) + (z + math.log1p(math.exp(-z)) if z > 0 else math.log1p(math.exp(z)))
        p = 1.0 / (1.0 + math.exp(-z)) if z > 0 else math.exp(z) / (1.0 + math.exp(z))
        v = p * (1.0 - p)
        out[1] += w[j] * p
        out[2] += p
        out[3] += w[j] * w[j] * v
        out[4] += w[j] * v
        out[5] += v


@compiled()
def largest_upper(w, size, total):  # type: ignore[no-untyped-def]
    """Return P(sum of ``size`` of the numbers ``w`` >= ``total``) for the largest possible total, NaN for another."""
    order = np.sort(w)
    last = order[len(w) - size]  # the least of the largest
    if total < order[len(w) - size :].sum() - 1e-12 * np.abs(w).sum():
        return math.nan
    alike = needed = 0
    for j in range(len(w)):
        alike += order[j] == last
        needed += j >= len(w) - size and order[j] == last
    return math.exp(log_choose(alike, needed) - log_choose(len(w), size))


@compiled()
def log_choose(n, k):  # type: ignore[no-untyped-def]
    """Return the logarithm of the number of subsets of k of n."""
    return math.lgamma(n + 1.0) - math.lgamma(k + 1.0) - math.lgamma(n - k + 1.0)


@compiled()
def binomial_chances(n, share, chance):  # type: ignore[no-untyped-def]
    """Write the probabilities that 0..n of n tokens are drawn, each with probability ``share``, above 0 and up to 1."""
    if share == 1.0:
        chance[:n], chance[n] = 0.0, 1.0
        return
    mode = min(int((n + 1) * share), n)
    chance[mode] = math.exp(log_choose(n, mode) + mode * math.log(share) + (n - mode) * math.log1p(-share))
    odds = share / (1.0 - share)
    for x in range(mode, n):
        chance[x + 1] = chance[x] * odds * (n - x) / (x + 1)
    for x in range(mode, 0, -1):
        chance[x - 1] = chance[x] / odds * x / (n - x + 1)


@compiled()
def saddlepoint_upper(w, size, total):  # type: ignore[no-untyped-def]
    """Return P(sum of ``size`` of the numbers ``w`` >= ``total``) for a total above its mean; NaN where it fails.

    Works on standardised numbers. Fails next to the largest possible sum, where the saddlepoint runs to infinity, and
    next to the mean, where the formula is 0 / 0. Within some per cent for smooth numbers; where one or two numbers
    outweigh all others, the sum has gaps that no smooth tail follows (off by a quarter).
    """
    m = len(w)
    mean = w.mean()
    scale = math.sqrt(((w - mean) ** 2).mean())
    if not scale > 0:
        return math.nan
    x = (w - mean) / scale
    wanted = (total - size * mean) / scale
    share = size / m
    K = np.empty(6)
    t, u = 0.0, 0.0
    _cumulants(x, share, t, u, K)
    free = K[5]
    value = K[0] - t * wanted - u * size  # convex in (t, u); the saddlepoint is its minimum
    for _ in range(STEPS):
        a, b = K[1] - wanted, K[2] - size
        if abs(a) < 1e-9 * m and abs(b) < 1e-9 * m:
            break
        det = K[3] * K[5] - K[4] * K[4]
        if not det > 1e-12 * free * free:
            return math.nan
        dt, du = -(K[5] * a - K[4] * b) / det, -(K[3] * b - K[4] * a) / det
        length = 1.0
        while length > 1e-6:
            _cumulants(x, share, t + length * dt, u + length * du, K)
            reached = K[0] - (t + length * dt) * wanted - (u + length * du) * size
            if reached <= value + 1e-12 * abs(value):
                break
            length /= 2
        t, u, value = t + length * dt, u + length * du, reached
    det = K[3] * K[5] - K[4] * K[4]
    if abs(K[1] - wanted) > 1e-6 * m or not det > 1e-12 * free * free or not t > 0 or not value < -1e-3:
        return math.nan
    r = math.sqrt(-2.0 * value)
    slope = t * math.sqrt(det / free)
    density = math.exp(-r * r / 2) / math.sqrt(2 * math.pi)
    p = 0.5 * math.erfc(r / math.sqrt(2.0)) + density * (1.0 / slope - 1.0 / r)
    return p if 0 < p < 1 else math.nan


@compiled()
def drawn_upper(w, size, total, draws, exceedances, state):  # type: ignore[no-untyped-def]
    """Return the Monte Carlo P(sum of ``size`` of the numbers ``w`` >= ``total``), sequential.

    h / l when the h-th exceedance comes at draw l, else (1 + c) / (draws + 1).
    """
    taken, found = np.empty((size, AT_ONCE), np.int32), np.empty(AT_ONCE)
    bar = total - 1e-12 * np.abs(w).sum()
    count = 0
    for draw in range(draws):
        d = draw % AT_ONCE
        if d == 0:
            state = subsets(state, len(w), taken)
            found[:] = 0.0
            for j in range(size):
                for other in range(len(found)):
                    found[other] += w[np.uint32(taken[j, other])]
        if found[d] >= bar:
            count += 1
            if count == exceedances:
                return count / (draw + 1.0)
    return (1.0 + count) / (draws + 1.0)
