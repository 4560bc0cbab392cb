from __future__ import annotations

import numpy as np
import pytest
from tests.made_up import clustered_vectors, make_batch

from intraneuron.kernels.lanes import COLUMNS, ROWS
from intraneuron.kernels.similarity import CHUNK, cosines, rearranged, tile_length


@pytest.mark.parametrize("dimensions", [1, 2, 7, 65])
@pytest.mark.parametrize("n", [1, 3, 4, 5, 9])
def test_cosines_equal_the_product_of_the_vectors(n: int, dimensions: int) -> None:
    vectors = clustered_vectors(30, dimensions, seed=n)
    ids = np.random.default_rng(0).choice(30, (3, n)).astype(np.int32)
    wide = vectors.astype(np.float64)[ids]
    found = cosines(vectors, ids, np.full(3, n))
    np.testing.assert_allclose(found, np.einsum("iad,ibd->iab", wide, wide), atol=3e-7)
    np.testing.assert_array_equal(found, found.transpose(0, 2, 1))


def test_padding_has_no_similarity() -> None:
    b = make_batch(6, 23)
    found = cosines(b.vectors, b.token_id, b.n)
    for i, n in enumerate(b.n):
        assert np.isfinite(found[i, :n, :n]).all()
        assert np.isnan(found[i, n:]).all()
        assert np.isnan(found[i, :, n:]).all()


@pytest.mark.parametrize("dimensions", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 5])
def test_vectors_longer_than_a_chunk_count_with_all_their_dimensions(dimensions: int) -> None:
    vectors = clustered_vectors(60, dimensions, seed=1)
    token_id = np.random.default_rng(0).permutation(60)[None, :23].astype(np.int32)
    unit = vectors[token_id[0]].astype(np.float64)
    np.testing.assert_allclose(cosines(vectors, token_id, np.array([23]))[0], unit @ unit.T, atol=2e-6)


@pytest.mark.parametrize("n", range(1, 30))
def test_tiles_of_all_tokens_end_where_the_buffers_do(n: int) -> None:
    last_row, last_column = 0, 0
    for i in range(0, n, ROWS):
        last_row = i + ROWS
        last_column = max(range(0, i + ROWS, COLUMNS)) + COLUMNS
    assert max(last_row, last_column) <= tile_length(n) < n + ROWS + COLUMNS


def test_rearranged_cosines_are_those_of_the_rearranged_tokens() -> None:
    b = make_batch(9, 23, seed=3)
    rng = np.random.default_rng(0)
    order = np.full(b.token_id.shape, -1)
    for i, n in enumerate(b.n):
        order[i, :n] = rng.permutation(n)
    moved = np.where(order >= 0, np.take_along_axis(b.token_id, np.maximum(order, 0), axis=1), -1).astype(np.int32)
    row = rng.permutation(9)
    found = rearranged(b.cosines(), order[row], row)
    np.testing.assert_array_equal(found, cosines(b.vectors, moved, b.n)[row])


def test_some_of_the_tokens_keep_their_similarities() -> None:
    b = make_batch(4, 23, seed=3, short=False)
    S = b.cosines()
    found = rearranged(S, np.array([[5, 2, -1], [0, 22, 7]]), np.array([3, 1]))
    np.testing.assert_array_equal(found[0, :2, :2], S[3][np.ix_([5, 2], [5, 2])])
    assert np.isnan(found[0, 2]).all()
    np.testing.assert_array_equal(found[1], S[1][np.ix_([0, 22, 7], [0, 22, 7])])


def test_tokens_of_one_direction_have_a_cosine_of_1_and_no_rounding() -> None:
    rng = np.random.default_rng(4)
    rows = np.outer(rng.uniform(0.1, 3, 30), rng.normal(size=384)).astype(np.float32)
    rows[7] = rng.normal(size=384)
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    S = cosines(vectors, np.arange(30, dtype=np.int32)[None], np.array([30]))[0]
    alike = np.arange(30) != 7
    assert (S[np.ix_(alike, alike)] == 1).all()
    assert (np.abs(S[7, alike]) < 0.5).all()
