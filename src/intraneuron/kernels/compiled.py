"""compiled: numba's decorator, with a cache that is never older than the code.

numba looks only at the file of a function, not at those of the functions that it calls: after a change of
``tails.py`` it would go on with the old ``homogeneity.py``, whose machine code holds the old tail. So all kernels
share a cache folder that is named after the text of all their files.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numba

_PREFIX = "kernels-"


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function on first use, without holding Python's lock; options are numba's.

    A constant 0, False or the like that is handed to another compiled function makes numba compile that one for the
    constant, too: hand on ``len(...)``, ``np.int64(0)`` or a float. A division by 0 is infinite or NaN, as in numpy:
    one that is looked at cannot run in vector registers.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        before = numba.config.CACHE_DIR  # read when a function is decorated; other packages keep their own
        numba.config.CACHE_DIR = str(cache_folder())
        try:
            return numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function)
        finally:
            numba.config.CACHE_DIR = before

    return decorate


@cache
def cache_folder() -> Path:
    """Return the folder of compiled kernels.

    It lies in ``NUMBA_CACHE_DIR``, else beside the sources (where those of earlier versions are removed), else, when
    that cannot be written, in the user's cache, and for a user without a home in a temporary folder.
    """
    here = Path(__file__).parent
    beside = here / "__pycache__"
    first = Path(numba.config.CACHE_DIR) if numba.config.CACHE_DIR else beside
    name = _PREFIX + fingerprint(here)
    folder = first_writable(root / name for root in _roots(first))
    if folder.parent == beside:
        for other in beside.glob(f"{_PREFIX}*"):
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
    return folder


def _roots(first: Path) -> Iterator[Path]:
    yield first
    try:
        own = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "intraneuron"
    except RuntimeError:  # no home; a folder of a known name would run what others put there
        own = Path(tempfile.mkdtemp(prefix="intraneuron-"))
    yield own


def fingerprint(sources: Path) -> str:
    """Return a hash of the text of all Python files of a folder."""
    text = b"".join(file.name.encode() + file.read_bytes() for file in sorted(sources.glob("*.py")))
    return hashlib.sha256(text).hexdigest()[:16]


def first_writable(folders: Iterable[Path]) -> Path:
    """Return the first of some folders that can be made and written; the last when none can."""
    folder = Path()
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return folder
