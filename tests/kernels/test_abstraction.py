"""Against the definition with plain numpy, and complete enumeration."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from tests.made_up import clustered_vectors

from intraneuron.data import Spelling
from intraneuron.kernels.abstraction import Abstraction, abstraction
from intraneuron.kernels.similarity import cosines
from intraneuron.kernels.spelling import spellings

LETTERS = np.array(list("abcdef"))


def made_up(size: int, width: int, seed: int) -> tuple[np.ndarray, Spelling, np.ndarray]:
    """Return token ids (N, K), their spelling and unit vectors."""
    rng = np.random.default_rng(seed)
    tokens = ["".join(rng.choice(LETTERS, rng.integers(1, 7))) for _ in range(3 * width)]
    ids = np.stack([rng.choice(3 * width, width, replace=False) for _ in range(size)]).astype(np.int32)
    return ids, Spelling.from_tokens(tokens), clustered_vectors(3 * width, 8, seed)


def run(
    ids: np.ndarray, spelling: Spelling, vectors: np.ndarray, zone: int, *, estimates_only: bool = False
) -> Abstraction:
    n = np.full(len(ids), ids.shape[1])
    segment = np.tile((np.arange(ids.shape[1]) >= zone).astype(np.int16), (len(ids), 1))
    keys = np.stack([np.zeros(len(ids)), np.zeros(len(ids)), np.arange(len(ids))]).astype(np.int64)
    groups = np.full(len(ids), 2, dtype=np.int16)
    S, F = cosines(vectors, ids, n), spellings(spelling.code, spelling.length, spelling.letters, ids, n)
    return abstraction(S, F, n, segment, groups, keys=keys, min_tokens=5, estimates_only=estimates_only)


def inside(S: np.ndarray, chosen: tuple[int, ...] | range) -> float:
    return float(np.mean([S[a, b] for a, b in combinations(chosen, 2)]))


def test_z_and_their_difference_are_those_of_all_subsets() -> None:
    ids, spelling, vectors = made_up(4, 9, seed=3)
    found = run(ids, spelling, vectors, 4)
    for i in range(4):
        unit = vectors[ids[i]].astype(np.float64)
        form = spellings(spelling.code, spelling.length, spelling.letters, ids[i : i + 1], np.array([9]))[0].astype(
            float
        )
        z, every = [], []
        for S in (unit @ unit.T, form):
            values = np.array([inside(S, chosen) for chosen in combinations(range(9), 4)])
            z.append((inside(S, range(4)) - values.mean()) / values.std())
            every.append((values - values.mean()) / values.std())
        assert found.meaning[i] == pytest.approx(z[0], abs=2e-5)
        assert found.form[i] == pytest.approx(z[1], abs=1e-8)
        assert found.abstraction[i] == pytest.approx(z[0] - z[1], abs=2e-5)
        assert found.null_std[i] == pytest.approx((every[0] - every[1]).std(), rel=1e-5)


def test_p_is_uniform_for_tokens_in_any_order() -> None:
    ids, spelling, vectors = made_up(1, 60, seed=5)
    rng = np.random.default_rng(0)
    orders = np.stack([rng.permutation(ids[0]) for _ in range(3000)])
    p = run(orders, spelling, vectors, 15).p
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_estimates_alone_have_the_same_difference_and_no_p() -> None:
    ids, spelling, vectors = made_up(5, 30, seed=6)
    whole, quick = run(ids, spelling, vectors, 6), run(ids, spelling, vectors, 6, estimates_only=True)
    np.testing.assert_allclose(quick.abstraction, whole.abstraction, atol=1e-9)
    assert np.isnan(quick.p).all()
    assert np.isfinite(whole.p).all()


@pytest.mark.parametrize("zone", [2, 30])
def test_a_zone_of_two_tokens_or_of_all_has_none(zone: int) -> None:
    found = run(*made_up(2, 30, seed=7), zone)
    assert all(np.isnan(table).all() for table in found)


def test_tokens_spelled_alike_have_none() -> None:
    ids, _, vectors = made_up(2, 30, seed=8)
    found = run(ids, Spelling.from_tokens(["same"] * 90), vectors, 6)
    assert all(np.isnan(table).all() for table in found)
