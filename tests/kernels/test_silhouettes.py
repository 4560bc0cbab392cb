from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples
from tests.made_up import make_batch

from intraneuron.kernels.silhouettes import given_groups

BATCH = make_batch(6, 50, seed=2)


def test_the_silhouette_is_that_of_scikit_learn_over_the_tokens_in_a_group() -> None:
    S = BATCH.cosines()
    group = np.random.default_rng(0).integers(-1, 5, BATCH.token_id.shape).astype(np.int16) * 3
    label, quality = given_groups(S, BATCH.n, group)
    for i, n in enumerate(BATCH.n):
        own = np.flatnonzero(group[i, :n] >= 0)
        if len(set(group[i, own])) < 2:
            continue
        distance = 1 - S[i][np.ix_(own, own)].astype(float)
        np.fill_diagonal(distance, 0)
        expected = silhouette_samples(distance.clip(min=0), group[i, own], metric="precomputed").mean()
        assert quality[i] == pytest.approx(expected, abs=1e-6)
        assert (label[i, n:] == -1).all()
        assert (label[i, :n][group[i, :n] < 0] == -1).all()
        pairs = set(zip(group[i, own].tolist(), label[i, own].tolist(), strict=True))
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
        assert list(dict.fromkeys(label[i, own].tolist())) == list(range(len(pairs)))


def test_one_group_or_too_few_tokens_have_no_silhouette() -> None:
    S, n = BATCH.cosines(), BATCH.n.copy()
    n[1] = 2
    label, quality = given_groups(S, n, np.zeros(BATCH.token_id.shape, dtype=np.int16))
    assert np.isnan(quality).all()
    assert (label[1] == -1).all()
    assert (label[0, : n[0]] == 0).all()
