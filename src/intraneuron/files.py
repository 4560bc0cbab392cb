"""Files: written whole or not at all, and what a disk refuses is told in one sentence."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from intraneuron.errors import StudyError

TEMPORARY = r"\..+\.[0-9a-f]{8}\.writing"
"""Names of files that are being written (a regular expression); what a killed run leaves of them is nothing."""


def fingerprint(value: Any) -> str:
    """Return a short hash of plain data."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def system_said(error: OSError) -> str:
    """Return the system's words for a refusal, without what polars puts around them.

    >>> system_said(OSError("parquet: underlying IO error: No space left on device (os error 28)"))
    'No space left on device'
    """
    return error.strerror or re.sub(r"^.*\bI/?O error: | \(os error \d+\)$", "", str(error))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell a write that the disk refuses as a StudyError."""
    try:
        yield
    except OSError as error:
        msg = (
            f"Cannot write to {path} ({system_said(error)}); give another folder with --out, "
            "or put that right and run the same command again."
        )
        raise StudyError(msg) from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Tell a read that the disk refuses as a StudyError."""
    try:
        yield
    except OSError as error:
        msg = f"Cannot read {path} ({system_said(error)}); check that the folder and its files may be read."
        raise StudyError(msg) from error


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` and move it there when the block ends well.

    Raises
    ------
    StudyError
        When it cannot be written; the old file stays.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.writing")
        temporary.touch(exist_ok=False)  # with the permissions of the user's new files; mkstemp's are narrower
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def without_none(value: Any) -> Any:
    """Return plain data without None, which TOML cannot write, and with tuples as lists."""
    if isinstance(value, dict):
        return {k: without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple)):
        return [without_none(v) for v in value]
    return value
