"""Read a tokenizer's vocabulary: texts, special tokens, byte fragments and forms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from intraneuron.data import Spelling, Vocabulary

SUFFIXES = ("ing", "ed", "es", "s", "ly", "er", "est")
"""Endings that make no form of their own."""

SPACE = "▁"
"""SentencePiece's mark of a space (U+2581)."""

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
_UNUSED = re.compile(r"\[unused\d+\]")


def read_vocabulary(tokenizer: Any, size: int) -> Vocabulary:
    """Read the tokens of a transformers tokenizer.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    size : int
        V, the rows of the model's embedding; ids beyond the tokenizer are special.

    Returns
    -------
    Vocabulary
        Texts of byte-level tokens are decoded (a leading space stays a space); bytes that are no UTF-8 by
        themselves and control characters are written as ``<0xNN>``. SentencePiece's mark of a space is a space.
        WordPiece keeps its ``##``.
    """
    pieces = tokenizer.convert_ids_to_tokens(list(range(min(len(tokenizer), size))))
    added = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
    decode = _decoder(tokenizer)
    token, special, fragment = [], np.ones(size, dtype=bool), np.zeros(size, dtype=bool)
    for i in range(size):
        piece = pieces[i] if i < len(pieces) else None
        special[i] = piece is None or i in added or _UNUSED.fullmatch(piece) is not None
        if piece is None:
            token.append(f"[{i}]")
        elif special[i]:
            token.append(printable(piece))
        else:
            text, fragment[i] = decode(piece)
            token.append(printable(text))
    _, form = np.unique(
        [text if broken else form_of(text) for text, broken in zip(token, fragment, strict=True)],
        return_inverse=True,
    )
    return Vocabulary(np.array(token), special, fragment, form.astype(np.int32))


def form_of(text: str) -> str:
    """Return the form of a token: without boundary mark, case, and one common suffix.

    A suffix goes when what remains is at least two letters longer than it: ``walks`` and ``walk`` are one
    form, ``king`` and ``k`` are not.

    >>> [form_of(text) for text in (" Walks", "walked", "##walk", " king", "early")]
    ['walk', 'walk', 'walk', 'king', 'early']
    """
    word = text.removeprefix("##").strip().casefold()
    for suffix in SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= len(suffix) + 2:
            return word.removesuffix(suffix)
    return word


def text_alone(piece: str) -> str:
    """Return what a byte-level piece decodes to by itself: bytes that are no text become U+FFFD.

    Different pieces may so become one text.

    >>> text_alone("Ġdog"), text_alone("Ã")
    (' dog', '\ufffd')
    """
    byte_of = _byte_of_character()
    if any(character not in byte_of for character in piece):
        return piece
    return bytes(byte_of[character] for character in piece).decode("utf-8", errors="replace")


def spelling_of(vocabulary: Vocabulary) -> Spelling:
    """Return how tokens are spelled: without the mark of a word's boundary, case kept."""
    return Spelling.from_tokens([str(token).strip(" ").removeprefix("##") for token in vocabulary.token])


def _decoder(tokenizer: Any) -> Callable[[str], tuple[str, bool]]:
    """Return what turns a piece of the tokenizer into text, and says whether it is a fragment of UTF-8."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    rule = "" if backend is None else str(backend.decoder)
    if "ByteLevel" in rule:
        return partial(_decode, byte_of=_byte_of_character())
    if SPACE in rule or "Metaspace" in rule:
        return _decode_sentencepiece
    return lambda piece: (piece, False)


def _decode_sentencepiece(piece: str) -> tuple[str, bool]:
    """Return a token of SentencePiece as text: a lone byte, ``<0xNN>``, is text in the first half of the table."""
    byte = _BYTE.fullmatch(piece)
    if byte is None:
        return piece.replace(SPACE, " "), False
    value = int(byte[1], 16)
    return (piece, True) if value >= 0x80 else (chr(value), False)


@cache
def _byte_of_character() -> dict[str, int]:
    """Return the byte that each character of a byte-level vocabulary stands for (GPT-2's table)."""
    shown = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(256 + i): byte for i, byte in enumerate(hidden)}


def _decode(piece: str, byte_of: dict[str, int]) -> tuple[str, bool]:
    """Return a byte-level token as text, and whether it is a fragment of UTF-8."""
    if any(character not in byte_of for character in piece):
        return piece, False
    raw = bytes(byte_of[character] for character in piece)
    try:
        return raw.decode("utf-8"), False
    except UnicodeDecodeError:
        text = raw.decode("utf-8", errors="surrogateescape")  # byte NN becomes U+DCNN
        return "".join(_byte(ord(c) - 0xDC00) if 0xDC80 <= ord(c) <= 0xDCFF else c for c in text), True


def _byte(value: int) -> str:
    """Write a byte that is no text, as SentencePiece does."""
    return f"<0x{value:02X}>"


def printable(text: str) -> str:
    """Escape control characters but tab and line ends."""
    if text.isprintable():
        return text
    return "".join(_byte(ord(c)) if unicodedata.category(c) == "Cc" and c not in "\t\n\r" else c for c in text)
