"""Every p of a comparison, as columns of one table."""

from __future__ import annotations

import numpy as np
import pytest
from tests.made_up import make_batch

from intraneuron.data import QUESTIONS, Partition
from intraneuron.pipeline.analyse import analyse
from intraneuron.pipeline.background import background
from intraneuron.pipeline.p_values import (
    BOUNDS,
    LEVELS,
    OF_TOKENS,
    WITHOUT_P,
    PValue,
    mostly_counted,
    p_values_of,
    shares_at,
    table_of_p,
)

BATCH = make_batch(9, 30, seed=4)
SPACE = BATCH.space()
COMPARISON = analyse(
    BATCH.core(), SPACE, spelling=BATCH.spelling(), background=background(SPACE, np.ones(len(SPACE.vector), dtype=bool))
)[0].comparison


def test_a_column_is_the_p_of_its_question_and_group() -> None:
    tests = p_values_of(COMPARISON)
    table = table_of_p(COMPARISON, tests)
    assert {test.question for test in tests} == set(QUESTIONS) - {*WITHOUT_P, *OF_TOKENS}
    for column, test in zip(table.T, tests, strict=True):
        p = COMPARISON.effects[test.question].p
        np.testing.assert_array_equal(column, p if test.column is None else p[:, test.column])


def test_a_group_that_no_neuron_has_is_undefined() -> None:
    assert np.isnan(PValue("category_delta", 30).of(COMPARISON)).all()


def test_questions_without_a_p_are_those_whose_p_is_never_defined() -> None:
    for name, effect in COMPARISON.effects.items():
        assert np.isfinite(effect.p).any() == (name not in WITHOUT_P)


def test_a_share_is_of_defined_p_and_includes_the_level() -> None:
    p = np.array([[0.05, np.nan], [0.06, np.nan], [np.nan, np.nan]])
    assert shares_at(p, 0.05)[0] == pytest.approx(0.5)
    assert np.isnan(shares_at(p, 0.05)[1])


def test_every_level_has_its_bounds_and_a_discrete_test_only_the_upper() -> None:
    assert tuple(BOUNDS) == LEVELS
    for level, (low, high) in BOUNDS.items():
        assert PValue("mrpp").allowed(level) == (low, high)
        assert PValue("category_delta", 2).allowed(level) == (0.0, high)


def test_interleaving_and_agreement_are_discrete_where_most_neurons_have_them_counted_out() -> None:
    def split(groups: int, tokens: int) -> Partition:
        label = (np.arange(tokens) % groups).astype(np.int16)[None].repeat(3, axis=0)
        count = np.full(3, groups, np.int16)
        return Partition("meaning", "ward", label, count, count, np.zeros(3))

    assert mostly_counted(split(4, 100), split(5, 100)) == ("interleaving",)
    assert mostly_counted(split(2, 300), split(5, 300)) == ("interleaving", "agreement")
    assert mostly_counted(split(4, 300), split(2, 300)) == ("agreement",)
    assert mostly_counted(split(4, 300), split(5, 300)) == ()
    assert [test.question for test in p_values_of(COMPARISON, ["mrpp"]) if test.counted] == ["mrpp"]
    assert PValue("mrpp", counted=True).allowed(0.05) == (0.0, BOUNDS[0.05][1])
