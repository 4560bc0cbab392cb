"""Sums of vectors by group, in the order of tokens."""

from __future__ import annotations

import numpy as np
from tests.made_up import clustered_vectors

from intraneuron.kernels.sums_by_group import CHUNK, LANES, add_rows, tiled


def test_tiles_hold_the_columns_in_turn_and_zeros_behind_the_last() -> None:
    E = clustered_vectors(50, 37, seed=0)
    tiles = tiled(E)
    assert tiles.shape == (3, 50, LANES)
    joined = tiles.transpose(1, 0, 2).reshape(50, -1)
    np.testing.assert_array_equal(joined[:, :37], E)
    assert not joined[:, 37:].any()


def test_each_sum_is_that_of_numpy_in_float64_in_the_order_of_tokens() -> None:
    rng = np.random.default_rng(0)
    V = 2 * CHUNK + 77
    tile, group = tiled(clustered_vectors(V, LANES, seed=1))[0], rng.integers(0, 9, size=(3, V)).astype(np.uint16)
    sums = np.zeros((3, 9, LANES))
    add_rows(tile, group, sums)
    for i in range(3):
        for g in range(9):
            expected = np.cumsum(tile[group[i] == g].astype(np.float64), axis=0)[-1]  # one after the other
            np.testing.assert_array_equal(sums[i, g], expected)


def test_sums_go_on_from_what_is_there() -> None:
    tile, group = tiled(clustered_vectors(20, 4, seed=1))[0], np.zeros((1, 20), dtype=np.uint16)
    once, twice = np.zeros((1, 1, LANES)), np.zeros((1, 1, LANES))
    add_rows(tile, group, once)
    add_rows(tile, group, twice)
    add_rows(tile, group, twice)
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-12)
