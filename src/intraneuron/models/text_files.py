"""Texts from files: plain, records of JSON Lines or Parquet, folders of them, and standard input."""

from __future__ import annotations

import codecs
import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import polars as pl

from intraneuron.errors import DataError
from intraneuron.settings import expanded

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""Text that only needs to be saved otherwise, although it holds NUL bytes."""

_MARKS = {"manifest.toml": "stages", "export.toml": "study"}
"""Files that a study and an export have, and a table in each."""


def read_path(text: str, field: str = "text") -> list[str]:
    """Return the documents of a file, of every text file in a folder, in the order of their paths, or of ``-``.

    A file is a document; of a ``.jsonl`` file each line is one (an object with the text in ``field``), of a
    ``.parquet`` file each row (with the text in the column of that name), but for those without text. ``-`` is
    standard input, as one document. Hidden, empty and binary files in a folder are passed over, and so are studies and
    exports: one that is made among the texts that it reads would be another study at every turn.

    Raises
    ------
    DataError
        When there is no such file or folder, or no text in it.
    """
    if text == "-":
        return [_standard_input()]
    path = expanded(text)
    if not path.exists():
        msg = f"There is no file or folder {text}. Texts are files, folders, - or docs."
        raise DataError(msg)
    if path.is_file():
        return _read_file(path, field)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    ours = {file.parent for file in files if _is_mark(file)}
    contents = []
    for file in files:
        hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
        if not hidden and ours.isdisjoint(file.parents):
            contents += _if_text(file, field)
    if not contents:
        msg = f"The folder {text} holds no text file in UTF-8. Texts are UTF-8 files, folders of them, or docs."
        raise DataError(msg)
    return contents


def _standard_input() -> str:
    if sys.stdin is None or sys.stdin.isatty():
        msg = "Texts from standard input (--texts -) are piped in (cat book.txt | intraneuron ...), got a terminal."
        raise DataError(msg)
    return _decoded(sys.stdin.buffer.read(), "Standard input")


def _is_mark(file: Path) -> bool:
    """Whether a file says that its folder holds a study or an export of this package."""
    table = _MARKS.get(file.name)
    if table is None:
        return False
    try:
        return table in tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def _if_text(file: Path, field: str) -> list[str]:
    """Return the documents of a file in a folder: none of one that is no text; one of records must have some."""
    if file.suffix.lower() in _RECORDS:
        return _read_file(file, field)
    try:
        return _read_file(file, field)
    except DataError:
        return []


def _read_file(path: Path, field: str) -> list[str]:
    reader = _RECORDS.get(path.suffix.lower())
    if reader is None:
        return [_decoded(_bytes(path), f"The file {path}")]
    records = [record for record in reader(path, field) if record.strip()]
    if not records:
        msg = f"The file {path} has no text in its field {field!r}. Give a file with text."
        raise DataError(msg)
    return records


def _read_lines(path: Path, field: str) -> list[str]:
    """Return the text of every line, a JSON object, that has one."""
    records = []
    for number, line in enumerate(_decoded(_bytes(path), f"The file {path}").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            msg = f"Line {number:,} of {path} is no JSON ({error}). Each line of a .jsonl file is a JSON object."
            raise DataError(msg) from error
        found = record.get(field) if isinstance(record, dict) else None
        if isinstance(record, dict) and field in record and found is None:
            continue
        if not isinstance(found, str):
            have = ", ".join(record) if isinstance(record, dict) else "no fields"
            msg = f"Line {number:,} of {path} has no text in a field {field!r}; it has {have}. Name it (--text-field)."
            raise DataError(msg)
        records.append(found)
    return records


def _read_parquet(path: Path, field: str) -> list[str]:
    """Return the text of every row that has one."""
    try:
        schema = pl.read_parquet_schema(path)
        if not isinstance(schema.get(field), pl.String):
            texts = ", ".join(name for name, kind in schema.items() if isinstance(kind, pl.String)) or "none"
            msg = f"{path} has no column {field!r} of text; its columns of text: {texts}. Name one (--text-field)."
            raise DataError(msg)
        return pl.read_parquet(path, columns=[field], glob=False)[field].drop_nulls().to_list()
    except (OSError, pl.exceptions.PolarsError) as error:
        first = str(error).strip().partition("\n")[0]
        msg = f"The file {path} cannot be read as Parquet ({first}). Get the file again."
        raise DataError(msg) from error


_RECORDS: dict[str, Callable[[Path, str], list[str]]] = {".jsonl": _read_lines, ".parquet": _read_parquet}
"""Files of records, by the end of their names."""


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"The file {path} cannot be read: {error.strerror}."
        raise DataError(msg) from error


def _decoded(content: bytes, name: str) -> str:
    """Return what is UTF-8 text as text, or raise DataError; ``name`` begins the sentence."""
    if b"\0" in content and not content.startswith(_UTF16):
        msg = f"{name} is binary, not UTF-8 text. Texts are UTF-8 files, folders of them, or docs."
        raise DataError(msg)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{name} is not UTF-8 text (byte {error.start:,}). Save it as UTF-8."
        raise DataError(msg) from error
    if not text.strip():
        msg = f"{name} is empty. Give a file with text."
        raise DataError(msg)
    return text
