"""The rank sum of a group among m tokens: exact, but for large groups of many or of tied tokens.

References: Mann and Whitney (1947), doi 10.1214/aoms/1177730491; Lugannani and Rice (1980), doi 10.2307/1426607;
Daniels (1987), doi 10.2307/1403269 (whole numbers).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import special

from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.tails import least_p_of, normal_upper

EXACT = 120
"""Up to this many tokens the rank-sum distribution is enumerated for groups of every size."""

SMALL_GROUP = 12
"""Groups (or rests) of at most this size are enumerated among any number of tokens."""

NEAR = 1.5
"""Standard deviations up to which Edgeworth's series is used."""

TIED_WORK, TIED_STEPS, LIKELY = 2400, 3_000_000, 0.2
"""Tied groups are enumerated up to the first product, of group (or rest) and tokens, or up to the second, of these two
and of the sums they can have (few, where few values are different), unless their normal p is above 0.2."""


def rank_sum_p(u: np.ndarray, size: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Return the two-sided p of untied rank sums: P(|U - a b / 2| >= |u - a b / 2|).

    Exact up to 120 tokens, and for the smaller of group and rest up to 12 tokens among any number; beyond, an Edgeworth
    tail to fourth order up to 1.5 standard deviations and a saddlepoint farther out, never below that of one
    arrangement at each end.

    Parameters
    ----------
    u : float64 array
        Pairs (inside, outside) won by the group.
    size, m : int arrays
        Tokens in the group, tokens in all.

    >>> rank_sum_p(np.array([0.0]), np.array([2]), np.array([5]))
    array([0.2])
    """
    a, b = size, m - size
    p = np.full(u.shape, np.nan)
    distance = np.abs(u - a * b / 2)
    there, smaller = (a > 0) & (b > 0), np.minimum(a, b)
    few = there & (m <= EXACT)
    small = there & (m > EXACT) & (smaller <= SMALL_GROUP)
    lower = np.rint(a * b / 2 - distance).astype(np.int64)
    if few.any():
        p[few] = _tables(int(m[few].max())).look_up(smaller[few], m[few], lower[few])
    if small.any():
        wanted = set(zip(smaller[small].tolist(), m[small].tolist(), strict=True))
        p[small] = _small_group_tables(wanted).look_up(smaller[small], m[small], lower[small])
    rest = there & ~few & ~small
    p[rest] = _far_two_sided(distance[rest], a[rest].astype(float), b[rest].astype(float))
    return p


class _Tables(NamedTuple):
    """Cumulative distributions of U, one after the other, and where that of a of m tokens begins (-1: not known)."""

    cumulative: np.ndarray
    start: np.ndarray

    @classmethod
    def of(cls, density: Mapping[tuple[int, int], np.ndarray]) -> _Tables:
        start = np.full(np.max(list(density), axis=0) + 1, -1)
        ends = np.cumsum([len(f) for f in density.values()])
        for key, f, end in zip(density, density.values(), ends, strict=True):
            start[key] = end - len(f)
        return cls(np.concatenate([np.cumsum(f) for f in density.values()]), start)

    def look_up(self, a: np.ndarray, m: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """Return the two-sided p of U at or below ``lower``, the smaller of its two sides."""
        return np.asarray(np.minimum(1.0, 2 * self.cumulative[self.start[a, m] + lower]))


@lru_cache(maxsize=4)
def _tables(m_max: int) -> _Tables:
    """Return P(U <= u), u = 0.. , for every group of a of m <= m_max tokens, a <= m / 2."""
    density: dict[tuple[int, int], np.ndarray] = {}
    for m in range(1, m_max + 1):
        for a in range(m // 2 + 1):
            inside, outside = density.get((min(a - 1, m - a), m - 1)), density.get((min(a, m - 1 - a), m - 1))
            density[(a, m)] = _density(a, m, inside, outside)
    return _Tables.of(density)


def _small_group_tables(wanted: Iterable[tuple[int, int]]) -> _Tables:
    """Return P(U <= u), u = 0.. , for the wanted (a, m); rows of smaller m are dropped as soon as they are used."""
    wanted = set(wanted)
    a_max, m_max = max(a for a, _ in wanted), max(m for _, m in wanted)
    before: dict[int, np.ndarray] = {}
    found: dict[tuple[int, int], np.ndarray] = {}
    for m in range(1, m_max + 1):
        now = {a: _density(a, m, before.get(a - 1), before.get(a)) for a in range(min(a_max, m) + 1)}
        found |= {(a, m): f for a, f in now.items() if (a, m) in wanted}
        before = now
    return _Tables.of(found)


def _density(a: int, m: int, inside: np.ndarray | None, outside: np.ndarray | None) -> np.ndarray:
    """Return P(U = u) of a of m tokens from those of m - 1.

    The largest of m tokens is in the group (beating the m - a others) or it is not, so that
    f(a, m)[u] = a/m f(a-1, m-1)[u - (m-a)] + (1 - a/m) f(a, m-1)[u]: only sums of positive numbers.
    """
    f = np.zeros(a * (m - a) + 1)
    if a == 0 or a == m:
        f[0] = 1.0
        return f
    if inside is not None:
        f[m - a : m - a + len(inside)] += a / m * inside
    if outside is not None:
        f[: len(outside)] += (m - a) / m * outside
    return f


def _far_two_sided(distance: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return P(|U - mean| >= distance) of an untied rank sum, with continuity correction.

    Near the mean Edgeworth's series to fourth order; beyond NEAR standard deviations, where that turns negative, the
    saddlepoint.
    """
    m = a + b
    variance = a * b * (m + 1) / 12
    kurtosis = -6 / 5 * (a**2 + b**2 + a * b + a + b) / (a * b * (m + 1))
    z = (distance - 0.5) / np.sqrt(variance)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    p = 2 * (special.ndtr(-z) + density * kurtosis / 24 * (z**3 - 3 * z))
    for i in np.flatnonzero(z > NEAR):
        p[i] = 2 * rank_sum_saddlepoint(distance[i] - 0.5, a[i], b[i])
    return np.asarray(np.clip(p, 2 * _one_arrangement(a, m), 1))


@compiled()
def _rank_sum_cumulants(t, a, b):  # type: ignore[no-untyped-def]
    """Return the cumulant function of U - a b / 2 and its first two derivatives, at t > 0.

    U has the generating function of the Gaussian binomial coefficient: K(t) is the sum over i = 1..a of
    log (sinh((b + i) t / 2) / (b + i)) - log (sinh(i t / 2) / i).
    """
    value = first = second = 0.0
    for i in range(1, int(a) + 1):
        for n, sign in ((b + i, 1.0), (float(i), -1.0)):
            x = n * t / 2
            if x > 20.0:
                value += sign * (x - math.log(2 * n))
                first += sign * n / 2
            else:
                value += sign * math.log(math.sinh(x) / n)
                first += sign * n / 2 / math.tanh(x)
                second -= sign * (n / 2 / math.sinh(x)) ** 2
    return value, first, second


@compiled()
def rank_sum_saddlepoint(distance, a, b):  # type: ignore[no-untyped-def]
    """Return P(U - a b / 2 >= distance + 1/2) by Lugannani and Rice, with Daniels' correction for whole numbers.

    ``distance``, above 0, lies half-way between two values of U - a b / 2.
    """
    a, b = min(a, b), max(a, b)
    low, high = 0.0, 1.0
    while _rank_sum_cumulants(high, a, b)[1] < distance and high < 1e3:
        low, high = high, 2 * high
    for _ in range(80):
        t = (low + high) / 2
        if _rank_sum_cumulants(t, a, b)[1] < distance:
            low = t
        else:
            high = t
    value, _first, second = _rank_sum_cumulants(t, a, b)
    w = math.sqrt(2 * (t * distance - value))
    density = math.exp(-w * w / 2) / math.sqrt(2 * math.pi)
    return normal_upper(w) + density * (1 / (2 * math.sinh(t / 2) * math.sqrt(second)) - 1 / w)


def _one_arrangement(a: np.ndarray, m: np.ndarray) -> np.ndarray:
    return least_p_of(special.gammaln(m + 1) - special.gammaln(a + 1) - special.gammaln(m - a + 1))


def tied_rank_sum_p(values: np.ndarray, u: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return the two-sided p of one neuron's rank sums when values are tied.

    Normal with the tie-corrected variance; where that is below 0.2 and the group (or its rest) has at most 12 tokens
    (fewer among more than 200), or there are few different values, the exact permutation distribution. Never below that
    of one arrangement.

    Parameters
    ----------
    values : float64 (m,)
    u : float64 (G,)
        Pairs won by each group, ties half.
    size : int (G,)

    >>> tied_rank_sum_p(np.array([1.0, 1, 2, 3, 4, 5]), np.array([0.0]), np.array([3])).round(4)
    array([0.1])
    """
    m = len(values)
    together = np.unique(values, return_counts=True)[1].astype(np.float64)
    a, b = size.astype(np.float64), m - size.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = a * b / 12 * ((m + 1) - (together**3 - together).sum() / (m * (m - 1)))
        z = np.abs(u - a * b / 2) / np.sqrt(variance)
    p: np.ndarray = np.array([math.erfc(v / math.sqrt(2)) if np.isfinite(v) else np.nan for v in z])
    with np.errstate(invalid="ignore"):
        p = np.maximum(p, _one_arrangement(a, np.full_like(a, m)))
    doubled = _doubled_midranks(values)
    steps = doubled - doubled.min()
    unit = max(int(np.gcd.reduce(steps)), 1)
    steps //= unit
    for g in np.flatnonzero(p < LIKELY):
        smaller = int(min(size[g], m - size[g]))
        sums = smaller * int(steps.max()) + 1
        if smaller * m <= (TIED_WORK if smaller <= SMALL_GROUP else 0) or smaller * m * sums <= TIED_STEPS:
            # Doubled deviations from the mean, in units: two values are less than a unit apart only by rounding.
            distance = 2 * abs(u[g] - a[g] * b[g] / 2) / unit
            p[g] = _exact_tied(steps, smaller, smaller * steps.mean(), distance - 0.25 / unit)
    return p


def _doubled_midranks(values: np.ndarray) -> np.ndarray:
    """Return twice the ascending midranks, int64: whole numbers."""
    _, index, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    doubled = np.asarray(2 * last - count + 1, dtype=np.int64)
    return np.asarray(doubled[index.ravel()])


@compiled()
def _exact_tied(steps, a, mean, distance):  # type: ignore[no-untyped-def]
    """Return P(|sum - mean| >= distance) for the sum of ``a`` of the whole numbers ``steps``, drawn at random.

    One token after the other is drawn, with the probability that what is still to draw leaves it.
    """
    m = len(steps)
    largest = a * steps.max() + 1
    chance = np.zeros((a + 1, largest))
    chance[0, 0] = 1.0
    for j in range(m):
        r = steps[j]
        for i in range(min(j, a), -1, -1):
            drawn = (a - i) / (m - j)
            for s in range(largest):
                f = chance[i, s]
                if f > 0.0:
                    if i < a:
                        chance[i + 1, s + r] += f * drawn
                    chance[i, s] = f * (1.0 - drawn)
    p = 0.0
    for s in range(largest):
        if abs(s - mean) >= distance:
            p += chance[a, s]
    return min(p, 1.0)
