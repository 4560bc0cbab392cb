"""Spelling: the letters of a vocabulary's tokens, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from intraneuron.data._checks import check_shape


@dataclass(frozen=True)
class Spelling:
    """How every token of a vocabulary is spelled.

    Attributes
    ----------
    code : int32 array, (V, L)
        Letters, numbered as they first occur; 0 behind a token's end.
    length : int32 array, (V,)
    letters : int
        How many different letters there are, at least 1.
    """

    code: np.ndarray
    length: np.ndarray
    letters: int

    def __post_init__(self) -> None:
        check_shape("Spelling", "code", self.code, (len(self.length), None))

    @staticmethod
    def from_tokens(tokens: Sequence[str] | np.ndarray) -> Spelling:
        """Give each letter of the tokens a number; case is kept.

        >>> Spelling.from_tokens(["no", "on", ""]).code.tolist()
        [[0, 1], [1, 0], [0, 0]]
        """
        number: dict[str, int] = {}
        length = np.array([len(token) for token in tokens], dtype=np.int32)
        code = np.zeros((len(tokens), max(int(length.max(initial=0)), 1)), dtype=np.int32)
        for row, token in zip(code, tokens, strict=True):
            row[: len(token)] = [number.setdefault(letter, len(number)) for letter in token]
        return Spelling(code, length, max(len(number), 1))
