"""Card: everything that is known of one neuron, ready to be shown."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class CardToken:
    """One core token of the neuron.

    ``rank`` 0 is the most active; ``category`` and ``segment`` are -1 when the token is in none; ``count`` is -1
    when unknown.
    """

    rank: int
    token: str
    activation: float
    count: int
    category: int
    segment: int


@dataclass(frozen=True)
class CardCategory:
    """One category: its tokens' words, place on the activation axis, and the top-down test against the rest.

    ``selectivity`` is its share of the activation above the last core token's, minus its share of tokens.
    """

    category: int
    size: int
    words: tuple[str, ...]
    mean_activation: float
    cliffs_delta: float
    p: float
    selectivity: float = math.nan


@dataclass(frozen=True)
class CardSegment:
    """One segment: its zone of activation and the bottom-up test of its homogeneity.

    ``null`` is the mean similarity of a random subset of the neuron's own tokens; ``twin`` the mean homogeneity of the
    same segment among the layer's twins of reference (NaN without them). ``purity`` is the share of the commonest
    category, ``purity_null`` its mean in random segments.
    """

    segment: int
    size: int
    low: float
    high: float
    homogeneity: float
    null: float
    p: float
    q: float
    twin: float
    purity: float = math.nan
    purity_null: float = math.nan


@dataclass(frozen=True)
class CardContext:
    """A stretch of text around one token, and what the neuron does at each of its tokens.

    ``segment`` is that of the token, -1 for the contexts of highest activation; ``at`` is the token's place.
    """

    segment: int
    rank: int
    at: int
    tokens: tuple[str, ...]
    activations: tuple[float, ...]


@dataclass(frozen=True)
class CardNumber:
    """One number of the neuron beside what twins show.

    ``shuffled`` and ``twin`` are the means over the layer's shuffled twins and its twins of reference, ``twin95`` the
    value that 5 % of the latter go beyond (in the direction of the claim). ``detectable`` is the effect that a neuron
    of the layer would need for its pattern's flag with 80 % power; NaN for numbers that no pattern rests on, and
    without twins.
    """

    name: str
    claim: str
    value: float
    p: float
    q: float
    shuffled: float
    twin: float
    twin95: float
    detectable: float = math.nan


@dataclass(frozen=True)
class Card:
    """One neuron.

    ``pattern`` is none, steps, gradient, peak, mixed, insufficient, or untested (no twin of reference was observed).
    ``reliability``, ``rank_correlation`` and ``overlap`` say how far two halves of the text agree on it; NaN without.
    ``reference`` names the twin that the neuron is judged by.
    """

    name: str
    model: str
    mode: str
    space: str
    pattern: str
    reliability: float
    silhouette: float
    clustered: bool | None
    tokens: tuple[CardToken, ...]
    categories: tuple[CardCategory, ...]
    segments: tuple[CardSegment, ...]
    numbers: tuple[CardNumber, ...]
    notes: tuple[str, ...] = field(default=())
    rank_correlation: float = math.nan
    overlap: float = math.nan
    reference: str = "rotated"
    contexts: tuple[CardContext, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Return nested plain dicts and lists, as ``intraneuron show --json`` prints them.

        There the twin of reference stands under its own name: ``rotated`` and ``rotated95``, say.
        """
        found = asdict(self)
        name = found.pop("reference")
        called = {"twin": name, "twin95": f"{name}95"}
        for table in ("segments", "numbers"):
            found[table] = tuple({called.get(key, key): value for key, value in row.items()} for row in found[table])
        return found
