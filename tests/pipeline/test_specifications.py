"""Which specifications there are: every combination once, and no number twice."""

from __future__ import annotations

from itertools import product

from intraneuron.config import PartitionConfig, SpaceConfig
from intraneuron.pipeline.specifications import (
    CHOICES,
    DEPENDS,
    VARIED,
    Selection,
    Specifications,
    choices_of,
    matched,
    varied,
)

SPACES = (SpaceConfig("input"), SpaceConfig("input", center=True), SpaceConfig("layer-input"))
CHOSEN = Specifications(
    spaces=SPACES,
    segments=("quantile:5", "natural"),
    categories=("ward", "ward:3", "average"),
    selections=(Selection(50), Selection(100)),
    further=(Selection(100, forms="distinct"),),
    own=PartitionConfig("ward", "quantile:5"),
)


def test_they_are_counted() -> None:
    assert len(CHOSEN) == 3 * 2 * 2 * 3 + 3


def test_every_claim_s_number_says_what_it_depends_on() -> None:
    assert {number.question for number in VARIED} == set(DEPENDS)
    assert {number.claim for number in VARIED} == {"C1", "C2", "C3", "C4", "C5"}


def test_each_number_is_there_once_under_all_it_depends_on() -> None:
    sizes = {(): 1, ("segments",): 2, ("categories",): 3, ("segments", "categories"): 6}
    columns = CHOSEN.columns(Selection(50))
    for number in VARIED:
        own = [(one.segments, one.categories) for one in columns if one.number == number]
        assert len(own) == len(set(own)) == sizes[DEPENDS[number.question]]
    assert {one.categories for one in CHOSEN.columns(Selection(100, forms="distinct"))} == {None, "ward"}


def test_matched_specifications_differ_in_one_choice_alone() -> None:
    rows = [
        choices_of(space, selection, column)
        for selection, space in product(CHOSEN.every, SPACES)
        for column in CHOSEN.columns(selection)
        if column.number.name == "ami"
    ]
    assert set(varied(rows)) == {"space", "center", "segments", "categories", "core_tokens", "forms"}
    for choice, values in varied(rows).items():
        sets = list(matched(rows, choice))
        assert sets
        for one in sets:
            assert set(one) == set(values)
            others = {tuple(row[name] for name in CHOICES if name != choice) for row in one.values()}
            assert len(others) == 1
    assert len(list(matched(rows, "forms"))) == 3
    assert len(list(matched(rows, "center"))) == 2 * 6 + 1
