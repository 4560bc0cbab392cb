"""The numbers that stand for the paper's claims: which column, which direction, what chance would give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from intraneuron.config import PUBLISHED
from intraneuron.data import Comparison, Effect


@dataclass(frozen=True)
class Number:
    """One number of a neuron.

    Attributes
    ----------
    name : str
        Column of ``results.parquet``.
    claim : str
        The claim of the paper that it speaks to; C0 is what all claims start from, that there is a category.
    title : str
        The number in plain words.
    question : str
        The effect it is taken from.
    column : int or None
        Which group of that effect, when it has several.
    sign : 1 or -1
        1 when large values support the claim.
    chance : float
        The expected value without any relation.
    """

    name: str
    claim: str
    title: str
    question: str
    column: int | None = None
    sign: int = 1
    chance: float = 0.0

    def of(self, comparison: Comparison) -> np.ndarray:
        """Return the effect size, (N,)."""
        return self.among(comparison.effects)

    def among(self, effects: Mapping[str, Effect]) -> np.ndarray:
        """Return the effect size, (N,), from the effects by question."""
        return self._take(effects[self.question].effect_size)

    def p_of(self, comparison: Comparison) -> np.ndarray:
        """Return its p, (N,)."""
        return self._take(comparison.effects[self.question].p)

    def q_of(self, comparison: Comparison) -> np.ndarray:
        """Return its q, (N,)."""
        return self._take(comparison.effects[self.question].q)

    def _take(self, array: np.ndarray) -> np.ndarray:
        if self.column is None:
            return array
        if self.column >= array.shape[1]:
            return np.full(len(array), np.nan)
        return array[:, self.column]


NUMBERS = (
    Number("tightness", "C0", "core tokens more alike than random tokens", "tightness"),
    Number("ami", "C1", "agreement of categories and segments (AMI)", "agreement"),
    Number("mrpp_a", "C1", "segments more alike inside than by chance (MRPP A)", "mrpp"),
    Number("distance_r", "C1", "near in activation, near in meaning (r, negative)", "distance", sign=-1),
    Number("information_category", "C1", "share of category told by segment", "information", 0),
    Number("information_segment", "C1", "share of segment told by category", "information", 1),
    Number("peak", "C2", "top 20 tokens more alike than the rest", "peak", 0),
    Number("peak10", "C2", "top 10 tokens more alike than the rest", "peak", 1),
    Number("peak5", "C2", "top 5 tokens more alike than the rest", "peak", 2),
    Number("homogeneity_top", "C2", "top segment more alike than a random subset", "homogeneity", 0),
    Number("purity_top", "C2", "commonest category's share of the top segment, beyond chance", "segment_purity", 0),
    Number("top_down_eta2", "C3", "activation differs between categories (eta²)", "top_down"),
    Number("interleaving", "C4", "categories interleave (1: as by chance)", "interleaving", sign=-1, chance=1.0),
    Number("abstraction", "C5", "top segment alike in meaning rather than in spelling (z)", "abstraction"),
)
"""In the order of the claims table."""

BY_NAME: dict[str, Number] = {number.name: number for number in NUMBERS}


def table_of(comparison: Comparison, read: Callable[[Number, Comparison], np.ndarray]) -> np.ndarray:
    """Return one column a number, (N, M)."""
    return np.stack([read(number, comparison) for number in NUMBERS], axis=1)


REFERENCE = "rotated"
"""The twin that neurons of a model are judged by."""

WITHOUT_MODEL = "readout"
"""The twin that published lists are judged by: there is no layer whose weights could be rotated. In deep layers random
directions show more than this twin does, so it is a lower bound."""


def reference_in(mode: str) -> str:
    """Return the twin that the neurons of a study are judged by.

    >>> reference_in("vocabulary"), reference_in("published")
    ('rotated', 'readout')
    """
    return WITHOUT_MODEL if mode == PUBLISHED else REFERENCE


def reference_of(found: Mapping[str, Any]) -> str:
    """Return the twin that a summary, or a row of its claims, judges neurons by; it says so where it is not rotated."""
    return str(found.get("reference", REFERENCE))


def difference_name(twin: str, reference: str = REFERENCE) -> str:
    """Return the column of the claims table that holds the neurons' mean minus a twin's.

    >>> difference_name("rotated"), difference_name("untrained"), difference_name("readout", "readout")
    ('difference', 'difference_untrained', 'difference')
    """
    return "difference" if twin == reference else f"difference_{twin}"
