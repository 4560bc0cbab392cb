"""What this machine has."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where Linux says what a container, or a job of SLURM, may use."""


def memory_there() -> int | None:
    """Return the bytes of memory that this process may have: all of the machine's, or less in a container.

    None where the system does not say.
    """
    found = [limit for limit in map(_limit, LIMITS) if limit is not None]
    with suppress(AttributeError, OSError, ValueError):  # not a Unix
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min((size for size in found if size > 0), default=None)


def _limit(path: str) -> int | None:
    """Return the number in a file; None when there is no such file, or no number in it (``max``)."""
    try:
        return int(Path(path).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
