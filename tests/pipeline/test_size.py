"""Size: shuffles are counted as the study would test them, and tests out of bounds are seen."""

from __future__ import annotations

import numpy as np
import pytest
from tests.made_up import make_batch

from intraneuron.config import PartitionConfig
from intraneuron.pipeline import partition, similarity
from intraneuron.pipeline.analyse import analyse
from intraneuron.pipeline.compare import compare
from intraneuron.pipeline.p_values import LEVELS, PValue, p_values_of, shares_at, table_of_p
from intraneuron.pipeline.partition import carried, categorize, recategorize, segment
from intraneuron.pipeline.shuffle import shuffle
from intraneuron.pipeline.size import (
    PURPOSE,
    Rejections,
    Row,
    _draws,
    cloud_p,
    rounds_for,
    shuffled_rejections,
    size_rows,
)

BATCH = make_batch(10, 40, seed=2)
CORE, SPACE = BATCH.core(), BATCH.space()
CATEGORIES = categorize(CORE, SPACE)
TESTS = p_values_of(analyse(CORE, SPACE, spelling=BATCH.spelling())[0].comparison)


def rejected(rounds: int, seed: int = 0) -> Rejections:
    given = (CORE, CATEGORIES, SPACE, "quantile:5", TESTS)
    return shuffled_rejections(*given, rounds=rounds, seed=seed, spelling=BATCH.spelling())


def test_every_p_of_every_question_is_a_test() -> None:
    names = [test.name for test in TESTS]
    assert len(set(names)) == len(names)
    assert {"top_down", "category_delta 1", "selectivity 2", "interleaving", "homogeneity 5"} <= set(names)
    assert {"homogeneity_stepdown 4", "peak 20", "peak 10", "peak 5", "mrpp", "distance"} <= set(names)
    assert {"agreement", "segment_purity 1", "abstraction"} <= set(names)
    assert not any(name.startswith(("information", "segment_entropy")) for name in names)


def test_a_shuffle_is_tested_as_the_study_tests_a_neuron() -> None:
    twin, order = shuffle(CORE, seed=6, purpose=PURPOSE)
    groups = carried(CATEGORIES, order)
    alone = compare(twin, SPACE, groups, segment(twin), seed=_draws(6, 0), spelling=BATCH.spelling())
    p = table_of_p(alone, TESTS)
    found = rejected(1, seed=6)
    np.testing.assert_array_equal(found.tries, np.isfinite(p))
    for a, level in enumerate(LEVELS):
        np.testing.assert_array_equal(found.hits[a], p <= level)


def test_rounds_are_different_shuffles_and_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    once, thrice = rejected(1), rejected(3)
    assert thrice.tries.sum() == 3 * once.tries.sum()
    assert (thrice.hits != 3 * once.hits).any()
    monkeypatch.setattr(similarity, "NEURONS", 3)
    np.testing.assert_array_equal(rejected(3).hits, thrice.hits)


def test_a_category_keeps_its_number_when_activations_are_shuffled() -> None:
    twin, order = shuffle(CORE, seed=1)
    kept = carried(CATEGORIES, order)
    for i in np.flatnonzero(CATEGORIES.n_groups > 1):
        for g in range(CATEGORIES.n_groups[i]):
            before = set(CORE.token_id[i, CATEGORIES.label[i] == g])
            assert set(twin.token_id[i, kept.label[i] == g]) == before
    assert not np.array_equal(kept.label, recategorize(CATEGORIES, twin, order).label)


def test_tests_of_renumbered_categories_have_no_size_and_those_of_kept_ones_have() -> None:
    test = PValue("category_delta", 0)
    renumbered: list[np.ndarray] = []
    kept: list[np.ndarray] = []
    for r in range(60):
        twin, order = shuffle(CORE, seed=r)
        zones = segment(twin)
        for found, groups in ((renumbered, recategorize(CATEGORIES, twin, order)), (kept, carried(CATEGORIES, order))):
            p = test.of(compare(twin, SPACE, groups, zones))
            found.append(p[np.isfinite(p)])
    assert (np.concatenate(renumbered) <= 0.05).mean() > 0.08
    assert (np.concatenate(kept) <= 0.05).mean() < 0.07


def made(hits: tuple[int, ...], tries: int, test: PValue) -> list[Row]:
    """Return the rows of one test with hits at each level, spread evenly over 1000 neurons."""
    each = np.full((1000, 1), tries // 1000)
    spread = [np.diff(np.arange(1001) * h // 1000)[:, None] for h in hits]
    return size_rows(Rejections((test,), np.stack(spread), each))


def test_a_size_within_its_bounds_passes() -> None:
    rows = made((2500, 500, 50), 50_000, PValue("mrpp"))
    assert [row["ratio"] for row in rows] == pytest.approx([1, 1, 1])
    assert not any(row["out"] for row in rows)
    assert all(row["enough"] for row in rows)
    assert all(row["ratio_low"] < 1 < row["ratio_high"] for row in rows)


@pytest.mark.parametrize(("hits", "level"), [((2800, 500, 50), 0), ((2500, 420, 50), 1), ((2500, 500, 73), 2)])
def test_a_size_beyond_its_bounds_is_out_at_that_level(hits: tuple[int, ...], level: int) -> None:
    assert [row["out"] for row in made(hits, 50_000, PValue("mrpp"))] == [i == level for i in range(3)]


def test_a_discrete_test_may_reject_too_seldom_but_not_too_often() -> None:
    purity = PValue("segment_purity", 0)
    assert not any(row["out"] for row in made((1000, 100, 5), 50_000, purity))
    assert [row["out"] for row in made((2800, 100, 5), 50_000, purity)] == [True, False, False]


def test_too_few_shuffles_judge_nothing() -> None:
    rows = made((200, 40, 9), 2000, PValue("mrpp"))
    assert not any(row["enough"] or row["out"] for row in rows)


def test_tests_without_a_p_have_no_row() -> None:
    last = PValue("homogeneity_stepdown", 4)
    assert last in TESTS
    assert last.name not in {row["test"] for row in size_rows(rejected(1))}


def test_rounds_are_as_many_as_are_needed() -> None:
    testables = int(partition.testable(CORE).sum())
    assert rounds_for([CORE], 10 * testables) == 10
    assert rounds_for([CORE, CORE], 10 * testables + 1) == 6
    assert rounds_for([CORE], 1) == 1


def test_a_cloud_without_meaning_has_alike_tops_and_no_direction_depends_on_how_many_are_read() -> None:
    eligible = np.arange(2000) % 7 > 0
    tests = (PValue("homogeneity", 0), PValue("peak", 0), PValue("top_down"))
    p = cloud_p(60, eligible, 32, 60, PartitionConfig(), tests)
    shares = shares_at(p, 0.05)
    assert shares[0] > 0.5
    assert shares[1] > 0.5
    np.testing.assert_array_equal(cloud_p(9, eligible, 32, 60, PartitionConfig(), tests), p[:9])


def test_an_interval_is_not_narrower_than_that_of_independent_shuffles() -> None:
    """Hits spread evenly over neurons vary less between them than chance would have it."""
    first = made((2500, 500, 50), 50_000, PValue("mrpp"))[0]
    half = 1.96 * np.sqrt(0.05 * 0.95 / 50_000) / 0.05
    assert (first["ratio_high"] - first["ratio_low"]) / 2 == pytest.approx(half, rel=0.01)
