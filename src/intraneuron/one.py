"""One neuron from three arrays: the whole pipeline on plain data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from intraneuron.cards import card_categories, card_segments, card_tokens, own_numbers
from intraneuron.config import MIN_TOKENS
from intraneuron.data import Card, CoreTokens, Space, Spelling, Vocabulary
from intraneuron.errors import DataError
from intraneuron.kernels.nearest import nearest_to_mean
from intraneuron.pipeline.compare import compare
from intraneuron.pipeline.partition import bounds, categorize, parse_categories, parse_segments, segment, tied_bounds
from intraneuron.settings import check_seed

LARGEST = 1e300
"""The largest activation: means of a thousand such are numbers still."""

MIDDLE = 100
"""Powers of two from 1 within which third powers of activations are numbers with all their digits."""


def one_neuron(
    tokens: Sequence[str],
    activations: Sequence[float] | np.ndarray,
    vectors: np.ndarray,
    *,
    segments: str,
    categories: str,
    seed: int,
) -> Card:
    """Return the card of a neuron given by its core tokens, their activations and their vectors.

    It has no q: there are no other neurons that a family could be made of.
    """
    parse_segments(segments)
    parse_categories(categories)
    seed = check_seed(seed)
    tokens = _texts(tokens)
    values, table = _checked(tokens, activations, vectors)
    order = np.lexsort((_drawn(tokens, table, seed), -values)).astype(np.int32)
    n = len(values)
    zero = np.zeros(1, dtype=np.int32)
    given = CoreTokens(
        layer=zero,
        neuron=zero,
        n=np.array([n], dtype=np.int32),
        token_id=order[None],
        activation=values[order][None],
        count=np.full((1, n), -1, dtype=np.int64),
        reliability=np.array([np.nan]),
    )
    core = replace(given, activation=_of_middle_size(given.activation))
    space = Space.from_vectors("given", table)
    meaning, zones = categorize(core, space, categories), segment(core, segments)
    text = np.array(tokens, dtype=object)
    comparison = compare(core, space, meaning, zones, seed=seed, spelling=Spelling.from_tokens(text))
    blank = np.zeros(n, dtype=bool)
    vocabulary = Vocabulary(text, blank, blank, np.arange(n, dtype=np.int32))
    ids = nearest_to_mean(space.vector, core.token_id, meaning.label, core.n, meaning.n_groups)
    words = [vocabulary.words(row) for row in ids[0]]
    return Card(
        name="Given neuron",
        model="given arrays",
        mode="given",
        space="given",
        pattern="untested",
        reliability=float("nan"),
        silhouette=float(meaning.quality[0]),
        clustered=None,
        tokens=card_tokens(given, meaning, zones, vocabulary.token),
        categories=card_categories(given, meaning, comparison, words),
        segments=card_segments(zones, comparison, bounds(given, zones)[0], np.zeros(0)),
        numbers=own_numbers(comparison),
        notes=_notes(int(meaning.n_groups[0]), int(tied_bounds(given, zones)[0])),
    )


def _checked(
    tokens: Sequence[str], activations: Sequence[float] | np.ndarray, vectors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return activations and vectors as float64, or raise DataError."""
    values, table = _numbers("activations", "(n,)", activations), _numbers("vectors", "(n, D)", vectors)
    if values.ndim != 1 or table.ndim != 2 or not len(tokens) == len(values) == len(table):
        msg = (
            f"tokens, activations and vectors must have one entry a token, got {len(tokens)} tokens, activations of "
            f"shape {values.shape} and vectors of shape {table.shape}."
        )
        raise DataError(msg)
    if len(values) < MIN_TOKENS:
        msg = f"A neuron needs at least {MIN_TOKENS} tokens to be tested, got {len(values)}."
        raise DataError(msg)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        msg = f"Activations must be finite, got {values[bad[0]]} for token {bad[0]} ({tokens[bad[0]]!r})."
        raise DataError(msg)
    largest = np.abs(values).max()
    if largest > LARGEST:
        msg = f"Activations must be at most {LARGEST:g} in size, got {largest:g}. Scale them: no number depends on it."
        raise DataError(msg)
    if np.ptp(values) == 0:
        msg = f"All {len(values)} activations are {values[0]:g}: there is no activation axis to cut. Give other tokens."
        raise DataError(msg)
    bad = np.flatnonzero(~(np.isfinite(table).all(axis=1) & (table != 0).any(axis=1)))
    if len(bad):
        msg = f"Vectors must be finite and not zero, got another for token {bad[0]} ({tokens[bad[0]]!r}). Leave it out."
        raise DataError(msg)
    return values, table


def _of_middle_size(activation: np.ndarray) -> np.ndarray:
    """Scale activations whose squares would overflow or vanish by a power of two, on which no number depends."""
    exponent = int(np.frexp(np.abs(activation).max())[1])
    return np.ldexp(activation, -exponent) if abs(exponent) > MIDDLE else activation


def _texts(tokens: object) -> list[str]:
    """Return tokens as a list of texts, or raise DataError."""
    if isinstance(tokens, (str, bytes)) or not isinstance(tokens, Iterable):
        msg = f"tokens must be a list of texts, got {type(tokens).__name__}."
        raise DataError(msg)
    return [str(token) for token in tokens]


def _numbers(name: str, shape: str, given: Any) -> np.ndarray:
    """Return an array, a list or a tensor as float64, or raise DataError when it is not of real numbers."""
    try:
        if hasattr(given, "detach"):  # a tensor of torch, perhaps with a gradient, perhaps on a GPU
            given = given.detach().cpu()
            given = given if given.is_complex() else given.double()
        found = np.asarray(given)
        if found.dtype.kind not in "biufO":
            msg = f"{name} must be real numbers, got {found.dtype}."
            raise DataError(msg)
        return found.astype(np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        if isinstance(error, DataError):
            raise
        msg = f"{name} must be numbers of shape {shape}, got {type(given).__name__} ({error})."
        raise DataError(msg) from error


def _drawn(tokens: Sequence[str], vectors: np.ndarray, seed: int) -> np.ndarray:
    """Return a key a token, by which tokens of one activation are ordered: as if drawn, whatever their order was."""
    own = (f"{seed}\0{token}\0".encode(errors="surrogatepass") for token in tokens)
    return np.array([hashlib.sha256(key + row.tobytes()).hexdigest() for key, row in zip(own, vectors, strict=True)])


def _notes(n_categories: int, tied: int) -> tuple[str, ...]:
    notes = ["No layer, no rotated twin: this neuron cannot be told from a random direction."]
    if n_categories < 2:
        notes.append("Fewer than two categories of 3 tokens or more: what compares categories is undefined.")
    if tied:
        bound = "bound lies" if tied == 1 else "bounds lie"
        notes.append(
            f"{tied} segment {bound} between tokens of equal activation, whose order is drawn (seed): what rests on "
            "segments, or on the order, rests on that draw."
        )
    return tuple(notes)
