"""Run a compiled core over blocks of neurons in threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba

BLOCK = 64
"""Neurons in one block. No result depends on it: cores treat neurons one by one."""


def n_threads() -> int:
    """Return the number of cores this process may use (``NUMBA_NUM_THREADS`` limits it)."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, int(numba.config.NUMBA_NUM_THREADS))


def over_neurons(core: Callable[..., None], n_neurons: int, *arrays: Any, block: int = BLOCK) -> None:
    """Call ``core(start, stop, *arrays)`` for consecutive blocks of neurons; the core writes its outputs.

    Cores are compiled with ``nogil``, so blocks run side by side. The first block runs alone: it compiles the
    core when its cache is empty.
    """
    starts = range(0, n_neurons, block)
    if not starts:
        return
    core(0, min(block, n_neurons), *arrays)
    with ThreadPoolExecutor(n_threads()) as pool:
        done = [pool.submit(core, lo, min(lo + block, n_neurons), *arrays) for lo in starts[1:]]
        for future in done:
            future.result()
