"""Run a compiled core over blocks of neurons in threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import numba
import numpy as np

BLOCK = 32
"""Neurons in one block. No result depends on it: cores treat neurons one by one."""


def n_threads() -> int:
    """Return the number of cores this process may use (``NUMBA_NUM_THREADS`` limits it)."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, int(numba.config.NUMBA_NUM_THREADS))


def over_neurons(
    core: Callable[..., None], n_neurons: int, given: Sequence[Any], out: Sequence[np.ndarray], *, block: int = BLOCK
) -> None:
    """Call ``core(start, stop, *given, *out)`` for consecutive blocks of neurons; the core writes to ``out``.

    Cores are compiled with ``nogil``, so blocks run side by side. Arrays that are given come in one memory layout,
    read-only, and whole numbers a neuron as int64: numba compiles a core again for another layout or width.
    """
    arrays = [*map(_as_given, given), *out]
    if n_neurons <= block:
        if n_neurons:
            core(0, n_neurons, *arrays)
        return
    with ThreadPoolExecutor(n_threads()) as pool:
        starts = range(0, n_neurons, block)
        done = [pool.submit(core, lo, min(lo + block, n_neurons), *arrays) for lo in starts]
        for future in done:
            future.result()


def parts_of(n: int) -> list[int]:
    """Return where the parts of n things begin, as many as there are threads and about equally large; n at the end."""
    threads = n_threads()
    return [n * i // threads for i in range(threads + 1)]


def in_parts(core: Callable[..., None], bounds: Sequence[int], given: Sequence[Any], out: Sequence[np.ndarray]) -> None:
    """Call ``core(start, stop, *given, *out)`` for parts of things, one in each thread.

    ``bounds`` say where they begin, and where the last one ends. For cores that treat things one by one, and take a
    few milliseconds: arrays are handed on as they are.
    """
    *others, (start, stop) = [pair for pair in pairwise(bounds) if pair[0] < pair[1]] or [(0, 0)]
    if not others:
        core(start, stop, *given, *out)
        return
    done = [_waiting().submit(core, lo, hi, *given, *out) for lo, hi in others]
    core(start, stop, *given, *out)
    for future in done:
        future.result()


@cache
def _waiting() -> ThreadPoolExecutor:
    """Return threads that stay: where there are many, starting them takes as long as what they are to do."""
    return ThreadPoolExecutor(max(1, n_threads() - 1), thread_name_prefix="intraneuron")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_waiting.cache_clear)  # a forked process has the pool, and none of its threads


def _as_given(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    if value.ndim == 1 and np.issubdtype(value.dtype, np.signedinteger):
        value = value.astype(np.int64, copy=False)
    view = np.ascontiguousarray(value).view()
    view.flags.writeable = False
    return view
