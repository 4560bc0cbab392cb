from __future__ import annotations

import numpy as np
import pytest
from tests.made_up import clustered_vectors

from intraneuron.data import Space
from intraneuron.errors import DataError
from intraneuron.kernels.background import background_sums
from intraneuron.pipeline.background import background

VECTORS = clustered_vectors(40, 8, seed=1).astype(np.float64)


def test_only_eligible_tokens_with_a_vector_are_summed_up() -> None:
    vectors = VECTORS.copy()
    vectors[3], vectors[9] = 0, np.nan
    space, eligible = Space.from_vectors("input", vectors), np.arange(40) < 30
    found = background(space, eligible)
    kept = np.setdiff1d(np.arange(30), [3, 9])
    mean, sums = background_sums(space.vector[kept])
    assert (found.size, found.mean) == (28, mean)
    np.testing.assert_array_equal(found.sums, sums)


def test_a_background_of_fewer_than_two_tokens_is_refused() -> None:
    space = Space.from_vectors("input", VECTORS)
    with pytest.raises(DataError, match="needs at least 2 eligible tokens with a vector in the space 'input', got 1"):
        background(space, np.arange(40) == 4)
