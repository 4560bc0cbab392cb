"""Every option of every command, mistyped, misspelt and without a value; every command on what is no study."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli_w
from tests.commands.test_cli import User

from intraneuron.commands.app import app

STUDIES = ("show", "calibrate", "compare", "robustness", "status", "methods", "export")
"""Commands that take a finished study."""

IMPORTS = ("import table", "import neuronpedia", "replicate")
"""Commands that read what somebody published."""

FREE = (
    "--vectors",
    "--columns",
    "--out",
    "--config",
    "--texts",
    "--text-field",
    "--sae",
    "--hook",
    "--space",
    "--spaces",
    "--categories",
    "--segments",
    "--neurons",
    "--populations",
    "--base-url",
    "--memory",
    "--cache",
    "--weights-url",
    "--observed",
)
"""Options whose text is judged later, by what it names."""


GIVEN = ("--model", "--study")
"""Arguments that are given as words."""


def options() -> Iterator[tuple[str, str, bool]]:
    """Yield command, option, and whether it takes a value."""
    for name in ("study", *STUDIES, *IMPORTS):
        command = app
        for word in name.split():
            command = command[word]
        for argument in command.assemble_argument_collection():
            if argument.name.startswith("--") and argument.name not in GIVEN:
                yield name, argument.name, argument.hint is not bool


OPTIONS = list(options())


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Return a user with things that are no finished study."""
    home = tmp_path_factory.mktemp("home")
    (home / "file").write_text("words")
    (home / "empty").mkdir()
    manifest = {
        "format": 0,
        "identity": {"name": "m", "weights": "w", "tokenizer": "t", "mode": "vocabulary", "texts": "none"},
        "settings": {
            "layers": [0],
            "mode": "vocabulary",
            "space": {"space": "input", "center": False},
            "partition": {},
        },
        "model": {"name": "m", "layers": 1, "neurons": [8]},
        "stages": {},
        "observation": {},
    }
    for folder, changes in {"older": {}, "unfinished": {"format": 1}}.items():
        (home / folder).mkdir()
        (home / folder / "manifest.toml").write_text(tomli_w.dumps(manifest | changes))
    (home / "broken").mkdir()
    (home / "broken" / "manifest.toml").write_text("format = = 1")
    return User(home)


def refused(user: User, *words: str) -> str:
    """Return the one sentence with which words are refused."""
    before = user.files()
    found = user.call(*words)
    assert (found.returncode, found.stdout) == (2, ""), (words, found.stderr)
    lines = found.stderr.splitlines()
    assert len(lines) == 1, found.stderr
    assert lines[0].startswith("intraneuron: ")
    assert user.files() == before
    return lines[0]


def test_there_are_options_of_every_command() -> None:
    assert {name for name, _, _ in OPTIONS} == {"study", *STUDIES, *IMPORTS}
    assert len(OPTIONS) > 40


@pytest.mark.parametrize(("command", "option", "valued"), [one for one in OPTIONS if one[1] not in FREE])
def test_a_value_of_another_type_is_refused_with_what_is_allowed(
    user: User, command: str, option: str, valued: bool
) -> None:
    of = {
        "show": ["L0N1"],
        "status": ["unfinished"],
        **{name: ["file"] for name in IMPORTS if name != "replicate"},
    }.get(command, [])
    if not valued:
        assert option in refused(user, *command.split(), *of, f"{option}=perhaps")
        return
    told = refused(user, *command.split(), *of, option, "garbage!")
    assert f"{option} " in told
    assert "garbage!" in told


@pytest.mark.parametrize(("command", "option", "valued"), OPTIONS)
def test_a_misspelt_option_is_refused_and_the_nearest_is_named(
    user: User, command: str, option: str, valued: bool
) -> None:
    wrong = option[:-1] + "qq"
    told = refused(user, *command.split(), wrong, *(["1"] if valued else []))
    assert f'There is no option "{wrong}"' in told or f"There is no option {wrong}" in told
    assert option in told or "Did you mean" not in told


@pytest.mark.parametrize(("command", "option"), [(c, o) for c, o, valued in OPTIONS if valued])
def test_an_option_without_its_value_is_refused(user: User, command: str, option: str) -> None:
    assert "needs a value, got none" in refused(user, *command.split(), option)


@pytest.mark.parametrize("command", STUDIES)
@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("file", "There is no study in file: it is a file. Name a study's folder."),
        ("empty", "There is no study in empty (no manifest.toml). Run: intraneuron study MODEL --out empty"),
        ("nowhere", "There is no study in nowhere (no manifest.toml). Run: intraneuron study MODEL --out nowhere"),
        ("older", "older was written in layout 0, this version reads 1. Run the study again with --overwrite, or"),
        ("broken", "is damaged ("),
    ],
)
def test_what_is_no_study_is_told_with_what_to_do(user: User, command: str, folder: str, told: str) -> None:
    assert told in refused(user, command, folder, *(["L0N1"] if command == "show" else []))


@pytest.mark.parametrize("command", ["show", "calibrate", "robustness", "methods", "export"])
def test_a_study_that_lacks_its_last_stages_is_told(user: User, command: str) -> None:
    told = refused(user, command, "unfinished", *(["L0N1"] if command == "show" else []))
    assert "not finished" in told
    assert "Run its study command" in told


def test_the_status_of_an_unfinished_study_is_shown(user: User) -> None:
    found = user.call("status", "unfinished")
    assert found.returncode == 0, found.stderr
    assert "not done yet" in found.stdout


def test_a_study_is_not_made_over_what_is_none(user: User, tmp_path: Path) -> None:
    assert "file is a file" in refused(user, "study", "docs-lm", "--out", "file")
    (tmp_path / "notes.txt").write_text("mine")
    assert "is a folder with other files in it" in refused(user, "study", "docs-lm", "--out", str(tmp_path))
