"""Runs that are killed or stopped, a full disk, two runs at once: the same command finishes, with the same bytes."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tests.commands.test_cli import COMMAND, User
from tests.tiny_models import random_texts, tiny_gpt2

from intraneuron.lock import holder

STOPS = 20
LINE = (str(COMMAND), "study", "tiny", "--texts", "texts", "--core-tokens", "30", "--device", "cpu", "--out")


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Return a user with a model and texts."""
    home = tmp_path_factory.mktemp("home")
    tiny_gpt2(home / "tiny")
    random_texts(home / "texts")
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


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody disturbed: how long it took, and what it wrote."""

    seconds: float
    files: dict[str, bytes]

    def check(self, study: Path, case: str) -> None:
        """Fail when a study has other files, or other bytes."""
        found = contents(study)
        assert set(found) == set(self.files), case
        assert [name for name in found if found[name] != self.files[name]] == [], case


@pytest.fixture(scope="module")
def undisturbed(user: User) -> Undisturbed:
    """Return what the command does when it is left alone; the first run compiles kernels, unless a cache has them."""
    finish(user, "first")
    began = time.monotonic()
    finish(user, "undisturbed")
    done = Undisturbed(time.monotonic() - began, contents(user.home / "undisturbed"))
    done.check(user.home / "first", "the run that compiles")
    return done


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_study_stopped_at_any_moment_is_finished_by_the_same_command_with_the_same_bytes(
    user: User, undisturbed: Undisturbed, how: signal.Signals
) -> None:
    resumed = 0
    for i, share in enumerate(np.random.default_rng(how).uniform(0.1, 1, STOPS)):
        study, moment = user.home / f"{how.name}-{i}", share * undisturbed.seconds
        case = f"{how.name} after {moment:.2f} s"
        with start(user, study.name) as run:
            time.sleep(moment)
            run.send_signal(how)
            told = run.communicate(timeout=300)[1]
        if how == signal.SIGINT and run.returncode:
            assert run.returncode == 130, f"{case}: {told}"
            assert told.splitlines()[-1].startswith("Stopped. "), f"{case}: {told}"
            assert "Traceback" not in told
        resumed += (study / "manifest.toml").is_file()
        finish(user, study.name)
        undisturbed.check(study, case)
    assert resumed > STOPS / 4  # most of the time goes into starting


EAGER = (
    "import intraneuron.unfinished as unfinished, intraneuron.pipeline.memory as memory; "
    "unfinished.EVERY, unfinished.SHARE, memory.NARROWEST = 0.0, 1e9, 6; "
    "import intraneuron.pipeline.passes as passes; passes.BATCH_POSITIONS['cpu'] = 600; "
    "from intraneuron.commands import main; raise SystemExit(main())"
)
"""A command that saves its sums after every batch, and cuts layers into slices."""


@pytest.mark.slow
def test_an_observation_killed_at_any_moment_even_while_it_saves_goes_on_with_the_same_bytes(user: User) -> None:
    command = [sys.executable, "-c", EAGER, *LINE[1:-1], "--memory", "1kB", "--out"]

    def eager(out: str) -> subprocess.Popen[str]:
        told = {"stderr": subprocess.PIPE, "text": True, "env": user.environment, "cwd": user.home}
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            [*command, out], stdout=subprocess.DEVNULL, **told
        )

    def finish_eagerly(out: str) -> None:
        with eager(out) as run:
            told = run.communicate(timeout=300)[1]
        assert run.returncode == 0, told

    def observing(run: subprocess.Popen[str], out: str) -> Iterator[float]:
        """Yield again and again, while a run has sums of a pass that is not over, the time."""
        while run.poll() is None:
            if (user.home / out / "observing").is_dir():
                yield time.monotonic()
            time.sleep(0.002)

    finish_eagerly("first-eager")  # it compiles kernels, unless a cache has them
    began = time.monotonic()
    with eager("eager") as run:
        moments = list(observing(run, "eager"))
        assert run.wait() == 0
    undisturbed = Undisturbed(time.monotonic() - began, contents(user.home / "eager"))
    undisturbed.check(user.home / "first-eager", "the run that compiles")
    assert not (user.home / "eager" / "observing").exists()
    within, lasts = 0, moments[-1] - moments[0]
    for i, share in enumerate(np.random.default_rng(7).uniform(0, 1, STOPS)):
        study = user.home / f"eager-{i}"
        with eager(study.name) as run:
            next(observing(run, study.name))
            time.sleep(share * lasts)
            run.kill()
            run.communicate(timeout=300)
        within += (study / "observing").is_dir()
        finish_eagerly(study.name)
        undisturbed.check(study, f"killed after {share * lasts:.2f} s of observing")
    assert within > STOPS / 5


@pytest.fixture
def small_disk(user: User) -> Iterator[Path]:
    """Mount a disk of 100 kB, where the machine lets us."""
    place = user.home / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
def test_a_disk_that_is_full_again_and_again_is_told_in_a_sentence_and_the_study_goes_on_when_there_is_room(
    user: User, undisturbed: Undisturbed, small_disk: Path
) -> None:
    need, refused = sum(map(len, undisturbed.files.values())) // 1000, 0
    for size in (100, *range(need // 8, need, need // 8), 3 * need):
        subprocess.run(["mount", "-o", f"remount,size={size}k", str(small_disk)], check=True)
        with start(user, f"{small_disk.name}/study") as run:
            told = run.communicate(timeout=300)[1]
        if run.returncode:
            refused += 1
            assert run.returncode == 2, told
            assert re.search(r"^intraneuron: Cannot write to .* \(No space left on device\); give another", told, re.M)
            assert "Traceback" not in told
    assert run.returncode == 0, told
    assert refused > 4
    undisturbed.check(small_disk / "study", "full disk")


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
