from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.made_up import make_batch

from intraneuron.pipeline.shuffle import deal, frequency_strata, shuffle, shuffle_within

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


# Within strata ---------------------------------------------------------------------------------------------------


def counted(seed: int = 0) -> np.ndarray:
    """Return counts with many ties, (N, K)."""
    drawn = np.random.default_rng(seed).geometric(0.2, CORE.token_id.shape)
    return np.where(CORE.token_id >= 0, drawn, -1)


def test_strata_are_fifths_of_the_counts_and_equal_counts_stay_together() -> None:
    plain = replace(CORE, count=np.where(CORE.token_id >= 0, np.arange(CORE.width)[None], -1))
    for i, n in enumerate(CORE.n):
        np.testing.assert_array_equal(frequency_strata(plain)[i, :n], 5 * np.arange(n) // n)
    core = replace(CORE, count=counted())
    stratum = frequency_strata(core)
    assert (stratum[CORE.token_id < 0] == -1).all()
    for row, count, n in zip(stratum, core.count, core.n, strict=True):
        assert all(len({*row[:n][count[:n] == c]}) == 1 for c in count[:n])
        assert (np.diff(row[:n][np.argsort(count[:n])]) >= 0).all()
    same = replace(CORE, count=np.where(CORE.token_id >= 0, 7, -1))
    assert set(frequency_strata(same)[CORE.token_id >= 0]) == {2}


def test_activations_move_within_their_stratum_only() -> None:
    core = replace(CORE, count=counted())
    stratum = frequency_strata(core)
    twin, order = shuffle_within(core, stratum, seed=4)
    np.testing.assert_array_equal(twin.activation, core.activation)
    for i, n in enumerate(core.n):
        np.testing.assert_array_equal(stratum[i, order[i, :n]], stratum[i, :n])
        assert sorted(order[i, :n]) == list(range(n))
        assert (order[i, n:] == -1).all()
    np.testing.assert_array_equal(frequency_strata(twin), stratum)
    assert (order != shuffle(core, seed=4)[1]).any()


def test_every_order_within_strata_is_as_likely() -> None:
    n, draws = 6, 6000
    core = CORE[np.zeros(draws, dtype=int)]
    core = replace(
        core,
        neuron=np.arange(draws, dtype=np.int32),
        n=np.full(draws, n, dtype=np.int32),
        token_id=np.where(np.arange(core.width) < n, core.token_id, -1).astype(np.int32),
        activation=np.where(np.arange(core.width) < n, core.activation, np.nan),
        count=np.where(np.arange(core.width) < n, core.count, -1),
    )
    stratum = np.broadcast_to(np.arange(core.width) % 2, core.token_id.shape)
    orders, found = np.unique(shuffle_within(core, stratum)[1][:, :n], axis=0, return_counts=True)
    assert len(orders) == 36
    assert ((found - draws / 36) ** 2 / (draws / 36)).sum() < 66  # 99.9 % of chi-square, 35 degrees


@pytest.mark.parametrize("twin", ["shuffled", "frequency"])
def test_a_twin_is_dealt_by_its_name(twin: str) -> None:
    core = replace(CORE, count=counted())
    expected = {"shuffled": shuffle(core, seed=1), "frequency": shuffle_within(core, frequency_strata(core), seed=1)}
    np.testing.assert_array_equal(deal(core, twin, seed=1)[1], expected[twin][1])
