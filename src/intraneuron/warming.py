"""Compile kernels beside the work of a study's first start, so that nobody waits for them twice.

Kernels are compiled when they are first called, and kept (``kernels/compiled.py``). All that a study calls take the
better part of a minute, one after the other. Two processes compile them while the model is observed, each
its half, by testing made-up neurons; a study waits for them before its first test. Whatever becomes of them, a kernel
that is not there is compiled when it is called, to the same digits.

    python -m intraneuron.warming zones others
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import binding

from intraneuron.data import CoreTokens, Space, Spelling
from intraneuron.kernels.abstraction import abstraction
from intraneuron.kernels.agreement import agreement
from intraneuron.kernels.background import background_sums, tightness
from intraneuron.kernels.compiled import cache_folder
from intraneuron.kernels.composition import composition
from intraneuron.kernels.homogeneity import zones
from intraneuron.kernels.nearest import nearest_to_mean
from intraneuron.kernels.ranks import top_down
from intraneuron.kernels.runs import interleaving
from intraneuron.kernels.selectivity import selectivity
from intraneuron.pipeline.partition import categorize, segment
from intraneuron.pipeline.shuffle import shuffle
from intraneuron.pipeline.similarity import similarity
from intraneuron.pipeline.simulate import simulate

PATIENCE = 600.0
"""Seconds that a study waits for the other processes."""


TESTING = ("categorize", "compare", "intervals")
"""Stages that call these kernels."""


@contextmanager
def compiling(stages: Iterable[str]) -> Iterator[Callable[[], None]]:
    """Compile in other processes what some stages will call, unless it has been done here before.

    The block calls what it is given before the first of these stages: it waits. Whatever still runs afterwards is
    stopped.
    """
    started = _started() if set(TESTING) & set(stages) else []
    try:
        yield lambda: _wait(started)
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
                process.wait()


def _started() -> list[subprocess.Popen[bytes]]:
    """Start a process for each half that is not there."""
    place = os.environ | {"NUMBA_CACHE_DIR": str(cache_folder().parent)}
    silent: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    found = []
    for part in HALVES:
        if not _mark(part).is_file():
            with suppress(OSError):  # no more processes: kernels are compiled when they are called
                words = [sys.executable, "-P", "-m", "intraneuron.warming", part]
                found.append(subprocess.Popen(words, env=place, **silent))
    return found


def _wait(started: Iterable[subprocess.Popen[bytes]]) -> None:
    for process in started:
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)


def _mark(part: str) -> Path:
    """Return the file that says that a half is there: for these kernels, this numba and this processor."""
    return cache_folder() / f"warm-{part}-{numba.__version__}-{binding.get_host_cpu_name()}"


def _zones() -> None:
    """Call what tests zones of activation."""
    core, S, _, keys = _made_up()
    segments = segment(core)
    given = (core.n, segments.label, segments.n_groups)
    abstraction(S, S[:, ::-1, ::-1].copy(), *given, keys=keys)
    zones(S, core.n, core.activation, *given[1:], keys=keys)


def _others() -> None:
    """Call what makes cosines and groups, and what tests groups."""
    core, _, space, keys = _made_up()
    spelling = Spelling.from_tokens([f"{i:b}" for i in range(len(space.vector))])
    found = similarity(core.token_id, core.n, space, spelling).rearranged(shuffle(core)[1])
    categories, segments = categorize(core, space, similarity=found), segment(core)
    groups = (categories.label, core.n, categories.n_groups)
    selectivity(core.activation, *groups, keys=keys)
    top_down(core.activation, *groups)
    interleaving(*groups)
    agreement(categories.label, segments.label, core.n)
    composition(categories.label, segments.label, core.n, categories.n_groups, segments.n_groups)
    nearest_to_mean(space.vector, core.token_id, categories.label, core.n, categories.n_groups)
    tightness(np.full(len(core), 0.5), core.n, 200, *background_sums(space.vector[:200]))


def _made_up() -> tuple[CoreTokens, np.ndarray, Space, np.ndarray]:
    """Return neurons with a planted pattern, cosines, their space, and keys."""
    made = simulate(3)
    E = np.random.default_rng(0).normal(size=(len(made.core), made.core.width, 16))
    E /= np.linalg.norm(E, axis=-1, keepdims=True)
    S = np.einsum("nid,njd->nij", E, E).astype(np.float32)
    return made.core, S, made.space, np.zeros((3, len(made.core)), dtype=np.int64)


HALVES: dict[str, Callable[[], None]] = {"zones": _zones, "others": _others}
"""What is compiled side by side, about equally long."""


def main() -> None:
    """Compile the halves that are named."""
    if hasattr(os, "nice"):
        os.nice(5)
    for part in sys.argv[1:]:
        HALVES[part]()
        _mark(part).touch()


if __name__ == "__main__":
    main()
