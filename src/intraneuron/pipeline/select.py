"""select: an observation of a layer -> the core tokens of its neurons."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from intraneuron.config import MIN_TOKENS, Sign
from intraneuron.data import CoreTokens, TokenActivations
from intraneuron.errors import DataError
from intraneuron.kernels.halves import correlation, in_common, rank_correlation, stepped_up
from intraneuron.kernels.selection import means_of, top_tokens

MIN_COUNTS = (5, 8, 12, 20, 30, 50, 80, 120, 200)
"""What ``--min-count auto`` tries."""

RELIABLE = 0.8
"""The median reliability that ``--min-count auto`` looks for."""

SAMPLE = 256
"""Neurons of a layer that ``--min-count auto`` looks at."""

TURNED = 256
"""Neurons whose activations are turned round at a time, so that the table is not there twice."""


def select(
    activations: TokenActivations,
    eligible: np.ndarray,
    *,
    core_tokens: int = 100,
    min_count: int = 1,
    cross_fit: bool = False,
    form: np.ndarray | None = None,
    sign: Sign = "positive",
) -> CoreTokens:
    """Select the tokens of highest mean activation of every neuron.

    Eligible are tokens that ``eligible`` allows, that were seen at least ``min_count`` times, and whose mean
    activation is above 0: GELU and SiLU are not monotone, and without that last rule a neuron that hardly fires
    would get the tokens that switch it off most. Ties: smaller token id.

    With ``cross_fit`` the first half of the text, by itself and with half the ``min_count``, says which tokens are
    core tokens, and the second half alone how active they are, and so their order. Tokens that the second half never
    saw leave. A token's activation is then free of the luck that it was selected for, and may be 0 or below.

    With another ``sign`` than ``positive`` the same is done with activations that are turned round
    (:meth:`intraneuron.data.TokenActivations.turned`): tokens of lowest mean activation below 0, or those farthest from
    0 on either side, and ``activation`` is their distance from it. Which side that is, is said by what selects: the
    whole text, or with ``cross_fit`` its first half.

    Parameters
    ----------
    activations : TokenActivations
        Of two halves for ``cross_fit``, and for what halves agree on.
    eligible : bool (V,)
        False for special tokens and tokens without a vector.
    core_tokens : int
        K.
    min_count : int
    cross_fit : bool
    form : int32 (V,), optional
        Of tokens of one form only the most active is selected.
    sign : str
        ``positive``, ``negative`` or ``magnitude``.

    Raises
    ------
    DataError
        When an activation is NaN or infinite (the neuron is named), or ``cross_fit`` has no two halves.
    """
    check_finite(activations)
    found = [
        _select(some, eligible, core_tokens=core_tokens, min_count=min_count, cross_fit=cross_fit, form=form)
        for some in _turned(activations, sign, by=0 if cross_fit else None)
    ]
    core = CoreTokens.concatenate(found)
    if activations.parts != 2:
        return core
    halves = select_halves(activations, eligible, core_tokens=core_tokens, min_count=min_count, form=form, sign=sign)
    return replace(core, overlap=in_common(*(half.token_id for half in halves)))


def _turned(activations: TokenActivations, sign: Sign, *, by: int | None) -> Iterator[TokenActivations]:
    """Yield activations turned round, so many neurons at a time; all at once where there is nothing to turn."""
    size = len(activations.neuron)
    step = size if sign == "positive" else TURNED
    for first in range(0, max(size, 1), max(step, 1)):
        some = activations if step == size else activations.columns(slice(first, first + step))
        yield some.turned(sign, by=by)


def _select(
    activations: TokenActivations,
    eligible: np.ndarray,
    *,
    core_tokens: int,
    min_count: int,
    cross_fit: bool,
    form: np.ndarray | None,
) -> CoreTokens:
    """Select the tokens of highest mean activation above 0, and say how far the halves' means over them agree."""
    if cross_fit:
        token_id, mean, n = _cross_fitted(activations, eligible, core_tokens, min_count, form)
        seen = activations.count[1]
    else:
        seen = activations.count.sum(axis=0)
        allowed = eligible & (seen >= min_count)
        token_id, mean, n = top_tokens(activations.total, activations.count, allowed, core_tokens, form=form)
    core = CoreTokens(
        layer=np.full(len(n), activations.layer, dtype=np.int32),
        neuron=activations.neuron.astype(np.int32),
        n=n,
        token_id=token_id,
        activation=mean,
        count=np.where(token_id >= 0, seen[token_id], -1),
        reliability=np.full(len(n), np.nan),
    )
    if activations.parts != 2:
        return core
    return replace(core, **_correlations(activations, token_id, whole=not cross_fit))


