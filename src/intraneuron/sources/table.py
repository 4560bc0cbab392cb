"""Core tokens from anybody's table: a row a token of a neuron."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import polars as pl

from intraneuron.config import VectorsConfig
from intraneuron.errors import DataError
from intraneuron.settings import expanded
from intraneuron.sources.lists import SCHEMA, published
from intraneuron.sources.published import Published
from intraneuron.sources.tables import column, numbers, read_table
from intraneuron.sources.vectors import read_vectors, vectors_options

NEEDED = ("layer", "neuron", "token", "activation")
_LARGEST = 2**31 - 1


def read_published_table(file: str, words: VectorsConfig) -> Published:
    """Read core tokens from a table, and the vectors of their words.

    Parameters
    ----------
    file : str
        CSV, TSV or Parquet with the columns ``layer``, ``neuron``, ``token``, ``activation`` and perhaps ``count``
        (in any case and order; others are passed over). A token stands once in a neuron.
    words : VectorsConfig
        Where the vectors of their words are.

    Raises
    ------
    DataError
        When a file cannot be read as that, or no neuron keeps enough tokens.
    """
    rows = read_lists(file)
    facts = {"kind": "table", "file": file, **asdict(words)}
    command = ["import", "table", file, *vectors_options(words)]
    return published(Path(file).name, rows, read_vectors(words), command=command, facts=facts)


def read_lists(file: str) -> pl.DataFrame:
    """Read and check a table of lists (:data:`intraneuron.sources.lists.SCHEMA`).

    Raises
    ------
    DataError
        When it lacks a column, holds no rows, a value that cannot be, or a token twice.
    """
    path = expanded(file)
    frame = read_table(path, "lists")
    have = {name: column(frame, (name,)) for name in (*NEEDED, "count")}
    lacking = [name for name in NEEDED if have[name] is None]
    if lacking:
        msg = (
            f"The lists {file} have no column {' and '.join(lacking)}; their columns are "
            f"{', '.join(frame.columns[:12]) or 'none'}. A table of core tokens has {', '.join(NEEDED)}, perhaps count."
        )
        raise DataError(msg)
    if frame.is_empty():
        msg = f"The lists {file} hold no row. A table of core tokens has a row a token of a neuron."
        raise DataError(msg)
    rows = pl.DataFrame(
        {
            **{name: _whole(frame[have[name] or name], file) for name in ("layer", "neuron")},
            "token": _texts(frame[have["token"] or "token"], file),
            "activation": _activations(frame[have["activation"] or "activation"], file),
            "count": _whole(frame[have["count"]], file, missing=-1) if have["count"] else [-1] * len(frame),
        },
        schema=SCHEMA,
    )
    _check_once(rows, file)
    return rows


def _whole(values: pl.Series, file: str, missing: int | None = None) -> pl.Series:
    """Return whole numbers from 0 on; what is missing is ``missing``, where it may be."""
    said = values.cast(pl.String).str.strip_chars()
    gone = said.is_null() | (said == "")
    found = numbers(said)
    fine = (found >= 0) & (found <= (_LARGEST if missing is None else 2**62)) & (found == found.floor())
    wrong = ~fine.fill_null(value=False) & ~(gone if missing is not None else pl.Series([False] * len(said)))
    if wrong.any():
        at = int(wrong.arg_max() or 0)
        msg = (
            f"Row {at + 1:,} of the lists {file} has {said[at]!r} in the column {values.name}; it should be a whole "
            "number from 0 on. Mend it."
        )
        raise DataError(msg)
    return found.fill_null(-1 if missing is None else missing).fill_nan(-1).cast(pl.Int64)


def _texts(values: pl.Series, file: str) -> pl.Series:
    """Return tokens as texts."""
    said = values.cast(pl.String)
    if said.null_count():
        at = int(said.is_null().arg_max() or 0)
        msg = f"Row {at + 1:,} of the lists {file} has no token. Leave such rows out."
        raise DataError(msg)
    return said


def _activations(values: pl.Series, file: str) -> pl.Series:
    """Return activations; one that is missing is null."""
    found = numbers(values)
    if values.dtype != pl.String:
        return found
    said = values.str.strip_chars().str.to_lowercase()
    wrong = found.is_null() & said.is_not_null() & ~said.is_in(["", "nan", "na", "null", "none"])
    if wrong.any():
        at = int(wrong.arg_max() or 0)
        msg = f"Row {at + 1:,} of the lists {file} has {values[at]!r} as activation; it should be a number. Mend it."
        raise DataError(msg)
    return found


def _check_once(rows: pl.DataFrame, file: str) -> None:
    """Raise DataError when a token stands twice in a neuron."""
    twice = rows.select("layer", "neuron", "token").is_duplicated()
    if not twice.any():
        return
    numbered = rows.with_row_index("row").filter(twice)
    first = numbered.row(0, named=True)
    same = [pl.col(name) == first[name] for name in ("layer", "neuron", "token")]
    again = numbered.filter(*same)["row"].to_list()[1]
    msg = (
        f"Rows {first['row'] + 1:,} and {again + 1:,} of the lists {file} are of one token, {first['token']!r} of "
        f"L{first['layer']}N{first['neuron']}. A token stands once in a neuron: leave one out."
    )
    raise DataError(msg)
