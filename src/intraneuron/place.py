"""The place of a study: what is there waits inside the folder while it is made anew, and can come back.

Only what a study itself writes is ever moved or removed. The folder stays, so it may be a link, a mount or ``.``,
and so do other files in it.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, get_args

from intraneuron.config import Twin
from intraneuron.errors import StudyError
from intraneuron.files import TEMPORARY, reading, writing

OBSERVING = "observing"
"""Holds what an observation that is not finished has done so far."""

SAMPLES = "samples.parquet"
NORMED = "norms.parquet"
"""Texts that the model has written itself, of a study of such."""

OWN = (
    *(OBSERVING, "vocabulary.parquet", SAMPLES, NORMED, "spaces", "neurons", *get_args(Twin)),
    *("jackknife", "halves", "calibration", "robustness"),
    *("summary.json", "report.html", "manifest.toml"),
)
"""What a study writes into its folder; the manifest last, because it says that the rest is there."""

TABLES = ("layer-*.parquet", "results.parquet", "*.safetensors", "*-of-*.json")
"""Names of what a study writes into those folders; other files there are somebody's own."""

CALIBRATION = (
    *("size.parquet", "power.parquet", "patterns.parquet", "retest.parquet"),
    *("calibration.html", "calibration.png", "settings.toml"),
)
"""What a calibration writes; the settings last, because they say that the rest is there."""

ROBUSTNESS = (
    *(f"{table}.{kind}" for table in ("specifications", "conclusions", "choices") for kind in ("parquet", "csv")),
    *("robustness.html", "robustness.png", "robustness.svg", "settings.toml"),
)
"""What a robustness table leaves; the settings last."""

LOCK = ".lock"
"""Names the process that works on the study; it is there only while one does, or when one was killed."""

ASIDE = ".replaced"
"""Holds the study that is being replaced, complete."""

_MOVING = ".moving"
"""Holds what is on its way there or back; a run that finds it moves everything back first."""

_COPYING = ".copying"
"""Holds a copy that is not complete; a run that finds it removes it."""


def has_study(path: Path) -> bool:
    """Tell whether there is a study at ``path``, or raise StudyError when there is something else."""
    with reading(path):
        if path.exists() and not path.is_dir():
            msg = f"--out {path} is a file; give a folder that does not exist yet, or a study's."
            raise StudyError(msg)
        there = path.is_dir() and not all(map(_is_of_a_beginning, path.iterdir()))
        if there and not (path / "manifest.toml").is_file() and not is_interrupted(path):
            msg = f"--out {path} is a folder with other files in it, not a study; give another folder."
            raise StudyError(msg)
    return there


def _is_of_a_beginning(file: Path) -> bool:
    """Whether a file is what a run leaves that was killed before its study was there, or one that is about to begin."""
    return file.name == LOCK or re.fullmatch(TEMPORARY, file.name) is not None


def check_writable(path: Path) -> None:
    """Raise StudyError when a folder at ``path`` could not be made or written, as far as permissions tell."""
    with writing(path):
        there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def has_aside(path: Path) -> bool:
    """Tell whether a study waits to be dropped or put back."""
    return (path / ASIDE).is_dir()


def is_interrupted(path: Path) -> bool:
    """Tell whether a run was killed while it moved or copied a study, or another one does so now: its lock tells."""
    return has_aside(path) or (path / _MOVING).is_dir() or (path / _COPYING).is_dir()


def recover(path: Path) -> None:
    """Undo what an earlier run was killed in the middle of."""
    shutil.rmtree(path / _COPYING, ignore_errors=True)
    with writing(path):
        if (path / _MOVING).is_dir():
            _move_back(path)
    if has_aside(path) and not (path / "manifest.toml").exists():
        put_back(path)


def set_aside(path: Path) -> None:
    """Let a study wait; one that waited before it is dropped."""
    drop_aside(path)
    with writing(path):
        (path / _MOVING).mkdir()
        _move(path, path / _MOVING)
        (path / _MOVING).rename(path / ASIDE)


