"""Help that teaches, commands for programs, and quiet ones."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from tests.commands.test_cli import COMMAND, User
from tests.tiny_models import tiny_gpt2

from intraneuron.commands.app import app

NAMES = ("study", "show", "calibrate", "compare", "robustness", "status", "methods", "export", "import", "replicate")
LINE = ("study", "tiny", "--layers", "0", "--core-tokens", "30", "--device", "cpu", "--out", "study")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Return a user with a model and a finished study."""
    home = tmp_path_factory.mktemp("home")
    tiny_gpt2(home / "tiny")
    user = User(home)
    done = user.call(*LINE)
    assert done.returncode == 0, done.stderr
    return user


def test_alone_it_shows_the_three_commands_that_a_newcomer_needs(user: User) -> None:
    found = user.call()
    assert (found.returncode, found.stderr) == (0, "")
    shown = re.findall(r"^  intraneuron (\w+)", found.stdout, re.MULTILINE)
    assert shown == ["study", "show", "status"]
    assert found.stdout.rstrip().endswith("All commands: intraneuron --help")


def test_every_command_is_known_here() -> None:
    assert set(NAMES) == {name for name in app.resolved_commands() if not name.startswith("-")}


@pytest.mark.parametrize("name", NAMES)
def test_help_of_a_command_has_an_example_and_names_another_command(user: User, name: str) -> None:
    found = user.call(name, "--help")
    assert found.returncode == 0
    text = " ".join(found.stdout.split())
    assert f"Example: intraneuron {name}" in text
    body = text.split("Start with: intraneuron")[0]
    others = set(re.findall(r"intraneuron (\w+)", body)) & set(NAMES)
    assert others - {name} or (name == "status" and "intraneuron study" in body), others
    assert not CONTROL.search(found.stdout)


@pytest.mark.parametrize("name", ["table", "neuronpedia"])
def test_help_of_an_import_has_an_example_and_names_another_command(user: User, name: str) -> None:
    text = " ".join(user.call("import", name, "--help").stdout.split())
    assert f"Example: intraneuron import {name}" in text
    assert re.search(r"intraneuron show L\dN0", text)


def test_a_misspelt_command_names_the_nearest(user: User) -> None:
    found = user.call("stduy")
    assert found.returncode == 2
    assert 'Did you mean "study"?' in found.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_written_for_a_shell(tmp_path: Path, shell: str) -> None:
    environment = os.environ | {"HOME": str(tmp_path)}
    line = [str(COMMAND), "--install-completion", "--shell", shell]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    written = "".join(file.read_text() for file in tmp_path.rglob("*") if file.is_file())
    assert all(word in written for word in (*NAMES, "core-tokens", "excel-safe"))  # fish names options without dashes


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_completion_of_bash_completes_a_command(tmp_path: Path) -> None:
    script = tmp_path / "complete"
    script.write_text(app.generate_completion(shell="bash"))
    ask = (
        'source "$1"; COMP_WORDS=(intraneuron cal); COMP_CWORD=1; '
        'name=$(complete -p intraneuron | grep -o "[-]F [^ ]*" | cut -c4-); $name; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", ask, "_", str(script)], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["calibrate"], done.stderr


def test_quiet_says_nothing_on_stderr_and_the_same_on_stdout(user: User) -> None:
    words = [*LINE, "--segments", "top:0.2"]
    quiet = user.call(*words, "--quiet")
    assert (quiet.returncode, quiet.stderr) == (0, "")
    assert quiet.stdout == user.call(*words).stdout
    wrong = user.call("study", "tiny", "--quiet", "--core-tokens", "5")
    assert "core_tokens (--core-tokens) must be between 20 and 1000, got 5." in wrong.stderr


def test_results_for_programs_are_json_on_stdout_alone(user: User) -> None:
    words = [*LINE, "--json"]
    found = json.loads(user.call(*words).stdout)
    assert found["study"] == "study"
    assert found["summary"] == json.loads((user.home / "study" / "summary.json").read_text())
    assert json.loads(user.call("methods", "study", "--json").stdout)["references"].startswith("@misc{intraneuron,")
    assert json.loads(user.call("export", "study", "--json").stdout)["rows"]["neurons"] > 0
    assert json.loads(user.call("show", "study", "L0N1", "--json").stdout)["name"] == "L0N1"


@pytest.mark.slow
def test_a_calibration_is_json_too(user: User) -> None:
    found = user.call("calibrate", "study", "--shuffles", "20", "--planted", "20", "--json", "--quiet")
    assert found.stderr == ""
    assert set(json.loads(found.stdout)) == {"size", "power", "patterns", "retest", "reach", "out"}


def test_where_there_is_no_terminal_there_are_no_control_codes(user: User) -> None:
    for words in (
        ("show", "study", "L0N1"),
        ("status", "study"),
        ("study", "tiny", "--layers", "0", "--out", "study", "--plan"),
    ):
        found = user.call(*words)
        assert found.returncode == 0, found.stderr
        assert not CONTROL.search(found.stdout + found.stderr)


def colours(user: User, **environment: str) -> bool:
    """Tell whether a card in a terminal has colours."""
    terminal, other = pty.openpty()
    line = [str(COMMAND), "show", "study", "L0N1"]
    own = {name: value for name, value in user.environment.items() if name != "NO_COLOR"} | {"TERM": "xterm-256color"}
    with subprocess.Popen(line, stdout=other, cwd=user.home, env=own | environment):
        os.close(other)
        written = b""
        with suppress(OSError):  # the other side is closed
            while True:
                written += os.read(terminal, 100_000)
    return re.search(rb"\x1b\[(?:38;|3\d)", written) is not None


@pytest.mark.slow
def test_a_terminal_has_colours_unless_no_color_is_set(user: User) -> None:
    assert colours(user)
    assert not colours(user, NO_COLOR="1")
