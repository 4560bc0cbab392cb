"""Published: the core tokens of neurons that somebody else observed, with the vectors of their tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from intraneuron.data import CoreTokens, Space, Vocabulary
from intraneuron.models.vocabulary import form_of, printable

MARKS = ("##", "▁", "Ġ", " ")
"""What tokenizers write where a token begins a word, or goes on with one."""


@dataclass(frozen=True)
class Published:
    """Lists of core tokens, with what a study of them needs to know. No model.

    Attributes
    ----------
    name : str
        As the user wrote the source.
    vocabulary : Vocabulary
        Every token that has a vector, whether a list holds it or not.
    space : Space
        The vectors, unit rows.
    cores : dict
        Core tokens by layer, ascending; rows in order of the neurons that have a list.
    lists, vectors : str
        SHA-256 of the lists and of the vectors, as numbers and texts: how a file is laid out does not count.
    command : tuple of str
        The command that reads this source, without its settings.
    facts : dict
        What was read, what left and why, for the manifest.
    notes : tuple of str
        What a reader of the numbers has to know of it.
    """

    name: str
    vocabulary: Vocabulary
    space: Space
    cores: Mapping[int, CoreTokens]
    lists: str
    vectors: str
    command: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def longest(self) -> int:
        """How many tokens the longest list holds."""
        return max((int(core.n.max(initial=0)) for core in self.cores.values()), default=0)

    @property
    def counted(self) -> bool:
        """Whether it is known of every token of the lists how often it was seen."""
        return all((core.count[core.token_id >= 0] >= 0).all() for core in self.cores.values())

    def core_tokens(self, layer: int, width: int) -> CoreTokens:
        """Return the lists of a layer, cut or padded to ``width`` tokens."""
        core = self.cores[layer]
        missing = max(0, width - core.width)
        rows = {
            name: np.pad(getattr(core, name)[:, :width], ((0, 0), (0, missing)), constant_values=nothing)
            for name, nothing in (("token_id", -1), ("activation", np.nan), ("count", -1))
        }
        return replace(core, n=np.minimum(core.n, width).astype(np.int32), **rows)


def vocabulary_of(tokens: Sequence[str]) -> Vocabulary:
    """Return the vocabulary of words that came without a tokenizer: none is special or a fragment.

    A tokenizer's mark of a space is written as a space, control characters as in a tokenizer's vocabulary.
    """
    texts = [printable(_with_space(token)) for token in tokens]
    _, form = np.unique(np.array([form_of(text) for text in texts], dtype=object), return_inverse=True)
    never = np.zeros(len(texts), dtype=bool)
    return Vocabulary(np.array(texts, dtype=object), never, never, form.astype(np.int32))


def _with_space(token: str) -> str:
    return " " + token[1:] if token[:1] in ("▁", "Ġ") else token


def bare(token: str) -> str:
    """Return a token without one mark of a word's boundary.

    >>> [bare(token) for token in (" dog", "Ġdog", "▁dog", "##ing", "dog", "#")]
    ['dog', 'dog', 'dog', 'ing', 'dog', '#']
    """
    for mark in MARKS:
        if token.startswith(mark) and len(token) > len(mark):
            return token.removeprefix(mark)
    return token


def digest(*parts: np.ndarray | Sequence[str]) -> str:
    """Return the SHA-256 of arrays and texts, one after the other."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.shape}{part.dtype.str}".encode())
            found.update(np.ascontiguousarray(part).tobytes())
        else:
            found.update(f"{len(part)}".encode())
            found.update("\0".join(part).encode("utf-8", errors="surrogatepass"))
    return found.hexdigest()
