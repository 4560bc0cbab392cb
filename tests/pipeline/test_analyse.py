"""analyse is categorize, segment and compare, with shared cosines."""

from __future__ import annotations

import numpy as np
import pytest
from tests.made_up import make_batch

from intraneuron.config import PartitionConfig
from intraneuron.data import Comparison, CoreTokens, Partition
from intraneuron.data.effect import ARRAYS
from intraneuron.pipeline import similarity
from intraneuron.pipeline.analyse import Analysis, analyse
from intraneuron.pipeline.compare import compare
from intraneuron.pipeline.partition import categorize, recategorize, segment
from intraneuron.pipeline.shuffle import shuffle

BATCH = make_batch(16, 60, seed=3)
CORE, SPACE = BATCH.core(), BATCH.space()
CONFIG = PartitionConfig(categories="average", segments="quantile:4")


def one_after_the_other(core: CoreTokens, categories: Partition, *, estimates_only: bool = False) -> Analysis:
    segments = segment(core, CONFIG.segments)
    comparison = compare(core, SPACE, categories, segments, seed=4, estimates_only=estimates_only)
    return Analysis(categories, segments, comparison)


def assert_same_bits(found: Analysis, expected: Analysis) -> None:
    for one, other in ((found.categories, expected.categories), (found.segments, expected.segments)):
        assert (one.by, one.method) == (other.by, other.method)
        for field in ("label", "n_groups", "n_cut", "quality"):
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
    assert_same_comparison(found.comparison, expected.comparison)


def assert_same_comparison(found: Comparison, expected: Comparison) -> None:
    assert list(found.effects) == list(expected.effects)
    for name, effect in expected.effects.items():
        for field in ARRAYS:
            np.testing.assert_array_equal(getattr(found.effects[name], field), getattr(effect, field), err_msg=name)
    np.testing.assert_array_equal(found.mean_similarity, expected.mean_similarity)
    np.testing.assert_array_equal(found.profile, expected.profile)


@pytest.mark.parametrize("size", [3, 512])
@pytest.mark.parametrize("estimates_only", [True, False])
def test_the_bits_are_those_of_the_verbs_one_after_the_other(
    size: int, estimates_only: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = one_after_the_other(CORE, categorize(CORE, SPACE, CONFIG.categories), estimates_only=estimates_only)
    monkeypatch.setattr(similarity, "NEURONS", size)
    [found] = analyse(CORE, SPACE, CONFIG, seed=4, estimates_only=estimates_only)
    assert_same_bits(found, expected)


@pytest.mark.parametrize("size", [3, 512])
def test_the_shuffled_twin_gets_the_bits_that_it_gets_by_itself(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    twin, order = shuffle(CORE, seed=9)
    categories = categorize(CORE, SPACE, CONFIG.categories)
    expected = one_after_the_other(twin, recategorize(categories, twin, order))
    monkeypatch.setattr(similarity, "NEURONS", size)
    own, found = analyse(CORE, SPACE, CONFIG, seed=4, dealt=[(twin, order)])
    assert_same_bits(found, expected)
    assert_same_bits(own, one_after_the_other(CORE, categories))


def test_progress_counts_neurons_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "NEURONS", 6)
    told: list[int] = []
    analyse(CORE, SPACE, progress=told.append)
    assert told == [6, 12, 16]


def test_without_settings_it_uses_those_of_a_study() -> None:
    [found] = analyse(CORE, SPACE)
    assert (found.categories.method, found.segments.method) == ("ward", "quantile:5")
