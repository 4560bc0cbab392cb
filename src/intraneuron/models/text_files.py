"""Texts from files: plain, records of JSON Lines or Parquet, compressed ones, folders of them, and standard input."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import sys
import tomllib
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, cast

import polars as pl

from intraneuron.errors import DataError
from intraneuron.models.encodings import decoded
from intraneuron.settings import expanded

BLOCK = 1 << 20
"""Bytes of a file that are read at a time."""

ROWS = 4096
"""Rows of a Parquet file that are read first; then twice as many each time."""

_MARKS = {"manifest.toml": "stages", "export.toml": "study"}
"""Files that a study and an export have, and a table in each."""

_LONE = re.compile("[\ud800-\udfff]")
"""Halves of characters, which JSON can write and UTF-8 cannot."""

Text = Iterable[str]
"""A text, block by block."""


def read_path(text: str, field: str = "text") -> Iterator[Text]:
    """Yield the texts of a file, of every text file in a folder, in the order of their paths, or of ``-``.

    A file is a text; of a ``.jsonl`` file each line is one (an object with the text in ``field``), of a ``.parquet``
    file each row (with the text in the column of that name), but for those without text. Files of ``.gz`` and ``.zst``
    are read as what they hold. ``-`` is standard input, as one text. Hidden, empty and binary files in a folder are
    passed over, and so are studies and exports: one that is made among the texts that it reads would be another study
    at every turn. A text must be read before the next one is asked for, and no more is read than is asked for.

    Raises
    ------
    DataError
        When there is no such file or folder, or no text in it.
    """
    if text == "-":
        yield _standard_input()
        return
    path = expanded(text)
    if not path.exists():
        msg = f"There is no file or folder {text}. Texts are files, folders, - or docs."
        raise DataError(msg)
    if path.is_file():
        yield from _read_file(path, field)
        return
    found = False
    for file in _files_of(path):
        for one in _if_text(file, field):
            found = True
            yield one
    if not found:
        msg = f"The folder {text} holds no text file in UTF-8. Texts are UTF-8 files, folders of them, or docs."
        raise DataError(msg)


def _standard_input() -> Iterator[str]:
    if sys.stdin is None or sys.stdin.isatty():
        msg = "Texts from standard input (--texts -) are piped in (cat book.txt | intraneuron ...), got a terminal."
        raise DataError(msg)
    return decoded(_blocks(sys.stdin.buffer), "Standard input", "cat FILE | iconv -f {} -t UTF-8 | intraneuron ...")


# Folders ------------------------------------------------------------------------------------------------------------


def _files_of(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder and its folders in the order of their paths, but for hidden ones and our own."""
    try:
        with os.scandir(folder) as found:
            entries = sorted((entry for entry in found if not entry.name.startswith(".")), key=lambda one: one.name)
    except OSError as error:
        msg = f"The folder {folder} cannot be read: {error.strerror}."
        raise DataError(msg) from error
    if any(_is_mark(folder / entry.name) for entry in entries if entry.name in _MARKS):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files_of(folder / entry.name)
        elif entry.is_file():
            yield folder / entry.name


def _is_mark(file: Path) -> bool:
    """Tell whether a file says that its folder holds a study or an export of this package."""
    try:
        return _MARKS[file.name] in tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def _if_text(file: Path, field: str) -> Iterator[Text]:
    """Yield the texts of a file in a folder: none of one that is no text; one of records must have some.

    Whether it is text shows at its end, so it is looked through first.
    """
    if _kind(file) not in _RECORDS:
        try:
            with _opened(file) as stream:
                head = stream.read(BLOCK)
                rest = b"" if len(head) < BLOCK else stream.read(1)
                checked = decoded([head], str(file), "{}") if not rest else _decoded_file(file)
                for _ in checked:
                    pass
        except DataError as error:
            if _is_refused(error):
                raise
            return
        if not rest:
            yield decoded([head], str(file), "{}")
            return
    yield from _read_file(file, field)


def _is_refused(error: DataError) -> bool:
    """Tell whether a file could not be read at all, which is no reason to pass it over."""
    return error.__cause__ is not None and not isinstance(error.__cause__, UnicodeDecodeError)


# Files --------------------------------------------------------------------------------------------------------------


def _read_file(path: Path, field: str) -> Iterator[Text]:
    reader = _RECORDS.get(_kind(path))
    if reader is None:
        yield _decoded_file(path)
        return
    empty = True
    for record in reader(path, field):
        if record.strip():
            empty = False
            yield (record,)
    if empty:
        msg = f"The file {path} has no text in its field {field!r}. Give a file with text."
        raise DataError(msg)


