"""Tables from files: CSV, TSV or Parquet, with all columns as they stand there; what cannot be read is said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from intraneuron.errors import DataError

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
SUFFIXES = (*SEPARATORS, ".parquet")


def read_table(path: Path, what: str) -> pl.DataFrame:
    """Read a table; ``what`` names it in messages (``lists``, ``vectors``).

    Columns of a CSV are texts; a field in which nothing stands is null, one that holds quoted nothing is empty.

    Raises
    ------
    DataError
        When there is no such file, or it is no table.
    """
    check_file(path, what)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        msg = f"The {what} {path} should end in {', '.join(SUFFIXES)}, got {suffix or 'no ending'}. Save it as CSV."
        raise DataError(msg)
    try:
        if suffix == ".parquet":
            return pl.read_parquet(path, glob=False, memory_map=False)
        return pl.read_csv(path, separator=SEPARATORS[suffix], infer_schema=False, encoding="utf8", glob=False)
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        first = str(error).strip().partition("\n")[0]
        msg = f"The {what} {path} cannot be read as a table ({first}). Save it as CSV in UTF-8, or as Parquet."
        raise DataError(msg) from error


def check_file(path: Path, what: str) -> None:
    """Raise DataError when there is no such file."""
    if path.is_dir():
        msg = f"The {what} {path} is a folder. Name a file."
        raise DataError(msg)
    if not path.is_file():
        msg = f"There is no file {path} ({what}). Check the path."
        raise DataError(msg)


def column(frame: pl.DataFrame, names: Sequence[str]) -> str | None:
    """Return the column that has one of some names, whatever its case; None when there is none."""
    folded = {name.strip().casefold(): name for name in reversed(frame.columns)}
    return next((folded[name] for name in names if name in folded), None)


def numbers(values: pl.Series) -> pl.Series:
    """Return a column as float64; what is no number is null."""
    if values.dtype == pl.String:
        return values.str.strip_chars().cast(pl.Float64, strict=False)
    return values.cast(pl.Float64, strict=False)


def texts(frame: pl.DataFrame, name: str, path: object, what: str) -> pl.DataFrame:
    """Return a table with a column as texts.

    Raises
    ------
    DataError
        When it holds something else, such as lists.
    """
    try:
        return frame.with_columns(pl.col(name).cast(pl.String))
    except pl.exceptions.PolarsError as error:
        msg = (
            f"The column {name!r} of the {what} {path} should hold texts, got {frame.schema[name]}. "
            "Write one text in each row, in UTF-8."
        )
        raise DataError(msg) from error


def is_numeric(values: pl.Series) -> bool:
    """Tell whether a column holds numbers: at least one, and nothing that is something else."""
    if not (values.dtype == pl.String or values.dtype.is_numeric()):
        return False
    found = numbers(values)
    if values.dtype != pl.String:
        return found.null_count() < len(found)
    said = values.str.strip_chars()
    stands = said.is_not_null() & ~said.str.to_lowercase().is_in(["", "na", "n/a", "nan", "null", "none", "."])
    return bool(stands.any()) and not bool((stands & found.is_null()).any())
