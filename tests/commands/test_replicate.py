"""intraneuron replicate, as a user types it: claims beside numbers, a probe, a stop in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.commands.test_cli import User
from tests.openai_files import publish, record, replaced
from tests.serving import Answer, Server, serving

import intraneuron
from intraneuron.sources.probing import KINDS

NEURONS = 12
PROGRAM = (sys.executable, "-c", "import sys; from intraneuron.commands import main; sys.exit(main())")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as found:
        publish(found, neurons=NEURONS)
        replaced(found, 1, 3, Answer(b"", 404))
        yield found


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    return User(tmp_path_factory.mktemp("home"))


def line(server: Server, *words: str, **changed: str) -> list[str]:
    """Return a command with these words, and options of which some are changed."""
    options = {"neurons": str(NEURONS), "base-url": f"{server.url}/neurons", "weights-url": f"{server.url}/weights"}
    options |= {"jobs": "4", "cache": "cache"} | {name.replace("_", "-"): value for name, value in changed.items()}
    return ["replicate", *(word for name, value in options.items() for word in (f"--{name}", value)), *words]


def test_the_papers_claims_stand_beside_the_numbers_and_missing_files_are_counted(user: User, server: Server) -> None:
    found = user.call(*line(server, "--out", "study"))
    assert found.returncode == 0, found.stderr
    said = " ".join(found.stdout.split())
    for claim in ("C1", "C2", "C3", "C4"):
        assert f"{claim} The paper: " in said
    assert said.count("Here: ") == 4
    assert "in random directions, a difference of" in said
    assert "Of 24 files of related tokens, 23 could be used; not there (404) 1, the first of them L1N3." in said
    assert "lower bound" in said
    assert "rotated" not in said
    assert "lists: 24 files in" in found.stderr
    assert "gpt2-xl: 23 neurons in 2 of 2 layers" in found.stderr
    summary = json.loads((user.home / "study" / "summary.json").read_text())
    assert (summary["model"], summary["space"], summary["reference"]) == ("gpt2-xl", "input", "readout")
    assert user.call("show", "study", "L1N3").returncode == 2
    assert user.call("show", "study", "L1N4").returncode == 0


def test_the_same_command_fetches_nothing_again_and_does_nothing(user: User, server: Server) -> None:
    user.call(*line(server, "--out", "study"))
    before, asked = user.files(), server.asked.copy()
    again = user.call(*line(server, "--out", "study"))
    assert again.returncode == 0, again.stderr
    assert user.files() == before
    missing = "/neurons/data/related-tokens/activation-based/1/3.json"
    assert {path: n - asked[path] for path, n in server.asked.items() if n != asked[path]} == {missing: 1}
    status = user.call("status", "study", "--segments", "quantile:4").stdout
    assert f"intraneuron replicate --neurons {NEURONS} --base-url {server.url}/neurons" in status


def test_a_probe_says_what_files_hold_and_writes_nothing(user: User, server: Server) -> None:
    for kind in KINDS:
        for neuron in range(5):
            if kind != "related-tokens/activation-based":
                server.serve(f"/neurons/data/{kind}/0/{neuron}.json", b'{"tokens": [], "surprise": 1}')
    before = user.files()
    found = user.call(*line(server, "--probe"))
    assert found.returncode == 0, found.stderr
    assert "related-tokens/activation-based: 5 of 5 files came" in found.stdout
    assert "average_activations[]" in found.stdout
    assert "Not as documented: surprise is not documented." in found.stdout
    rows = json.loads(user.call(*line(server, "--probe", "--json")).stdout)
    assert [row["kind"] for row in rows] == list(KINDS)
    assert user.files() == before


def test_a_run_that_was_killed_goes_on_with_what_was_fetched_and_ends_with_the_same_lists(
    user: User, server: Server
) -> None:
    for neuron in range(NEURONS):
        body = json.dumps(record(5, neuron)).encode()
        server.serve(f"/neurons/data/related-tokens/activation-based/5/{neuron}.json", Answer(body, delay=0.25))
    words = [*PROGRAM, *line(server, "--layers", "5", "--out", "killed", jobs="2")]
    where = {"PYTHONPATH": str(Path(intraneuron.__file__).parents[1])}
    kept = user.home / "cache"
    with subprocess.Popen(words, cwd=user.home, env=user.environment | where, stderr=subprocess.DEVNULL) as run:
        for _ in range(600):
            time.sleep(0.1)
            if len(list(kept.rglob("activation-based/5/*.json"))) >= 3 or run.poll() is not None:
                break
        os.kill(run.pid, signal.SIGKILL)
    there = {file.name: file.read_bytes() for file in kept.rglob("activation-based/5/*.json")}
    assert 3 <= len(there) < NEURONS
    assert all(json.loads(body) == record(5, int(name.removesuffix(".json"))) for name, body in there.items())
    asked = server.asked.copy()
    found = user.call(*line(server, "--layers", "5", "--out", "killed"))
    assert found.returncode == 0, found.stderr
    again = [path for path, n in server.asked.items() if n != asked[path] and "/5/" in path]
    assert len(again) == NEURONS - len(there)
    assert user.call(*line(server, "--layers", "5", "--out", "whole")).returncode == 0
    first, second = ((user.home / name / "neurons" / "results.parquet").read_bytes() for name in ("killed", "whole"))
    assert first == second


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"layers": "48"}, "layers (--layers) must be between 0 and 47 for gpt2-xl, got 48."),
        ({"neurons": "7000"}, "neurons (--neurons) must be between 1 and 6400, got 7000."),
        ({"observed": "nowhere"}, "There is no study in nowhere"),
        ({"weights_url": "http://"}, "is no address of a server"),
        ({"weights_url": "nowhere"}, "There is no folder nowhere, and it is no address that begins with https://"),
        ({"base_url": "localhost/x"}, "is no address of a server. Give one that begins with"),
    ],
)
def test_what_cannot_be_is_one_sentence(user: User, server: Server, changed: dict[str, str], told: str) -> None:
    found = user.call(*line(server, "--out", "other", **changed))
    assert (found.returncode, found.stdout) == (2, "")
    assert told in found.stderr
    assert len(found.stderr.splitlines()) == 1
    assert not (user.home / "other").exists()
