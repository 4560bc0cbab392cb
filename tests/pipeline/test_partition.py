from __future__ import annotations

import numpy as np
import pytest
from tests import oracle
from tests.made_up import clustered_vectors, make_batch

from intraneuron.data import Space
from intraneuron.errors import DataError, SettingError
from intraneuron.pipeline.partition import (
    bounds,
    categorize,
    parse_segments,
    recategorize,
    segment,
    testable,
)
from intraneuron.pipeline.shuffle import shuffle

testable.__test__ = False  # type: ignore[attr-defined]  # no test, whatever its name

BATCH = make_batch(16, 60, seed=3)
CORE, SPACE = BATCH.core(), BATCH.space()


@pytest.mark.parametrize("method", ["ward", "average", "complete"])
def test_categories_are_the_oracles(method: str) -> None:
    found = categorize(CORE, SPACE, method)
    for i, n in enumerate(CORE.n):
        assert (found.label[i, n:] == -1).all()
        if n < 20:
            assert (found.n_groups[i], found.n_cut[i]) == (0, 0)
            assert np.isnan(found.quality[i])
            continue
        unit = SPACE.vector[CORE.token_id[i, :n]].astype(np.float64)
        label, quality = oracle.category_labels(unit, CORE.activation[i, :n], 10, method)  # type: ignore[arg-type]
        np.testing.assert_array_equal(found.label[i, :n], label)
        assert found.quality[i] == pytest.approx(quality, abs=1e-5)
        assert found.n_groups[i] == label.max() + 1
        assert found.n_cut[i] == len(set(oracle.raw_categories(unit, 10, method)[0]))  # type: ignore[arg-type]
    assert (found.by, found.method) == ("meaning", method)


@pytest.mark.parametrize("method", ["quantile:5", "quantile:2", "equal-width:6", "top:0.25"])
def test_segments_are_the_oracles(method: str) -> None:
    found = segment(CORE, method)
    for i, n in enumerate(CORE.n):
        if n < 20:
            assert found.n_groups[i] == 0
            assert (found.label[i] == -1).all()
            continue
        label, groups = oracle.segment_labels(CORE.activation[i, :n], method)
        np.testing.assert_array_equal(found.label[i, :n], label)
        assert found.n_groups[i] == groups
    assert (found.by, found.method) == ("activation", method)


def test_a_neuron_can_be_tested_with_20_tokens_that_differ() -> None:
    b = make_batch(6, 40)
    b.activation[3, : b.n[3]] = 2.0
    np.testing.assert_array_equal(testable(b.core()), [True, False, False, False, True, True])
    assert (categorize(b.core(), b.space()).label[3] == -1).all()
    assert segment(b.core()).n_groups[3] == 0


def test_bounds_stand_in_the_middle_of_the_gaps() -> None:
    for method in ("quantile:4", "equal-width:4"):
        zones = segment(CORE, method)
        found = bounds(CORE, zones)
        assert found.shape == (16, 5)
        for i, n in enumerate(CORE.n):
            if n < 20:
                assert np.isnan(found[i]).all()
                continue
            a, label = CORE.activation[i, :n], zones.label[i, :n]
            assert (found[i, 0], found[i, 4]) == (a[0], a[-1])
            assert (np.diff(found[i]) <= 0).all()
            for g in range(1, 4):
                if (label < g).any() and (label >= g).any():
                    assert found[i, g] == (a[label < g][-1] + a[label >= g][0]) / 2


def test_an_empty_segment_has_two_equal_bounds() -> None:
    b = make_batch(1, 20, short=False)
    b.activation[0] = np.r_[np.full(3, 100.0), np.linspace(2, 1, 17)]
    zones = segment(b.core(), "equal-width:4")
    assert set(zones.label[0]) == {0, 3}
    assert bounds(b.core(), zones)[0].tolist() == [100, 51, 51, 51, 1]


def test_categories_follow_their_tokens_when_activations_are_permuted() -> None:
    categories = categorize(CORE, SPACE)
    core, order = shuffle(CORE, seed=1)
    moved = recategorize(categories, core, order)
    np.testing.assert_array_equal(moved.n_groups, categories.n_groups)
    for i, n in enumerate(CORE.n):
        before = dict(zip(CORE.token_id[i, :n].tolist(), categories.label[i, :n].tolist(), strict=True))
        after = dict(zip(core.token_id[i, :n].tolist(), moved.label[i, :n].tolist(), strict=True))
        pairs = {(before[t], after[t]) for t in before}
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
        means = [core.activation[i, moved.label[i] == g].mean() for g in range(moved.n_groups[i])]
        assert means == sorted(means, reverse=True)


@pytest.mark.parametrize(
    "text",
    [
        "quantile",
        "quantile:1",
        "quantile:21",
        "quantile:2.5",
        "natural:1",
        "natural:",
        "top:0",
        "top:1",
        "top:x",
        "median:3",
        "",
    ],
)
def test_an_unknown_way_of_cutting_names_what_is_allowed(text: str) -> None:
    allowed = r"quantile:G, equal-width:G, natural:G \(G from 2 to 20\), natural or top:SHARE \(between 0 and 1\)"
    with pytest.raises(SettingError, match=rf"segments \(--segments\) must be {allowed}, got '{text}'"):
        parse_segments(text)


@pytest.mark.parametrize(
    "text", ["single", "ward:1", "ward:21", "ward:2.5", "average:", "threshold", "threshold:1", "threshold:x", 3, ""]
)
def test_an_unknown_linkage_names_the_known_ones(text: object) -> None:
    allowed = r"categories \(--categories\) must be ward, average, complete, each with :K for at most K groups"
    with pytest.raises(SettingError, match=rf"{allowed} \(2 to 20\), threshold:COS .* or norms:FILE, got {text!r}"):
        categorize(CORE, SPACE, text)  # type: ignore[arg-type]


def test_no_more_groups_than_asked_for_and_none_less_alike_than_the_threshold() -> None:
    three = categorize(CORE, SPACE, "ward:3")
    assert set(three.n_cut[three.n_cut > 0]) == {2, 3}
    for i, n in enumerate(CORE.n):
        if n < 20:
            continue
        unit = SPACE.vector[CORE.token_id[i, :n]]
        for cosine in (0.3, 0.6):
            expected, quality = oracle.category_labels(unit, CORE.activation[i, :n], 10, cosine)
            found = categorize(CORE[i : i + 1], SPACE, f"threshold:{cosine}")
            np.testing.assert_array_equal(found.label[0, :n], expected)
            np.testing.assert_allclose(found.quality[0], quality, atol=1e-5)


def test_a_space_of_another_vocabulary_is_refused() -> None:
    with pytest.raises(DataError, match=r"The space 'small' has 10 vectors, but a core token has id \d+"):
        categorize(CORE, Space("small", clustered_vectors(10, 4, 0)))


def test_a_core_token_without_a_vector_is_refused() -> None:
    vectors = SPACE.vector.copy()
    missing = int(CORE.token_id[0, 4])
    vectors[missing] = 0
    with pytest.raises(
        DataError, match=rf"1 core tokens have no vector in the space 'holes' \(the first is id {missing}"
    ):
        categorize(CORE, Space.from_vectors("holes", vectors))
