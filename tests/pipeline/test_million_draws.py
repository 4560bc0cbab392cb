"""Every pair statistic of real neurons against a million draws: moments within their error, tails within the bar."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from tests import oracle
from tests.real_neurons import Real, need

from intraneuron.data import CoreTokens, Space
from intraneuron.kernels.chi_square import chi_square_moments
from intraneuron.kernels.kinds import find_kinds, kinds_upper, unknown
from intraneuron.kernels.moments import permutation_moments
from intraneuron.kernels.run_counts import binomials, few_runs
from intraneuron.kernels.tails import bounded_upper, upper_tail
from intraneuron.kernels.two_columns import two_column_upper
from intraneuron.pipeline.partition import categorize, segment

PARTS, PART, BATCH = 20, 50_000, 500
"""A million draws in 20 parts, whose spread is the error of what is estimated from all."""

BAR = ((0.05, 0.9, 1.1), (0.01, 0.85, 1.15), (0.001, 0.6, 1.45))
"""What the p of a drawn quantile may be, over its level: the bar that ``intraneuron calibrate`` holds sizes against."""


class Statistic(NamedTuple):
    """One statistic: weights of pairs, similarities, and the p that a study gives a value (None: it is drawn, too)."""

    D: np.ndarray
    S: np.ndarray
    p: Callable[[float], float] | None
    sign: int = 1


def of_subset(S: np.ndarray, size: int, *, peak: bool = False) -> Callable[[float], float]:
    """Return the p of a zone's mean similarity, less that of the rest for a peak."""
    M, rest = oracle.centre(S), 1 / math.comb(len(S) - size, 2) if peak else 0.0
    D = oracle.peak_weights(len(S), size) if peak else oracle.inside_weights(np.arange(len(S)) < size)
    mean, std, skewness = permutation_moments(D, S)
    kinds = unknown()
    find_kinds(M, M @ M, len(M), kinds)
    inside = 1 / math.comb(size, 2) - rest
    return lambda value: float(kinds_upper(kinds, size, inside, rest, value - mean, std, skewness, 1e-3))


def closed(D: np.ndarray, S: np.ndarray) -> Callable[[float], float]:
    """Return the p of a shifted lognormal variable with the three exact moments."""
    mean, std, skewness = permutation_moments(D, S)
    return lambda value: float(upper_tail(np.array([(value - mean) / std]), np.array([skewness]))[0])


def of_distance(D: np.ndarray, S: np.ndarray) -> Callable[[float], float]:
    """Return the lower p of distance, from four moments."""
    mean, std, skewness = permutation_moments(D, S)
    shape = np.array([-skewness]), np.array([oracle.fourth_moment(D, S) / std**4])
    otherwise = closed(-D, S)

    def p(value: float) -> float:
        bounded = bounded_upper(np.array([(mean - value) / std]), *shape)[0]
        return otherwise(-value) if np.isnan(bounded) else float(bounded)

    return p


def statistics_of(S: np.ndarray, label: np.ndarray, zone: np.ndarray) -> dict[str, list[Statistic]]:
    """Return the statistics that can share draws: those on all tokens, a step-down each, and runs."""
    n = len(S)
    whole = [Statistic(oracle.inside_weights(zone == g), S, of_subset(S, 20)) for g in range(5)]
    whole += [Statistic(oracle.peak_weights(n, t), S, of_subset(S, t, peak=True)) for t in (20, 10)]
    whole.append(Statistic(oracle.peak_weights(n, 5), S, None))
    mrpp, distance = oracle.mrpp_weights(zone), oracle.distance_weights(-np.arange(n))
    whole += [Statistic(mrpp, S, closed(mrpp, S)), Statistic(distance, S, of_distance(distance, S), -1)]
    groups = {"whole": whole}
    for g in (1, 2, 3):
        below = S[np.ix_(zone >= g, zone >= g)]
        groups[f"step-down {g}"] = [
            Statistic(oracle.inside_weights(zone[zone >= g] == g), below, of_subset(below, 20)),
        ]
    known, sizes = label[label >= 0], np.bincount(label[label >= 0])
    table = binomials(len(known))
    runs = Statistic(*oracle.runs_matrices(known), lambda value: float(few_runs(sizes, round(value) + 1, table)), -1)
    return groups | {"runs": [runs]}


