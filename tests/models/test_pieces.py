from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest

from intraneuron.models.pieces import PIECE, pieces

SEPARATORS = (re.compile(r"\n[ \t]*\n\s*"), re.compile(r"\n"), re.compile(r"\s"))
BETWEEN = ("\n\n", "\n \t\n  ", "\n", " ", "\n\n\n", "\r\n", "  ", "\u2028", "\t", "\n   ", "\x1c")


def cut_whole(text: str, level: int = 0) -> Iterator[str]:
    """Cut a text that is there as a whole: plain and slow."""
    if len(text) < 2 * PIECE:
        yield text
    elif level == len(SEPARATORS):
        while len(text) >= 2 * PIECE:
            yield text[:PIECE]
            text = text[PIECE:]
        yield text
    else:
        piece: list[str] = []
        for part in filter(str.strip, SEPARATORS[level].split(text)):
            if len(part) < 2 * PIECE:
                piece.append(part)
            if piece and (len(part) >= 2 * PIECE or sum(map(len, piece)) >= PIECE):
                yield ("\n\n", "\n", " ")[level].join(piece)
                piece = []
            if len(part) >= 2 * PIECE:
                yield from cut_whole(part, level + 1)
        if piece:
            yield ("\n\n", "\n", " ")[level].join(piece)


def made_up(rng: np.random.Generator) -> str:
    """Return a text of words of some lengths between separators of some kinds."""
    weight = rng.choice([0.0, 0.01, 0.2, 1, 5], size=len(BETWEEN)) + 1e-6
    amount, longest = rng.choice([10, 500, 2000]), rng.choice([20, 3900, 9000])
    between = rng.choice(BETWEEN, p=weight / weight.sum(), size=amount)
    lengths = rng.choice([1, 3, 7, longest], p=[0.3, 0.4, 0.29, 0.01], size=amount)
    return "".join("w" * n + separator for n, separator in zip(lengths, between, strict=True))


def test_the_pieces_are_those_of_the_whole_text_whatever_blocks_it_comes_in() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        text = made_up(rng)
        for size in (99, 1001, 5003, 10**6):
            blocks = (text[at : at + size] for at in range(0, len(text), size))
            assert list(pieces(blocks)) == list(cut_whole(text))


def test_a_short_text_is_one_piece_as_it_is() -> None:
    for text in ("", " \n\n ", "a\n\n\n\nb", "x" * (2 * PIECE - 1)):
        assert list(pieces([text])) == [text]
        assert list(pieces(list(text))) == [text]


@pytest.mark.parametrize("block", [1000, 10**7])
def test_text_without_any_space_is_cut_too(block: int) -> None:
    text = "字" * (10 * PIECE + 5)
    found = list(pieces(text[at : at + block] for at in range(0, len(text), block)))
    assert "".join(found) == text
    assert all(PIECE <= len(piece) < 2 * PIECE for piece in found)


def test_no_more_is_read_than_a_piece_takes() -> None:
    for line in ("words and more words ", "line\n", "paragraph\n\n", "字" * 20):
        read = 0

        def blocks(block: str = line * 5) -> Iterator[str]:
            nonlocal read
            for _ in range(10_000):
                read += len(block)
                yield block

        cut = pieces(blocks())
        first = next(cut)
        assert len(first) >= PIECE
        assert read < 2 * PIECE + 5 * len(line) + 1
