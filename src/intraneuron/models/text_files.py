"""Text files, and folders of them."""

from __future__ import annotations

import codecs
import tomllib
from pathlib import Path

from intraneuron.errors import DataError
from intraneuron.settings import expanded

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""Text that only needs to be saved otherwise, although it holds NUL bytes."""

_MARKS = {"manifest.toml": "stages", "export.toml": "study"}
"""Files that a study and an export have, and a table in each."""


def read_path(text: str) -> list[str]:
    """Return the content of a file, or of every text file in a folder, in the order of their paths.

    Hidden, empty and binary files in a folder are passed over, and so are studies and exports: one that is made among
    the texts that it reads would be another study at every turn.

    Raises
    ------
    DataError
        When there is no such file or folder, or no text in it.
    """
    path = expanded(text)
    if not path.exists():
        msg = f"There is no file or folder {text}. Texts are files, folders, or docs."
        raise DataError(msg)
    if path.is_file():
        return [_read_file(path)]
    files = sorted(file for file in path.rglob("*") if file.is_file())
    ours = {file.parent for file in files if _is_mark(file)}
    contents = []
    for file in files:
        hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
        if not hidden and ours.isdisjoint(file.parents):
            contents += _if_text(file)
    if not contents:
        msg = f"The folder {text} holds no text file in UTF-8. Texts are UTF-8 files, folders of them, or docs."
        raise DataError(msg)
    return contents


def _is_mark(file: Path) -> bool:
    """Whether a file says that its folder holds a study or an export of this package."""
    table = _MARKS.get(file.name)
    if table is None:
        return False
    try:
        return table in tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def _if_text(file: Path) -> list[str]:
    try:
        return [_read_file(file)]
    except DataError:
        return []


def _read_file(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"The file {path} cannot be read: {error.strerror}."
        raise DataError(msg) from error
    if b"\0" in content and not content.startswith(_UTF16):
        msg = f"The file {path} is binary, not UTF-8 text. Texts are UTF-8 files, folders of them, or docs."
        raise DataError(msg)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"The file {path} is not UTF-8 text (byte {error.start:,}). Save it as UTF-8."
        raise DataError(msg) from error
    if not text.strip():
        msg = f"The file {path} is empty. Give a file with text."
        raise DataError(msg)
    return text
