"""intraneuron compare: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.commands.test_cli import User
from tests.tiny_models import tiny_gpt2


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Return a user with a model and two studies of it, in two spaces."""
    home = tmp_path_factory.mktemp("home")
    tiny_gpt2(home / "tiny")
    user = User(home)
    for name, words in {"raw": [], "centred": ["--center"]}.items():
        line = ["study", "tiny", "--layers", "0,1", "--core-tokens", "30", "--device", "cpu", "--out", name, *words]
        done = user.call(*line)
        assert done.returncode == 0, done.stderr
    return user


def test_two_studies_are_shown_side_by_side_and_nothing_is_written(user: User) -> None:
    before = user.files()
    found = user.call("compare", "raw", "centred")
    assert found.returncode == 0, found.stderr
    assert "A  raw" in found.stdout
    assert "own B − A [95%]" in found.stdout
    assert "settings.space.center" in found.stdout
    assert user.files() == before


def test_a_folder_holds_tables_and_a_page(user: User, tmp_path: Path) -> None:
    found = user.call("compare", "raw@1", "centred@0", "--out", str(tmp_path / "out"), "--match", "tokens", "--quiet")
    assert (found.returncode, found.stderr) == (0, "")
    assert f"Page:   {tmp_path / 'out'}/comparison.html" in found.stdout
    assert (tmp_path / "out" / "pairs.csv").is_file()


def test_for_programs_it_is_json(user: User) -> None:
    found = user.call("compare", "raw", "centred", "--layers", "1", "--json", "--quiet")
    tables = json.loads(found.stdout)
    assert [row["layers"] for row in tables["studies"]] == [[1], [1]]
    assert {row["interval"] for row in tables["changes"]} == {"paired"}
    assert tables["notes"] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["raw"], "compare needs two studies or more, got 1"),
        ([], "compare needs two studies or more, got 0"),
        (["raw", "raw"], "raw is named twice"),
        (["raw", "nowhere"], "There is no study in nowhere"),
        (["raw", "centred", "--layers", "2"], "This study has no layer 2 (it has 0, 1)."),
        (["raw", "centred", "--match", "name"], "--match must be auto, index, tokens or none"),
        (["raw", "centred", "--out", "tiny"], "--out tiny is a folder with other files in it"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence_and_code_2(user: User, words: list[str], told: str) -> None:
    before = user.files()
    found = user.call("compare", *words)
    assert (found.returncode, found.stdout) == (2, "")
    assert told in found.stderr
    assert len(found.stderr.splitlines()) == 1
    assert user.files() == before