def keep_aside(path: Path) -> None:
    """Let a copy of a study wait, and leave the study where it is; one that waited before is dropped.

    A study's files are replaced and never written into, so the copy shares them where the disk has hard links.
    """
    copy = path / _COPYING
    try:
        with writing(path):
            copy.mkdir()
            for name in OWN:
                _share(path / name, copy / name)
            drop_aside(path)
            copy.rename(path / ASIDE)
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def make_room(path: Path) -> None:
    """Set the study that is there aside, or remove it when it is itself an unfinished replacement."""
    if replaceable(path).get("replaces") and has_aside(path):
        remove(path)
    else:
        set_aside(path)


def replaceable(path: Path) -> dict[str, Any]:
    """Return the manifest of a study that may be replaced, damaged or of whatever layout."""
    try:
        with reading(path / "manifest.toml"):
            manifest = tomllib.loads((path / "manifest.toml").read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        manifest = {"format": None, "replaces": True}  # what waits, if anything does, is worth more
    if "format" not in manifest:
        msg = f"--out {path} is not a study: its manifest.toml is of something else; give another folder."
        raise StudyError(msg)
    return manifest


def put_back(path: Path) -> None:
    """Remove the study that is there, and put back the one that waits, if any."""
    with writing(path):
        remove(path)
        if has_aside(path):
            (path / ASIDE).rename(path / _MOVING)
            _move_back(path)


def drop_aside(path: Path) -> None:
    """Remove the study that waits, if any, and bring back files of others that were in its folders.

    What cannot be removed does no harm.
    """
    if has_aside(path):
        with suppress(OSError, StudyError):
            remove(path / ASIDE)
            _move(path / ASIDE, path)
            (path / ASIDE).rmdir()


def remove(path: Path) -> None:
    """Remove a study's own files, the manifest first: what is left is no study."""
    with writing(path):
        for name in reversed(OWN):
            remove_own(path, name)


def remove_own(path: Path, name: str) -> None:
    """Remove one of a study's own files, or what it wrote into one of its folders."""
    own = path / name
    with writing(path):
        if own.is_dir() and not own.is_symlink():
            _remove_written(own)
        else:
            own.unlink(missing_ok=True)


def _remove_written(folder: Path) -> None:
    """Remove what a study wrote into one of its folders, and the folders that are empty then."""
    inside = sorted(folder.rglob("*"), reverse=True)  # what is in a folder comes before it
    for file in inside:
        own = any(fnmatch(file.name, pattern) for pattern in TABLES + CALIBRATION + ROBUSTNESS) or re.fullmatch(
            TEMPORARY, file.name
        )
        if own and not file.is_dir():
            file.unlink()
    for place in (*inside, folder):
        if place.is_dir() and not place.is_symlink() and not any(place.iterdir()):
            place.rmdir()


def to_make(path: Path) -> tuple[Path, ...]:
    """Return the folders that a study at ``path`` would have to make, the innermost first."""
    with reading(path):
        return tuple(folder for folder in (path, *path.parents) if not folder.exists())


def unmake(folders: Iterable[Path]) -> None:
    """Remove the folders that a run made, as far as they are empty."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return  # others have put something there, or it was never made


def _share(source: Path, target: Path) -> None:
    """Copy a file or a folder, without the temporary files of runs that were killed."""
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_link, ignore=shutil.ignore_patterns(".*"))
    elif source.exists():
        _link(source, target)


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk behind a link, or a disk without hard links
        shutil.copyfile(source, target)


def _move(source: Path, target: Path) -> None:
    for name in OWN:
        if (source / name).exists():
            _merge(source / name, target / name)


def _merge(source: Path, target: Path) -> None:
    """Move a file or folder; into a folder that is there already, what it holds."""
    if not target.exists():
        source.rename(target)
        return
    if not (source.is_dir() and target.is_dir()):
        source.unlink()  # somebody's own file, of which the newer one is there already
        return
    for inner in sorted(source.iterdir()):
        _merge(inner, target / inner.name)
    source.rmdir()


def _move_back(path: Path) -> None:
    _move(path / _MOVING, path)
    (path / _MOVING).rmdir()
