"""Runs that are killed, and two at once: the same command finishes, with the bytes of a run that nobody disturbed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from tests.commands.test_cli import COMMAND, User
from tests.tiny_models import LETTERS, WORDS, tiny_gpt2

from intraneuron.lock import holder

KILLS = 20
LINE = (str(COMMAND), "study", "tiny", "--texts", "texts", "--core-tokens", "30", "--device", "cpu", "--out")


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Return a user with a model and texts."""
    home = tmp_path_factory.mktemp("home")
    tiny_gpt2(home / "tiny")
    rng = np.random.default_rng(0)
    (home / "texts").mkdir()
    for i in range(60):
        (home / "texts" / f"{i:02d}.txt").write_text(" ".join(rng.choice([*WORDS, *LETTERS], 150)))
    return User(home)


def start(user: User, out: str) -> subprocess.Popen[str]:
    told = {"stderr": subprocess.PIPE, "text": True, "env": user.environment, "cwd": user.home}
    return subprocess.Popen([*LINE, out], stdout=subprocess.DEVNULL, **told)  # type: ignore[call-overload,no-any-return]


def finish(user: User, out: str) -> str:
    """Run the command to its end; return what it said on stderr."""
    with start(user, out) as run:
        told = run.communicate(timeout=300)[1]
    assert run.returncode == 0, told
    return told


def contents(study: Path) -> dict[str, bytes]:
    return {str(file.relative_to(study)): file.read_bytes() for file in study.rglob("*") if file.is_file()}


@pytest.mark.slow
def test_a_study_killed_at_any_moment_is_finished_by_the_same_command_with_the_same_bytes(user: User) -> None:
    began = time.monotonic()
    finish(user, "undisturbed")
    seconds, expected = time.monotonic() - began, contents(user.home / "undisturbed")
    resumed = 0
    for i, moment in enumerate(np.random.default_rng(3).uniform(0.1, 1, KILLS) * seconds):
        study = user.home / f"killed-{i}"
        with start(user, study.name) as run:
            time.sleep(moment)
            run.kill()
            run.communicate()
        resumed += (study / "manifest.toml").is_file()
        finish(user, study.name)
        found = contents(study)
        assert set(found) == set(expected)
        assert [name for name in found if found[name] != expected[name]] == [], f"killed after {moment:.2f} s"
    assert resumed > KILLS / 4  # most of the time goes into starting


@pytest.mark.slow
def test_a_second_run_is_refused_while_the_first_goes_on(user: User) -> None:
    with start(user, "shared") as first:
        while holder(user.home / "shared") is None:
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGSTOP)  # hold it, so that it cannot be done before the second asks
        second = user.call("study", "tiny", "--texts", "texts", "--core-tokens", "30", "--out", "shared")
        os.kill(first.pid, signal.SIGCONT)
        first.communicate(timeout=300)
    assert second.returncode == 2
    assert f"The study in shared is being made by process {first.pid} on {socket.gethostname()}. " in second.stderr
    assert first.returncode == 0
    assert holder(user.home / "shared") is None
