from __future__ import annotations

import os
import subprocess
import sys

import numba
import numpy as np
import pytest

from intraneuron.kernels import blocks


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 200])
@pytest.mark.parametrize("block", [1, 7, 64])
def test_every_neuron_is_treated_once(size: int, block: int) -> None:
    seen = np.zeros(size, dtype=int)

    def core(start: int, stop: int, array: np.ndarray) -> None:
        assert 0 < stop - start <= block
        array[start:stop] += 1

    blocks.over_neurons(core, size, [], [seen], block=block)
    assert (seen == 1).all()


@pytest.mark.parametrize("size", [0, 1, 2, 65])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_thing_is_in_one_part(monkeypatch: pytest.MonkeyPatch, size: int, threads: int) -> None:
    monkeypatch.setattr(blocks, "n_threads", lambda: threads)
    seen, parts = np.zeros(size, dtype=int), []

    def core(start: int, stop: int, number: int, array: np.ndarray) -> None:
        parts.append((start, stop))
        array[start:stop] += number

    bounds = blocks.parts_of(size)
    assert (bounds[0], bounds[-1], len(bounds)) == (0, size, threads + 1)
    blocks.in_parts(core, bounds, [3], [seen])
    assert (seen == 3).all()
    assert len(parts) == max(1, min(threads, size))


FORKED = """
import os, warnings
import numpy as np
from intraneuron.kernels import blocks
blocks.n_threads = lambda: 3
def core(start, stop, array): array[start:stop] += 1
seen = np.zeros(9)
blocks.in_parts(core, blocks.parts_of(9), [], [seen])
warnings.simplefilter("ignore")
child = os.fork()
if child == 0:
    blocks.in_parts(core, blocks.parts_of(9), [], [seen])
    os._exit(0 if (seen == 2).all() else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
def test_a_forked_process_has_threads_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "0"


def test_what_a_part_raises_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "n_threads", lambda: 2)

    def core(start: int, stop: int) -> None:
        if start == 0:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        blocks.in_parts(core, [0, 2, 4], [], [])


@pytest.mark.parametrize("layout", ["rows", "columns", "slice", "read-only"])
def test_a_core_meets_what_it_is_given_in_one_layout_that_it_cannot_change(layout: str) -> None:
    table = np.arange(12.0).reshape(3, 4)
    given = {"rows": table, "columns": np.asfortranarray(table), "slice": np.repeat(table, 2, axis=1)[:, ::2]}
    array = given.get(layout, table)
    array.flags.writeable = layout != "read-only"
    met = []

    def core(start: int, stop: int, read: np.ndarray, number: int, out: np.ndarray) -> None:
        met.append((read, number))
        out[start:stop] = 1

    out = np.zeros(3)
    blocks.over_neurons(core, 3, [array, 7], [out])
    read, number = met[0]
    assert number == 7
    assert read.flags.c_contiguous
    assert not read.flags.writeable
    assert array.flags.writeable == (layout != "read-only")
    np.testing.assert_array_equal(read, table)
    assert out.all()


def test_a_failure_in_any_block_is_raised() -> None:
    def core(start: int, stop: int) -> None:
        if start >= 128:
            msg = "late"
            raise ValueError(msg)

    with pytest.raises(ValueError, match="late"):
        blocks.over_neurons(core, 300, [], [])


def test_threads_are_not_more_than_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    assert blocks.n_threads() >= 1
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 1)
    assert blocks.n_threads() == 1
