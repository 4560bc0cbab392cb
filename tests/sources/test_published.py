"""What a source without a model holds, and how its words are written."""

from __future__ import annotations

import numpy as np
import pytest

from intraneuron.data import CoreTokens, Space
from intraneuron.sources.published import Published, bare, digest, vocabulary_of


def source(count: int = -1) -> Published:
    core = CoreTokens(
        layer=np.zeros(2, dtype=np.int32),
        neuron=np.array([4, 9], dtype=np.int32),
        n=np.array([3, 1], dtype=np.int32),
        token_id=np.array([[2, 0, 1], [1, -1, -1]], dtype=np.int32),
        activation=np.array([[3.0, 2.0, 1.0], [5.0, np.nan, np.nan]]),
        count=np.full((2, 3), count, dtype=np.int64),
        reliability=np.full(2, np.nan),
    )
    space = Space.from_vectors("vectors", np.eye(3))
    return Published("lists.csv", vocabulary_of(["a", "b", "c"]), space, {0: core}, "l", "v")


@pytest.mark.parametrize(("width", "n"), [(2, [2, 1]), (3, [3, 1]), (5, [3, 1])])
def test_lists_are_cut_or_padded_to_the_width_that_is_wanted(width: int, n: list[int]) -> None:
    core = source().core_tokens(0, width)
    assert core.width == width
    assert core.n.tolist() == n
    assert core.token_id[0, : n[0]].tolist() == [2, 0, 1][: n[0]]
    assert (core.token_id[1, 1:] == -1).all()
    assert np.isnan(core.activation[1, 1:]).all()


def test_counts_are_known_when_every_token_of_the_lists_has_one() -> None:
    assert not source(-1).counted
    assert source(7).counted
    assert source().longest == 3


def test_marks_of_a_word_are_written_as_a_tokenizers_vocabulary_writes_them() -> None:
    words = vocabulary_of(["Ġdog", "▁cat", "##ing", "fish", "a\x1bb"])
    assert words.token.tolist() == [" dog", " cat", "##ing", "fish", "a<0x1B>b"]
    assert not words.special.any()
    walks, walked, cat = vocabulary_of(["walks", "Ġwalked", "cat"]).form
    assert walks == walked != cat


def test_one_mark_is_taken_from_a_word_and_a_mark_alone_stays() -> None:
    assert [bare(token) for token in (" a", "  a", "##", " ", "")] == ["a", " a", "##", " ", ""]


def test_a_hash_tells_texts_apart_that_are_one_when_joined() -> None:
    assert digest(["ab", "c"]) != digest(["a", "bc"])
    assert digest(["\ud800"]) != digest(["?"])
    assert digest(np.zeros(2)) != digest(np.zeros((2, 1)))
