"""What this machine has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

GROUPS = "/proc/self/cgroup"
"""Where Linux says in which control groups a process is: those of a container, or of a job of SLURM."""

ROOTS = {"": ("/sys/fs/cgroup", "memory.max"), "memory": ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")}
"""By controller (empty: version 2): where its groups lie, and the file of each that holds its limit."""


def memory_there() -> int | None:
    """Return the bytes of memory that this process may have: all of the machine's, or less in a container.

    None where the system does not say.
    """
    found = [limit for limit in map(_limit, _files_of_limits()) if limit is not None]
    with suppress(AttributeError, OSError, ValueError):  # not a Unix
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min((size for size in found if size > 0), default=None)


def _files_of_limits() -> Iterator[Path]:
    """Yield the files that may hold a limit: of the roots, and of every group down to the process's own."""
    yield from (Path(root, name) for root, name in ROOTS.values())
    with suppress(OSError):  # not Linux
        for line in Path(GROUPS).read_text(encoding="utf-8").splitlines():
            _, _, rest = line.partition(":")
            controllers, _, group = rest.partition(":")
            for root, name in (ROOTS[one] for one in controllers.split(",") if one in ROOTS):
                own = Path(root, group.strip("/"))
                yield from (folder / name for folder in (own, *own.parents) if folder.is_relative_to(root))


def _limit(path: Path) -> int | None:
    """Return the number in a file; None when there is no such file, or no number in it (``max``)."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
