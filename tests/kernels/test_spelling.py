"""Against the plain definition of the edit distance."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intraneuron.data import Spelling
from intraneuron.kernels.spelling import spellings


def distance(a: str, b: str) -> int:
    @cache
    def of(i: int, j: int) -> int:
        if i == 0 or j == 0:
            return i + j
        return min(of(i - 1, j) + 1, of(i, j - 1) + 1, of(i - 1, j - 1) + (a[i - 1] != b[j - 1]))

    return of(len(a), len(b))


def similarities(tokens: list[str]) -> np.ndarray:
    spelling = Spelling.from_tokens(tokens)
    ids = np.arange(len(tokens), dtype=np.int32)[None]
    found = spellings(spelling.code, spelling.length, spelling.letters, ids, np.array([len(tokens)]))
    return np.asarray(found[0])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text("abcé ", max_size=9), min_size=2, max_size=6))
def test_form_similarity_is_one_minus_the_share_of_edits(tokens: list[str]) -> None:
    found = similarities(tokens)
    for i, a in enumerate(tokens):
        for j, b in enumerate(tokens):
            expected = 1 - distance(a, b) / max(len(a), len(b), 1)
            assert found[i, j] == pytest.approx(expected), (a, b)


@pytest.mark.parametrize(("short", "long"), [(63, 70), (64, 64), (64, 90), (65, 65), (66, 80), (1, 100)])
def test_tokens_longer_than_a_machine_word_are_measured_as_well(short: int, long: int) -> None:
    rng = np.random.default_rng(short)
    a, b = ("".join(rng.choice(list("abc"), size)) for size in (short, long))
    found = similarities([a, b, "x"])
    assert found[0, 1] == pytest.approx(1 - distance(a, b) / long)
    assert found[1, 0] == found[0, 1]
    assert found[0, 2] == pytest.approx(0)
    np.testing.assert_array_equal(np.diag(found), 1)


def test_padding_has_no_form() -> None:
    spelling = Spelling.from_tokens(["ab", "cd", "e"])
    ids = np.array([[0, 1, 2, -1]], dtype=np.int32)
    found = spellings(spelling.code, spelling.length, spelling.letters, ids, np.array([3]))
    assert np.isnan(found[0, 3]).all()
    assert np.isnan(found[0, :, 3]).all()
    assert np.isfinite(found[0, :3, :3]).all()
