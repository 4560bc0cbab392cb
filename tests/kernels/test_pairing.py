"""Pairs of neurons: cosines of token profiles counted by hand, and the best assignment found by trying all."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from tests.made_up import Batch, make_batch

from intraneuron.kernels.pairing import one_to_one, paired_cosines, profile_cosines, shared_tokens

FIRST, SECOND = make_batch(6, 30, seed=1, short=False), make_batch(5, 24, seed=2, short=False)


def profile(b: Batch, i: int) -> np.ndarray:
    """Return a neuron's profile over a vocabulary of 500 tokens."""
    out = np.zeros(500)
    for token, activation in zip(b.token_id[i], b.activation[i], strict=True):
        if token >= 0:
            out[token] = activation
    return out


def test_the_cosine_is_that_of_profiles_written_out() -> None:
    found = profile_cosines(FIRST.token_id, FIRST.activation, SECOND.token_id, SECOND.activation)
    assert found.shape == (6, 5)
    for i in range(6):
        for j in range(5):
            a, b = profile(FIRST, i), profile(SECOND, j)
            expected = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
            assert found[i, j] == pytest.approx(expected, abs=1e-12)
    own = paired_cosines(FIRST.token_id[:5], FIRST.activation[:5], SECOND.token_id, SECOND.activation)
    np.testing.assert_allclose(own, np.diag(found[:5]), atol=1e-12)


def test_a_neuron_is_like_itself_in_other_units_and_unlike_one_of_other_tokens() -> None:
    b = FIRST
    np.testing.assert_allclose(paired_cosines(b.token_id, b.activation, b.token_id, 7 * b.activation), 1, atol=1e-12)
    apart = np.where(b.token_id >= 0, b.token_id + 1000, -1)
    np.testing.assert_array_equal(profile_cosines(b.token_id, b.activation, apart, b.activation), 0)


def test_a_neuron_without_core_tokens_is_like_none() -> None:
    none = np.full((1, 3), -1)
    found = profile_cosines(none, np.full((1, 3), np.nan), FIRST.token_id, FIRST.activation)
    np.testing.assert_array_equal(found, 0)


def test_shared_tokens_are_those_of_both_sets() -> None:
    found = shared_tokens(FIRST.token_id[:5], SECOND.token_id)
    for i in range(5):
        assert found[i] == len((set(FIRST.token_id[i]) & set(SECOND.token_id[i])) - {-1})


@pytest.mark.parametrize("shape", [(5, 5), (3, 5), (5, 3)])
def test_the_assignment_is_the_best_of_all(shape: tuple[int, int]) -> None:
    alike = np.random.default_rng(shape[0]).random(shape)
    row, column = one_to_one(alike)
    assert len(row) == min(shape) == len(set(row)) == len(set(column))
    square = alike if shape[0] <= shape[1] else alike.T
    best = max(sum(square[i, p[i]] for i in range(min(shape))) for p in permutations(range(max(shape)), min(shape)))
    assert alike[row, column].sum() == pytest.approx(best)
