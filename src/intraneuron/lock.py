"""The lock of a study's folder: one run at a time writes there, and what a killed one left behind is swept."""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import SoftFileLock, Timeout

from intraneuron.errors import StudyError
from intraneuron.files import TEMPORARY, writing
from intraneuron.place import LOCK, OWN

_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
"""A disk that refuses the lock refuses every write, and says so then; a finished study needs none."""


PATIENCE = 4.0
"""Seconds after which a lock that names nobody is taken over: it is being written, or was when the power went."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a study's folder, which is made if need be.

    The lock is a file that names its process and host. One whose process is gone, on this host, is taken over; of
    another host nobody can tell, so it is refused.

    Raises
    ------
    StudyError
        When another run holds it; the message names process and host.
    """
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    try:
        lock = acquired(path)
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        yield
        return
    if lock is None:
        raise _held(path)
    try:
        _sweep(path)
        yield
    finally:
        lock.release()


def acquired(path: Path) -> SoftFileLock | None:
    """Take the lock of a folder, from a process that is gone if need be; None when another process holds it."""
    nameless = (path / LOCK).is_file() and holder(path) is None
    if nameless:
        _drop_empty(path / LOCK)
    lock = SoftFileLock(path / LOCK, timeout=PATIENCE if nameless else 0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


def _drop_empty(lock: Path) -> None:
    """Remove a lock without a word that is older than it takes to write one; the library takes over other halves."""
    with suppress(OSError):
        found = lock.stat()
        if not found.st_size and time.time() - found.st_mtime > PATIENCE:
            lock.unlink()


def said_holder(path: Path) -> str:
    """Return in words who holds the lock of a folder."""
    process, host = holder(path) or ("unknown", "an unknown host")
    return f"process {process} on {host}"


def holder(path: Path) -> tuple[str, str] | None:
    """Return process and host of the run that holds a study's lock, or held it when it was killed; None without one."""
    try:
        written = (path / LOCK).read_text(encoding="utf-8", errors="replace")
        pid, host, *end = written.split("\n")
    except (OSError, ValueError):
        return None
    if not end:  # it was not written to its end
        return None
    return pid, host.partition("?")[0]  # behind it the library marks a container


def _held(path: Path) -> StudyError:
    """Return the error for a study that another run works on."""
    msg = (
        f"The study in {path} is being made by {said_holder(path)}. Wait for it, or stop it; if it no longer runs "
        f"there, delete {path / LOCK} and run the same command again."
    )
    return StudyError(msg)


def _sweep(path: Path) -> None:
    """Remove files that were never finished, of runs that were killed."""
    folders = [path, *(folder for folder in (path / name for name in OWN) if folder.is_dir())]
    for folder in folders:
        for file in folder.glob(".*") if folder == path else folder.rglob(".*"):
            if re.fullmatch(TEMPORARY, file.name) and file.is_file():
                file.unlink(missing_ok=True)
