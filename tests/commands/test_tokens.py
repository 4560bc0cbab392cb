"""So many tokens of a text, as they are written on the command line and in files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.commands.test_cli import User
from tests.tiny_models import WORDS, tiny_gpt2


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Return a user with a model and texts."""
    home = tmp_path_factory.mktemp("home")
    tiny_gpt2(home / "tiny")
    lines = [json.dumps({"text": " ".join([*WORDS, *"abcdefgh"]) * 2}) for _ in range(60)]
    (home / "texts.jsonl").write_text("\n".join(lines))
    return User(home)


def read(user: User, *words: str) -> int:
    found = user.call("study", "tiny", "--texts", "texts.jsonl", *words, "--device", "cpu", "--plan", "--json")
    assert found.returncode == 0, found.stderr
    return int(json.loads(found.stdout)["texts"]["tokens"])


@pytest.mark.parametrize("words", [["--tokens", "5k"], ["--tokens=5000"], ["--tokens", "0.005M"]])
def test_an_amount_may_be_written_short(user: User, words: list[str]) -> None:
    assert read(user, *words) == 5000
    assert read(user) > 5000


def test_a_plan_says_how_much_is_read_and_when_that_is_less_than_was_asked_for(user: User) -> None:
    line = ("study", "tiny", "--texts", "texts.jsonl", "--device", "cpu", "--plan", "--tokens")
    said = user.call(*line, "5k").stdout
    assert "reads 5,000 tokens of text in " in said
    assert "The texts hold no more" not in said
    assert "The texts hold no more: 5,000,000 tokens were asked for (--tokens).\n" in user.call(*line, "5M").stdout


def test_an_amount_in_a_file_may_be_written_short_too(user: User) -> None:
    for number, text in enumerate(('"5k"', "5_000")):
        file = user.home / f"{number}.toml"
        file.write_text(f"[settings]\ntokens = {text}\n")
        assert read(user, "--config", file.name) == 5000
        assert read(user, "--config", file.name, "--tokens", "4k") == 4000


def test_a_study_of_so_many_tokens_is_gone_on_with_by_its_manifest(user: User) -> None:
    line = ("study", "tiny", "--texts", "texts.jsonl", "--device", "cpu", "--layers", "0", "--core-tokens", "20")
    done = user.call(*line, "--tokens", "5k", "--out", "study", "--quiet")
    assert done.returncode == 0, done.stderr
    manifest = (user.home / "study" / "manifest.toml").read_text()
    assert "\ntokens = 5000\n" in manifest
    assert read(user, "--config", "study/manifest.toml", "--out", "study") == 5000
    assert "Finished" in user.call("status", "study", "--tokens", "5k").stdout
    assert (
        "It would read more or less of the texts (--tokens)" in user.call("status", "study", "--tokens", "5100").stdout
    )
    refused = user.call(*line, "--tokens", "5100", "--out", "study")
    assert (refused.returncode, "is of something else" in refused.stderr) == (2, True)
    assert Path(user.home / "study" / "manifest.toml").read_text() == manifest
