"""intraneuron status, study --plan and study --config, as typed."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.commands.test_cli import COMMAND, User
from tests.tiny_models import LETTERS, WORDS, tiny_gpt2


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


def test_the_next_command_is_one_line_that_the_shell_takes_back(user: User) -> None:
    place = "a folder/with a long name " + 60 * "x"
    shutil.copytree(user.home / "study", user.home / place)
    last = user.call("status", place, "--segments", "quantile:10").stdout.splitlines()[-1]
    words = shlex.split(last.removeprefix("Next: "))
    assert words[1:] == ["study", "--config", f"{place}/manifest.toml", "--out", place, "--segments", "quantile:10"]
    finished = user.call("status", place).stdout.splitlines()[-1]
    assert shlex.split(finished) == ["Next:", "intraneuron", "show", place, "L0N0"]


def test_settings_of_another_study_are_told_apart_by_status_and_refused_by_plan(user: User) -> None:
    texts = ("--texts", "texts")
    (user.home / "texts").mkdir()
    for i in range(45):
        (user.home / "texts" / f"{i}.txt").write_text(" ".join([*WORDS, *LETTERS]) * 2)
    found = user.call("status", "study", *texts)
    assert "In corpus mode it is another study; this one is in vocabulary mode." in " ".join(found.stdout.split())
    assert "Next:" not in found.stdout
    plan = user.call("study", "tiny", *texts, "--out", "study", "--plan")
    assert plan.returncode == 2
    assert "The study in study is of something else" in plan.stderr
    # Made among its own texts it stays the same study.
    line = ("study", "tiny", "--layers", "0", "--core-tokens", "30", "--device", "cpu", *texts, "--out", "texts/inside")
    assert user.call(*line).returncode == 0
    again = user.call(*line)
    assert (again.returncode, "nothing, it is finished" in again.stderr) == (0, True)
    (user.home / "texts" / "inside").rename(user.home / "inside")
    for name, more in (("same texts", ""), ("other texts", "more")):
        shutil.copytree(user.home / "texts", user.home / name)
        with (user.home / name / "0.txt").open("a") as file:
            file.write(more)
    same = json.loads(user.call("status", "inside", "--texts", "same texts", "--json").stdout)
    assert (same["another"], [row["stage"] for row in same["stages"] if row["todo"]]) == (None, [])
    other = json.loads(user.call("status", "inside", "--texts", "other texts", "--json").stdout)
    assert other["another"] == "These texts are not the study's, so it is another study."


def test_a_plan_is_json_for_programs(user: User) -> None:
    line = ("study", "tiny", "--layers", "0,1", "--core-tokens", "30", "--out", "study", "--plan", "--json")
    found = json.loads(user.call(*line).stdout)
    rows = {row["stage"]: row for row in found["stages"]}
    assert (found["study"], found["model"], found["mode"]) == ("study", "tiny", "vocabulary")
    assert rows["observe"]["todo"] == [1]
    assert min(found["seconds"], found["memory"], found["disk"]) > 0


def test_names_with_escape_sequences_are_shown_and_never_sent(user: User) -> None:
    shutil.copytree(user.home / "tiny", user.home / "ti\x1b[31mny")
    bad = "\x1b[31mx"
    for line in (("study", "ti\x1b[31mny", "--layers", "0", "--plan"), ("status", bad), ("show", bad, "L0N0")):
        found = user.call(*line)
        assert "\x1b" not in found.stdout + found.stderr
        assert "[31m" in found.stdout + found.stderr


def test_an_error_without_a_place_to_go_is_not_written_among_the_results(user: User) -> None:
    line = f"{shlex.quote(str(COMMAND))} show study L9N9 --json 2>&-"
    found = subprocess.run(line, shell=True, cwd=user.home, env=user.environment, capture_output=True, check=False)
    assert (found.returncode, found.stdout) == (2, b"")


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
