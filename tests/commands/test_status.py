"""intraneuron status, study --plan and study --config, as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.commands.test_cli import User
from tests.tiny_models import tiny_gpt2


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Return a user with a model and a finished study."""
    home = tmp_path_factory.mktemp("home")
    tiny_gpt2(home / "tiny")
    user = User(home)
    done = user.call("study", "tiny", "--layers", "0", "--core-tokens", "30", "--device", "cpu", "--out", "study")
    assert done.returncode == 0, done.stderr
    return user


def test_the_last_study_is_shown_with_stages_settings_age_and_size(user: User) -> None:
    found = user.call("status")
    assert found.returncode == 0, found.stderr
    for text in (
        "tiny, vocabulary mode",
        "Last written ",
        " files, ",
        "core_tokens 30",
        "segments quantile:5",
        "numba ",
    ):
        assert text in found.stdout.replace("\n", " ")
    assert [line.split() for line in found.stdout.splitlines() if line.startswith("observe")] == [
        ["observe", "0", "nothing"]
    ]
    assert "Finished: the same command would do nothing." in found.stdout


def test_a_setting_is_asked_about_and_nothing_is_changed(user: User) -> None:
    before = user.files()
    found = user.call("status", "study", "--segments", "quantile:10")
    shown = " ".join(found.stdout.split())
    assert "segments quantile:5, now quantile:10" in shown
    assert shown.endswith("Next: intraneuron study --config study/manifest.toml --out study --segments quantile:10")
    assert user.files() == before
    rows = {row["stage"]: row for row in json.loads(user.call("status", "--center", "--json").stdout)["stages"]}
    assert rows["categorize"]["why"] == "center False, now True"
    assert rows["segment"]["todo"] == []


def test_a_plan_says_stages_sizes_and_time_and_does_nothing(user: User) -> None:
    before = user.files()
    found = user.call("study", "tiny", "--layers", "0", "--core-tokens", "30", "--out", "new", "--plan")
    assert found.returncode == 0, found.stderr
    for text in (
        "tiny: 24 neurons in 1 of 3 layers",
        " GB of memory",
        "observe",
        "layers 0; not done yet",
        "Nothing was written.",
    ):
        assert text in found.stdout
    again = user.call("study", "--config", "study/manifest.toml", "--out", "study", "--segments", "top:0.2", "--plan")
    assert "segments quantile:5, now top:0.2" in again.stdout
    assert "observe    nothing to do" in again.stdout
    assert user.files() == before


def test_a_manifest_is_a_config_and_options_come_first(user: User) -> None:
    same = user.call("study", "--config", "study/manifest.toml", "--out", "study", "--device", "cpu")
    assert same.returncode == 0, same.stderr
    assert "nothing, it is finished" in same.stderr
    (user.home / "own.toml").write_text(
        'model = "tiny"\nout = "from-file"\n[settings]\nlayers = [0]\ncore_tokens = 40\n'
    )
    done = user.call("study", "--config", "own.toml", "--core-tokens", "25", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert "Core tokens 25," in done.stderr
    assert (user.home / "from-file" / "report.html").is_file()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("study", "--config", "absent.toml"), "There is no file absent.toml. Give --config a TOML file"),
        (("study", "--config"), "--config needs a value, got none."),
        (("status", "nowhere"), "There is no study in nowhere (no manifest.toml)."),
        (("status", "study", "other"), "Only one STUDY can be asked about at a time, got 'other' as well."),
        (("status", "study", "--core-tokens", "5"), "core_tokens (--core-tokens) must be between 20 and 1000, got 5."),
        (("status", "--segment", "top:0.1"), "There is no option --segment. Did you mean --segments?"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_exit_code_2(user: User, words: tuple[str, ...], text: str) -> None:
    before = user.files()
    found = user.call(*words)
    assert (found.returncode, found.stdout) == (2, "")
    assert text in found.stderr
    assert "Traceback" not in found.stderr
    assert user.files() == before


def test_a_misspelt_key_names_the_file_and_the_nearest(user: User, tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text('[settings]\nsegmnts = "top:0.1"\n')
    found = user.call("study", "--config", str(file))
    assert found.returncode == 2
    assert f"In {file}: There is no setting 'segmnts'; did you mean segments?" in found.stderr
