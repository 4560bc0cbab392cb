"""The place of an export: it is made beside the one that is there, and takes its place when it is complete.

The folder holds ``export.toml``, which lists the export's files; no other file in it is ever touched. It may be a
link or a mount: what is written waits inside it, in ``.exporting``, and only files are moved.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, get_args

from intraneuron.calibrating import study_key
from intraneuron.config import ExportFormat, LongTable
from intraneuron.errors import StudyError
from intraneuron.files import reading, writing
from intraneuron.lock import acquired, said_holder
from intraneuron.place import LOCK, check_writable, to_make, unmake
from intraneuron.store import StudyFolder

FOLDER = "export"
"""Where in a study its export goes when nobody says otherwise."""

MARK = "export.toml"
"""Says what the export is of, and which files are its own; the first to leave and the last to come."""

NAMES = frozenset(f"{t}.{s}" for t in (*get_args(LongTable), "vectors", "codebook") for s in get_args(ExportFormat))
"""What a file of an export can be called."""

_WORK = ".exporting"
"""Holds ``new``, the export that is being written, and ``old``, the one whose place it takes."""


@contextmanager
def staged(out: Path, names: Iterable[str]) -> Iterator[Path]:
    """Give a folder to write an export into; when the block ends well, its files take the place of the earlier ones.

    Raises
    ------
    StudyError
        When ``out`` is a file, holds files that are none of an export's, or cannot be written. Nothing is changed.
    """
    with writing(out):
        _check_folder(out)
        check_writable(out)
        if not (out / _WORK).is_dir():
            _check_files(out, names)
        made = to_make(out)
        try:
            with _alone(out):
                recover(out)
                _check_files(out, names)
                try:
                    new = out / _WORK / "new"
                    new.mkdir(parents=True)
                    yield new
                    _publish(out)
                finally:
                    recover(out)
        finally:
            unmake(made)


def recover(out: Path) -> None:
    """End what was begun: the export that is there is whole, the new one if all of it had come, else the earlier."""
    old, new = out / _WORK / "old", out / _WORK / "new"
    if old.is_dir() and not (out / MARK).is_file():
        come = [name for name in _own(new) or () if not (new / name).exists() and (out / name).exists()]
        _move(come, out, new)
        _move(sorted((file.name for file in old.iterdir()), key=MARK.__eq__), old, out)
    shutil.rmtree(out / _WORK, ignore_errors=True)


def remove_outdated_export(folder: StudyFolder) -> None:
    """Remove the export in a study's folder when it is of other settings than the study's present ones."""
    out = folder.path / FOLDER
    with writing(out):
        own = _own(out)
        if own is None or _mark(out).get("study", {}).get("key") == study_key(folder):
            return
        for name in (MARK, *own):
            (out / name).unlink(missing_ok=True)
        with suppress(OSError):  # somebody's own files are in it
            out.rmdir()


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the lock of an export's folder, which is made if need be; that of a process which is gone is taken over."""
    out.mkdir(parents=True, exist_ok=True)
    lock = acquired(out)
    if lock is None:
        msg = (
            f"An export is being written into {out} by {said_holder(out)}. Wait for it, or give another folder with "
            "--out."
        )
        raise StudyError(msg)
    try:
        yield
    finally:
        lock.release()


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        msg = f"--out {out} is a file; give a folder that does not exist yet, or that of an earlier export."
        raise StudyError(msg)


def _check_files(out: Path, names: Iterable[str]) -> None:
    """Raise StudyError when a folder holds something else than an export, or a file that would be overwritten."""
    own = _own(out)
    there = sorted(file.name for file in out.iterdir() if file.name != LOCK) if out.is_dir() else []
    if own is None and there:
        msg = f"--out {out} is a folder with other files in it ({there[0]}), not an export; give another folder."
        raise StudyError(msg)
    foreign = [name for name in names if name in there and name not in (own or ())]
    if foreign:
        msg = f"--out {out} has a file {foreign[0]} that is none of the export there; move it, or give another folder."
        raise StudyError(msg)


def _publish(out: Path) -> None:
    """Let the new export take the place of the one that is there; :func:`recover` drops that one, or puts it back."""
    old, new = out / _WORK / "old", out / _WORK / "new"
    old.mkdir()
    own = _own(out)
    _move(() if own is None else (MARK, *own), out, old)
    _move((*(_own(new) or ()), MARK), new, out)


def _own(folder: Path) -> tuple[str, ...] | None:
    """Return the files that an export lists as its own; None when there is no export."""
    files = _mark(folder).get("files")
    return tuple(name for name in files if name in NAMES) if isinstance(files, list) else None


def _mark(folder: Path) -> dict[str, Any]:
    """Return what an export says of itself; nothing when there is none, or nobody can read it."""
    file = folder / MARK
    with reading(file):
        if file.is_file():
            with suppress(tomllib.TOMLDecodeError, UnicodeDecodeError):
                return tomllib.loads(file.read_text(encoding="utf-8"))
    return {}


def _move(names: Iterable[str], source: Path, target: Path) -> None:
    for name in names:
        if (source / name).exists():
            (source / name).replace(target / name)
