"""Vectors of words from a file: a table of numbers a word (human norms too), or word2vec's and GloVe's text format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from intraneuron.config import VectorsConfig
from intraneuron.errors import DataError
from intraneuron.settings import expanded, nearest
from intraneuron.sources.tables import SUFFIXES, check_file, column, is_numeric, numbers, read_table, texts

TEXT = (".txt", ".vec")
"""Ends of names of files that hold a word and its numbers a line."""

WORD = ("token", "word", "words")
"""Columns that hold the words, whatever their case."""

LONGEST = 100
"""Letters of the longest word that is taken: what is longer in such files is an address or a mistake."""


@dataclass(frozen=True)
class Vectors:
    """Words and their vectors, as a file has them.

    Attributes
    ----------
    token : list of str
        V different words.
    vector : float32 (V, D)
    facts : dict
        What was read: ``columns`` that make the vector (of a table), ``dimensions``, ``words``, and how many words
        left because they stand in the file twice (``twice``), lack a number (``incomplete``) or are too long
        (``too_long``).
    """

    token: list[str]
    vector: np.ndarray
    facts: dict[str, Any] = field(default_factory=dict)


def read_vectors(words: VectorsConfig) -> Vectors:
    """Read the vectors of words.

    Parameters
    ----------
    words : VectorsConfig
        The file is a table (``.csv``, ``.tsv``, ``.parquet``) with a column ``token`` or ``word`` and columns of
        numbers, or one column of lists; or lines of a word and its numbers (``.txt``, ``.vec``), with or without a
        first line that says how many words and numbers there are. Columns are standardised over the words of the
        file.

    Raises
    ------
    DataError
        When the file is missing, damaged, or holds no vectors.
    """
    file, columns = words.vectors, words.columns
    path = expanded(file)
    check_file(path, "vectors")
    suffix = path.suffix.lower()
    if suffix not in (*TEXT, *SUFFIXES):
        msg = (
            f"The vectors {file} should end in {', '.join((*SUFFIXES, *TEXT))}, got {suffix or 'no ending'}. "
            "Save them as text or as a table."
        )
        raise DataError(msg)
    if suffix in TEXT and columns:
        msg = f"columns (--columns) are those of a table, got {', '.join(columns)} for {file}. Leave them out."
        raise DataError(msg)
    tokens, table, named = _read_text(path) if suffix in TEXT else _read_columns(path, columns)
    found = _usable(tokens, table)
    if len(found.token) < 2 or found.vector.shape[1] < 2:
        msg = (
            f"The vectors {file} should hold at least 2 words with 2 numbers each, got {len(found.token)} with "
            f"{found.vector.shape[1]}. Give another file, or other columns (--columns)."
        )
        raise DataError(msg)
    facts = {"dimensions": found.vector.shape[1], "words": len(found.token), **found.facts}
    if named:
        facts["columns"] = list(named)
    return Vectors(found.token, _standardized(found.vector) if words.standardize else found.vector, facts)


def vectors_options(words: VectorsConfig) -> list[str]:
    """Return the options of a command that name these vectors.

    >>> vectors_options(VectorsConfig("norms.csv", ("valence", "arousal"), standardize=True))
    ['--vectors', 'norms.csv', '--columns', 'valence,arousal', '--standardize']
    """
    chosen = ["--columns", ",".join(words.columns)] if words.columns else []
    return ["--vectors", words.vectors, *chosen, *(["--standardize"] if words.standardize else [])]


def _usable(tokens: list[str], table: np.ndarray) -> Vectors:
    """Keep the first of equal words, and those that are no longer than a word is and lack no number."""
    complete = np.isfinite(table).all(axis=1)
    short = np.array([len(token) <= LONGEST for token in tokens], dtype=bool)
    kept: dict[str, int] = {}
    for i in np.flatnonzero(complete & short):
        kept.setdefault(tokens[i], int(i))
    rows = np.fromiter(kept.values(), dtype=np.int64, count=len(kept))
    left = {
        "twice": int((complete & short).sum()) - len(kept),
        "incomplete": int((~complete).sum()),
        "too_long": int((complete & ~short).sum()),
    }
    return Vectors(list(kept), np.ascontiguousarray(table[rows]), {name: n for name, n in left.items() if n})


def _standardized(table: np.ndarray) -> np.ndarray:
    """Give every column mean 0 and deviation 1; one that never varies becomes 0."""
    wide = table.astype(np.float64)
    deviation = wide.std(axis=0)
    scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    return np.asarray((wide - wide.mean(axis=0)) * scale, dtype=np.float32)


def _read_columns(path: Path, columns: Sequence[str]) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
    """Read words and numbers of a table."""
    frame = read_table(path, "vectors")
    word = column(frame, WORD) or _only_text(frame, path, columns)
    frame = texts(frame, word, path, "vectors").filter(pl.col(word).str.len_chars() > 0)
    tokens = frame[word].to_list()
    lists = [name for name in frame.columns if isinstance(frame.schema[name], (pl.List, pl.Array))]
    if lists and (not columns or list(columns) == lists[:1]):
        return tokens, _of_lists(frame[lists[0]], path), (lists[0],)
    used = _numeric(frame, word, columns, path)
    table = np.column_stack([numbers(frame[name]).fill_null(np.nan).to_numpy() for name in used])
    return tokens, table.astype(np.float32), used


def _only_text(frame: pl.DataFrame, path: Path, columns: Sequence[str]) -> str:
    """Return the one column that holds texts, or raise DataError."""
    texts = [name for name in frame.columns if name not in columns and frame.schema[name] == pl.String]
    texts = [name for name in texts if not is_numeric(frame[name])]
    if len(texts) == 1:
        return texts[0]
    msg = (
        f"The vectors {path} have no column token or word, and {len(texts) or 'no'} columns of text; their columns are "
        f"{_named(frame.columns)}. Name the column of words token."
    )
    raise DataError(msg)


def _numeric(frame: pl.DataFrame, word: str, columns: Sequence[str], path: Path) -> tuple[str, ...]:
    """Return the columns that make the vector."""
    known = [name for name in frame.columns if name != word and is_numeric(frame[name])]
    known = [name for name in known if not _is_index(name) or name in columns]
    for name in columns:
        if name not in known:
            hint = nearest(name, known) or "."
            msg = f"The vectors {path} have no column {name!r} of numbers; they have {_named(known)}{hint}"
            raise DataError(msg)
    if not known:
        msg = f"The vectors {path} have no column of numbers; their columns are {_named(frame.columns)}. Give another."
        raise DataError(msg)
    return tuple(columns or _of_export(known) or known)


def _is_index(name: str) -> bool:
    """Tell whether a column has the heading of row numbers, as pandas and R write them."""
    return not name.strip() or name.startswith("Unnamed: ")


def _of_export(known: Sequence[str]) -> list[str]:
    """Return the columns v1, v2, ... of the table ``vectors`` of an export; none of another table."""
    entries = [f"v{d}" for d in range(1, len(known) + 1)]
    length = next((i for i, name in enumerate(entries) if name not in known), len(entries))
    return entries[:length] if length > 1 else []


def _of_lists(values: pl.Series, path: Path) -> np.ndarray:
    """Return a column of lists as a matrix."""
    length = values.list.len() if isinstance(values.dtype, pl.List) else values.arr.len()
    if length.n_unique() != 1 or length.null_count():
        lengths = _named(sorted(set(length.to_list()), key=str))
        msg = f"The vectors {path} should be lists of one length, got lengths {lengths}."
        raise DataError(msg)
    if isinstance(values.dtype, pl.List):
        values = values.list.to_array(int(length[0]))
    try:
        flat = values.cast(pl.Array(pl.Float32, values.dtype.shape[0]))  # type: ignore[attr-defined]
    except pl.exceptions.PolarsError as error:
        msg = f"The vectors {path} should be lists of numbers, got {values.dtype}. Give another column."
        raise DataError(msg) from error
    return np.array(flat.to_numpy(), dtype=np.float32)


def _named(names: Sequence[object]) -> str:
    shown = ", ".join(map(str, names[:12]))
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown or "none"


def _read_text(path: Path) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
    """Read lines of a word and its numbers; a word may hold spaces, numbers may not."""
    tokens: list[str] = []
    rows: list[np.ndarray] = []
    width = 0
    for number, line in _lines(path):
        parts = line.rstrip().split(" ")
        if number == 1 and len(parts) == 2 and all(part.isdigit() for part in parts):
            width = int(parts[1])  # word2vec says first how many words and numbers there are
            continue
        width = width or len(parts) - 1
        if len(parts) <= width or width < 1:
            msg = f"Line {number:,} of {path} should be a word and {width} numbers, got {len(parts)} parts. Mend it."
            raise DataError(msg)
        rows.append(_numbers(parts[-width:], number, path))
        tokens.append(" ".join(parts[:-width]))
    return tokens, np.stack(rows) if rows else np.zeros((0, 0), dtype=np.float32), ()


def _numbers(parts: list[str], number: int, path: Path) -> np.ndarray:
    try:
        return np.array(parts, dtype=np.float32)
    except ValueError as error:
        wrong = next((part for part in parts if not _is_number(part)), "?")
        msg = f"Line {number:,} of {path} should be a word and {len(parts)} numbers, got {wrong!r} among them. Mend it."
        raise DataError(msg) from error


def _is_number(part: str) -> bool:
    try:
        float(part)
    except ValueError:
        return False
    return True


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that hold something, with their numbers."""
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line.replace("\t", " ")
    except UnicodeDecodeError as error:
        msg = f"The vectors {path} are not UTF-8 text (byte {error.start:,}). Save them as text, not as .bin."
        raise DataError(msg) from error
    except OSError as error:
        msg = f"The vectors {path} cannot be read: {error.strerror}."
        raise DataError(msg) from error
