from __future__ import annotations

import numpy as np

from intraneuron.kernels.orthants import orthants


def test_tokens_on_one_side_of_each_leading_component_share_a_group() -> None:
    rng = np.random.default_rng(0)
    scale = np.array([9.0, 7.0, 5.0, 0.1, 0.1])
    vectors = (rng.normal(size=(4000, 5)) * scale).astype(np.float32)
    group = orthants(vectors, np.ones(4000, dtype=bool), 3)
    assert set(group) == set(range(8))
    centred = vectors - vectors.mean(axis=0)
    for bit in range(3):
        inside = (group >> bit) & 1
        agree = (centred[:, bit] > 0) == (inside == 1)
        assert agree.mean() > 0.97


def test_tokens_that_are_not_eligible_have_no_group_and_no_say() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(200, 6)).astype(np.float32)
    eligible = np.arange(200) < 150
    far = vectors.copy()
    far[~eligible] = 1e4
    far[180:] = np.nan
    group = orthants(vectors, eligible)
    assert (group[~eligible] == -1).all()
    assert (group[eligible] >= 0).all()
    np.testing.assert_array_equal(orthants(far, eligible), group)
    np.testing.assert_array_equal(orthants(vectors[:150], np.ones(150, dtype=bool)), group[:150])


def test_a_space_of_few_dimensions_has_fewer_groups() -> None:
    vectors = np.random.default_rng(2).normal(size=(100, 2)).astype(np.float32)
    assert set(orthants(vectors, np.ones(100, dtype=bool))) == {0, 1, 2, 3}
