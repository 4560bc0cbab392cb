"""The full range of some neurons: groups, null and p, and the same without groups of tokens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from tests.made_up import clustered_vectors

from intraneuron.data import Percentiles, Space, TokenActivations
from intraneuron.errors import DataError
from intraneuron.kernels.percentiles import percentile_groups
from intraneuron.pipeline.percentiles import percentiles, percentiles_without, sizes, whole_range

V, N = 1200, 6


@pytest.fixture(scope="module")
def space() -> Space:
    vectors = clustered_vectors(V, 12, seed=5).copy()
    vectors[7] = np.nan  # a token without direction
    return Space("made up", vectors)


@pytest.fixture(scope="module")
def sums() -> TokenActivations:
    rng = np.random.default_rng(2)
    count = rng.integers(1, 6, size=(2, V))
    return TokenActivations(3, np.arange(10, 10 + N, dtype=np.int32), count, rng.normal(size=(2, V, N)).astype("f4"))


@pytest.fixture(scope="module")
def eligible() -> np.ndarray:
    return np.random.default_rng(3).random(V) < 0.9


def test_the_tokens_are_all_that_are_eligible_and_have_a_vector(space: Space, eligible: np.ndarray) -> None:
    over = whole_range(space, eligible)
    np.testing.assert_array_equal(over.token, [v for v in range(V) if eligible[v] and v != 7])
    assert over.background.size == len(over.token) == sizes(len(over.token)).sum()


def test_the_sizes_are_those_of_the_groups_that_the_kernel_makes(
    sums: TokenActivations, space: Space, eligible: np.ndarray
) -> None:
    over = whole_range(space, eligible)
    group, _ = percentile_groups(sums.total, sums.count, over.token)
    tokens = percentiles(sums, over).tokens
    assert len(set(tokens.tolist())) == 2
    for row in group:
        np.testing.assert_array_equal(np.bincount(row), tokens)


def test_a_range_without_tokens_is_refused(space: Space) -> None:
    with pytest.raises(DataError, match="at least 2 eligible tokens"):
        whole_range(space, np.arange(V) == 7)


def test_z_and_p_hold_a_percentile_against_random_tokens(
    sums: TokenActivations, space: Space, eligible: np.ndarray
) -> None:
    over = whole_range(space, eligible)
    found = percentiles(sums, over)
    assert (found.layer, found.neuron.tolist()) == (3, list(range(10, 16)))
    E = space.vector[over.token].astype(np.float64)
    S, rng = E @ E.T, np.random.default_rng(0)
    size = int(found.tokens[0])
    draws = [rng.choice(len(E), size, replace=False) for _ in range(20_000)]
    drawn = np.array([(S[np.ix_(c, c)].sum() - np.trace(S[np.ix_(c, c)])) / (size * (size - 1)) for c in draws])
    here = np.flatnonzero(found.tokens == size)
    std = (found.homogeneity[:, here] - found.null_mean) / found.z[:, here]
    assert found.null_mean == pytest.approx(drawn.mean(), abs=4 * drawn.std() / np.sqrt(len(drawn)))
    np.testing.assert_allclose(std, drawn.std(), rtol=0.03)
    share = (drawn[None, None] >= found.homogeneity[:, here, None]).mean(axis=2)
    np.testing.assert_allclose(found.p[:, here], share, atol=0.03)


def test_p_keeps_its_size_where_activation_knows_nothing_of_meaning() -> None:
    size, neurons = 3000, 300
    total = np.random.default_rng(7).normal(size=(1, size, neurons)).astype("f4")
    over = whole_range(Space("made up", clustered_vectors(size, 12, seed=6, groups=30)), np.ones(size, dtype=bool))
    sums = TokenActivations(0, np.arange(neurons, dtype=np.int32), np.ones((1, size), dtype=np.int64), total)
    found = percentiles(sums, over)
    for level, tolerance in ((0.05, 0.1), (0.01, 0.15), (0.001, 0.45)):
        assert (found.p <= level).mean() / level == pytest.approx(1, abs=tolerance)
    assert abs(found.z.mean()) < 0.03
    assert found.z.std() == pytest.approx(1, abs=0.02)


def test_where_a_percentile_is_undefined_so_are_z_and_p(space: Space) -> None:
    total = np.zeros((1, V, 1), dtype=np.float32)
    total[0, :400, 0] = np.random.default_rng(0).random(400)
    sums = TokenActivations(0, np.zeros(1, dtype=np.int32), np.ones((1, V), dtype=np.int64), total)
    found = percentiles(sums, whole_range(space, np.ones(V, dtype=bool)))
    undefined = np.isnan(found.homogeneity[0])
    assert 60 < undefined.sum() < 70
    for table in (found.z, found.p):
        np.testing.assert_array_equal(np.isnan(table[0]), undefined)


def test_neurons_of_several_blocks_are_put_below_each_other(
    sums: TokenActivations, space: Space, eligible: np.ndarray
) -> None:
    over = whole_range(space, eligible)
    whole = percentiles(sums, over)
    parts = Percentiles.concatenate([percentiles(sums.columns(some), over) for some in (slice(0, 2), slice(2, 6))])
    for name in ("neuron", "tokens", "homogeneity", "z", "p"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def test_without_a_group_all_is_that_of_the_tokens_that_stay(
    sums: TokenActivations, space: Space, eligible: np.ndarray
) -> None:
    group = np.random.default_rng(4).integers(0, 5, V)
    group[~eligible] = -1
    full, without, share = percentiles_without(sums, whole_range(space, eligible), group)
    found = percentiles(sums, whole_range(space, eligible))
    np.testing.assert_allclose(full, found.homogeneity - found.null_mean, rtol=1e-12)
    kept = eligible & space.defined
    np.testing.assert_allclose(share, np.bincount(group[kept]) / kept.sum())
    for j in range(5):
        again = percentiles(sums, whole_range(space, eligible & (group != j)))
        np.testing.assert_allclose(without[j], again.homogeneity - again.null_mean, atol=1e-10)


def test_groups_that_hold_no_token_are_passed_over(sums: TokenActivations, space: Space, eligible: np.ndarray) -> None:
    group = np.random.default_rng(4).integers(0, 2, V) * 7 + 3
    _, without, share = percentiles_without(sums, whole_range(space, eligible), group)
    assert len(without) == len(share) == 2


def test_the_same_neurons_in_other_units_have_the_same_percentiles(
    sums: TokenActivations, space: Space, eligible: np.ndarray
) -> None:
    over = whole_range(space, eligible)
    again = percentiles(replace(sums, total=8 * sums.total), over)
    np.testing.assert_array_equal(again.homogeneity, percentiles(sums, over).homogeneity)


def test_a_neuron_that_reads_a_direction_is_homogeneous_at_both_ends(space: Space) -> None:
    along = space.vector @ np.nan_to_num(space.vector).mean(axis=0)
    total = np.nan_to_num(along)[None, :, None].astype("f4")
    sums = TokenActivations(0, np.zeros(1, dtype=np.int32), np.ones((1, V), dtype=np.int64), total)
    found = percentiles(sums, whole_range(space, np.ones(V, dtype=bool)))
    slope = stats.spearmanr(np.arange(50), found.homogeneity[0, 50:]).statistic
    assert slope > 0.5
    assert found.p[0, -1] < 1e-3