def part_of_count(min_count: int, share: float) -> int:
    """Return the sightings that a token needs in a part of the text: as many as in proportion, at least 1.

    >>> part_of_count(5, 0.5), part_of_count(1, 0.05)
    (3, 1)
    """
    return max(1, math.ceil(round(min_count * share, 9)))


def _cross_fitted(
    activations: TokenActivations, eligible: np.ndarray, core_tokens: int, min_count: int, form: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return tokens that the first half selects, in the order of the second half's means; its means; how many."""
    if activations.parts != 2:
        msg = f"cross_fit needs an observation of two halves of a text, got {activations.parts}. Observe texts."
        raise DataError(msg)
    first = activations.part(0)
    allowed = eligible & (first.count[0] >= part_of_count(min_count, 0.5))
    token_id, _, _ = top_tokens(first.total, first.count, allowed, core_tokens, form=form)
    mean = means_of(activations.total[1], activations.count[1], token_id)
    order = np.lexsort((token_id, -mean), axis=-1)  # NaN, padding and tokens never seen, goes last
    token_id, mean = (np.take_along_axis(table, order, axis=1) for table in (token_id, mean))
    return np.where(np.isfinite(mean), token_id, -1), mean, np.isfinite(mean).sum(axis=1).astype(np.int32)


def check_finite(activations: TokenActivations) -> None:
    """Raise DataError naming the first neuron with a NaN or infinite sum."""
    # A sum over tokens is finite exactly when all are (or they overflow, which is as bad).
    sums = activations.total.sum(axis=(0, 1), dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(sums))
    if len(bad):
        name = f"L{activations.layer}N{activations.neuron[bad[0]]}"
        msg = (
            f"The activations of {len(bad)} neurons are NaN or infinite, the first is {name}. "
            "Try --dtype float32, or check the model's weights."
        )
        raise DataError(msg)


def _correlations(activations: TokenActivations, token_id: np.ndarray, *, whole: bool) -> dict[str, np.ndarray]:
    """Return how far the halves' means over the core tokens agree, stepped up when the whole text is what counts."""
    first, second = (means_of(activations.total[h], activations.count[h], token_id) for h in (0, 1))
    found = {
        "reliability": correlation(first, second, MIN_TOKENS),
        "rank_correlation": rank_correlation(first, second, MIN_TOKENS),
    }
    return {name: stepped_up(r) if whole else r for name, r in found.items()}


def select_halves(
    activations: TokenActivations,
    eligible: np.ndarray,
    *,
    core_tokens: int,
    min_count: int,
    form: np.ndarray | None = None,
    sign: Sign = "positive",
) -> tuple[CoreTokens, CoreTokens]:
    """Return the core tokens that each of two halves of the text selects by itself, with half of ``min_count``."""
    needed = part_of_count(min_count, 0.5)
    first, second = (
        select(activations.part(half), eligible, core_tokens=core_tokens, min_count=needed, form=form, sign=sign)
        for half in (0, 1)
    )
    return first, second


def sampled(size: int) -> slice:
    """Return the up to SAMPLE evenly spaced neurons of a layer that :func:`choose_min_count` looks at."""
    return slice(None, None, math.ceil(size / SAMPLE))


def choose_min_count(
    activations: TokenActivations,
    eligible: np.ndarray,
    *,
    core_tokens: int,
    cross_fit: bool = False,
    form: np.ndarray | None = None,
    sign: Sign = "positive",
) -> tuple[int, float]:
    """Return the smallest count whose median reliability passes 0.8, with that reliability.

    Counts that leave fewer than 2 K tokens are not tried. When none passes, the most reliable count is returned;
    the caller sees from the second number that the text was too short. Looks at some neurons
    (:func:`sampled`).
    """
    some = activations.columns(sampled(len(activations.neuron)))
    seen = activations.count.sum(axis=0)
    best: tuple[int, float] = (MIN_COUNTS[0], float("nan"))
    for min_count in MIN_COUNTS:
        if min_count > MIN_COUNTS[0] and (eligible & (seen >= min_count)).sum() < 2 * core_tokens:
            break
        how: dict[str, Any] = {"core_tokens": core_tokens, "cross_fit": cross_fit, "form": form, "sign": sign}
        core = select(some, eligible, min_count=min_count, **how)
        defined = core.reliability[np.isfinite(core.reliability)]
        median = float(np.median(defined)) if len(defined) else float("nan")
        if median > best[1] or (math.isnan(best[1]) and not math.isnan(median)):
            best = (min_count, median)
        if median >= RELIABLE:
            break
    return best
