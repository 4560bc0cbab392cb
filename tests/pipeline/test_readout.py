"""Readouts are projections on random directions, standardised, the same at every sighting."""

from __future__ import annotations

import numpy as np
import pytest

from intraneuron.data import Space
from intraneuron.pipeline.analyse import analyse
from intraneuron.pipeline.numbers import BY_NAME
from intraneuron.pipeline.readout import BLOCK, directions, readout
from intraneuron.pipeline.select import select

V, D, ROWS = 300, 16, 7
VECTORS = np.random.default_rng(3).standard_normal((V, D)) + 2 * np.eye(D)[0]
ELIGIBLE = np.arange(V) % 10 != 0
SPACE = Space.from_vectors("cloud", np.where(np.arange(V)[:, None] == 20, 0, VECTORS))
ONCE = np.ones((1, V), dtype=np.int64)


def test_an_activation_is_the_standardised_product_of_vector_and_direction() -> None:
    found = readout(SPACE, ELIGIBLE, ONCE, rows=ROWS, layer=2, seed=5)
    plain = SPACE.vector[ELIGIBLE].astype(float) @ directions(ROWS, D, layer=2, seed=5).T.astype(float)
    plain = (plain - plain.mean(axis=0)) / plain.std(axis=0)
    np.testing.assert_allclose(found.total[0, ELIGIBLE], plain, atol=2e-6)
    assert (found.total[0, ~ELIGIBLE] == 0).all()


def test_directions_are_independent_standard_normal_numbers_of_row_layer_and_seed_alone() -> None:
    many = directions(400, 50, layer=0, seed=0)
    assert abs(many.mean()) < 0.02
    assert many.std() == pytest.approx(1, abs=0.02)
    assert abs(np.corrcoef(many)[0, 1:]).max() < 0.6
    np.testing.assert_array_equal(directions(3, 50, layer=0, seed=0), many[:3])
    assert (directions(3, 50, layer=1, seed=0) != many[:3]).all()
    assert (directions(3, 50, layer=0, seed=1) != many[:3]).all()


def test_sums_are_counts_times_activation_and_halves_agree() -> None:
    count = np.random.default_rng(0).integers(0, 5, (2, V))
    found = readout(SPACE, ELIGIBLE, count, rows=ROWS, layer=2, seed=5)
    once = readout(SPACE, ELIGIBLE, ONCE, rows=ROWS, layer=2, seed=5).total[0]
    np.testing.assert_allclose(found.total, count[:, :, None] * once, rtol=1e-6)
    np.testing.assert_array_equal(found.count, count)


def test_no_digit_depends_on_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = readout(SPACE, ELIGIBLE, ONCE, rows=ROWS, layer=2, seed=5)
    assert V < BLOCK
    monkeypatch.setattr("intraneuron.pipeline.readout.BLOCK", 64)
    np.testing.assert_allclose(readout(SPACE, ELIGIBLE, ONCE, rows=ROWS, layer=2, seed=5).total, whole.total, atol=1e-6)


def test_vectors_that_are_all_equal_have_no_readout_and_no_core_tokens() -> None:
    same = Space.from_vectors("same", np.ones((V, D)))
    found = readout(same, ELIGIBLE, ONCE, rows=ROWS, layer=0)
    assert (select(found, ELIGIBLE, core_tokens=20).n == 0).all()


def test_in_a_cloud_without_meaning_the_peak_is_what_projection_gives() -> None:
    """In an isotropic cloud the expected cosine of two tokens of readouts y and z is yz/D."""
    vectors = np.random.default_rng(1).standard_normal((6000, 64))
    space, every = Space.from_vectors("cloud", vectors), np.ones(6000, dtype=bool)
    core = select(readout(space, every, np.ones((1, 6000), dtype=np.int64), rows=60, layer=0), every)
    [found] = analyse(core, space, seed=0, estimates_only=True)
    top, rest = core.activation[:, :20].mean(axis=1), core.activation[:, 20:].mean(axis=1)
    expected = float(((top**2 - rest**2) / 64).mean())
    assert float(BY_NAME["peak"].of(found.comparison).mean()) == pytest.approx(expected, rel=0.1)
