"""Files of each format: every text and every digit comes back, whichever the blocks it was added in."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import get_args

import pandas as pd
import polars as pl
import pytest
from tests.hostile import HOSTILE

from intraneuron.config import ExportConfig, ExportFormat
from intraneuron.exporting import formats
from intraneuron.exporting.formats import table_file

NUMBERS = [0.1, 1 / 3, -1e-300, 1e22, 5e-324, math.pi, None, 0.0, 123456789.123456789]
FRAME = pl.DataFrame(
    {
        "token": HOSTILE,
        "value": [NUMBERS[i % len(NUMBERS)] for i in range(len(HOSTILE))],
        "known": [(True, False, None)[i % 3] for i in range(len(HOSTILE))],
        "count": [(2**40, 1, None)[i % 3] for i in range(len(HOSTILE))],
    }
)
READ = {
    "csv": lambda file: pl.read_csv(file, schema=FRAME.schema),
    "parquet": pl.read_parquet,
    "json": lambda file: pl.DataFrame(json.loads(file.read_text(encoding="utf-8")), schema=FRAME.schema),
}


def write(path: Path, config: ExportConfig, *frames: pl.DataFrame) -> Path:
    with table_file(path, config) as add:
        for frame in frames:
            add(frame)
    return path


@pytest.mark.parametrize("kind", get_args(ExportFormat))
def test_what_is_written_in_blocks_comes_back_whole(
    kind: ExportFormat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "BLOCK", 5)
    path = tmp_path / f"t.{kind}"
    assert READ[kind](write(path, ExportConfig(format=kind), FRAME[:7], FRAME[7:7], FRAME[7:])).equals(FRAME)
    one = write(tmp_path / f"one.{kind}", ExportConfig(format=kind), FRAME)
    if kind != "parquet":
        assert one.read_bytes() == path.read_bytes()
    assert {file.name for file in tmp_path.iterdir()} == {path.name, one.name}


@pytest.mark.parametrize("kind", get_args(ExportFormat))
def test_a_table_without_rows_still_has_its_columns_or_is_an_empty_list(kind: ExportFormat, tmp_path: Path) -> None:
    path = write(tmp_path / f"t.{kind}", ExportConfig(format=kind), FRAME[:0], FRAME[:0])
    assert READ[kind](path).equals(FRAME[:0])


def test_pandas_reads_every_text_and_every_digit_back_with_the_line_in_the_documentation(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", ExportConfig(), FRAME)
    found = pd.read_csv(path, dtype={"token": str}, keep_default_na=False, na_values={"value": "", "count": ""},
                        float_precision="round_trip")  # fmt: skip
    assert found["token"].to_list() == HOSTILE
    assert [None if math.isnan(one) else one for one in found["value"]] == FRAME["value"].to_list()


def test_a_csv_that_is_safe_for_excel_is_marked_as_utf_8_and_runs_no_formula(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", ExportConfig(excel_safe=True), FRAME[:3], FRAME[3:])
    raw = path.read_bytes()
    assert raw.startswith(b'\xef\xbb\xbf"token"')
    assert raw.count(b'"token"') == 1
    tokens = pl.read_csv(path, schema=FRAME.schema)["token"].to_list()
    assert tokens[:4] == ["'=1+1", "'+", "'-1", "'@x"]
    assert [one for one in tokens if one.lstrip()[:1] in set("=+-@") and one.strip()] == []


def test_a_failure_of_the_library_that_writes_is_told_as_one_of_the_disk(tmp_path: Path) -> None:
    def fail() -> None:
        with table_file(tmp_path / "t.csv", ExportConfig()):
            msg = "no room"
            raise pl.exceptions.ComputeError(msg)

    with pytest.raises(OSError, match="no room"):
        fail()
