"""Every pair statistic of real neurons against a million draws: moments within their error, tails within the bar."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from tests import oracle
from tests.real_neurons import Real, need

from intraneuron.data import CoreTokens, Space
from intraneuron.kernels.chi_square import chi_square_moments
from intraneuron.kernels.moments import permutation_moments
from intraneuron.kernels.tails import upper_tail
from intraneuron.pipeline.partition import categorize, segment

PARTS, PART, BATCH = 20, 50_000, 500
"""A million draws in 20 parts, whose spread is the error of what is estimated from all."""

BAR = ((0.05, 0.85, 1.15), (0.01, 0.75, 1.33), (0.001, 0.5, 2.5))
"""What the closed-form p of a drawn quantile may be, over its level. For one neuron: over many, sizes lie within 0.9 to
1.1, 0.85 to 1.15 and 0.6 to 1.45 (``benchmarks/tails.py``)."""


class Statistic(NamedTuple):
    """One statistic: weights of pairs, similarities, and whether its p is a closed form."""

    D: np.ndarray
    S: np.ndarray
    sign: int = 1
    closed: bool = True


def statistics_of(S: np.ndarray, label: np.ndarray, zone: np.ndarray) -> dict[str, list[Statistic]]:
    """Return the statistics that can share draws: those on all tokens, a step-down each, and runs."""
    n = len(S)
    whole = {f"homogeneity {g}": Statistic(oracle.inside_weights(zone == g), S) for g in range(5)}
    whole |= {f"peak {t}": Statistic(oracle.peak_weights(n, t), S, closed=t >= 10) for t in (20, 10, 5)}
    whole["mrpp"] = Statistic(oracle.mrpp_weights(zone), S)
    whole["distance"] = Statistic(oracle.distance_weights(-np.arange(n)), S, -1)
    groups = {"whole": whole}
    for g in (1, 2, 3):
        below = zone >= g
        inside = oracle.inside_weights(zone[below] == g)
        groups[f"stepdown {g}"] = {f"stepdown {g}": Statistic(inside, S[np.ix_(below, below)])}
    groups["runs"] = {"runs": Statistic(*oracle.runs_matrices(label[label >= 0]), sign=-1)}
    return {name: list(group.values()) for name, group in groups.items()}


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


def check_tail(values: np.ndarray, mean: float, std: float, skewness: float, sign: int, what: str) -> None:
    """Compare the closed-form p of drawn quantiles with their level."""
    z = np.sort(sign * (values.ravel() - mean) / std)
    for level, low, high in BAR:
        at = z[round((1 - level) * len(z))]
        as_far = (z > at + 1e-9).mean() + (abs(z - at) <= 1e-9).mean() / 2  # a mid-p where values are discrete
        p = upper_tail(np.array([at]), np.array([sign * skewness]))[0]
        assert low <= p / as_far <= high, (what, level, p, as_far)


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
            if one.closed:
                check_tail(own, mean, std, skewness, one.sign, named)
            checked += 1
    assert checked == 14


@pytest.mark.slow
@pytest.mark.parametrize("name", ["minilm", "docs-lm"])
def test_a_million_tables_have_the_exact_moments_of_chi_square_and_its_tail(name: str) -> None:
    _, _, label, zone = first_neuron(name)
    category, zone = label[label >= 0].astype(int), zone[label >= 0]
    rows, columns = np.bincount(category), np.bincount(zone)
    member = np.eye(len(columns))[zone]
    values = np.empty(PARTS * PART)
    rng = np.random.default_rng(12)
    for start in range(0, len(values), BATCH):
        order = rng.permuted(np.tile(category, (BATCH, 1)), axis=1)
        table = np.stack([(order == c) @ member for c in range(len(rows))], axis=1)
        values[start : start + BATCH] = len(zone) * ((table**2 / np.outer(rows, columns)).sum(axis=(1, 2)) - 1)
    moments = chi_square_moments(rows, columns, len(zone))
    mean, std, skewness = moments
    check_moments(values.reshape(PARTS, PART), mean, std, skewness, "chi-square")
    check_tail(values, mean, std, skewness, 1, "chi-square")
