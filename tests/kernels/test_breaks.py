from __future__ import annotations

import numpy as np
import pytest
from tests import oracle
from tests.made_up import make_batch

from intraneuron.kernels.breaks import METHODS, cut, variance_fit

CUTS: list[tuple[str, float]] = [("quantile", 2), ("quantile", 5), ("quantile", 20)]
CUTS += [("equal-width", 2), ("equal-width", 7)]
CUTS += [("natural", 0), ("natural", 2), ("natural", 7)]
CUTS += [("top", 0.2), ("top", 0.07), ("top", 0.999)]


@pytest.mark.parametrize(("method", "amount"), CUTS)
def test_segments_and_their_fit_equal_the_oracles(method: str, amount: float) -> None:
    b = make_batch(20, 100, seed=1)
    label, quality = cut(b.activation, b.n, method, amount)  # type: ignore[arg-type]
    for i, n in enumerate(b.n):
        assert (label[i, n:] == -1).all()
        if n < 20:
            continue
        expected, _ = oracle.segment_labels(b.activation[i, :n], f"{method}:{amount}" if amount else method)
        np.testing.assert_array_equal(label[i, :n], expected)
        assert quality[i] == pytest.approx(oracle.goodness_of_variance_fit(b.activation[i, :n], expected), abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_segments_are_contiguous_and_numbered_from_the_highest(method: str) -> None:
    b = make_batch(20, 60, seed=2)
    label, _ = cut(b.activation, b.n, method, 0.3 if method == "top" else 6)  # type: ignore[arg-type]
    for i, n in enumerate(b.n):
        assert (np.diff(label[i, :n]) >= 0).all()
        assert (label[i, :1] == 0).all() or n == 0


def test_the_largest_value_is_in_the_top_interval_and_a_bound_belongs_to_the_one_above() -> None:
    label, _ = cut(np.array([[4.0, 2.0, 1.0, 0.0]]), np.array([4]), "equal-width", 4)
    assert label.tolist() == [[0, 1, 2, 3]]


def test_the_smallest_share_is_one_token() -> None:
    label, _ = cut(np.array([[4.0, 2.0, 1.0, 0.0]]), np.array([4]), "top", 1e-12)
    assert label.tolist() == [[0, 1, 1, 1]]


def test_activations_that_do_not_vary_have_no_fit() -> None:
    label, quality = cut(np.full((1, 8), 3.0), np.array([8]), "equal-width", 4)
    assert np.isnan(quality[0])
    assert len(set(label[0])) == 1
    assert np.isnan(variance_fit(np.full((1, 3), 2.0), np.zeros((1, 3), dtype=np.int16))[0])
