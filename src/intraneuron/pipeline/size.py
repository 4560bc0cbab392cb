"""size: how often each test rejects shuffles of real neurons, and what projection alone does to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from intraneuron.config import PartitionConfig
from intraneuron.data import CoreTokens, Norms, Partition, Space, Spelling
from intraneuron.kernels.rates import clustered_share
from intraneuron.pipeline.analyse import analyse
from intraneuron.pipeline.compare import compare
from intraneuron.pipeline.p_values import LEVELS, PValue, table_of_p
from intraneuron.pipeline.partition import carried, segment, testable
from intraneuron.pipeline.readout import readout
from intraneuron.pipeline.select import select
from intraneuron.pipeline.shuffle import shuffle
from intraneuron.pipeline.similarity import with_similarity

PURPOSE = 10_000
"""First of the streams' numbers; the tests' own draws have those below."""

DIRECTIONS = 256
"""Directions of a cloud that are read at a time. No result depends on it."""

Z95, Z99 = 1.96, 2.576
_CLOUD, _DRAWS = 5, 6  # last words of seeds

Row = dict[str, Any]


@dataclass(frozen=True)
class Rejections:
    """How often shuffles of each neuron had so small a p.

    Attributes
    ----------
    tests : tuple of PValue
        C of them.
    hits : int64 (levels, N, C)
        Shuffles with p at or below each of :data:`LEVELS`.
    tries : int64 (N, C)
        Shuffles in which the p is defined.
    """

    tests: tuple[PValue, ...]
    hits: np.ndarray
    tries: np.ndarray

    @staticmethod
    def concatenate(parts: Sequence[Rejections]) -> Rejections:
        """Put blocks of neurons below each other, in the order given."""
        hits = np.concatenate([part.hits for part in parts], axis=1)
        return Rejections(parts[0].tests, hits, np.concatenate([part.tries for part in parts]))


def shuffled_rejections(
    core: CoreTokens,
    categories: Partition,
    space: Space,
    segments: str,
    tests: Sequence[PValue],
    *,
    rounds: int,
    seed: int = 0,
    spelling: Spelling | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Rejections:
    """Shuffle every neuron ``rounds`` times and count small p, computed as a study computes them.

    Categories keep their numbers (:func:`intraneuron.pipeline.partition.carried`): under the numbers that shuffled
    activations would give them, no test of a category has a size. Cosines are computed once a neuron.

    Parameters
    ----------
    core : CoreTokens
    categories : Partition
        Those of the study.
    space : Space
    segments : str
        As in :func:`intraneuron.pipeline.partition.segment`.
    tests : list of PValue
    rounds : int
    seed : int
        Keys the shuffles, with layer, neuron and round, and the draws of small zones.
    spelling : Spelling, optional
    progress : callable
        Is told how many shuffles are done.
    """
    hits = np.zeros((len(LEVELS), len(core), len(tests)), dtype=np.int64)
    tries = np.zeros(hits.shape[1:], dtype=np.int64)
    done = 0
    for own, S in with_similarity(core, space, spelling):
        part = core[own]
        zones = segment(part, segments)  # activations stay in their order, only the tokens under them move
        for r in range(rounds):
            twin, order = shuffle(part, seed=seed, purpose=PURPOSE + r)
            groups, similarity = carried(categories[own], order), S.rearranged(order)
            comparison = compare(twin, space, groups, zones, seed=_draws(seed, r), similarity=similarity)
            p = table_of_p(comparison, tests)
            tries[own] += np.isfinite(p)
            for a, level in enumerate(LEVELS):
                hits[a, own] += p <= level
            done += len(part)
            progress(done)
    return Rejections(tuple(tests), hits, tries)


def _draws(seed: int, r: int) -> int:
    """Return the seed of a round's draws: another one a round, or all shuffles of a neuron would share them."""
    return int(np.random.default_rng([seed, r, _DRAWS]).integers(2**62))


