from __future__ import annotations

import math

import polars as pl
import pytest

from intraneuron.exporting.column import ANY, KINDS, SHARE, Column, typed

COLUMNS = (
    Column("token", "text", "none", ANY, "text"),
    Column("p", "number", "probability", SHARE, "p"),
    Column("size", "integer", "tokens", (0, None), "size"),
    Column("known", "true or false", "none", ANY, "whether it is known"),
)


def test_what_is_undefined_is_missing_and_texts_stay_as_they_are() -> None:
    frame = pl.DataFrame({"p": [0.5, math.nan, math.inf], "token": ["nan", "", "NaN"], "more": [1, 2, 3]})
    found = typed(frame, COLUMNS)
    assert found.columns == ["token", "p", "size", "known"]
    assert found["p"].to_list() == [0.5, None, None]
    assert found["token"].to_list() == ["nan", "", "NaN"]
    assert found["size"].to_list() == [None] * 3
    assert [found.schema[one.name] for one in COLUMNS] == [KINDS[one.kind] for one in COLUMNS]


@pytest.mark.parametrize(
    ("span", "said"), [((0, None), "at least 0"), ((None, 1), "at most 1"), ((-2, 2), "-2 to 2"), (ANY, "any")]
)
def test_a_range_is_said_in_words(span: tuple[float | None, float | None], said: str) -> None:
    assert Column("x", "number", "none", span, "x").range == said


def test_the_texts_that_may_stand_in_a_column_are_its_range() -> None:
    assert Column("pattern", "text", "none", ("steps", "peak"), "the pattern").range == "steps, peak"
    assert Column("known", "true or false", "none", ANY, "whether").range == "true, false"
