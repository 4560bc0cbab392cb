"""Tables from files: columns as they stand there, and one sentence for what is none."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from intraneuron.errors import DataError
from intraneuron.sources.tables import column, is_numeric, numbers, read_table


def test_texts_keep_their_spaces_and_nothing_is_guessed(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text('token,x\n the,007\n"a,b",\n"",1e3\nnull,2\n')
    frame = read_table(file, "lists")
    assert frame["token"].to_list() == [" the", "a,b", "", "null"]
    assert frame["x"].to_list() == ["007", None, "1e3", "2"]
    (tmp_path / "a.tsv").write_text("token\tx\n the\t1\n")
    assert read_table(tmp_path / "a.tsv", "lists")["token"].to_list() == [" the"]


def test_a_column_is_found_whatever_its_case() -> None:
    assert column(pl.DataFrame({" Word ": ["a"], "x": [1]}), ("token", "word")) == " Word "
    assert column(pl.DataFrame({"x": [1]}), ("token",)) is None


@pytest.mark.parametrize(
    ("values", "numeric"),
    [(["1", " 2.5 ", None], True), (["1", "NA", "."], True), (["1", "a"], False), (["", None], False), ([True], False)],
)
def test_a_column_is_numeric_when_it_holds_numbers_and_what_stands_for_none(
    values: list[object], numeric: bool
) -> None:
    assert is_numeric(pl.Series(values)) is numeric


def test_what_is_no_number_is_null() -> None:
    assert numbers(pl.Series([" 1.5", "x", None])).to_list() == [1.5, None, None]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.xlsx", b"PK", "should end in .csv, .tsv, .tab, .parquet, got .xlsx"),
        ("a.parquet", b"PAR1 no", "cannot be read as a table ("),
        ("a.csv", b"token\n\xff\xfe\n", "cannot be read as a table ("),
        ("a.csv", b"", "cannot be read as a table ("),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as error:
        read_table(tmp_path / name, "lists")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no file .*none.csv \(lists\)"):
        read_table(tmp_path / "none.csv", "lists")
    with pytest.raises(DataError, match=r"is a folder\. Name a file"):
        read_table(tmp_path, "lists")