def rounds_for(core: Sequence[CoreTokens], shuffles: int) -> int:
    """Return how often each testable neuron is shuffled for so many shuffles in all, at least once."""
    neurons = sum(int(testable(one).sum()) for one in core)
    return max(1, -(-shuffles // max(neurons, 1)))


def size_rows(found: Rejections) -> list[Row]:
    """Return a row a test and level: share, ratio to the level with its 95 % interval, bounds, verdict.

    A test whose p is never defined has no row. The interval is that of a share of neurons' totals, and never narrower
    than the binomial one of a test with the right size. A test is judged where there are ``enough`` shuffles: where
    the ratio of a test with the right size would lie within the bounds 99 times in 100. ``out`` is then a ratio beyond
    them.
    """
    neurons, total = (found.tries > 0).sum(axis=0), found.tries.sum(axis=0)
    rows = []
    for a, level in enumerate(LEVELS):
        share, error = clustered_share(found.hits[a], found.tries)
        for c, test in enumerate(found.tests):
            if total[c] > 0:
                expected = math.sqrt(level * (1 - level) / total[c])
                counts = {"shuffles": int(total[c]), "neurons": int(neurons[c])}
                rows.append(_size_row(test, level, float(share[c]), float(error[c]), expected) | counts)
    place = {test.name: c for c, test in enumerate(found.tests)}
    return sorted(rows, key=lambda row: place[row["test"]])


def _size_row(test: PValue, level: float, share: float, error: float, expected: float) -> Row:
    """Return a row without its counts; ``expected`` is the standard error of a share of the right size."""
    low, high = test.allowed(level)
    half = Z95 * float(np.fmax(error, expected))
    room = high - 1 if test.discrete else min(1 - low, high - 1)
    ratio, enough = share / level, Z99 * expected / level <= room
    return {
        **{"test": test.name, "question": test.question, "group": test.column, "level": level, "share": share},
        **{"ratio": ratio, "ratio_low": max(0.0, share - half) / level, "ratio_high": (share + half) / level},
        **{"bound_low": low, "bound_high": high, "discrete": test.discrete, "enough": enough},
        "out": enough and not low <= ratio <= high,
    }


def cloud_p(
    size: int,
    eligible: np.ndarray,
    dimensions: int,
    core_tokens: int,
    partition: PartitionConfig,
    tests: Sequence[PValue],
    *,
    seed: int = 0,
    spelling: Spelling | None = None,
    norms: Norms | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> np.ndarray:
    """Return every p of artificial neurons that read random directions of a cloud without meaning, (size, C).

    The cloud has a random unit vector for each token; a neuron's activation is the component along its own random
    direction. Tokens near the top of any direction resemble each other, so their p are small far more often than 5 %
    of the time, with no meaning at all: what projection alone does.

    Parameters
    ----------
    size : int
    eligible : bool (V,)
        Which tokens may be core tokens.
    dimensions, core_tokens : int
    partition : PartitionConfig
    tests : list of PValue
    seed : int
        Direction i is the same however many are read.
    spelling : Spelling, optional
        Of the V tokens: it has nothing to do with their vectors.
    norms : Norms, optional
        Nor have these.
    progress : callable
        Is told how many neurons are done.
    """
    rng = np.random.default_rng([seed, _CLOUD])
    space = Space.from_vectors("cloud", rng.standard_normal((len(eligible), dimensions), dtype=np.float32))
    found, done = [], 0
    once = np.ones((1, len(eligible)), dtype=np.int64)
    for start in range(0, size, DIRECTIONS):
        rows = min(DIRECTIONS, size - start)
        read = readout(space, eligible, once, rows=rows, first=start, layer=0, seed=seed)
        core = select(read, eligible, core_tokens=core_tokens)
        [analysis] = analyse(core, space, partition, seed=seed, spelling=spelling, norms=norms)
        found.append(table_of_p(analysis.comparison, tests))
        done += len(core)
        progress(done)
    return np.concatenate(found)