def drawn(group: list[Statistic], rng: np.random.Generator) -> np.ndarray:
    """Return a million values of each statistic of a group, (statistics, parts, draws of a part)."""
    S = group[0].S.astype(np.float32)
    a, b = np.triu_indices(len(S), 1)
    D = np.stack([one.D[a, b] for one in group], axis=1).astype(np.float32)
    out = np.empty((PARTS * PART, len(group)))
    for start in range(0, len(out), BATCH):
        order = rng.permuted(np.tile(np.arange(len(S)), (BATCH, 1)), axis=1)
        out[start : start + BATCH] = S[order[:, a], order[:, b]] @ D
    return np.moveaxis(out.reshape(PARTS, PART, len(group)), -1, 0)


def check_moments(values: np.ndarray, mean: float, std: float, skewness: float, what: str) -> None:
    """Compare exact moments with those of a million draws, (parts, draws), within five of their errors."""
    z = (values - mean) / std
    for name, power, expected in (("mean", 1, 0.0), ("variance", 2, 1.0), ("third moment", 3, skewness)):
        parts = (z**power).mean(axis=1)
        error = parts.std(ddof=1) / np.sqrt(PARTS)
        assert abs(parts.mean() - expected) < 5 * error + 1e-5, (what, name)


def check_tail(values: np.ndarray, p: Callable[[float], float], sign: int, what: str) -> None:
    """Compare the p of drawn quantiles with how often so large a value was drawn, a mid-p where values are discrete."""
    ordered = np.sort(sign * values.ravel())
    near = 1e-9 * ordered.std()
    for level, low, high in BAR:
        at = ordered[round((1 - level) * len(ordered))]
        as_far = (ordered > at + near).mean() + (abs(ordered - at) <= near).mean() / 2
        found = p(float(sign * at))
        assert low <= found / as_far <= high, (what, level, found, as_far)


def first_neuron(name: str) -> tuple[CoreTokens, Space, np.ndarray, np.ndarray]:
    """Return the first neuron of a model with 100 core tokens, its space, and the tokens' categories and zones."""
    real: Real = need(name)
    core = real.core[np.flatnonzero(real.core.n == 100)[:1]]
    return core, real.space, categorize(core, real.space).label[0], segment(core).label[0].astype(int)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["minilm", "docs-lm"])
def test_a_million_draws_have_the_exact_moments_and_the_tails(name: str) -> None:
    core, space, label, zone = first_neuron(name)
    S = oracle.similarity(oracle.unit_rows(space.vector[core.token_id[0]]))
    rng = np.random.default_rng(11)
    checked = 0
    for what, group in statistics_of(S, label, zone).items():
        values = drawn(group, rng)
        for place, (one, own) in enumerate(zip(group, values, strict=True)):
            named = f"{what}, statistic {place}"
            mean, std, skewness = permutation_moments(one.D, one.S)
            check_moments(own, mean, std, skewness, named)
            if one.p is not None:
                check_tail(own, one.p, one.sign, named)
            checked += 1
    assert checked == 14


@pytest.mark.slow
@pytest.mark.parametrize("name", ["minilm", "docs-lm"])
def test_a_million_tables_have_the_exact_moments_of_chi_square_and_its_tail(name: str) -> None:
    _, _, label, zone = first_neuron(name)
    category, zone = label[label >= 0].astype(int), zone[label >= 0]
    rows, columns = np.bincount(category), np.bincount(zone)
    member = np.eye(len(columns))[zone]
    values, first = np.empty(PARTS * PART), np.empty((PARTS * PART, len(columns)), dtype=np.int64)
    rng = np.random.default_rng(12)
    for start in range(0, len(values), BATCH):
        order = rng.permuted(np.tile(category, (BATCH, 1)), axis=1)
        table = np.stack([(order == c) @ member for c in range(len(rows))], axis=1)
        first[start : start + BATCH] = table[:, rows.argmin()]
        values[start : start + BATCH] = len(zone) * ((table**2 / np.outer(rows, columns)).sum(axis=(1, 2)) - 1)
    mean, std, skewness = chi_square_moments(rows, columns, len(zone))

    def p(value: float) -> float:
        if len(rows) == 2:  # counted out, from a table that has this value
            return float(two_column_upper(columns, first[abs(values - value).argmin()]))
        return float(upper_tail(np.array([(value - mean) / std]), np.array([skewness]))[0])

    check_moments(values.reshape(PARTS, PART), mean, std, skewness, "chi-square")
    check_tail(values, p, 1, "chi-square")
