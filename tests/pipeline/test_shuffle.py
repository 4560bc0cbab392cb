from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.made_up import make_batch

from intraneuron.pipeline.shuffle import shuffle

CORE = replace(make_batch(12, 40).core(), count=np.where(make_batch(12, 40).token_id >= 0, 7, -1))


def test_the_same_tokens_stand_at_other_ranks_and_the_activations_stay() -> None:
    twin, order = shuffle(CORE, seed=4)
    np.testing.assert_array_equal(twin.activation, CORE.activation)
    np.testing.assert_array_equal(twin.n, CORE.n)
    for i, n in enumerate(CORE.n):
        np.testing.assert_array_equal(twin.token_id[i, :n], CORE.token_id[i, order[i, :n]])
        assert set(twin.token_id[i, :n]) == set(CORE.token_id[i, :n])
        assert (twin.token_id[i, n:] == -1).all()
        assert (twin.count[i, n:] == -1).all()
        assert (order[i, n:] == -1).all()
    moved = (twin.token_id != CORE.token_id)[CORE.token_id >= 0]
    assert 0.9 < moved.mean() < 1


def test_counts_go_with_their_tokens() -> None:
    core = replace(CORE, count=np.where(CORE.token_id >= 0, CORE.token_id + 1000, -1))
    twin, _ = shuffle(core)
    np.testing.assert_array_equal(twin.count, np.where(twin.token_id >= 0, twin.token_id + 1000, -1))


def test_a_shuffle_depends_on_seed_layer_and_neuron_alone() -> None:
    whole = shuffle(CORE, seed=2)[0].token_id
    np.testing.assert_array_equal(shuffle(CORE[5:7], seed=2)[0].token_id, whole[5:7])
    assert (shuffle(CORE, seed=3)[0].token_id != whole).any()
    assert (shuffle(replace(CORE, layer=CORE.layer + 1), seed=2)[0].token_id != whole).any()
