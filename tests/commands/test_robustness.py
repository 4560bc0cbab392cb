"""intraneuron robustness: words, tables and page of a study's numbers under every choice, and what it refuses."""

from __future__ import annotations

import json

import pytest
from tests.commands.test_cli import User
from tests.tiny_models import tiny_gpt2

from intraneuron.commands.lists import split_lists

NARROW = (
    "--spaces",
    "input,layer-input",
    "--segments",
    "quantile:5,natural",
    "--categories",
    "ward",
    "--further",
    "none",
)


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Return a user with a finished study that keeps what enters its layer."""
    user = User(tmp_path_factory.mktemp("home"))
    tiny_gpt2(user.home / "tiny")
    done = user.call(
        *("study", "tiny", "--layers", "0", "--core-tokens", "30", "--keep", "tables,inputs", "--device", "cpu"),
        *("--out", "study"),
    )
    assert done.returncode == 0, done.stderr
    return user


def test_it_says_what_holds_and_where_tables_and_page_are(user: User) -> None:
    found = user.call("robustness", "study", *NARROW, "--core-tokens", "20,30,40")
    assert found.returncode == 0, found.stderr
    assert (
        "24 specifications of tiny, 1 layer: means over all neurons of a layer and its rotated twins." in found.stdout
    )
    assert "turns on" in found.stdout
    assert "Page: study/robustness/robustness.html" in found.stdout
    assert "specifications:" in found.stderr
    assert (user.home / "study" / "robustness" / "specifications.csv").is_file()


def test_it_is_json_for_programs(user: User) -> None:
    words = ("robustness", *NARROW, "--center", "no", "--core-tokens", "30", "--out", "other", "--json", "--quiet")
    found = user.call(*words)
    assert (found.returncode, found.stderr) == (0, "")
    made = json.loads(found.stdout)
    assert made["facts"]["specifications"] == 4
    assert {row["number"] for row in made["conclusions"]} >= {"ami", "peak"}
    assert made["conclude"]
    assert (user.home / "other" / "settings.toml").is_file()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--spaces", "inptu"], "spaces (--spaces) must be among input, output, layer-input, got 'inptu'"),
        (["--core-tokens", "30,many"], "--core-tokens must be a whole number, got 'many'."),
        (["--core-tokens", "500"], "core_tokens (--core-tokens) 500 are more than the "),
        (["--further", "form"], "--further must be forms, sign, cross-fit or none, got 'form'; did you mean forms?"),
        (["--segments", "thirds"], "segments (--segments) must be quantile:G"),
        (["more"], "Only one STUDY can be varied at a time, got 'more' as well."),
        (["--out", "tiny/config.json"], "Cannot write to tiny/config.json"),
    ],
)
def test_what_the_user_can_put_right_is_one_sentence_and_exit_code_2(user: User, words: list[str], text: str) -> None:
    found = user.call("robustness", "study", *words)
    assert found.returncode == 2
    assert text in found.stderr
    assert len(found.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["study", "--further", "none,forms"], "further (--further) none stands by itself, got none, forms."),
        (["study@0"], "robustness takes a whole study, got layers of one (study@0). Run: intraneuron robustness study"),
        (["other@0,1"], "got layers of one (other@0,1). Run: intraneuron robustness other"),
    ],
)
def test_what_does_not_go_together_is_refused(user: User, words: list[str], text: str) -> None:
    found = user.call("robustness", *words)
    assert (found.returncode, found.stdout) == (2, "")
    assert text in found.stderr
    assert len(found.stderr.splitlines()) == 1


def test_lists_are_those_of_this_command_alone() -> None:
    assert split_lists(["robustness", "--core-tokens", "50,100"])[1:] == ["--core-tokens", "50", "--core-tokens", "100"]
    assert split_lists(["study", "--core-tokens", "50,100"])[1:] == ["--core-tokens", "50,100"]
    assert split_lists(["study", "--keep", "tables,inputs"])[1:] == ["--keep", "tables", "--keep", "inputs"]
