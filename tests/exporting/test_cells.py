from __future__ import annotations

import polars as pl
import pytest

from intraneuron.exporting.cells import harmless


def written(text: str) -> str:
    return str(harmless(pl.DataFrame({"token": [text]}))["token"][0])


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "＝1", "＋", "－", "＠"])
def test_a_text_that_would_begin_a_formula_has_an_apostrophe_before_it(text: str) -> None:
    assert written(text) == "'" + text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("\n\n=1", "'\n\n'=1"),
        ("\r\n\r\n +1", "'\r\n\r\n' +1"),
        ("a\n\n@b", "a\n\n'@b"),
    ],
)
def test_a_formula_behind_line_ends_and_tabs_has_one_at_the_start_and_where_the_cell_may_be_split(
    text: str, safe: str
) -> None:
    assert written(text) == safe


@pytest.mark.parametrize("text", ["a=b", "a-b", "1", "x", "'=1", "", "<0x01>", "e+5", "a b"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert written(text) == text


def test_a_formula_behind_what_a_spreadsheet_may_split_at_is_found_too() -> None:
    assert written("x;=1") == "x;'=1"
    assert written("x\n=1,@y") == "x\n'=1,'@y"


def test_numbers_are_left_alone() -> None:
    frame = pl.DataFrame({"delta": [-0.5, 0.5]})
    assert harmless(frame).equals(frame)
