"""Lists of tokens and activations -> core tokens with vectors: what is matched, what leaves, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from intraneuron.config import MIN_TOKENS
from intraneuron.data import CoreTokens, Space, Vocabulary
from intraneuron.errors import DataError
from intraneuron.sources.matching import SAID, match
from intraneuron.sources.published import Published, digest, vocabulary_of
from intraneuron.sources.vectors import Vectors

SCHEMA = {"layer": pl.Int32, "neuron": pl.Int32, "token": pl.String, "activation": pl.Float64, "count": pl.Int64}
"""Columns of lists: a row a token of a neuron; an unknown count is -1, an unknown activation null or NaN."""

SHARED_DIRECTION = 0.5
"""Mean cosine of two random words above which the vectors say little but what all words have in common."""

NOT_POSITIVE = "not_positive"


def published(
    name: str,
    rows: pl.DataFrame,
    vectors: Vectors,
    *,
    command: Sequence[str] = (),
    facts: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> Published:
    """Make core tokens of lists.

    Tokens leave that have no activation, an activation of 0 or below (a neuron's core tokens are those that it
    responds to), or no vector; of several tokens of a neuron that are one word of the vectors, the most active stays:
    the vectors cannot tell them apart, and their cosine of 1 would say nothing of meaning.

    Parameters
    ----------
    name : str
        What to call the source.
    rows : frame
        Of :data:`SCHEMA`; every token stands once in a neuron. Rows may be in any order.
    vectors : Vectors
    command, facts, notes
        See :class:`Published`.

    Raises
    ------
    DataError
        When no neuron keeps enough tokens.
    """
    tokens = rows["token"].unique().sort().to_list()
    matched = match(tokens, vectors.token)
    if matched.ways["none"] == len(tokens):
        few = ", ".join(repr(token) for token in tokens[:3])
        msg = (
            f"None of the {len(tokens):,} tokens of {name} has a vector, with a word's mark or without, in this case "
            f"or another; the first are {few}. Give vectors of these words (--vectors)."
        )
        raise DataError(msg)
    told = ", ".join(f"{n:,} {SAID[way]}" for way, n in matched.ways.items() if n)
    return placed(
        name,
        rows,
        dict(zip(tokens, matched.row.tolist(), strict=True)),
        vocabulary_of(vectors.token),
        vectors.vector,
        command=command,
        facts={**(facts or {}), "matched": matched.ways, "words": vectors.facts},
        notes=[*notes, f"Tokens of the lists that were found among the words of the vectors: {told}."],
    )


def placed(
    name: str,
    rows: pl.DataFrame,
    place: Mapping[str, int],
    vocabulary: Vocabulary,
    vectors: np.ndarray,
    *,
    command: Sequence[str],
    facts: Mapping[str, Any],
    notes: Sequence[str],
) -> Published:
    """Make core tokens of lists whose tokens have a place in a vocabulary; as :func:`published`.

    Parameters
    ----------
    place : dict
        Id of each token, -1 for one that is none of the vocabulary.
    vocabulary : Vocabulary
        Its special tokens are never core tokens.
    vectors : float32 (V, D)
    """
    space = Space.from_vectors("vectors", vectors)
    usable = space.defined & ~vocabulary.special
    known = {token: i if i >= 0 and usable[i] else -1 for token, i in place.items()}
    kept, left = _left(rows, known)
    _check_enough(name, rows, kept)
    return Published(
        name=name,
        vocabulary=vocabulary,
        space=space,
        cores=_cores(rows, kept),
        lists=_digest_of(rows),
        vectors=digest([str(token) for token in vocabulary.token], vectors),
        command=tuple(command),
        facts={**facts, "rows": len(rows), "left": left},
        notes=(*notes, *_notes(left, space)),
    )


def _left(rows: pl.DataFrame, place: Mapping[str, int]) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the rows that are core tokens, with their ``token_id``, and how many left for each reason."""
    left = {}
    known = rows.filter(pl.col("activation").is_finite().fill_null(value=False))
    left["no_activation"] = len(rows) - len(known)
    positive = known.filter(pl.col("activation") > 0)
    left[NOT_POSITIVE] = len(known) - len(positive)
    ids = pl.col("token").replace_strict(place, default=-1, return_dtype=pl.Int32)
    found = positive.with_columns(token_id=ids).filter(pl.col("token_id") >= 0)
    left["no_vector"] = len(positive) - len(found)
    order = ["layer", "neuron", "activation", "token_id"]
    ranked = found.sort(order, descending=[False, False, True, False], maintain_order=True)
    once = ranked.unique(["layer", "neuron", "token_id"], keep="first", maintain_order=True)
    left["same_word"] = len(ranked) - len(once)
    return once, left


