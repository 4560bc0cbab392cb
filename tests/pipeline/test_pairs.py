"""Pairs of neurons: found again when they are shuffled, worth nothing when they are random."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from tests.made_up import make_batch

from intraneuron.data import CoreTokens
from intraneuron.kernels.pairing import one_to_one, profile_cosines
from intraneuron.pipeline.changes import LayerNumbers, M
from intraneuron.pipeline.numbers import NUMBERS
from intraneuron.pipeline.pairs import Matched, match_rows, pair, rank_correlation

SIZE = 30
ORDER = np.random.default_rng(3).permutation(SIZE)


def core(seed: int, size: int = SIZE) -> CoreTokens:
    own = make_batch(size, 25, seed=seed, short=False).core()
    return replace(own, layer=np.zeros(size, dtype=np.int32), neuron=np.arange(size, dtype=np.int32))


def numbers(seed: int, size: int = SIZE, twin: int = SIZE) -> LayerNumbers:
    rng = np.random.default_rng(seed)
    return LayerNumbers(2, {"neurons": rng.normal(size=(size, M)), "twin": rng.normal(size=(twin, M))}, {})


def shuffled() -> Matched:
    """Return a layer and the same with its neurons in another order, their numbers a little changed."""
    first, values = core(1), numbers(5)
    moved = first[ORDER]
    second = replace(moved, neuron=np.arange(SIZE, dtype=np.int32))
    changed = values.values["neurons"][ORDER] + 0.1 * np.random.default_rng(6).normal(size=(SIZE, M))
    other = LayerNumbers(2, {"neurons": changed, "twin": values.values["twin"]}, {})
    return Matched(first, second, core(7), values, other)


def test_neurons_in_another_order_are_found_again_by_their_tokens() -> None:
    rows, worth, together = match_rows(shuffled(), "tokens")
    assert [row["neuron_second"] for row in rows] == [int(np.flatnonzero(i == ORDER)[0]) for i in range(SIZE)]
    assert all(row["cosine"] == pytest.approx(1) and row["jaccard"] == 1 for row in rows)
    assert worth["cosine"] == pytest.approx(1)
    assert worth["twin"] < 0.8
    assert worth["same_index"] == pytest.approx((np.arange(SIZE) == ORDER).mean())
    r = {row["number"]: row for row in together}
    assert all(row["r"] > 0.9 for row in r.values())
    assert all(abs(row["r_twin"]) < 4 * row["null_std"] for row in r.values())


def test_by_index_the_same_row_is_the_pair() -> None:
    given = shuffled()
    rows, worth, _ = match_rows(given, "index")
    assert all(row["neuron_first"] == row["neuron_second"] for row in rows)
    assert worth["same_index"] == 1
    assert worth["cosine"] < 0.8
    found, expected = rows[4], given.second_numbers.values["neurons"][4] - given.first_numbers.values["neurons"][4]
    for index, number in enumerate(NUMBERS):
        assert found[f"{number.name}_change"] == pytest.approx(expected[index])


def test_random_is_the_mean_over_all_pairs_and_twin_that_of_the_best_pairs_with_the_twin() -> None:
    given = shuffled()
    assert given.twin is not None
    _, worth, _ = match_rows(given, "tokens")
    every = [
        profile_cosines(given.first.token_id, given.first.activation, other.token_id, other.activation)
        for other in (given.second, given.twin)
    ]
    assert worth["random"] == pytest.approx(every[0].mean())
    row, column = one_to_one(every[1])
    assert worth["twin"] == pytest.approx(every[1][row, column].mean())
    assert (worth["among"], worth["cosine_among"]) == (SIZE, pytest.approx(worth["cosine"]))


def test_a_smaller_twin_is_paired_among_as_many_neurons() -> None:
    given = replace(shuffled(), twin=core(7, 10), second_numbers=numbers(8, twin=10))
    _, worth, together = match_rows(given, "tokens")
    some = np.linspace(0, SIZE - 1, 10).astype(int)
    among = pair(given.first[some], given.second[some], "tokens")
    assert (worth["pairs"], worth["among"]) == (SIZE, 10)
    assert worth["cosine_among"] == pytest.approx(among.cosine.mean())
    assert {row["pairs_twin"] for row in together} == {10}


def test_neurons_without_core_tokens_take_no_part() -> None:
    given = shuffled()
    n = given.first.n.copy()
    n[[2, 9]] = 0
    token = np.where((n > 0)[:, None], given.first.token_id, -1)
    first = replace(given.first, n=n, token_id=token, activation=np.where(token >= 0, given.first.activation, np.nan))
    for match in ("index", "tokens"):
        rows, worth, _ = match_rows(replace(given, first=first), match)
        assert len(rows) == worth["pairs"] == SIZE - 2
        assert not {2, 9} & {row["neuron_first"] for row in rows}


def test_pairs_that_share_no_token_are_none_of_an_assignment() -> None:
    given = shuffled()
    token = given.second.token_id.copy()
    token[5] = np.where(token[5] >= 0, token[5] + 10_000, -1)
    rows, worth, _ = match_rows(replace(given, second=replace(given.second, token_id=token)), "tokens")
    assert (worth["pairs"], worth["sharing"]) == (SIZE, SIZE - 1)
    assert len(rows) == SIZE - 1
    assert 5 not in {row["neuron_second"] for row in rows}


def test_without_a_twin_nothing_is_said_of_it() -> None:
    given = replace(
        shuffled(), twin=None, second_numbers=LayerNumbers(2, {"neurons": numbers(5).values["neurons"]}, {})
    )
    _, worth, together = match_rows(given, "tokens")
    assert math.isnan(worth["twin"])
    assert math.isnan(worth["cosine_among"])
    assert all(math.isnan(row["r_twin"]) for row in together)


def test_a_rank_correlation_is_scipys_and_its_null_is_that_of_dealing_anew() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 6, 14).astype(float), rng.normal(size=14)
    found = rank_correlation(a, b)
    assert found["r"] == pytest.approx(stats.spearmanr(a, b).statistic)
    ranks = stats.rankdata(a), stats.rankdata(b)
    dealt = np.array([np.corrcoef(ranks[0], rng.permutation(ranks[1]))[0, 1] for _ in range(20_000)])
    assert found["null_std"] == pytest.approx(dealt.std(), rel=0.03)
    assert found["p"] == pytest.approx((np.abs(dealt) >= abs(found["r"])).mean(), abs=0.03)


@pytest.mark.parametrize("a", [[1.0] * 12, [math.nan] * 12, [1.0, 2.0, 3.0]])
def test_too_few_pairs_or_all_equal_have_no_correlation(a: list[float]) -> None:
    found = rank_correlation(a, np.arange(len(a), dtype=float))
    assert math.isnan(found["r"])
    assert math.isnan(found["p"])
