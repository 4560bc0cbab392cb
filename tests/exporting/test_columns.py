"""The codebook and the tables: one entry a column, values inside the ranges, references that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from tests.real_neurons import need

from intraneuron import api
from intraneuron.exporting.column import ANY, KINDS, Column
from intraneuron.exporting.columns import LONG, vector_columns

ROUNDING = 1e-6
ALL: dict[str, tuple[Column, ...]] = {**{str(name): own for name, own in LONG.items()}, "vectors": vector_columns(3)}


def outside(frame: pl.DataFrame, columns: tuple[Column, ...]) -> list[str]:
    """Return the columns in which some value is out of its range."""
    found = []
    for one in columns:
        values = frame[one.name].drop_nulls()
        if one.kind == "text":
            wrong = one.span != ANY and not set(values.unique()) <= set(one.span)
        elif one.kind == "true or false":
            wrong = False
        else:
            low, high = (float(bound) if bound is not None else None for bound in one.span)
            wrong = (low is not None and bool((values < low - ROUNDING).any())) or (
                high is not None and bool((values > high + ROUNDING).any())
            )
        if wrong:
            found.append(one.name)
    return found


def check(study: api.Study, tmp_path: Path) -> None:
    """Export a study with all tables, and hold them against the codebook that lies beside them."""
    made = study.export(tmp_path / "out", format="parquet", vectors=True)
    book = pl.read_csv(made.path / "codebook.csv")
    dimensions = study.folder.read_space(study.summary["space"]).vector.shape[1]
    for table, columns in (ALL | {"vectors": vector_columns(dimensions)}).items():
        frame = pl.read_parquet(made.path / f"{table}.parquet")
        assert book.filter(table=table)["name"].to_list() == frame.columns
        assert dict(frame.schema) == {one.name: KINDS[one.kind] for one in columns}
        assert outside(frame, columns) == [], table
        assert sum(frame[one.name].null_count() for one in columns if one.kind == "text") == 0
    assert set(book["table"]) == set(made.rows)


def test_every_column_of_every_table_has_exactly_one_entry_and_is_in_its_range(
    study: api.Study, tmp_path: Path
) -> None:
    check(study, tmp_path)


@pytest.mark.slow
def test_every_column_of_a_real_study_is_in_its_range(tmp_path: Path) -> None:
    need("docs-lm")
    check(api.study("docs-lm", layers=[1], out=tmp_path / "docs-lm", device="cpu"), tmp_path)


def test_a_value_out_of_its_range_is_seen() -> None:
    columns = (Column("p", "number", "probability", (0, 1), "p"), Column("x", "text", "none", ("a", "b"), "x"))
    assert outside(pl.DataFrame({"p": [0.5, 1.1], "x": ["a", "c"]}), columns) == ["p", "x"]
    assert outside(pl.DataFrame({"p": [0.5, None], "x": ["a", "b"]}), columns) == []


def test_neurons_has_every_column_of_the_results_that_is_no_list(finished: Path) -> None:
    schema = pl.read_parquet_schema(finished / "neurons" / "results.parquet")
    scalars = [name for name, kind in schema.items() if not kind.is_nested()]
    own = [one.name for one in LONG["neurons"] if one.name != "min_count"]  # a layer's, of the manifest
    assert own == ["population", *scalars]


@pytest.mark.parametrize("table", ALL)
def test_every_entry_is_one_line_and_says_all_there_is_to_say(table: str) -> None:
    assert len({one.name for one in ALL[table]}) == len(ALL[table])
    for one in ALL[table]:
        for text in (one.name, one.unit, one.range, one.formula, one.references):
            assert text, one.name
            assert text == text.strip(), one.name
            assert "\n" not in text, one.name


def test_every_reference_leads_to_a_section_of_the_formulas_or_to_a_paper_in_their_list() -> None:
    page = (Path(__file__).parents[2] / "docs" / "formulas.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", page, flags=re.MULTILINE)
    anchors = {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for columns in ALL.values():
        for one in columns:
            for reference in one.reference:
                assert reference in anchors or f"doi:{reference}" in page, (one.name, reference)
