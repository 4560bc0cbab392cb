"""Against the plain table of edit distances; the page of form similarity is tested in test_spelling.py."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from intraneuron.kernels.spelling_lanes import LANES, SHORT, distances_in_lanes

LETTERS = 5


@numba.njit
def distances(side: Any, last: Any, size: Any, text: Any, out: Any) -> None:
    distances_in_lanes(side, last, size, text, len(text), out)


def plain(a: list[int], b: list[int]) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        corner, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (x != y))
    return row[-1]


@pytest.mark.parametrize("length", [0, 1, 7, 16, 40])
def test_every_lane_has_the_distance_of_its_token(length: int) -> None:
    rng = np.random.default_rng(length)
    tokens = [rng.integers(LETTERS, size=rng.integers(1, SHORT + 1)).tolist() for _ in range(LANES - 2)]
    tokens[0] = rng.integers(LETTERS, size=SHORT).tolist()
    side, last, size = np.zeros((LETTERS, LANES), np.uint16), np.zeros(LANES, np.uint16), np.zeros(LANES, np.uint16)
    for b, token in enumerate(tokens):
        last[b], size[b] = 1 << (len(token) - 1), len(token)
        for k, letter in enumerate(token):
            side[letter, b] |= 1 << k
    text, out = rng.integers(LETTERS, size=length).astype(np.int32), np.empty(LANES, np.uint16)
    distances(side, last, size, text, out)
    assert out.tolist() == [plain(token, text.tolist()) for token in tokens] + [0, 0]


def test_other_types_are_refused_when_compiled() -> None:
    words = np.zeros(LANES, np.uint16)
    with pytest.raises(numba.TypingError):
        distances(np.zeros((LETTERS, LANES), np.uint8), words, words, np.zeros(3, np.int32), words.copy())
