"""intraneuron import, as a user types it: a study without a model, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.commands.test_cli import User
from tests.published import lists_file, vectors_file
from tests.serving import serving
from tests.sources.test_neuronpedia import feature, fill, write

LINE = ("import", "table", "lists.csv", "--vectors", "vectors.csv", "--out", "study")


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Return a user with lists, vectors and a study of them."""
    home = tmp_path_factory.mktemp("home")
    lists_file(home / "lists.csv")
    vectors_file(home / "vectors.csv")
    user = User(home)
    done = user.call(*LINE)
    assert done.returncode == 0, done.stderr
    (home / "said").write_text(done.stderr + done.stdout)
    return user


def test_it_says_how_tokens_were_found_and_that_readout_is_a_lower_bound(user: User) -> None:
    said = " ".join((user.home / "said").read_text().split())
    assert "lists.csv: 5 neurons in 2 of 4 layers; reads published lists, and vectors of 240 words (no model)." in said
    assert "Tokens of the lists that were found among the words of the vectors:" in said
    assert "without the mark of a word's boundary" in said
    assert "left: neurons minus readout twins" in said
    assert "They are a lower bound" in said
    assert "rotated" not in said


def test_what_is_shown_of_a_neuron_stands_beside_readout(user: User) -> None:
    said = " ".join(user.call("show", "study", "L3N4").stdout.split())
    assert "published mode" in said
    assert "homogen. random readout" in said
    assert "lower bound" in said
    card = json.loads(user.call("show", "study", "L3N4", "--json").stdout)
    assert {"readout", "readout95"} <= set(card["numbers"][0])
    assert "readout" in card["segments"][0]
    assert "rotated" not in json.dumps(card)


def test_status_names_the_command_that_goes_on_and_it_does(user: User) -> None:
    finished = user.call("status", "study").stdout
    assert "intraneuron show study L0N2" in finished
    asked = user.call("status", "study", "--segments", "top:0.25").stdout
    line = next(line for line in asked.splitlines() if line.startswith("Next: "))
    assert line == (
        "Next: intraneuron import table lists.csv --vectors vectors.csv --config study/manifest.toml --out study "
        "--segments top:0.25"
    )
    again = user.call(*line.removeprefix("Next: intraneuron ").split(), "--plan")
    assert again.returncode == 0, again.stderr
    assert "segments quantile:5, now top:0.25" in again.stdout
    assert "observe    nothing to do" in again.stdout


def test_a_plan_writes_nothing_and_is_json_for_programs(user: User) -> None:
    words = [word if word != "study" else "other" for word in LINE]
    found = json.loads(user.call(*words, "--plan", "--json").stdout)
    assert (found["mode"], found["study"]) == ("published", "other")
    assert not (user.home / "other").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--twins", "rotated"), "rotated need a model"),
        (("--twins", "frequency"), "frequency needs the count of every token"),
        (("--layers", "1"), "must be among 0, 3 for lists.csv, got 1."),
        (("--columns", "d0,dd"), "have no column 'dd' of numbers; they have d0, d1,"),
        (("--vectors", "lists.csv"), "is of something else: lists.csv (lists "),
        (("--segments", "top:2"), "segments (--segments) must be"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_the_study_stays(user: User, words: tuple[str, ...], told: str) -> None:
    before = user.files()
    line = LINE if "--vectors" not in words else (*LINE[:3], *LINE[5:])
    found = user.call(*line, *words)
    assert (found.returncode, found.stdout) == (2, "")
    assert told in found.stderr
    assert len(found.stderr.splitlines()) == 1
    assert user.files() == before


def test_a_study_of_lists_is_no_model_to_study(user: User) -> None:
    told = user.call("study", "--config", "study/manifest.toml", "--out", "elsewhere").stderr
    assert "mode (--mode) published is that of imported lists, which have no model to study." in told
    assert "twins (--twins) rotated need a model" in user.call("status", "study", "--twins", "rotated").stderr


def test_a_calibration_stands_beside_readout(user: User) -> None:
    found = user.call("calibrate", "study", "--shuffles", "20", "--planted", "20", "--out", "calibrated")
    assert found.returncode in (0, 1), found.stderr
    said = " ".join(found.stdout.split())
    assert "cloud read. neur." in said
    assert "ranks all readout 1,000" in said
    assert "rotated" not in said


def test_the_report_speaks_of_no_rotated_twin(user: User) -> None:
    page = (user.home / "study" / "report.html").read_text(encoding="utf-8")
    body = page.split('<script type="application/json" id="charts">')[0]
    assert "rotated" not in body
    assert "lower bound" in body
    assert Path(user.home / "study" / "spaces" / "vectors.safetensors").is_file()


def test_features_of_neuronpedia_are_fetched_studied_and_called_a_biased_sample(user: User) -> None:
    line = ("import", "neuronpedia", "gpt2-small/6/3-6", "--vectors", "vectors.csv", "--out", "np", "--cache", "cache")
    with serving() as server:
        fill(server)
        found = user.call(*line, "--base-url", server.url)
    assert found.returncode == 0, found.stderr
    assert re.search(r"^fetch: 4 files in", found.stderr, re.MULTILINE)
    for said in (found.stdout, (user.home / "np" / "report.html").read_text(), user.call("methods", "np").stdout):
        words = " ".join(said.split())
        assert "Activations were averaged by token over these alone, not over a text" in words
        assert "features not there (404) 1" in words
    write(user.home / "np-files" / "3.json", feature(3))
    write(user.home / "np-files" / "batch-1.jsonl.gz", feature(4), feature(6))
    again = user.call("import", "neuronpedia", "np-files", "--vectors", "vectors.csv", "--out", "np")
    assert again.returncode == 0, again.stderr
    assert "fetch" not in again.stderr
    assert user.call("show", "np", "L6N4").returncode == 0


def test_neuronpedia_needs_a_source(user: User) -> None:
    told = user.call("import", "neuronpedia", "--vectors", "vectors.csv")
    assert told.returncode == 2
    assert "SOURCE must name at least one file, folder or MODEL/LAYER/INDEX, got none." in told.stderr
    told = user.call("import", "neuronpedia", "gpt2-small/6/1", "--vectors", "vectors.csv", "--jobs", "100")
    assert "jobs (--jobs) must be between 1 and 64, got 100." in told.stderr


@pytest.mark.parametrize(
    "words", [("--space", "input"), ("--dtype", "bfloat16"), ("--min-count", "3"), ("--memory", "1")]
)
def test_status_of_lists_is_not_asked_about_what_takes_a_model(user: User, words: tuple[str, ...]) -> None:
    found = user.call("status", "study", *words)
    name = words[0].removeprefix("--").replace("-", "_")
    assert found.returncode == 2
    assert f"{name} ({words[0]}) is a setting of models and texts, and lists.csv are published lists." in found.stderr


def test_a_model_has_no_mode_or_space_of_lists(user: User) -> None:
    told = user.call("study", "docs-lm", "--mode", "published", "--out", "elsewhere").stderr
    assert "mode (--mode) published is that of imported lists" in told
    told = user.call("study", "docs-lm", "--space", "vectors", "--out", "elsewhere").stderr
    assert "space (--space) vectors is that of imported lists; a model has input and output." in told
