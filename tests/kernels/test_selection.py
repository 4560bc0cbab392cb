from __future__ import annotations

import numpy as np
import pytest
from tests import oracle

from intraneuron.kernels.selection import means_of, top_tokens


def observed(parts: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sums with many ties, counts with zeros, and which tokens are eligible."""
    rng = np.random.default_rng(seed)
    count = rng.integers(0, 4, size=(parts, 300))
    total = (rng.integers(-4, 9, size=(parts, 300, 17)) / 2 * (count > 0)[:, :, None]).astype(np.float32)
    return total, count, rng.random(300) < 0.8


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("k", [1, 20, 100, 299])
def test_the_most_active_tokens_are_numpys_lexsort_with_ties_to_the_smaller_id(k: int, parts: int) -> None:
    total, count, eligible = observed(parts)
    token_id, mean, n = top_tokens(total, count, eligible, k)
    seen = count.sum(axis=0)
    for c in range(17):
        with np.errstate(invalid="ignore", divide="ignore"):
            means = total[:, :, c].astype(np.float64).sum(axis=0) / seen
        order = np.lexsort((np.arange(300), -means))
        order = np.array([v for v in order if eligible[v] and seen[v] > 0 and means[v] > 0])[:k]
        assert n[c] == len(order)
        np.testing.assert_array_equal(token_id[c, : n[c]], order)
        np.testing.assert_array_equal(mean[c, : n[c]], means[order])
        assert (token_id[c, n[c] :] == -1).all()
        assert np.isnan(mean[c, n[c] :]).all()


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("k", [1, 20, 100])
def test_of_each_form_the_most_active_token_counts_and_ties_go_to_the_smaller_id(k: int, parts: int) -> None:
    total, count, eligible = observed(parts, seed=k)
    form = np.random.default_rng(k).integers(0, 120, 300).astype(np.int32)
    token_id, mean, n = top_tokens(total, count, eligible, k, form=form)
    every, means, many = top_tokens(total, count, eligible, 300)
    for c in range(17):
        seen: dict[int, int] = {}
        for rank in range(many[c]):
            seen.setdefault(int(form[every[c, rank]]), rank)
        first = sorted(seen.values())[:k]
        assert n[c] == len(first)
        np.testing.assert_array_equal(token_id[c, : n[c]], every[c, first])
        np.testing.assert_array_equal(mean[c, : n[c]], means[c, first])
        assert (token_id[c, n[c] :] == -1).all()


def test_the_oracle_selects_the_same_tokens() -> None:
    total, count, eligible = observed(1, seed=4)
    token_id, _, n = top_tokens(total, count, eligible, 50)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = total[0].astype(np.float64) / count[0][:, None]
    for c in range(17):
        expected, size = oracle.select_core(np.nan_to_num(means[:, c]), count[0], ~eligible, 50)
        assert n[c] == size
        np.testing.assert_array_equal(token_id[c], expected)


def test_a_neuron_that_is_never_active_has_no_core_tokens() -> None:
    total = np.array([[[-1.0, 0.0], [0.0, 0.0], [-0.1, 0.0]]], dtype=np.float32)
    token_id, mean, n = top_tokens(total, np.ones((1, 3), dtype=np.int64), np.ones(3, dtype=bool), 2)
    assert n.tolist() == [0, 0]
    assert (token_id == -1).all()
    assert np.isnan(mean).all()


def test_two_halves_are_added_in_double_precision() -> None:
    big = np.float32(2**24)
    total = np.array([[[big], [big]], [[1.0], [0.0]]], dtype=np.float32)
    _, mean, _ = top_tokens(total, np.ones((2, 2), dtype=np.int64), np.ones(2, dtype=bool), 2)
    assert mean.tolist() == [[(2**24 + 1) / 2, 2**23]]


def test_means_of_given_tokens_are_undefined_where_padded_or_unseen() -> None:
    total = np.array([[2.0, 4.0], [0.0, 0.0], [9.0, 6.0]], dtype=np.float32)
    found = means_of(total, np.array([2, 0, 3]), np.array([[2, 1, -1], [0, 2, 1]], dtype=np.int32))
    np.testing.assert_array_equal(found, [[3.0, np.nan, np.nan], [2.0, 2.0, np.nan]])
