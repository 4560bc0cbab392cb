from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.made_up import make_batch

from intraneuron.data import QUESTIONS, Comparison
from intraneuron.pipeline.compare import compare, with_q
from intraneuron.pipeline.numbers import BY_NAME, NUMBERS, Number, table_of
from intraneuron.pipeline.partition import categorize, segment


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    b = make_batch(10, 40)
    core, space = b.core(), b.space()
    found = compare(core, space, categorize(core, space), segment(core))
    return replace(found, effects={name: with_q([effect])[0] for name, effect in found.effects.items()})


def test_every_number_is_a_column_of_an_effect_that_is_asked_for(comparison: Comparison) -> None:
    for number in NUMBERS:
        effect = comparison.effects[number.question]
        column = (slice(None),) if number.column is None else (slice(None), number.column)
        np.testing.assert_array_equal(number.of(comparison), effect.effect_size[column])
        np.testing.assert_array_equal(number.p_of(comparison), effect.p[column])
        np.testing.assert_array_equal(number.q_of(comparison), effect.q[column])
        assert number.question in QUESTIONS


def test_claims_stand_in_their_order_and_names_are_unique() -> None:
    claims = [number.claim for number in NUMBERS]
    assert claims == sorted(claims)
    assert set(claims) == {"C0", "C1", "C2", "C3", "C4", "C5"}
    assert len(BY_NAME) == len(NUMBERS)


def test_a_group_that_no_neuron_has_is_undefined(comparison: Comparison) -> None:
    beyond = Number("x", "C1", "", "peak", 7)
    assert np.isnan(beyond.of(comparison)).all()
    assert np.isnan(beyond.p_of(comparison)).all()


def test_a_table_has_one_column_a_number(comparison: Comparison) -> None:
    table = table_of(comparison, Number.of)
    assert table.shape == (10, len(NUMBERS))
    np.testing.assert_array_equal(table[:, list(BY_NAME).index("ami")], BY_NAME["ami"].of(comparison))


def test_signs_point_to_the_claim() -> None:
    negative = {number.name for number in NUMBERS if number.sign < 0}
    assert negative == {"distance_r", "interleaving"}
    assert {number.name: number.chance for number in NUMBERS if number.chance} == {"interleaving": 1.0}
