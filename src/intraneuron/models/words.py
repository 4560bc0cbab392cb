"""Which tokens may be core tokens: all that are text and have a vector, or whole words only."""

from __future__ import annotations

import re
import unicodedata

import numpy as np

from intraneuron.config import Forms
from intraneuron.data import Space, Vocabulary
from intraneuron.errors import SettingError

CONTINUES = "##"
"""WordPiece's mark of a token that goes on with a word."""

_INNER = re.compile("['’-]")
"""What may stand between the letters of a word."""


def eligible_tokens(vocabulary: Vocabulary, space: Space, *, words: bool) -> np.ndarray:
    """Return the tokens that may be core tokens, bool (V,).

    Parameters
    ----------
    vocabulary : Vocabulary
    space : Space
        Tokens need a vector in it.
    words : bool
        Whole words only.

    Raises
    ------
    SettingError
        When ``words`` is asked of a vocabulary that does not say where words begin.
    """
    eligible: np.ndarray = ~vocabulary.special & space.defined
    return eligible & whole_words(vocabulary) if words else eligible


def forms_of(vocabulary: Vocabulary, forms: Forms) -> np.ndarray | None:
    """Return the form of each token, (V,), where tokens of one form count once; None where all count."""
    return vocabulary.form if forms == "distinct" else None


def whole_words(vocabulary: Vocabulary) -> np.ndarray:
    """Return the tokens that are words by how they are written, bool (V,).

    A word begins where the vocabulary marks it: with a space (byte-level BPE, SentencePiece), or without ``##``
    (WordPiece). It consists of letters, two at least, but for a and I; apostrophes and hyphens may stand between
    letters. That a token only begins a longer word, as `` un`` does, cannot be seen in it: such tokens count as words.

    Raises
    ------
    SettingError
        When the vocabulary does not say where words begin.
    """
    texts = [str(token) for token in vocabulary.token]
    usable = ~vocabulary.special & ~vocabulary.fragment
    some = [text for text, ok in zip(texts, usable, strict=True) if ok]
    marked = sum(text.startswith(CONTINUES) and text[2:3].isalpha() for text in some)
    spaced = sum(text.startswith(" ") and text[1:2].isalpha() for text in some)
    if not marked and not spaced:
        msg = (
            "words (--words) needs a tokenizer that marks where words begin, with a space or by ## where they go on; "
            "this one does neither. Leave it out."
        )
        raise SettingError(msg)
    mark = "" if marked > spaced else " "
    word = np.array([text.startswith(mark) and is_word(text[len(mark) :]) for text in texts], dtype=bool)
    found: np.ndarray = usable & word
    return found


def is_word(text: str) -> bool:
    """Tell whether a text is written as a word.

    >>> [is_word(text) for text in ("walk", "don't", "well-known", "I", "x", "un-", "##ing", "B2")]
    [True, True, True, True, False, False, False, False]
    """
    parts = _INNER.split(text)
    return all(map(_is_letters, parts)) and (sum(map(len, parts)) > 1 or text.casefold() in ("a", "i"))


def _is_letters(text: str) -> bool:
    """Tell whether a text is letters, with the marks that many scripts set behind them."""
    kinds = [unicodedata.category(c)[0] for c in text]
    return kinds[:1] == ["L"] and set(kinds) <= {"L", "M"}
