from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from intraneuron.kernels.keyed import advance, below, key_of, mix, shuffles


def draw(n: int, size: int, **key: int) -> np.ndarray:
    """Return the orders of 0..n-1 for ``size`` neurons of one layer."""
    full = {"seed": 0, "layer": 0, "purpose": 0} | key
    return shuffles(
        np.full(size, n),
        n,
        seed=full["seed"],
        layer=np.full(size, full["layer"]),
        neuron=np.arange(size),
        purpose=full["purpose"],
    )


def test_the_stream_is_splitmix64() -> None:
    state, found = np.uint64(1234567), []
    for _ in range(5):
        state = np.uint64(advance(state))
        found.append(int(mix(state)))
    assert found == [
        *(6457827717110365317, 3203168211198807973, 9817491932198370423),
        *(4593380528125082431, 16408922859458223821),
    ]


def test_every_order_is_equally_likely() -> None:
    orders = draw(4, 48_000)
    number = {p: i for i, p in enumerate(permutations(range(4)))}
    counts = np.bincount([number[tuple(o)] for o in orders.tolist()], minlength=24)
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("bound", [1, 2, 7, 100])
def test_numbers_below_a_bound_are_uniform(bound: int) -> None:
    keys = [np.uint64(key_of(0, 1, neuron, 2)) for neuron in range(20_000)]
    values = np.array([below(np.uint64(mix(np.uint64(advance(k)))), bound) for k in keys])
    assert values.min() >= 0
    assert values.max() == bound - 1
    assert bound == 1 or stats.chisquare(np.bincount(values)).pvalue > 1e-3


@pytest.mark.parametrize("other", [{"seed": 1}, {"layer": 1}, {"purpose": 1}])
def test_other_keys_give_independent_orders(other: dict[str, int]) -> None:
    first, second = draw(20, 4000), draw(20, 4000, **other)
    r = np.corrcoef(first.ravel(), second.ravel())[0, 1]
    assert abs(r) < 4 / np.sqrt(first.size)


def test_neighbouring_neurons_are_independent() -> None:
    orders = draw(20, 4001)
    r = np.corrcoef(orders[:-1].ravel(), orders[1:].ravel())[0, 1]
    assert abs(r) < 4 / np.sqrt(orders[1:].size)


def test_an_order_depends_on_its_key_alone() -> None:
    n, layer, neuron = np.array([9, 5, 12]), np.array([2, 0, 2]), np.array([4, 4, 900])
    together = shuffles(n, 12, seed=3, layer=layer, neuron=neuron)
    for i in range(3):
        alone = shuffles(n[i : i + 1], 30, seed=3, layer=layer[i : i + 1], neuron=neuron[i : i + 1])
        np.testing.assert_array_equal(alone[0, :12], together[i])
        assert sorted(together[i, : n[i]]) == list(range(n[i]))
        assert (alone[0, n[i] :] == -1).all()


def test_the_largest_seed_is_a_seed() -> None:
    assert sorted(draw(6, 1, seed=2**63 - 1)[0]) == list(range(6))
