from __future__ import annotations

import numpy as np
from tests.made_up import make_batch

from intraneuron.kernels.groups import renumber


def test_groups_are_numbered_by_mean_activation_and_small_ones_dropped() -> None:
    b = make_batch(30, 40, short=False)
    rng = np.random.default_rng(1)
    raw = rng.integers(0, 12, b.category.shape).astype(np.int16)
    label, n_groups = renumber(raw, b.activation, b.n, 3)
    for i in range(30):
        means = {g: b.activation[i, raw[i] == g].mean() for g in range(12) if (raw[i] == g).sum() >= 3}
        order = sorted(means, key=lambda g: (-means[g], g))
        assert n_groups[i] == len(order)
        for old in range(12):
            new = order.index(old) if old in order else -1
            assert (label[i, raw[i] == old] == new).all()


def test_tokens_in_no_group_stay_there() -> None:
    label, n_groups = renumber(
        np.array([[-1, 0, 0, -1]], dtype=np.int16), np.arange(4.0, 0, -1)[None], np.array([3]), 1
    )
    assert label.tolist() == [[-1, 0, 0, -1]]
    assert n_groups.tolist() == [1]


def test_a_neuron_without_tokens_has_no_groups() -> None:
    label, n_groups = renumber(np.full((1, 4), -1, dtype=np.int16), np.full((1, 4), np.nan), np.array([0]), 3)
    assert (label == -1).all()
    assert n_groups[0] == 0
