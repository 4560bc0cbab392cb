"""Lists become core tokens: what leaves is counted, the most active of one word stays, order does not matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from intraneuron.errors import DataError
from intraneuron.sources.lists import SCHEMA, mean_cosine, published
from intraneuron.sources.published import Published
from intraneuron.sources.vectors import Vectors

WORDS = [f"w{i}" for i in range(40)]
VECTORS = Vectors(WORDS, np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32), {"words": 40})


def frame(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def plain_rows(neuron: int = 3, layer: int = 1, tokens: int = 25) -> list[tuple[Any, ...]]:
    return [(layer, neuron, f"w{i}", 100.0 - i, -1) for i in range(tokens)]


def made(rows: list[tuple[Any, ...]], vectors: Vectors = VECTORS) -> Published:
    return published("made", frame(rows), vectors)


def test_rows_in_any_order_make_the_same_core_tokens_and_the_same_hash() -> None:
    rows = [*plain_rows(9), *plain_rows(3), *plain_rows(0, layer=4)]
    straight, mixed = made(rows), made([rows[i] for i in np.random.default_rng(1).permutation(len(rows))])
    assert list(straight.cores) == [1, 4]
    assert straight.cores[1].neuron.tolist() == [3, 9]
    assert straight.cores[1].token_id[0].tolist() == list(range(25))
    assert (np.diff(straight.cores[1].activation, axis=1) < 0).all()
    assert straight.lists == mixed.lists
    for layer in (1, 4):
        for name in ("neuron", "n", "token_id", "activation", "count"):
            np.testing.assert_array_equal(getattr(straight.cores[layer], name), getattr(mixed.cores[layer], name))


def test_another_activation_token_or_vector_is_another_source() -> None:
    base = made(plain_rows())
    assert made([*plain_rows(tokens=24), (1, 3, "w24", 1.0, -1)]).lists != base.lists
    assert made([*plain_rows(tokens=24), (1, 3, "w39", 76.0, -1)]).lists != base.lists
    other = Vectors(WORDS, VECTORS.vector * np.float32(2))
    assert made(plain_rows(), other).vectors != base.vectors


def test_what_leaves_is_counted_by_reason() -> None:
    rows = [
        *plain_rows(tokens=30),
        *[(1, 3, f"a{i}", value, -1) for i, value in enumerate((None, float("nan"), float("inf")))],
        *((1, 3, "w30", 0.0, -1), (1, 3, "w31", -2.0, -1)),
        (1, 3, "zebra", 50.0, -1),
        (1, 3, " w0", 101.0, -1),
    ]
    found = made(rows)
    assert found.facts["left"] == {"no_activation": 3, "not_positive": 2, "no_vector": 1, "same_word": 1}
    assert found.cores[1].n.tolist() == [30]
    assert found.cores[1].activation[0, 0] == 101.0  # the more active of "w0" and " w0"
    told = " ".join(found.notes)
    for words in (
        "without an activation 3",
        "with an activation of 0 or below 2",
        "without a vector 1",
        "of a word that the neuron has",
    ):
        assert words in told


def test_ties_go_to_the_first_word_of_the_vectors() -> None:
    rows = [(0, 0, f"w{i}", 1.0, -1) for i in reversed(range(22))]
    assert made(rows).cores[0].token_id[0].tolist() == list(range(22))


def test_a_neuron_whose_tokens_have_all_left_keeps_an_empty_row() -> None:
    found = made([*plain_rows(3), (1, 7, "zebra", 1.0, -1)])
    assert found.cores[1].neuron.tolist() == [3, 7]
    assert found.cores[1].n.tolist() == [25, 0]
    assert (found.cores[1].token_id[1] == -1).all()


def test_words_without_a_direction_are_no_core_tokens() -> None:
    vector = VECTORS.vector.copy()
    vector[2] = 0
    found = made(plain_rows(), Vectors(WORDS, vector))
    assert found.cores[1].n.tolist() == [24]
    assert 2 not in found.cores[1].token_id[0]


def test_no_overlap_and_too_little_of_it_are_told_in_one_sentence() -> None:
    with pytest.raises(DataError, match=r"None of the 25 tokens of made has a vector.*the first are 'z0', 'z1', 'z10'"):
        made([(0, 0, f"z{i}", 1.0 + i, -1) for i in range(25)])
    with pytest.raises(DataError, match=r"No neuron of made has 20 tokens .* the most is 19, of lists of up to 29"):
        made([*plain_rows(tokens=19), *[(1, 3, f"z{i}", 1.0, -1) for i in range(10)]])


def test_vectors_that_share_a_direction_are_remarked() -> None:
    shifted = Vectors(WORDS, VECTORS.vector + np.float32(5))
    found = made(plain_rows(), shifted)
    unit = found.space.vector.astype(float)
    cosines = unit @ unit.T
    expected = (cosines.sum() - 40) / (40 * 39)
    assert mean_cosine(found.space) == pytest.approx(expected, rel=1e-6)
    assert any(f"a cosine of {expected:.2f} on average" in note for note in found.notes)
    assert not any("share a direction" in note for note in made(plain_rows()).notes)
