"""Percentiles of activation: against all pairs of every group, one neuron at a time, with numpy alone."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tests.made_up import clustered_vectors

from intraneuron.kernels.background import background_sums, tightness
from intraneuron.kernels.percentiles import descending, group_homogeneity, lengths_of, percentile_groups, room_to_sort
from intraneuron.kernels.sums_by_group import CHUNK, tiled

H, G = 2, 100


def observed(V: int, N: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return sums and counts of V + 20 tokens in two halves, whose means have few digits in two of the neurons."""
    rng = np.random.default_rng(seed)
    count = rng.integers(1, 5, size=(H, V + 20))
    total = rng.normal(size=(H, V + 20, N)).astype(np.float32)
    total[:, :, 0] = np.round(total[:, :, 0])
    total[:, : V // 2, 1] = 0
    total[0, 5, 1] = -0.0
    return total, count


def some_tokens(V: int, seed: int = 1) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).choice(V + 20, V, replace=False))


def plain(value: np.ndarray, E: np.ndarray, groups: int = G) -> np.ndarray:
    """Return the mean cosine over the pairs of each percentile of one neuron, from all pairs, least active first."""
    order = np.lexsort((np.arange(len(value)), -value))
    out = np.full(groups, np.nan)
    for g, some in enumerate(np.array_split(order, groups)):
        tied = np.isin(value[some], value[np.setdiff1d(order, some)]).sum()
        if len(some) >= 3 and tied <= len(some) / 2:
            pairs = [E[a].astype(np.float64) @ E[b].astype(np.float64) for a, b in combinations(some, 2)]
            out[groups - 1 - g] = np.mean(pairs)
    return out


def means(total: np.ndarray, count: np.ndarray, token: np.ndarray) -> np.ndarray:
    return np.asarray(total[:, token].astype(np.float64).sum(axis=0) / count[:, token].sum(axis=0)[:, None])


@pytest.mark.parametrize(("V", "D"), [(1037, 20), (CHUNK + 300, 16), (350, 7)])
def test_homogeneity_is_the_mean_over_all_pairs(V: int, D: int) -> None:
    total, count = observed(V, 4)
    token, E = some_tokens(V), clustered_vectors(V, D, seed=3)
    group, apart = percentile_groups(total, count, token)
    found = group_homogeneity(tiled(E), group, apart)
    mean = means(total, count, token)
    for i in range(4):
        np.testing.assert_allclose(found[i], plain(mean[:, i], E), atol=1e-12)
    assert np.isfinite(found[2]).all()


def test_the_true_lengths_are_taken_off_and_not_their_number() -> None:
    E = (clustered_vectors(300, 8, seed=1) * 1.01).astype(np.float32)
    value = np.random.default_rng(0).normal(size=300)
    total = value[None, :, None].astype(np.float32)
    group, apart = percentile_groups(total, np.ones((1, 300), dtype=np.int64), np.arange(300))
    found = group_homogeneity(tiled(E), group, apart)[0]
    np.testing.assert_allclose(found, plain(total[0, :, 0].astype(np.float64), E), atol=1e-12)
    np.testing.assert_allclose(lengths_of(tiled(E)), (E.astype(np.float64) ** 2).sum(axis=1), rtol=1e-12)


def test_groups_are_as_equal_as_possible_and_the_most_active_are_the_larger_ones() -> None:
    total = np.random.default_rng(0).normal(size=(1, 250, 3)).astype(np.float32)
    group, _ = percentile_groups(total, np.ones((1, 250), dtype=np.int64), np.arange(250))
    for i in range(3):
        assert np.bincount(group[i]).tolist() == [2] * 50 + [3] * 50
        lowest = [total[0, group[i] == g, i].min() for g in range(100)]
        assert lowest == sorted(lowest)


def test_on_ties_the_smaller_token_id_ranks_first_and_zero_has_no_sign() -> None:
    total = np.array([0.0, -0.0, 1.0, -0.0, 0.0, -1.0], dtype=np.float32)[None, :, None]
    group, apart = percentile_groups(total, np.ones((1, 6), dtype=np.int64), np.arange(6), 3)
    assert group.tolist() == [[2, 1, 2, 1, 0, 0]]
    assert apart.tolist() == [[True, False, True]]


def test_what_lies_within_ties_or_holds_under_three_tokens_is_undefined() -> None:
    V = 500
    value = np.where(np.arange(V) % 5 < 2, 0.0, np.random.default_rng(0).normal(size=V))  # 200 zeros
    total, one = value[None, :, None].astype(np.float32), np.ones((1, V), dtype=np.int64)
    found = group_homogeneity(tiled(clustered_vectors(V, 6, 0)), *percentile_groups(total, one, np.arange(V)))[0]
    below = int((value < 0).sum()) / 5
    undefined = np.flatnonzero(np.isnan(found))
    assert abs(len(undefined) - 40) <= 1
    assert abs(undefined[0] - below) <= 1
    assert (np.diff(undefined) == 1).all()
    few = percentile_groups(total, one, np.arange(200, 400))
    assert np.isnan(group_homogeneity(tiled(clustered_vectors(200, 6, 0)), *few)).all()


@settings(deadline=None, max_examples=200)
@given(arrays.arrays(np.float64, st.integers(1, 40), elements=st.floats(allow_nan=False, width=64)))
def test_the_order_is_that_of_a_stable_sort(value: np.ndarray) -> None:
    value = value + 0.0  # the kernel is given zeros without a sign
    order, spare = room_to_sort(len(value))
    descending(value, order, spare)
    expected = sorted(range(len(value)), key=lambda i: (-value[i], i))
    assert order.tolist() == expected


def test_moments_of_a_percentile_are_those_of_all_subsets_of_its_size() -> None:
    E = clustered_vectors(15, 5, seed=2)
    S = E.astype(np.float64) @ E.astype(np.float64).T
    every = np.array([S[np.ix_(c, c)][np.triu_indices(3, 1)].mean() for c in combinations(range(15), 3)])
    total = np.random.default_rng(0).normal(size=(1, 15, 1)).astype(np.float32)
    group, apart = percentile_groups(total, np.ones((1, 15), dtype=np.int64), np.arange(15), 5)
    own = group_homogeneity(tiled(E), group, apart)[0]
    mean, sums = background_sums(E)
    std, p = tightness(own, np.full(5, 3), 15, mean, sums)
    assert mean == pytest.approx(every.mean(), abs=1e-9)
    np.testing.assert_allclose(std, every.std(), rtol=1e-6)
    assert ((own - every.mean()) / every.std() > 2).any() == (p < 0.06).any()
