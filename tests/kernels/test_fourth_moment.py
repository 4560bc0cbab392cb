"""The exact fourth moment, proved by all permutations of a few tokens and by plain sums over more."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests import oracle
from tests.kernels.test_moments import all_values, symmetric

from intraneuron.kernels.fourth_moment import GRAPHS, four_edges, fourth_moment, laid_out, walks


def hollow(n: int, seed: int) -> np.ndarray:
    """Return a symmetric matrix with a zero diagonal."""
    M = symmetric(n, seed)
    np.fill_diagonal(M, 0)
    return M


def walked(M: np.ndarray) -> np.ndarray:
    out = np.zeros(len(GRAPHS))
    walks(M, M @ M, len(M), out)
    return out


def fourth(D: np.ndarray, S: np.ndarray) -> float:
    """Return E[(U - E[U])^4], D and S centred off their diagonals here."""
    laid = np.zeros((2, len(GRAPHS)))
    for row, M in zip(laid, (D, S), strict=True):
        laid_out(walked(oracle.centre(M)), four_edges(), row)
    return float(fourth_moment(laid[0], laid[1], len(D), four_edges()))


@pytest.mark.parametrize("n", [3, 4, 5, 6, 7, 8])
def test_the_fourth_moment_equals_that_of_all_permutations(n: int) -> None:
    D, S = symmetric(n, n), symmetric(n, 100 + n)
    U = all_values(D, S)
    assert fourth(D, S) == pytest.approx(np.mean((U - U.mean()) ** 4), rel=1e-9)


def test_walks_are_plain_sums_over_all_ways_to_lay_a_graph() -> None:
    M = hollow(12, 1)
    expected = [np.einsum(f"{','.join(g.split())}->", *[M] * 4, optimize=True) for g in GRAPHS]
    np.testing.assert_allclose(walked(M), expected, rtol=1e-12)


def test_there_are_23_different_graphs_and_they_share_all_products_of_four_pairs() -> None:
    table, n = four_edges(), 7
    assert len(set(map(str, table.laid.tolist()))) == len(GRAPHS) == 23
    ones = np.ones((n, n)) - np.eye(n)
    laid = np.zeros(len(GRAPHS))
    laid_out(walked(ones), table, laid)
    np.testing.assert_allclose(laid, [math.perm(n, int(nodes)) for nodes in table.nodes], atol=1e-9)
    assert laid @ table.weight == pytest.approx(math.comb(n, 2) ** 4)


def test_the_kurtosis_of_a_sum_of_many_free_pairs_is_nearly_that_of_a_normal_variable() -> None:
    rng = np.random.default_rng(2)
    D, S = (M + M.T for M in rng.normal(size=(2, 60, 60)))
    assert fourth(D, S) / oracle.permutation_moments(D, S).variance ** 2 == pytest.approx(3, abs=0.1)


def test_what_cannot_vary_has_no_fourth_moment() -> None:
    assert fourth(symmetric(6, 1), np.ones((6, 6))) == 0
