"""Percentiles without a group of tokens: as if the other tokens were all there are."""

from __future__ import annotations

import numpy as np
import pytest
from tests.kernels.test_percentiles import G, observed, some_tokens
from tests.made_up import clustered_vectors

from intraneuron.kernels.percentiles import group_homogeneity, percentile_groups
from intraneuron.kernels.percentiles_without import homogeneity_without
from intraneuron.kernels.sums_by_group import tiled


@pytest.mark.parametrize(("V", "J"), [(1037, 7), (2100, 32), (330, 5), (150, 3), (90, 4)])
def test_without_a_group_it_is_what_the_other_tokens_give_by_themselves(V: int, J: int) -> None:
    total, count = observed(V, 5)
    token, E = some_tokens(V), clustered_vectors(V, 20, seed=3)
    left = np.random.default_rng(4).integers(0, J, V)
    left[:J] = np.arange(J)
    left[-V // 3 :] = 0  # one large group
    found = homogeneity_without(total, count, token, tiled(E), left)
    assert found.shape == (5, J, G)
    for j in range(J):
        stay = left != j
        again = group_homogeneity(tiled(E[stay]), *percentile_groups(total, count, token[stay]))
        np.testing.assert_allclose(found[:, j], again, atol=1e-11)
    assert np.isfinite(found).any() == (V > 300)
