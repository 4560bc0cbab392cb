from __future__ import annotations

import numpy as np

from intraneuron.data import Effect


def effect(table: np.ndarray) -> Effect:
    return Effect("peak", "a null", *(table + i for i in range(6)))


def test_blocks_of_fewer_groups_are_undefined_in_the_rest() -> None:
    wide, narrow = np.arange(6.0).reshape(2, 3), np.arange(2.0).reshape(2, 1)
    found = Effect.concatenate([effect(wide), effect(narrow), effect(np.zeros((1, 0)))])
    assert (found.question, found.null, len(found)) == ("peak", "a null", 5)
    np.testing.assert_array_equal(found.observed[:2], wide)
    np.testing.assert_array_equal(found.q[2:4, 0], narrow[:, 0] + 5)
    assert np.isnan(found.p[2:4, 1:]).all()
    assert np.isnan(found.p[4]).all()


def test_blocks_without_groups_stand_below_each_other() -> None:
    found = Effect.concatenate([effect(np.arange(2.0)), effect(np.arange(3.0))])
    np.testing.assert_array_equal(found.effect_size, [1, 2, 1, 2, 3])
