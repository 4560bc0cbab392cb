from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from intraneuron import warming
from intraneuron.warming import HALVES, TESTING, compiling


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Return the commands that are started where nothing is compiled yet; each only waits for a second."""
    started: list[list[str]] = []
    popen = subprocess.Popen

    def start(words: list[str], **options: object) -> subprocess.Popen[bytes]:
        started.append(words)
        return popen([sys.executable, "-c", "import time; time.sleep(1)"], **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(warming, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(subprocess, "Popen", start)
    return started


def test_each_half_is_compiled_in_a_process_of_its_own_that_is_waited_for(cold: list[list[str]]) -> None:
    with compiling(["observe", *TESTING]) as compiled:
        processes = len(cold)
        compiled()
    assert processes == len(HALVES) == 2
    assert [words[-1] for words in cold] == list(HALVES)


def test_a_run_that_tests_nothing_compiles_nothing(cold: list[list[str]]) -> None:
    with compiling(["observe", "report"]) as compiled:
        compiled()
    assert cold == []


def test_what_is_there_is_not_compiled_again(cold: list[list[str]]) -> None:
    for part in HALVES:
        warming._mark(part).touch()
    with compiling(TESTING):
        assert cold == []


def test_a_run_that_fails_leaves_no_process_behind(cold: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    left = warming._started()
    monkeypatch.setattr(warming, "_started", lambda: left)
    with pytest.raises(ZeroDivisionError), compiling(TESTING):
        raise ZeroDivisionError
    assert len(left) == len(cold) == 2
    assert all(process.poll() is not None for process in left)


def test_a_place_without_processes_does_without(cold: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*words: object, **options: object) -> None:
        raise OSError

    monkeypatch.setattr(subprocess, "Popen", none)
    with compiling(TESTING) as compiled:
        compiled()
    assert cold == []


def test_both_halves_run_and_leave_their_mark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from intraneuron.kernels.compiled import cache_folder

    kept = cache_folder()
    monkeypatch.setattr(warming, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(os, "nice", lambda by: by)
    monkeypatch.setattr(sys, "argv", ["warming", *HALVES])
    warming.main()
    assert all(warming._mark(part).is_file() for part in HALVES)
    assert kept == cache_folder()
