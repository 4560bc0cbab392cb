"""leave_out: the same neurons with one group of tokens or texts left out at a time, for the jackknife.

Most of a neuron's core tokens stay when a group goes, so how alike they are is computed once for all that the neuron
ever has, and a neuron without a token of the group is not analysed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from intraneuron.config import PartitionConfig, Sign
from intraneuron.data import Background, Comparison, CoreTokens, Norms, Space, Spelling, TokenActivations
from intraneuron.pipeline.analyse import analyse
from intraneuron.pipeline.select import select
from intraneuron.pipeline.similarity import similarity

SPARE = 3
"""Times K tokens that are selected at first, so that most neurons have K left whatever group goes."""


def select_without(
    activations: TokenActivations,
    eligible: np.ndarray,
    group: np.ndarray,
    groups: Sequence[int],
    *,
    core_tokens: int,
    form: np.ndarray | None = None,
    sign: Sign = "positive",
) -> list[CoreTokens]:
    """Select core tokens with each group of tokens left out: those of :func:`select`, from one pass over the sums.

    Parameters
    ----------
    activations : TokenActivations
    eligible : bool (V,)
    group : int (V,)
    groups : which to leave out, one at a time; -1: none
    core_tokens : int
        K.
    form : int32 (V,), optional
        As in :func:`select`. Without a token the next of its form may stand in its place, so every group is read anew.
    sign : str
        As in :func:`select`.
    """
    if form is not None:
        how: dict[str, Any] = {"core_tokens": core_tokens, "form": form, "sign": sign}
        return [select(activations, eligible & (group != g), **how) for g in groups]
    many = select(activations, eligible, core_tokens=SPARE * core_tokens, sign=sign)
    found = []
    for g in groups:
        core, enough = _without(many, group == g, core_tokens)
        if not enough.all():
            some = activations.columns(np.flatnonzero(~enough))
            others = select(some, eligible & (group != g), core_tokens=core_tokens, sign=sign)
            core = _with_rows(core, ~enough, others)
        found.append(core)
    return found


def leave_tokens_out(core: CoreTokens, group: np.ndarray, groups: Sequence[int]) -> list[CoreTokens]:
    """Return core tokens without those of each group, of lists beyond which nothing is known: none takes their place.

    Parameters
    ----------
    core : CoreTokens
    group : int (V,)
    groups : which to leave out, one at a time
    """
    return [_without(core, group == g, core.width)[0] for g in groups]


def _without(many: CoreTokens, dropped: np.ndarray, width: int) -> tuple[CoreTokens, np.ndarray]:
    """Return the first ``width`` tokens of each row that are not dropped, and whether the row had as many, or all."""
    there = many.token_id >= 0
    kept = there & ~dropped[many.token_id]
    order = np.argsort(~kept, axis=1, kind="stable")[:, :width]
    n = np.minimum(kept.sum(axis=1), width).astype(np.int32)
    padded = np.arange(order.shape[1]) >= n[:, None]

    def taken(array: np.ndarray, nothing: float) -> np.ndarray:
        return np.where(padded, np.array(nothing, dtype=array.dtype), np.take_along_axis(array, order, axis=1))

    core = replace(
        many,
        n=n,
        token_id=taken(many.token_id, -1),
        activation=taken(many.activation, np.nan),
        count=taken(many.count, -1),
    )
    return core, (n == width) | (many.n < many.width)


def _with_rows(core: CoreTokens, row: np.ndarray, other: CoreTokens) -> CoreTokens:
    """Return core tokens with some rows replaced."""
    index = np.arange(len(core))
    index[row] = len(core) + np.arange(len(other))
    return CoreTokens.concatenate([core, other])[index]


def compare_without(
    full: CoreTokens,
    without: Sequence[CoreTokens],
    space: Space,
    config: PartitionConfig,
    *,
    spelling: Spelling | None = None,
    background: Background | None = None,
    norms: Norms | None = None,
) -> tuple[Comparison, list[Comparison]]:
    """Compare zones with meaning for some neurons, and again with each group left out; estimates only.

    Parameters
    ----------
    full : CoreTokens
    without : list of CoreTokens
        The same neurons.
    background : Background, optional
        Of the whole eligible vocabulary. It is not made anew without a group: the difference between populations,
        which share it, does not depend on it.
    norms : Norms, optional
        As in :func:`intraneuron.pipeline.partition.categorize`.

    Returns
    -------
    The comparison of ``full``, and one for each of ``without``.
    """
    union, n, orders = union_of([full, *without])
    alike = similarity(union, n, space, spelling)

    def compared(core: CoreTokens, order: np.ndarray, row: np.ndarray) -> Comparison:
        given = alike.rearranged(order[row], row)
        verb = partial(analyse, estimates_only=True, spelling=spelling, background=background, norms=norms)
        [found] = verb(core[row], space, config, similarity=given)
        return found.comparison

    every = compared(full, orders[0], np.arange(len(full)))
    again = []
    for core, order in zip(without, orders[1:], strict=True):
        changed = np.flatnonzero(differ(full, core))
        index = np.arange(len(full))
        index[changed] = len(full) + np.arange(len(changed))
        again.append(Comparison.concatenate([every, compared(core, order, changed)]).rows(index))
    return every, again


def differ(a: CoreTokens, b: CoreTokens) -> np.ndarray:
    """Return which neurons have other tokens or activations, bool (N,)."""
    tokens = (a.token_id != b.token_id).any(axis=1)
    return np.asarray(tokens | ((a.activation != b.activation) & (a.token_id >= 0)).any(axis=1))


def union_of(cores: Sequence[CoreTokens]) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Return every token that a neuron has in any of them, (N, W), how many, and where each one's tokens are in it."""
    token_id = np.concatenate([core.token_id for core in cores], axis=1)
    rows, places = [], []
    for row in token_id:
        known, place = np.unique(row, return_inverse=True)
        padded = int(known[0] < 0)
        rows.append(known[padded:])
        places.append(place.ravel() - padded)
    n = np.array([len(row) for row in rows])
    union = np.full((len(rows), int(n.max(initial=1))), -1, dtype=np.int32)
    for i, row in enumerate(rows):
        union[i, : len(row)] = row
    widths = np.cumsum([core.width for core in cores])[:-1]
    return union, n, np.split(np.array(places, dtype=np.int64).reshape(len(rows), token_id.shape[1]), widths, axis=1)
