"""The lock of a study's folder: one run at a time, and none that is dead."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from intraneuron.errors import StudyError
from intraneuron.lock import holder, locked
from intraneuron.place import LOCK

HOLD = """
import sys
from pathlib import Path
from intraneuron.lock import locked

with locked(Path(sys.argv[1])):
    print("held", flush=True)
    input()
"""


def hold(path: Path) -> subprocess.Popen[str]:
    """Start a process that holds the lock until its input ends."""
    line = [sys.executable, "-c", HOLD, str(path)]
    held = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert held.stdout is not None
    assert held.stdout.readline() == "held\n"
    return held


def test_the_lock_is_there_while_it_is_held_and_names_process_and_host(tmp_path: Path) -> None:
    study = tmp_path / "new" / "study"
    with locked(study):
        assert holder(study) == (str(os.getpid()), socket.gethostname())
    assert holder(study) is None
    assert list(study.iterdir()) == []


def test_a_second_process_is_refused_with_process_and_host_of_the_first(tmp_path: Path) -> None:
    with hold(tmp_path) as first:
        with pytest.raises(StudyError) as refused, locked(tmp_path):
            pass
        assert str(refused.value) == (
            f"The study in {tmp_path} is being made by process {first.pid} on {socket.gethostname()}. Wait for it, or "
            f"stop it; if it no longer runs there, delete {tmp_path / LOCK} and run the same command again."
        )
        first.communicate("\n")
    with locked(tmp_path):
        assert holder(tmp_path) == (str(os.getpid()), socket.gethostname())


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    with hold(tmp_path) as first:
        first.kill()
    assert holder(tmp_path) == (str(first.pid), socket.gethostname())
    with locked(tmp_path):
        assert holder(tmp_path) == (str(os.getpid()), socket.gethostname())


def test_a_lock_of_another_host_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("71\nnode-12\n")
    with pytest.raises(StudyError, match=r"is being made by process 71 on node-12\. Wait"), locked(tmp_path):
        pass
    assert (tmp_path / LOCK).read_text() == "71\nnode-12\n"


def test_what_a_killed_run_never_finished_is_swept_and_nothing_else(tmp_path: Path) -> None:
    own = (".manifest.toml.0a1b2c3d.writing", "neurons/effects/peak/.layer-00.parquet.deadbeef.writing")
    others = (".hidden", ".notes.20251126", "neurons/.keep", "notes/.draft.0a1b2c3d.writing", "manifest.toml")
    for name in (*own, *others):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with locked(tmp_path):
        assert [name for name in own if (tmp_path / name).exists()] == []
    assert [name for name in others if not (tmp_path / name).exists()] == []


@pytest.mark.parametrize("half", ["", "12", "123\nho"])
def test_a_lock_that_names_nobody_is_taken_over(tmp_path: Path, half: str) -> None:
    """What is left when the power goes while it is written."""
    (tmp_path / LOCK).write_text(half)
    os.utime(tmp_path / LOCK, (1, 1))
    with locked(tmp_path):
        assert holder(tmp_path) == (str(os.getpid()), socket.gethostname())
    assert not (tmp_path / LOCK).exists()


def test_where_nothing_can_be_written_the_lock_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("intraneuron.lock.SoftFileLock.acquire", full)
    with locked(tmp_path):
        assert holder(tmp_path) is None
