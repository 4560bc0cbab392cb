"""settle: how far two texts agree on core tokens, by their length, and after how much text they would agree enough."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from intraneuron.config import MIN_TOKENS, Sign
from intraneuron.data import Curve, TokenActivations
from intraneuron.kernels.growth import Law, fit_law
from intraneuron.kernels.halves import correlation, in_common
from intraneuron.kernels.selection import means_of, top_tokens
from intraneuron.pipeline.select import part_of_count

SIZES = (1, 2, 3, 5, 7, 10)
"""Shards of the texts that are compared; the largest is half of the whole."""

SPLITS = 5
"""Ways to deal the shards to two texts."""

WANTED = {"correlation": 0.9, "overlap": 0.8}
"""Core tokens are settled when two texts agree so far, in the median neuron."""

LAWS: dict[str, tuple[float | None, int]] = {"correlation": (1.0, 2), "overlap": (None, 4)}
"""Of each number: the slope of its law (None: fitted), and how many of the longest texts it is fitted to. (Shorter
texts lack rare tokens, and so agree more than Spearman-Brown's law would have it.)"""

FAR = 20
"""Times the text that was read up to which a law is carried on."""

POINTS = 24
"""Points of a law that are drawn."""

_SPLIT = 4  # last word of seeds; models/twins.py has 1, pipeline/passes.py 2 and 3

Row = dict[str, Any]


def settle(
    shards: TokenActivations,
    eligible: np.ndarray,
    *,
    core_tokens: int,
    min_count: int,
    seed: int,
    form: np.ndarray | None = None,
    sign: Sign = "positive",
) -> Curve:
    """Compare the core tokens of two texts of 1, 2, ... shards each, dealt in several keyed ways.

    A token needs, in a text of s of H shards, s/H of the sightings of ``min_count``, at least 1.

    Parameters
    ----------
    shards : TokenActivations
        With H parts; the two longest texts share none of them.
    eligible : bool (V,)
    core_tokens : int
        K.
    min_count : int
        Of the whole text.
    seed : int
    form : int32 (V,), optional
    sign : str
        As in :func:`intraneuron.pipeline.select.select`.
    """
    rows = []
    for split in range(SPLITS):
        order = np.random.default_rng([seed, shards.layer, split, _SPLIT]).permutation(shards.parts)
        for size, two in _growing(shards, order):
            needed = part_of_count(min_count, size / shards.parts)
            rows.append((split, size, two.count.sum() / 2, *_agreement(two, eligible, core_tokens, needed, form, sign)))
    return Curve(*(np.array(column) for column in zip(*rows, strict=True)))


def _growing(shards: TokenActivations, order: np.ndarray) -> Iterator[tuple[int, TokenActivations]]:
    """Yield two texts that grow shard by shard, at the sizes wanted."""
    count = np.zeros((2, shards.count.shape[1]), dtype=np.int64)
    total = np.zeros((2, *shards.total.shape[1:]), dtype=np.float32)
    for size, some in enumerate(zip(*np.split(order[: shards.parts // 2 * 2], 2), strict=True), 1):
        for text, shard in enumerate(some):
            count[text] += shards.count[shard]
            total[text] += shards.total[shard]
        if size in SIZES:
            yield size, TokenActivations(shards.layer, shards.neuron, count, total)


def _agreement(
    two: TokenActivations,
    eligible: np.ndarray,
    core_tokens: int,
    min_count: int,
    form: np.ndarray | None,
    sign: Sign,
) -> tuple[float, float]:
    """Return the median over neurons of correlation and of overlap of two texts; ``min_count`` is of each."""
    # Over tokens that one text chose. Over those that both chose together, high sums, the luck of one would be the bad
    # luck of the other, and noise alone would correlate by -0.5.
    chosen, found = [], []
    for text in (0, 1):
        turned = two.turned(sign, by=text)
        own, allowed = turned.part(text), eligible & (two.count[text] >= min_count)
        token_id = top_tokens(own.total, own.count, allowed, core_tokens, form=form)[0]
        first, second = (means_of(turned.total[h], two.count[h], token_id) for h in (0, 1))
        chosen.append(token_id)
        found.append(correlation(first, second, MIN_TOKENS))
    return _median(np.concatenate(found)), _median(in_common(*chosen))


def _median(values: np.ndarray) -> float:
    """Return the median of what is defined; NaN when nothing is."""
    defined = values[np.isfinite(values)]
    return float(np.median(defined)) if len(defined) else math.nan


def law_of(curve: Curve, number: str, *, without: int = 0) -> Law:
    """Fit the law of a number to the longest texts, but for the ``without`` longest."""
    slope, used = LAWS[number]
    length, value = curve.mean("tokens"), curve.mean(number)
    end = len(length) - without
    chosen = slice(max(0, end - used), end)
    return fit_law(length[chosen], value[chosen], slope)


def settling_rows(curves: Mapping[int, Mapping[str, Curve]]) -> dict[str, list[Row]]:
    """Return the tables ``curve``, every point that is drawn, and ``settled``, what the laws say.

    ``settled`` has, a layer, population and number: after how many ``tokens`` two texts agree as ``wanted`` (NaN when
    it cannot be said, or when it is ``beyond`` FAR times the text read); how many tokens the study ``read``, and how
    far another text as long would agree with it; and the check, what the law of the shorter texts ``predicted`` for
    the longest and what was ``observed`` there.
    """
    every = [
        (layer, population, number, curve)
        for layer, populations in curves.items()
        for population, curve in populations.items()
        for number in WANTED
    ]
    return {
        "curve": [row for one in every for row in _curve_rows(*one)],
        "settled": [_settled_row(*one) for one in every],
    }


def _read(curve: Curve) -> float:
    """Return the tokens of the whole text, of which the longest texts are the halves."""
    return float(2 * curve.mean("tokens")[-1])


def _settled_row(layer: int, population: str, number: str, curve: Curve) -> Row:
    law, read = law_of(curve, number), _read(curve)
    longest, observed = curve.mean("tokens")[-1], curve.mean(number)
    tokens = _until(curve, number, law)
    beyond = tokens > FAR * read
    return {
        "layer": layer,
        "population": population,
        "number": number,
        "wanted": WANTED[number],
        "tokens": math.nan if beyond else tokens,
        "beyond": beyond,
        "read": read,
        "at_read": float(law.value(read)),
        "slope": law.slope,
        "checked_at": float(longest),
        "predicted": float(law_of(curve, number, without=1).value(longest)),
        "observed": float(observed[-1]),
    }


def _until(curve: Curve, number: str, law: Law) -> float:
    """Return after how many tokens two texts agree as wanted; where they agree fully, no law is needed."""
    value = curve.mean(number)
    if np.isfinite(law.slope):
        return law.length(WANTED[number])
    return float(curve.mean("tokens")[value.argmax()]) if (value == 1).any() else math.nan


def _curve_rows(layer: int, population: str, number: str, curve: Curve) -> Iterator[Row]:
    name = {"layer": layer, "population": population, "number": number}
    length, value = curve.mean("tokens"), curve.mean(number)
    for tokens, agreed in zip(length, value, strict=True):
        yield name | {"kind": "observed", "tokens": float(tokens), "agreement": float(agreed)}
    law, read = law_of(curve, number), _read(curve)
    until = _until(curve, number, law)
    end = min(FAR * read, max(read, 1.2 * until if np.isfinite(until) else 0.0))
    for tokens in np.geomspace(length[-LAWS[number][1]], end, POINTS) if np.isfinite(law.slope) else ():
        yield name | {"kind": "law", "tokens": float(tokens), "agreement": float(law.value(tokens))}
