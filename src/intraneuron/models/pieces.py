"""Cut long texts into pieces as they are read: no more of a text is held than the piece takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

PIECE = 2000
"""Characters of a piece when a long text is cut."""

_SEPARATORS = (re.compile(r"\n[ \t]*\n\s*"), re.compile(r"\n"), re.compile(r"\s"))
_JOINED_BY = ("\n\n", "\n", " ")

Part = str | Iterator[str]
"""What stands between two separators: all of it, or, of what is long and has not ended, block by block."""


def pieces(blocks: Iterable[str]) -> Iterator[str]:
    """Cut a text of twice PIECE characters or more at blank lines into pieces of about PIECE characters.

    What stands between two blank lines and is that long by itself is cut at lines, then at spaces, and where there are
    none, at PIECE characters. A shorter text stays as it is.

    Parameters
    ----------
    blocks : iterable of str
        The text, in blocks of any size: the pieces do not depend on it.

    >>> [len(piece) for piece in pieces(["word " * 1000])]
    [2499, 2499]
    """
    blocks = iter(blocks)
    head = _begun(blocks)
    if len(head) < 2 * PIECE:
        yield head
    else:
        yield from _cut(chain([head], blocks), 0)


def _begun(blocks: Iterator[str]) -> str:
    """Return the first blocks: at least twice PIECE characters, if there are so many."""
    head: list[str] = []
    size = 0
    for block in blocks:
        head.append(block)
        size += len(block)
        if size >= 2 * PIECE:
            break
    return "".join(head)


def _cut(blocks: Iterator[str], level: int) -> Iterator[str]:
    """Cut what is too long at one kind of separator; a part that is too long by itself at the next."""
    if level == len(_SEPARATORS):
        yield from _cut_anywhere(blocks)
        return
    piece: list[str] = []
    size = 0
    for part in _parts(blocks, level):
        if isinstance(part, str) and len(part) < 2 * PIECE:
            piece.append(part)
            size += len(part)
            if size < PIECE:
                continue
        if piece:
            yield _JOINED_BY[level].join(piece)
        piece, size = [], 0
        if not isinstance(part, str):
            yield from _cut(part, level + 1)
        elif len(part) >= 2 * PIECE:
            yield from _cut(iter([part]), level + 1)
    if piece:
        yield _JOINED_BY[level].join(piece)


def _parts(blocks: Iterator[str], level: int) -> Iterator[Part]:
    """Yield what stands between separators, but for blank parts.

    A part that comes block by block must be read to its end before the next is asked for.
    """
    separator, rest = _SEPARATORS[level], ""

    def unfinished(begun: str, tail: str) -> Iterator[str]:
        """Go on with a part until its separator; what comes behind that is left in ``rest``."""
        nonlocal rest
        yield begun
        rest = ""
        for block in blocks:
            body, tail = _without_tail(tail + block)
            found = separator.search(body)
            if found:
                rest = body[found.end() :] + tail
                yield body[: found.start()]
                return
            yield body
        yield separator.split(tail)[0]

    for block in blocks:
        body, tail = _without_tail(rest + block)
        *whole, last = separator.split(body)
        yield from filter(str.strip, whole)
        rest = last + tail
        if len(last) >= 2 * PIECE:
            yield unfinished(last, tail)
    yield from filter(str.strip, separator.split(rest))


def _without_tail(text: str) -> tuple[str, str]:
    """Part a text from the white space at its end, which may be the beginning of a separator."""
    body = text.rstrip()
    return body, text[len(body) :]


def _cut_anywhere(blocks: Iterator[str]) -> Iterator[str]:
    """Cut what has no white space; the last piece has the rest."""
    rest = ""
    for block in blocks:
        rest += block
        cut = range(0, len(rest) - 2 * PIECE + 1, PIECE)
        yield from (rest[at : at + PIECE] for at in cut)
        rest = rest[len(cut) * PIECE :]
    if rest:
        yield rest
