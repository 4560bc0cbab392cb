"""Which word of a file of vectors is meant by a token of a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from intraneuron.sources.published import bare

WAYS: dict[str, Callable[[str], str]] = {
    "exact": lambda token: token,
    "without_mark": bare,
    "other_case": lambda token: bare(token).casefold(),
}
"""How tokens are compared, in the order in which it is tried: as they are; without a tokenizer's mark of a word's
boundary; and without case."""

SAID = {
    "exact": "as they are",
    "without_mark": "without the mark of a word's boundary",
    "other_case": "in another case",
    "none": "not at all",
}
"""The ways in words."""


@dataclass(frozen=True)
class Matched:
    """What words the tokens of lists are.

    Attributes
    ----------
    row : int64 (T,)
        Row of the word of each token; -1 for a token that is no word of the file.
    ways : dict
        How many tokens were found in each of the :data:`WAYS`, and how many in ``none``.
    """

    row: np.ndarray
    ways: dict[str, int]


def match(tokens: Sequence[str], words: Sequence[str]) -> Matched:
    """Find each token among the words.

    One way after the other is tried, and in each the first word of the file that is equal counts: of two words that
    differ in case only, a token in a third case is the first.

    >>> match([" Dog", "dog", "cat"], ["dog", "Dog"]).row.tolist()
    [1, 0, -1]
    """
    row = np.full(len(tokens), -1, dtype=np.int64)
    ways = {}
    for name, form in WAYS.items():
        places: dict[str, int] = {}
        for i, word in enumerate(words):
            places.setdefault(form(word), i)
        if name == "without_mark":  # a word that has no mark itself comes first
            places |= {word: i for word, i in _first(words).items() if bare(word) == word}
        open_ = np.flatnonzero(row < 0).tolist()
        row[open_] = [places.get(form(tokens[i]), -1) for i in open_]
        ways[name] = len(open_) - int((row < 0).sum())
    return Matched(row, ways | {"none": int((row < 0).sum())})


def _first(words: Sequence[str]) -> dict[str, int]:
    """Return the first place of each word."""
    return {word: i for i, word in reversed(list(enumerate(words)))}
