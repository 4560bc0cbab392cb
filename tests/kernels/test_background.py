"""The null of tightness: graph sums without the matrix, proved by the matrix and by all subsets."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from tests.kernels.test_moments import sums_of

from intraneuron.kernels import background
from intraneuron.kernels.background import background_sums, tightness


def rows(V: int, D: int, seed: int = 0) -> np.ndarray:
    """Return unit rows that share a direction, as embeddings do."""
    table = np.random.default_rng(seed).normal(size=(V, D)) + 0.5
    return np.asarray(table / np.linalg.norm(table, axis=1, keepdims=True), dtype=np.float32)


def centred(E: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the cosines less their mean off the diagonal, and that mean."""
    S = E.astype(np.float64) @ E.astype(np.float64).T
    mean = S[np.triu_indices(len(S), 1)].mean()
    return S - mean, float(mean)


@pytest.mark.parametrize(("V", "D"), [(5, 3), (12, 4), (150, 24)])
def test_the_sums_equal_those_of_the_matrix_that_is_not_formed(V: int, D: int) -> None:
    E = rows(V, D, seed=V)
    M, expected = centred(E)
    mean, sums = background_sums(E)
    assert mean == pytest.approx(expected, rel=1e-12)
    wanted = sums_of(M)
    np.testing.assert_allclose(sums, wanted, rtol=1e-5, atol=1e-6 * np.abs(wanted).max())


def test_the_deviation_is_that_of_all_subsets_and_p_close_to_their_share() -> None:
    E = rows(16, 5, seed=3)
    M, mean = centred(E)
    found = np.array(
        [M[np.ix_(some, some)].sum() - np.trace(M[np.ix_(some, some)]) for some in combinations(range(16), 5)]
    )
    found = found / 20 + mean
    observed = np.sort(found)[::-1][[43, 218, 1000]]
    std, p = tightness(observed, np.full(3, 5), 16, *background_sums(E))
    np.testing.assert_allclose(std, found.std(), rtol=1e-5)
    np.testing.assert_allclose(p, [44 / 4368, 219 / 4368, 1001 / 4368], rtol=0.15)


def test_the_skewness_is_that_of_all_subsets(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def keep(z: np.ndarray, skewness: np.ndarray) -> np.ndarray:
        seen.append(float(skewness[0]))
        return np.zeros(len(z))

    monkeypatch.setattr(background, "upper_tail", keep)
    E = rows(14, 4, seed=8)
    M, _ = centred(E)
    U = np.array([M[np.ix_(c, c)].sum() - np.trace(M[np.ix_(c, c)]) for c in combinations(range(14), 4)])
    tightness(np.zeros(1), np.array([4]), 14, *background_sums(E))
    assert seen == [pytest.approx(((U - U.mean()) ** 3).mean() / U.std() ** 3, rel=1e-4)]


def test_cubes_of_some_rows_stand_for_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    E = rows(900, 16)
    whole = background_sums(E)[1]
    monkeypatch.setattr(background, "CUBES", 300)
    some = background_sums(E)[1]
    np.testing.assert_array_equal(some[:3], whole[:3])
    size = (np.abs(centred(E)[0]) ** 3).sum() / 2
    assert 0 < abs(some[3] - whole[3]) < 0.1 * size


def test_p_is_uniform_for_random_tokens() -> None:
    rng = np.random.default_rng(0)
    E = rows(3000, 24, seed=1)
    mean, sums = background_sums(E)
    S = E @ E.T
    n = 30
    some = [rng.choice(3000, n, replace=False) for _ in range(20_000)]
    observed = np.array([(S[np.ix_(c, c)].sum(dtype=np.float64) - n) / (n * (n - 1)) for c in some])
    _, p = tightness(observed, np.full(len(observed), n), 3000, mean, sums)
    for level, tolerance in ((0.05, 0.1), (0.01, 0.2), (0.001, 0.6)):
        assert (p <= level).mean() / level == pytest.approx(1, abs=tolerance)


def test_what_cannot_vary_or_is_not_tested_has_no_p_and_no_p_is_below_one_set() -> None:
    same = background_sums(np.tile(rows(1, 8), (50, 1)))
    std, p = tightness(np.array([1.0, np.nan]), np.array([20, 20]), 50, *same)
    assert np.isnan([std, p]).all()
    std, p = tightness(np.array([1.0]), np.array([3]), 12, *background_sums(rows(12, 4)))
    assert p[0] >= 1 / 220
    assert np.isnan(tightness(np.array([0.3]), np.array([12]), 12, *background_sums(rows(12, 4)))[1]).all()
