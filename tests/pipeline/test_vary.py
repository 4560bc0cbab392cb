"""Numbers under several partitions at once are those of each by itself, with all tokens and without some."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.made_up import make_batch

from intraneuron.config import PartitionConfig
from intraneuron.data import CoreTokens, Space, Spelling, TokenActivations
from intraneuron.kernels.jackknife import jackknife_parts
from intraneuron.pipeline import vary
from intraneuron.pipeline.analyse import analyse
from intraneuron.pipeline.leave_out import leave_tokens_out
from intraneuron.pipeline.select import select
from intraneuron.pipeline.specifications import columns
from intraneuron.pipeline.vary import Chosen, Varied

BATCH = make_batch(12, 30, seed=6)
V = BATCH.total.shape[1]
ACTIVATIONS = TokenActivations(2, np.arange(12, dtype=np.int32), BATCH.count[:1], BATCH.total[:1])
GROUP = np.random.default_rng(1).permutation(np.arange(V) % 5)
SPELLING = Spelling.from_tokens([f"{v * 7919 % 1000:b}" for v in range(V)])
SPACE = Space.from_vectors("made up", BATCH.vectors)
SEGMENTS, CATEGORIES = ("quantile:5", "natural"), ("ward", "ward:3", "average", "threshold:0.3")
SHARE = np.bincount(GROUP[BATCH.eligible]) / BATCH.eligible.sum()


def selected(group: int = -1) -> CoreTokens:
    return select(ACTIVATIONS, BATCH.eligible & (group != GROUP), core_tokens=30)


def by_itself(core: CoreTokens) -> np.ndarray:
    """Return each number from a comparison under its own partitions, (N, M)."""
    found = []
    for one in columns(SEGMENTS, CATEGORIES):
        config = PartitionConfig(one.categories or "ward", one.segments or "quantile:5")
        found.append(one.number.of(analyse(core, SPACE, config, spelling=SPELLING)[0].comparison))
    return np.stack(found, axis=1)


def chosen(*, refilled: bool = True, neurons: int = 12, population: int = 12) -> Chosen:
    core = selected()
    full = core[:neurons]
    without = [selected(g)[:neurons] for g in range(5)] if refilled else leave_tokens_out(full, GROUP, range(5))
    return Chosen(core, full, tuple(without), SHARE, refilled=refilled, texts=False, population=population)


@pytest.mark.parametrize(("refilled", "neurons"), [(True, 12), (True, 5), (False, 12)])
def test_numbers_and_their_jackknife_are_those_of_each_specification_by_itself(
    refilled: bool, neurons: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vary, "NEURONS", 7)  # several blocks
    given = chosen(refilled=refilled, neurons=neurons)
    assert given.same == (neurons == 12)
    told: list[int] = []
    varied = Varied(given, SEGMENTS, CATEGORIES, SPELLING)
    found = varied.estimate(SPACE, told.append)
    assert sum(told) == varied.rows
    table = by_itself(given.core)
    defined = np.isfinite(table)
    np.testing.assert_array_equal(found.size, defined.sum(axis=0))
    means = [row[ok].mean() if ok.any() else np.nan for row, ok in zip(table.T, defined.T, strict=True)]
    np.testing.assert_allclose(found.mean, means, rtol=1e-12)
    full, without = by_itself(given.full), np.stack([by_itself(core) for core in given.without])
    if not refilled:
        kept = np.isfinite(without).sum(axis=1) / np.maximum(np.isfinite(full).sum(axis=0), 1)
        without[:, :, ~(kept.min(axis=0) >= 0.9)] = np.nan
    np.testing.assert_allclose(found.parts, jackknife_parts(full, without, SHARE, len(given.core)), rtol=1e-9)
    assert np.isfinite(found.parts[0]).any()


def test_a_sample_speaks_of_its_whole_layer() -> None:
    """Its jackknife is that of the layer, and what taking other neurons would have done stands beside it."""
    census, sample = (Varied(chosen(population=n), SEGMENTS, CATEGORIES, SPELLING).estimate(SPACE) for n in (12, 48))
    assert not census.sampled
    assert not census.sampling.any()
    assert sample.sampled
    np.testing.assert_array_equal(sample.parts[:2], census.parts[:2])
    np.testing.assert_allclose(sample.parts[2], census.parts[2] / 4)
    table = by_itself(chosen().core)
    expected = np.sqrt((1 - 12 / 48) * np.nanvar(table, axis=0, ddof=1) / np.isfinite(table).sum(axis=0))
    np.testing.assert_allclose(sample.sampling, expected, rtol=1e-9)


def test_a_neuron_that_lost_no_token_is_not_analysed_again() -> None:
    given = chosen()
    same = replace(given, without=(given.full, *given.without[1:]))
    assert Varied(same, SEGMENTS, CATEGORIES, SPELLING).rows == Varied(given, SEGMENTS, CATEGORIES, SPELLING).rows - 12
    parts = Varied(same, SEGMENTS, CATEGORIES, SPELLING).estimate(SPACE).parts
    assert parts.shape == (3, 5, len(columns(SEGMENTS, CATEGORIES)))
