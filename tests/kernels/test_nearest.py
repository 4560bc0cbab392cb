from __future__ import annotations

import numpy as np
from tests.made_up import make_batch

from intraneuron.kernels.nearest import nearest_to_mean


def test_the_tokens_nearest_to_the_mean_come_first() -> None:
    b = make_batch(20, 50)
    found = nearest_to_mean(b.vectors, b.token_id, b.category, b.n, b.n_categories, 4)
    wide = b.vectors.astype(np.float64)
    for i in range(20):
        for g in range(b.n_categories[i]):
            ids = b.token_id[i, b.category[i] == g]
            mean = wide[ids].mean(axis=0)
            cosine = wide[ids] @ mean
            expected = ids[np.argsort(-cosine, kind="stable")][:4]
            np.testing.assert_array_equal(found[i, g, : len(expected)], expected)
            assert (found[i, g, len(expected) :] == -1).all()
        assert (found[i, b.n_categories[i] :] == -1).all()


def test_of_equally_near_tokens_the_more_active_one_comes_first() -> None:
    v = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    ids = np.array([[1, 0, 2]], dtype=np.int32)
    found = nearest_to_mean(v, ids, np.zeros((1, 3), dtype=np.int16), np.array([3]), np.array([1]), 2)
    assert found.tolist() == [[[1, 0]]]
