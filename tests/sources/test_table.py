"""Anybody's table of core tokens: columns, rows that cannot be, tokens twice."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from intraneuron.config import VectorsConfig
from intraneuron.errors import DataError
from intraneuron.sources.table import read_lists, read_published_table

HEAD = "layer,neuron,token,activation"


def lists(tmp_path: Path, *rows: str, head: str = HEAD) -> str:
    file = tmp_path / "lists.csv"
    file.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return str(file)


def test_columns_may_stand_in_any_order_and_case_beside_others(tmp_path: Path) -> None:
    found = read_lists(lists(tmp_path, "x, the,0.5,3,7,12", head="note,Token,ACTIVATION,Layer,neuron,Count"))
    assert found.row(0) == (3, 7, " the", 0.5, 12)


def test_an_activation_or_count_that_is_missing_is_kept_as_unknown(tmp_path: Path) -> None:
    found = read_lists(lists(tmp_path, "0,1,a,,", "0,1,b,NaN,5", "0,1,c,2,", head=HEAD + ",count"))
    assert found["activation"].to_list()[0] is None
    assert found["count"].to_list() == [-1, 5, -1]
    assert read_lists(lists(tmp_path, "0,1,a,2"))["count"].to_list() == [-1]


def test_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    rows = {"layer": [0, 0], "neuron": [1, 1], "token": [" a", "nan"], "activation": [1.5, None]}
    pl.DataFrame(rows).write_parquet(tmp_path / "a.parquet")
    assert read_lists(str(tmp_path / "a.parquet"))["token"].to_list() == [" a", "nan"]


@pytest.mark.parametrize(
    ("rows", "head", "told"),
    [
        (["1,a,2"], "neuron,token,activation", "have no column layer; their columns are neuron, token, activation"),
        ([], HEAD, "hold no row"),
        (["0,1,a,2", "0,1.5,b,2"], HEAD, "Row 2 of the lists"),
        (["0,1.5,b,2"], HEAD, "'1.5' in the column neuron; it should be a whole number from 0 on"),
        (["-1,1,b,2"], HEAD, "'-1' in the column layer"),
        ([",1,b,2"], HEAD, "None in the column layer"),
        (["0,99999999999,b,2"], HEAD, "'99999999999' in the column neuron"),
        (["0,1,a,2", "0,1,b,high"], HEAD, "Row 2 of the lists"),
        (["0,1,b,high"], HEAD, "'high' as activation"),
        (["0,1,,2"], HEAD, "has no token"),
        (["0,1,a,2,x"], HEAD + ",count", "'x' in the column count"),
        (["0,1,a,2", "0,2,a,2", "0,1,b,1", "0,1,a,3"], HEAD, "Rows 1 and 4 of the lists"),
        (["0,1,a,2", "0,1,a,2"], HEAD, "are of one token, 'a' of L0N1"),
    ],
)
def test_what_cannot_be_is_told_with_its_row(tmp_path: Path, rows: list[str], head: str, told: str) -> None:
    with pytest.raises(DataError) as error:
        read_lists(lists(tmp_path, *rows, head=head))
    assert told in str(error.value)


def test_the_source_says_by_which_command_it_is_read_and_from_what(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("token,x,y,z\n" + "".join(f"t{i},{i},{-i * i % 7},1\n" for i in range(30)))
    file = lists(tmp_path, *(f"0,1, t{i},{i + 1}" for i in range(30)))
    found = read_published_table(file, VectorsConfig(str(tmp_path / "v.csv"), ("x", "y"), standardize=True))
    words = ("import", "table", file, "--vectors", str(tmp_path / "v.csv"), "--columns", "x,y", "--standardize")
    assert found.command == words
    assert found.facts["kind"] == "table"
    assert found.facts["matched"] == {"exact": 0, "without_mark": 30, "other_case": 0, "none": 0}
    assert found.name == "lists.csv"
