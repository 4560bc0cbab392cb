"""Whether a file of a study is whole: a look at its ends and its size, so that hundreds are looked at in no time.

A file that was cut short, emptied or filled with zeros is found; a changed number inside is not.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from intraneuron.files import reading
from intraneuron.manifest import SUMMARY, missing_keys

_PARQUET = b"PAR1"


def is_whole(file: Path) -> bool:
    """Tell whether a file of a study is there and whole, by its kind.

    Raises
    ------
    StudyError
        When the disk refuses to show it.
    """
    with reading(file):
        if not file.is_file():
            return False
        with file.open("rb") as opened:
            size = os.fstat(opened.fileno()).st_size
            try:
                return CHECKS[file.suffix](opened, size)
            except (ValueError, LookupError, TypeError, AttributeError):  # no JSON, or JSON of something else
                return False


def _parquet(file: BinaryIO, size: int) -> bool:
    """Expect magic, columns, footer, its length in 4 bytes, magic again."""
    if size < 12 or file.read(4) != _PARQUET:
        return False
    file.seek(-8, os.SEEK_END)
    footer, magic = int.from_bytes(file.read(4), "little"), file.read(4)
    return magic == _PARQUET and 0 < footer <= size - 12


def _safetensors(file: BinaryIO, size: int) -> bool:
    """Expect the header's length in 8 bytes, a header in JSON that says where each tensor lies, the tensors."""
    length = int.from_bytes(file.read(8), "little")
    if length > size - 8:
        return False
    header = json.loads(file.read(length))
    ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
    return size == 8 + length + max(ends, default=0)


def _summary(file: BinaryIO, size: int) -> bool:
    del size
    return not missing_keys(json.loads(file.read()), SUMMARY)


def _page(file: BinaryIO, size: int) -> bool:
    file.seek(max(0, size - 16))
    return file.read().rstrip().endswith(b"</html>")


CHECKS: dict[str, Callable[[BinaryIO, int], bool]] = {
    ".parquet": _parquet,
    ".safetensors": _safetensors,
    ".json": _summary,
    ".html": _page,
}
"""How a file of each kind is looked at."""