def _decoded_file(path: Path) -> Iterator[str]:
    with _opened(path) as stream:
        yield from decoded(_blocks(stream), f"The file {path}", _convert(path))


def _convert(path: Path) -> str:
    """Return the command that makes a file UTF-8, with ``{}`` for its encoding."""
    name = shlex.quote(str(path)).replace("{", "{{").replace("}", "}}")
    unpack = {".gz": "gzip -dc", ".zst": "zstd -dc"}.get(path.suffix.lower())
    return f"{unpack} {name} | iconv -f {{}} -t UTF-8 > NEW" if unpack else f"iconv -f {{}} -t UTF-8 {name} > NEW"


def _read_lines(path: Path, field: str) -> Iterator[str]:
    """Yield the text of every line, a JSON object, that has one."""
    with _opened(path) as stream:
        name = f"The file {path}"
        for number, line in enumerate(_lines(decoded(_blocks(stream), name, _convert(path))), start=1):
            if line.strip():
                yield from _record(line, f"Line {number:,} of {path}", field)


def _lines(blocks: Text) -> Iterator[str]:
    """Yield lines, which end with line feeds alone."""
    begun: list[str] = []
    for block in blocks:
        first, *others = block.split("\n")
        begun.append(first)
        if others:
            yield "".join(begun)
            yield from others[:-1]
            begun = [others[-1]]
    yield "".join(begun)


def _record(line: str, name: str, field: str) -> Iterator[str]:
    """Yield the text of a JSON object, if it has one, with halves of characters replaced."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        msg = f"{name} is no JSON ({error}). Each line of a .jsonl file is a JSON object."
        raise DataError(msg) from error
    found = record.get(field) if isinstance(record, dict) else None
    if isinstance(record, dict) and field in record and found is None:
        return
    if not isinstance(found, str):
        have = ", ".join(record) if isinstance(record, dict) else "no fields"
        msg = f"{name} has no text in a field {field!r}; it has {have}. Name it (--text-field)."
        raise DataError(msg)
    yield found if found.isascii() else _LONE.sub("\ufffd", found)


def _read_parquet(path: Path, field: str) -> Iterator[str]:
    """Yield the text of every row that has one."""
    with _readable_parquet(path):
        schema = pl.read_parquet_schema(path)
        if not isinstance(schema.get(field), pl.String):
            texts = ", ".join(name for name, kind in schema.items() if isinstance(kind, pl.String)) or "none"
            msg = f"{path} has no column {field!r} of text; its columns of text: {texts}. Name one (--text-field)."
            raise DataError(msg)
    start, size = 0, ROWS
    while True:
        with _readable_parquet(path):
            column = pl.scan_parquet(path, glob=False).select(field).slice(start, size).collect()[field]
        yield from column.drop_nulls()
        if len(column) < size:
            return
        start, size = start + size, 2 * size  # the next rows are found by passing those before


@contextmanager
def _readable_parquet(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        first = str(error).strip().partition("\n")[0]
        msg = f"The file {path} cannot be read as Parquet ({first}). Get the file again."
        raise DataError(msg) from error


_RECORDS: dict[str, Callable[[Path, str], Iterator[str]]] = {".jsonl": _read_lines, ".parquet": _read_parquet}
"""Files of records, by the end of their names."""


def _kind(path: Path) -> str:
    """Return the end of a file's name that says what it holds, without that of its compression.

    >>> _kind(Path("a.JSONL.gz")), _kind(Path("a.txt"))
    ('.jsonl', '.txt')
    """
    compressed = path.suffix.lower() in _OPENERS
    return Path(path.stem if compressed else path.name).suffix.lower()


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, compressed or not, and tell what a read of it meets as a DataError."""
    opener = _OPENERS.get(path.suffix.lower(), _open_plain)
    try:
        with opener(path) as stream:
            yield stream
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
        msg = f"The file {path} cannot be read: {reason.rstrip('.')}."
        raise DataError(msg) from error


def _open_plain(path: Path) -> BinaryIO:
    return path.open("rb")


def _open_gzip(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "rb"))


@contextmanager
def _open_zstandard(path: Path) -> Iterator[BinaryIO]:
    try:
        zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    except ImportError as error:
        msg = f"The file {path} needs a package that is not installed. Run: pip install 'intraneuron[zst]'"
        raise DataError(msg) from error
    try:
        with zstd.open(path, "rb") as stream:
            yield stream
    except zstd.ZstdError as error:
        raise OSError(str(error)) from error


_OPENERS: dict[str, Callable[[Path], AbstractContextManager[BinaryIO]]] = {".gz": _open_gzip, ".zst": _open_zstandard}
"""How compressed files are opened, by the end of their names."""


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield what a stream holds, a block at a time."""
    while block := stream.read(BLOCK):
        yield block
