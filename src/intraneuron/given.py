"""Files that settings name: vectors of words, as the space of a study, and norms, as its categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from intraneuron.config import MIN_GROUP, MIN_TOKENS, PartitionConfig, SpaceConfig, StudyConfig, VectorsConfig
from intraneuron.data import Norms, Space, Vocabulary
from intraneuron.errors import DataError, SettingError
from intraneuron.models.configuration import file_hash
from intraneuron.models.words import CONTINUES, whole_words
from intraneuron.settings import expanded
from intraneuron.sources.matching import SAID, match
from intraneuron.sources.tables import column, read_table, texts
from intraneuron.sources.vectors import WORD, read_vectors

MARKS = (" ", "\u0120", "\u2581", CONTINUES)
"""How tokens begin where a vocabulary marks the boundaries of words."""

MARKED = 0.05
"""A file of tokens has marks at more than this share of its words; a file of words may have a few such strings."""


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


@dataclass(frozen=True)
class GivenNorms:
    """Categories from a file.

    Attributes
    ----------
    norms : Norms
    facts : dict
        ``file``, its ``hash``, its ``words`` and ``categories``, and how many tokens were ``found``, in which ways.
    """

    norms: Norms
    facts: dict[str, Any]

    @property
    def said(self) -> str:
        """What was found, in words."""
        facts = self.facts
        return f"{facts['found']:,} tokens have one of the {facts['categories']:,} categories of {facts['file']}."


LARGEST = 30_000
"""Categories that a file may have."""


def file_hashes(config: StudyConfig) -> dict[str, str]:
    """Return the SHA-256 of the files that settings name, by setting.

    Raises
    ------
    DataError
        When one cannot be read.
    """
    paths = {"space": (config.space.file, "vectors"), "categories": (config.partition.norms, "norms")}
    return {name: hash_of(path, what) for name, (path, what) in paths.items() if path is not None}


def hashes(space: GivenSpace | None, norms: GivenNorms | None) -> dict[str, str]:
    """Return the SHA-256 of what was read, by setting."""
    return {name: str(facts["hash"]) for name, facts in recorded(space, norms).get("given", {}).items()}


def recorded(space: GivenSpace | None, norms: GivenNorms | None) -> dict[str, dict[str, Any]]:
    """Return what a manifest says of what was read: nothing, or the table ``given``."""
    given = {"space": space, "categories": norms}
    found = {name: one.facts for name, one in given.items() if one is not None}
    return {"given": found} if found else {}


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
    some = vectors.vector.any(axis=1)  # a vector of zeros has no direction
    usable = np.flatnonzero(some)
    row, ways = _found([vectors.token[i] for i in usable], vocabulary)
    row = np.where(row >= 0, usable[row], -1) if len(usable) else row
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


def read_given_norms(config: PartitionConfig, vocabulary: Vocabulary, model: str) -> GivenNorms | None:
    """Read the categories of ``--categories norms:FILE``, and find the tokens of a model among their words.

    Words are looked up as those of ``--space file:PATH``. A word that has several categories has its first.

    Raises
    ------
    DataError
        When the file is missing or no table of words and categories, or when fewer than two categories have the three
        tokens that a test takes.
    """
    if config.norms is None:
        return None
    words, categories = _read_categories(config.norms)
    row, ways = _found(words, vocabulary)
    names = tuple(dict.fromkeys(categories))
    place = {name: i for i, name in enumerate(names)}
    number = np.array([place[category] for category in categories] + [-1], dtype=np.int16)
    norms = Norms(names, number[row])
    found, sizes = int((row >= 0).sum()), np.bincount(number[row][row >= 0], minlength=len(names))
    if (sizes >= MIN_GROUP).sum() < 2:
        msg = (
            f"The norms {config.norms} name {found} of the words of {model}, in {int((sizes >= MIN_GROUP).sum())} "
            f"categories with at least {MIN_GROUP} of them; at least 2 are needed. Are they of another language?"
        )
        raise DataError(msg)
    facts = {"file": config.norms, "hash": hash_of(config.norms, "norms"), "words": len(words)}
    return GivenNorms(norms, facts | {"categories": len(names), "found": found, **ways})


def _read_categories(path: str) -> tuple[list[str], list[str]]:
    """Return the words of a table and their categories, the first of each word."""
    frame = read_table(expanded(path), "norms")
    word, category = column(frame, WORD), column(frame, ("category", "categories"))
    if word is None or category is None:
        msg = (
            f"The norms {path} should have a column token (or word) and a column category, got "
            f"{', '.join(frame.columns) or 'none'}. Name them so."
        )
        raise DataError(msg)
    frame = texts(texts(frame, word, path, "norms"), category, path, "norms")
    rows = frame.select(pl.col(word).str.strip_chars("\t\r\n"), pl.col(category).str.strip_chars())
    rows = rows.filter((pl.col(word).str.len_chars() > 0) & (pl.col(category).str.len_chars() > 0))
    rows = rows.unique(subset=[word], keep="first", maintain_order=True)
    if rows[category].n_unique() > LARGEST:
        msg = (
            f"The norms {path} have {rows[category].n_unique():,} categories, and {LARGEST:,} are the most. Join some."
        )
        raise DataError(msg)
    return rows[word].to_list(), rows[category].to_list()


def _found(words: Sequence[str], vocabulary: Vocabulary) -> tuple[np.ndarray, Mapping[str, int]]:
    """Return each token's row in the file, -1 for none, and how many were found in which way."""
    usable = ~vocabulary.special & ~vocabulary.fragment
    if all(word.startswith(" ") for word in words):  # written "category, token", with a space behind each comma
        words = [word.strip(" ") for word in words]
    if sum(word.startswith(MARKS) for word in words) <= MARKED * len(words):
        with suppress(SettingError):  # the vocabulary does not say where words begin
            usable &= whole_words(vocabulary)
    row = np.full(len(vocabulary), -1, dtype=np.int64)
    matched = match([str(token) for token in vocabulary.token[usable]], words)
    row[usable] = matched.row
    return row, {way: n for way, n in matched.ways.items() if n and way != "none"}
