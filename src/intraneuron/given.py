"""Files that settings name: vectors of words, as the space of a study."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from intraneuron.config import MIN_TOKENS, SpaceConfig, StudyConfig, VectorsConfig
from intraneuron.data import Space, Vocabulary
from intraneuron.errors import DataError, SettingError
from intraneuron.models.configuration import file_hash
from intraneuron.models.words import CONTINUES, whole_words
from intraneuron.settings import expanded
from intraneuron.sources.matching import SAID, match
from intraneuron.sources.vectors import Vectors, read_vectors

MARKS = (" ", "\u0120", "\u2581", CONTINUES)
"""How tokens begin where a vocabulary marks the boundaries of words."""


@dataclass(frozen=True)
class GivenSpace:
    """A space from a file.

    Attributes
    ----------
    space : Space
        Raw; NaN for tokens that the file does not have.
    facts : dict
        ``file``, its ``hash``, its ``words`` and ``dimensions``, and how many tokens were ``found``, in which ways.
    """

    space: Space
    facts: dict[str, Any]

    @property
    def said(self) -> str:
        """What was found, in words."""
        ways = ", ".join(f"{self.facts[way]:,} {SAID[way]}" for way in SAID if self.facts.get(way) and way != "none")
        return (
            f"{self.facts['found']:,} tokens are words of {self.facts['file']} ({ways}); only these can be core tokens."
        )


def file_hashes(config: StudyConfig) -> dict[str, str]:
    """Return the SHA-256 of the files that settings name, by setting.

    Raises
    ------
    DataError
        When one cannot be read.
    """
    path = config.space.file
    return {} if path is None else {"space": hash_of(path, "vectors")}


def hash_of(path: str, what: str) -> str:
    """Return the SHA-256 of a file that holds ``what``."""
    try:
        return file_hash(expanded(path))
    except OSError as error:
        msg = f"The {what} {path} cannot be read: {error.strerror}. Give the path of a file."
        raise DataError(msg) from error


def read_given_space(config: SpaceConfig, vocabulary: Vocabulary, model: str) -> GivenSpace | None:
    """Read the vectors of ``--space file:PATH``, and find the tokens of a model among its words.

    Where a vocabulary marks how words begin, tokens that are whole words are looked up: as they are, without their
    mark, without case. A file whose words carry such marks themselves has vectors of tokens, and all are looked up.

    Raises
    ------
    DataError
        When the file is missing or holds no vectors, or of too few tokens.
    """
    if config.file is None:
        return None
    vectors = read_vectors(VectorsConfig(config.file))
    row, ways = _found(vectors, vocabulary)
    found = int((row >= 0).sum())
    if found < MIN_TOKENS:
        msg = (
            f"The vectors {config.file} hold {found} of the words of {model}, and a neuron needs {MIN_TOKENS}. Are "
            "they of another language, or of another model's tokens?"
        )
        raise DataError(msg)
    table = np.where((row >= 0)[:, None], vectors.vector[np.maximum(row, 0)], np.nan)
    facts = {"file": config.file, "hash": hash_of(config.file, "vectors"), **vectors.facts, "found": found, **ways}
    return GivenSpace(Space.from_vectors("file", table), facts)


def _found(vectors: Vectors, vocabulary: Vocabulary) -> tuple[np.ndarray, Mapping[str, int]]:
    """Return each token's row in the file, -1 for none, and how many were found in which way."""
    usable = ~vocabulary.special & ~vocabulary.fragment
    if not any(word.startswith(MARKS) for word in vectors.token):
        with suppress(SettingError):  # the vocabulary does not say where words begin
            usable &= whole_words(vocabulary)
    row = np.full(len(vocabulary), -1, dtype=np.int64)
    matched = match([str(token) for token in vocabulary.token[usable]], vectors.token)
    row[usable] = matched.row
    return row, {way: n for way, n in matched.ways.items() if n and way != "none"}