def _check_enough(name: str, rows: pl.DataFrame, kept: pl.DataFrame) -> None:
    """Raise DataError when no neuron keeps enough tokens to be tested."""
    most = max(kept.group_by("layer", "neuron").len()["len"].to_list(), default=0)
    if most < MIN_TOKENS:
        longest = max(rows.group_by("layer", "neuron").len()["len"].to_list(), default=0)
        msg = (
            f"No neuron of {name} has {MIN_TOKENS} tokens with a vector and an activation above 0, which a test takes: "
            f"the most is {most}, of lists of up to {longest}. Give longer lists, or vectors of more words (--vectors)."
        )
        raise DataError(msg)


def _cores(rows: pl.DataFrame, kept: pl.DataFrame) -> dict[int, CoreTokens]:
    """Return core tokens by layer; a neuron whose tokens have all left keeps an empty row."""
    neurons = rows.select("layer", "neuron").unique().sort("layer", "neuron")
    return {
        int(layer): pack(int(layer), some["neuron"].to_numpy(), kept.filter(pl.col("layer") == layer))
        for (layer,), some in neurons.partition_by("layer", as_dict=True, maintain_order=True).items()
    }


def pack(layer: int, neuron: np.ndarray, rows: pl.DataFrame) -> CoreTokens:
    """Return the core tokens of one layer; ``rows`` are in the order of neurons and ranks."""
    place = np.searchsorted(neuron, rows["neuron"].to_numpy())
    n = np.bincount(place, minlength=len(neuron))
    start = np.concatenate([[0], np.cumsum(n)[:-1]])
    rank = np.arange(len(place)) - start[place]
    width = int(n.max(initial=1))
    token_id = np.full((len(neuron), width), -1, dtype=np.int32)
    activation = np.full((len(neuron), width), np.nan)
    count = np.full((len(neuron), width), -1, dtype=np.int64)
    token_id[place, rank] = rows["token_id"].to_numpy()
    activation[place, rank] = rows["activation"].to_numpy()
    count[place, rank] = rows["count"].to_numpy()
    return CoreTokens(
        layer=np.full(len(neuron), layer, dtype=np.int32),
        neuron=neuron.astype(np.int32),
        n=n.astype(np.int32),
        token_id=token_id,
        activation=activation,
        count=count,
        reliability=np.full(len(neuron), np.nan),
    )


def _digest_of(rows: pl.DataFrame) -> str:
    """Return a hash of lists that does not depend on the order of their rows."""
    ordered = rows.sort("layer", "neuron", "token")
    arrays = (
        ordered[name].fill_null(np.nan if name == "activation" else -1).to_numpy() for name in SCHEMA if name != "token"
    )
    return digest(ordered["token"].to_list(), *arrays)


def _notes(left: Mapping[str, int], space: Space) -> list[str]:
    """Return what a reader of the numbers has to know."""
    notes = []
    why = {
        "no_activation": "without an activation",
        NOT_POSITIVE: "with an activation of 0 or below",
        "no_vector": "without a vector",
        "same_word": "of a word that the neuron has with a higher activation, too",
    }
    gone = [f"{words} {left[name]:,}" for name, words in why.items() if left[name]]
    if gone:
        notes.append(f"Rows of the lists that left: {'; '.join(gone)}.")
    shared = mean_cosine(space)
    if shared > SHARED_DIRECTION:
        notes.append(
            f"Two random words have a cosine of {shared:.2f} on average: the vectors share a direction, and cosines "
            "say little. Try --center, or --standardize where the columns are on different scales."
        )
    return notes


def mean_cosine(space: Space) -> float:
    """Return the mean cosine of two different words, from the length of the sum of their unit vectors."""
    unit = space.vector[space.defined]
    total = unit.sum(axis=0, dtype=np.float64)
    n = len(unit)
    return float((total @ total - n) / (n * (n - 1))) if n > 1 else float("nan")
