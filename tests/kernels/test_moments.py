"""The exact moments, proved by all permutations of a few tokens."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest

from intraneuron.kernels.moments import (
    N_GRAPHS,
    block_sums,
    central_moments,
    matrix_sums,
    ones_sums,
    path_sums,
    permutation_moments,
)
from intraneuron.kernels.similarity import tile_length


def symmetric(n: int, seed: int) -> np.ndarray:
    M = np.random.default_rng(seed).gamma(1.0, size=(n, n))
    return M + M.T


def all_values(D: np.ndarray, S: np.ndarray) -> np.ndarray:
    """Return U of all n! permutations."""
    order = np.array(list(permutations(range(len(D)))))
    a, b = np.triu_indices(len(D), 1)
    return np.asarray(S[order[:, a], order[:, b]] @ D[a, b])


def sums_of(M: np.ndarray) -> np.ndarray:
    """Return the graph sums of a matrix, its diagonal set to zero."""
    n = len(M)
    padded = np.zeros((tile_length(n),) * 2)
    padded[:n, :n] = M
    np.fill_diagonal(padded, 0)
    t = np.zeros(N_GRAPHS)
    matrix_sums(padded, n, np.zeros_like(padded), t)
    return t


@pytest.mark.parametrize("n", [3, 4, 5, 6, 7, 8])
def test_mean_deviation_and_skewness_equal_those_of_all_permutations(n: int) -> None:
    D, S = symmetric(n, n), symmetric(n, 100 + n)
    U = all_values(D, S)
    mean, std, skewness = permutation_moments(D, S)
    assert mean == pytest.approx(U.mean(), rel=1e-12)
    assert std == pytest.approx(U.std(), rel=1e-10)
    third = float(np.mean(((U - U.mean()) / U.std()) ** 3))
    assert skewness == pytest.approx(third, rel=1e-10, abs=1e-10)


def test_the_graph_sums_count_the_graphs_of_complete_enumeration() -> None:
    n = 6
    M = symmetric(n, 1)
    edges = [(a, b) for a in range(n) for b in range(a)]
    twos, threes = np.zeros(3), 0.0
    for e in edges:
        for f in edges:
            shared = len({*e} & {*f})
            twos[2 - shared] += M[e] * M[f]
            threes += sum(M[e] * M[f] * M[g] for g in edges)
    t = sums_of(M)
    np.testing.assert_allclose(t[:3], twos, rtol=1e-12)
    assert t[3:].sum() == pytest.approx(threes, rel=1e-12)
    assert t[5] == pytest.approx(np.trace(np.linalg.matrix_power(M - np.diag(np.diag(M)), 3)), rel=1e-12)


@pytest.mark.parametrize("sizes", [(5,), (3, 4), (1, 6, 2), (2, 2, 2, 3), (12, 1)])
def test_the_sums_of_blocks_equal_those_of_the_whole_matrix(sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(sizes))
    within, between = rng.normal(size=len(sizes)), float(rng.normal())
    group = np.repeat(np.arange(len(sizes)), sizes)
    M = np.where(group[:, None] == group[None], within[group][:, None], between)
    t = np.zeros(N_GRAPHS)
    block_sums(np.array(sizes), within, between, len(sizes), t)
    np.testing.assert_allclose(t, sums_of(M), rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("m", [3, 4, 5, 6, 11])
def test_the_sums_of_a_path_equal_those_of_the_whole_matrix(m: int) -> None:
    i = np.arange(m)
    t = np.zeros(N_GRAPHS)
    path_sums(m, t)
    np.testing.assert_allclose(t, sums_of((abs(i[:, None] - i[None]) == 1).astype(float)), atol=1e-9)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 9])
def test_the_sums_of_ones_equal_those_of_the_whole_matrix(n: int) -> None:
    t = np.zeros(N_GRAPHS)
    ones_sums(n, t)
    np.testing.assert_allclose(t, sums_of(np.ones((n, n))), atol=1e-9)


def test_what_cannot_vary_has_no_deviation() -> None:
    mean, std, skewness = permutation_moments(np.full((6, 6), 2.0), symmetric(6, 0))
    assert mean > 0
    assert math.isnan(std)
    assert math.isnan(skewness)
    zero = np.zeros(N_GRAPHS)
    assert all(math.isnan(v) for v in central_moments(zero, zero, sums_of(np.ones((6, 6)))))


@pytest.mark.parametrize("seed", range(6))
def test_one_odd_token_among_equal_ones_leaves_nothing_that_could_vary_in_segments_of_one_size(seed: int) -> None:
    segment = np.arange(60) // 12
    inside = (segment[:, None] == segment).astype(float)
    S = np.full((60, 60), np.random.default_rng(seed).uniform())
    S[7] = S[:, 7] = np.random.default_rng(seed + 50).uniform()
    _, std, skewness = permutation_moments(inside, S)
    assert np.isnan([std, skewness]).all()
