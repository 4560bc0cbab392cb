"""What is shown without the parser, and without the libraries that compute."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.commands.test_cli import User
from tests.tiny_models import tiny_gpt2

from intraneuron.commands.quick import quick_show

HEAVY = ("numba", "scipy", "torch", "transformers", "altair", "cyclopts")


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Return a user with a finished study."""
    home = tmp_path_factory.mktemp("home")
    tiny_gpt2(home / "tiny")
    user = User(home)
    done = user.call(*["study", "tiny", "--layers", "0", "--core-tokens", "30", "--device", "cpu", "--out", "study"])
    assert done.returncode == 0, done.stderr
    return user


@pytest.mark.parametrize("words", [["L0N1"], ["study", "L0N1"], ["study", "L0N1", "--json"], ["--json", "L0N1"]])
def test_a_neuron_is_shown_as_the_parser_shows_it(user: User, words: list[str]) -> None:
    assert quick_show(["show", *words]) is not None
    found = user.call("show", *words)
    parsed = user.call("show", *words, *(["--json=true"] if "--json" in words else ["--json=false"]))
    assert found.returncode == 0, found.stderr
    assert "--json" in words or found.stdout == parsed.stdout


@pytest.mark.parametrize(
    "words", [[], ["study"], ["show"], ["show", "--help"], ["show", "a", "b", "c"], ["show", "-h"]]
)
def test_what_takes_a_parser_is_left_to_it(words: list[str]) -> None:
    assert quick_show(words) is None


def test_a_neuron_is_shown_without_loading_what_computes(user: User, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom intraneuron.commands import main\n"
        f"main(['show', 'study', 'L0N1'])\nprint(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=user.home, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"
    assert done.stdout.startswith("L0N1 ")
