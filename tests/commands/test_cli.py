"""The installed command, run as a user runs it."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import weakref
from contextlib import chdir, nullcontext, redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.tiny_models import LAYERS, NEURONS, tiny_bert, tiny_gpt2

from intraneuron import api
from intraneuron.commands import main, stopping
from intraneuron.errors import SettingError
from intraneuron.models import loading
from intraneuron.store import StudyFolder

COMMAND = Path(sys.executable).parent / "intraneuron"
K, SEGMENTS = 30, 5
N = 2 * NEURONS
OPTIONS = ("--core-tokens", str(K), "--out", "first", "--device", "cpu")

NUMBERS = """
top_down_h top_down_eta2 top_down_p top_down_q interleaving interleaving_p interleaving_q homogeneity_null
peak peak_z peak_p peak_q peak10 peak10_p peak5 peak5_p mrpp_a mrpp_p mrpp_q distance_r distance_p distance_q
ami agreement_x2 agreement_p agreement_q information_category information_segment silhouette reliability
rank_correlation overlap abstraction abstraction_p abstraction_q tightness tightness_p tightness_q
"""
LISTS = """
homogeneity homogeneity_z homogeneity_p homogeneity_q homogeneity_stepdown_p
purity purity_null purity_p entropy entropy_null
"""
OTHERS = """
layer neuron n top_tokens n_categories clustered n_segments flag_steps flag_gradient flag_peak flag_mixed pattern
"""


class User:
    """Someone at a terminal: an own state folder, a working folder, nothing else."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = os.environ | {
            **{"XDG_STATE_HOME": str(home / "state"), "HOME": str(home), "COLUMNS": "100", "NO_COLOR": "1"},
            **{"HF_HUB_OFFLINE": "1", "HF_HOME": str(home / "hf")},
        }

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the command."""
        line = [str(COMMAND), *map(str, words)]
        return subprocess.run(line, capture_output=True, text=True, env=self.environment, cwd=self.home, check=False)

    def call(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the command in this process, which spares the seconds that torch takes to load."""
        out, err = StringIO(), StringIO()
        line = [str(word) for word in words]
        with (
            mock.patch.dict(os.environ, self.environment),
            chdir(self.home),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = main(line)
        return subprocess.CompletedProcess(line, code, out.getvalue(), err.getvalue())

    def done(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the command, which must succeed."""
        found = self.run(*words)
        assert found.returncode == 0, found.stderr
        return found

    def files(self) -> set[str]:
        """Return all that lies in the home folder."""
        return {str(f.relative_to(self.home)) for f in self.home.rglob("*")}


Made = tuple[User, str, str]
"""A user who has made a study, and what the command said on stdout and stderr."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    tiny_gpt2(folder / "tiny")
    tiny_bert(folder / "bert")
    return folder


@pytest.fixture(scope="module")
def student(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return a user who has made a study, and what the command said on stdout and stderr."""
    user = User(tmp_path_factory.mktemp("home"))
    done = user.done("study", models / "tiny", "--layers", "0,2", *OPTIONS)
    return user, done.stdout, done.stderr


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


# A study and its neurons ---------------------------------------------------------------------------------------


def test_a_study_says_what_it_does_what_it_found_and_what_to_type_next(student: Made) -> None:
    user, out, progress = student
    assert f"{N} neurons in 2 of {LAYERS} layers" in progress
    for stage in ("observe", "categorize, compare", "segment", "intervals", "summarize", "report"):
        assert f"{stage}:" in progress
    assert "C1" in out
    assert "C4" in out
    assert "The most structured neurons: first those with a pattern, then by p of agreement\n" in out
    assert "first/report.html" in out
    assert "Next:   intraneuron show L" in out
    assert "\x1b" not in out + progress
    assert (user.home / "first" / "report.html").stat().st_size > 10_000


def test_a_changed_setting_says_what_is_left_and_what_it_costs(
    user: User, study: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(self: StudyFolder, name: str, key: str, layers: set[int]) -> None:
        done(self, name, key, layers)
        if name == "intervals":  # all that is asked for below has been said
            raise KeyboardInterrupt

    done = StudyFolder.finish
    monkeypatch.setattr(StudyFolder, "finish", stop)
    changed = ("--layers", "0,1,2", "--center", "--out", study.name, *OPTIONS[:2], *OPTIONS[4:])
    said = user.call("study", models / "tiny", *changed).stderr
    assert "space input-centered, twins shuffled, rotated." in said
    assert "In first; still to do: observe (layer 1), categorize, segment (layer 1), compare, intervals" in said
    assert " GB of memory, " in said
    assert "segment: 1 layer in " in said


def test_run_again_it_is_finished_and_nothing_is_written(student: Made, models: Path) -> None:
    user, out, _ = student
    tables = {f: f.stat().st_mtime_ns for f in (user.home / "first").rglob("*")}
    again = user.done("study", models / "tiny", "--layers=0,2", *OPTIONS)
    assert "still to do: nothing, it is finished" in again.stderr
    assert "GB of memory" not in again.stderr
    assert again.stdout == out
    assert {f: f.stat().st_mtime_ns for f in tables} == tables


def test_show_needs_no_folder_and_prints_the_card_of_the_last_study(student: Made) -> None:
    user, *_ = student
    card = user.done("show", "L2N5").stdout
    assert "L2N5" in card
    assert card == user.done("show", "first", "l2n5").stdout
    assert max(map(len, card.splitlines())) <= 100


def test_show_json_is_the_card_as_plain_data(student: Made) -> None:
    user, *_ = student
    card = json.loads(user.done("show", "L0N3", "--json").stdout, parse_constant=lambda name: pytest.fail(name))
    assert card["name"] == "L0N3"
    table = pq.read_table(user.home / "first" / "neurons" / "results.parquet").to_pylist()[3]
    assert [t["token"] for t in card["tokens"][:10]] == table["top_tokens"]
    assert len(card["segments"]) == table["n_segments"]
    numbers = {n["name"]: n for n in card["numbers"]}
    for name in ("ami", "peak", "mrpp_a", "interleaving"):
        expected = table[name]
        assert numbers[name]["value"] == (None if math.isnan(expected) else pytest.approx(expected))


@pytest.mark.parametrize("words", [["show", "first", "L0N3"], ["study", "--help"], ["show", "N5"], ["study", "--x"]])
def test_what_is_no_terminal_gets_no_control_codes(
    student: Made, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    user = User(student[0].home)
    del user.environment["NO_COLOR"]
    monkeypatch.delenv("NO_COLOR", raising=False)
    found = user.call(*words)
    assert found.stdout + found.stderr
    assert not {"\x1b", "\r"}.intersection(found.stdout + found.stderr)


def test_python_can_run_the_package_with_the_same_exit_codes(user: User) -> None:
    line = [sys.executable, "-m", "intraneuron", "figur"]
    found = subprocess.run(line, capture_output=True, text=True, env=user.environment, cwd=user.home, check=False)
    assert found.returncode == 2
    assert found.stderr.startswith('intraneuron: Unknown command "figur".')


def test_help_and_version_are_there(user: User) -> None:
    text = user.done("--help").stdout
    assert "study" in text
    assert "show" in text
    text = user.done("study", "--help").stdout
    for option in ("--layers", "--mode", "--texts", "--core-tokens", "--segments", "--categories", "--twins", "--out"):
        assert option in text
    assert "Memory for sums of activation" in text
    assert "repeat --texts for more" in " ".join(text.replace("│", " ").split())
    assert "with commas between them, e.g. 0,1" in " ".join(text.replace("│", " ").split())
    assert user.done("--version").stdout.strip().split(".")[0].isdigit()


# The files, read by other programs -----------------------------------------------------------------------------


def test_results_have_the_schema_that_is_promised(student: Made) -> None:
    table = pq.read_table(student[0].home / "first" / "neurons" / "results.parquet")
    assert {*NUMBERS.split(), *LISTS.split(), *OTHERS.split()} <= set(table.column_names)
    assert set(table.column_names) - {*NUMBERS.split(), *LISTS.split(), *OTHERS.split()} == {
        *("peak10_z", "peak10_q", "peak5_z", "peak5_q", "selectivity", "selectivity_p"),
    }
    assert table.num_rows == N
    for name in NUMBERS.split():
        assert table.schema.field(name).type == pa.float64(), name
    for name in LISTS.split():
        assert pa.types.is_fixed_size_list(table.schema.field(name).type), name
        assert table.schema.field(name).type.list_size == SEGMENTS


def test_tables_read_back_as_arrays_of_neurons_and_tokens(student: Made) -> None:
    folder = student[0].home / "first" / "neurons"
    core = pq.read_table(folder / "core_tokens" / "layer-02.parquet")
    shapes = {"token_id": np.int32, "activation": np.float64, "count": np.int64}
    for name, kind in shapes.items():
        column = core[name].combine_chunks()
        values = column.flatten().to_numpy(zero_copy_only=True).reshape(-1, K)
        assert values.shape == (NEURONS, K)
        assert values.dtype == kind
    ids = core["token_id"].combine_chunks().flatten().to_numpy().reshape(-1, K)
    np.testing.assert_array_equal((ids >= 0).sum(axis=1), core["n"].to_numpy())
    label = pq.read_table(folder / "segments" / "layer-02.parquet")["label"].combine_chunks()
    assert label.flatten().to_numpy().reshape(-1, K).max() == SEGMENTS - 1


def test_duckdb_reads_the_tables_as_they_are(student: Made) -> None:
    folder = student[0].home / "first"
    query = f"select layer, count(*), max(array_length(homogeneity)) from '{folder}/neurons/results.parquet' group by 1"
    assert sorted(duckdb.sql(query).fetchall()) == [(0, NEURONS, SEGMENTS), (2, NEURONS, SEGMENTS)]
    shape = f"select count(*), min(array_length(token_id)) from '{folder}/rotated/core_tokens/*.parquet'"
    assert duckdb.sql(shape).fetchall() == [(N, K)]
    joined = f"""
        select token, count(*) as neurons
        from (select unnest(token_id::integer[]) as token_id from '{folder}/neurons/core_tokens/*.parquet')
        join '{folder}/vocabulary.parquet' using (token_id) group by token order by neurons desc
    """
    assert duckdb.sql(joined).fetchall()[0][1] > 1


def test_the_summary_is_json_that_any_program_reads(student: Made) -> None:
    text = (student[0].home / "first" / "summary.json").read_text(encoding="utf-8")
    summary = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert summary["layers"] == [0, 2]
    assert summary["n_neurons"] == N
    assert {row["claim"] for row in summary["claims"]} == {"C0", "C1", "C2", "C3", "C4", "C5"}


# Bad input -----------------------------------------------------------------------------------------------------


def refused(user: User, *words: str | Path, text: str) -> None:
    """Run a command that must end with one sentence and leave nothing behind."""
    before = user.files()
    found = user.call(*words)
    assert found.returncode == 2, found.stderr
    assert found.stdout == ""
    assert "Traceback" not in found.stderr
    last = found.stderr.strip().splitlines()[-1]
    assert last.startswith("intraneuron: ")
    assert text in last
    assert user.files() == before


WRONG = {
    "unknown option": (["--layer", "0"], "There is no option --layer. Did you mean --layers? Try: intraneuron study"),
    "not a number": (
        ["--core-tokens", "many"],
        "--core-tokens must be a whole number, got 'many'. Try: intraneuron st",
    ),
    "neither number nor auto": (["--min-count", "foo"], "--min-count must be a whole number or auto, got 'foo'."),
    "not a size": (
        ["--memory", "much"],
        "memory (--memory) must be a size above 0, such as 8GB, 512MB or 2.5 (GiB), got 'much'.",
    ),
    "not yes or no": (["--center=foo"], "--center must be true or false, got 'foo'."),
    "no value": (["--seed"], "--seed needs a value, got none. Try: intraneuron study --help"),
    "a value too many": (["--seed", "1", "--seed", "2"], "--seed may be given once, got it again."),
    "a word too many": (["extra"], "Only one MODEL can be studied at a time, got 'extra' as well. Try: intraneuron st"),
    "layers with spaces": (["--layers", "0", "1"], "got 0 1. Write: --layers 0,1"),
    "layers with commas and spaces": (["--layers", "0,", "1"], "got 0, 1. Write: --layers 0,1"),
    "twins with spaces": (["--twins", "shuffled", "rotated"], "Write: --twins shuffled,rotated"),
    "texts with spaces": (
        ["--texts", "empty.txt", "b.txt"],
        "--texts takes one file or folder, got empty.txt b.txt. Repeat it for more: --texts empty.txt --texts b.txt",
    ),
    "texts with spaces after =": (["--texts=a", "b", "--layers=0"], "Repeat it for more: --texts a --texts b"),
    "out of range": (["--core-tokens", "5"], "core_tokens (--core-tokens) must be between 20 and 1000, got 5."),
    "no such layer": (["--layers", "0,9"], f"layers (--layers) must be between 0 and {LAYERS - 1}"),
    "no layer": (["--layers", ""], "--layers must be numbers with commas between them, such as 0,1, got ''."),
    "a gap between layers": (["--layers=0,,1"], "such as 0,1, got '0,,1'."),
    "a range of layers": (["--layers", "0-1"], "such as 0,1, got '0-1'."),
    "a layer below 0": (["--layers", "-1"], f"--layers) must be between 0 and {LAYERS - 1}"),
    "memory below 0": (["--memory", "-1"], "must be a size above 0, such as 8GB, 512MB or 2.5 (GiB), got -1"),
    "memory that is no number": (
        ["--memory", "nan"],
        "must be a size above 0, such as 8GB, 512MB or 2.5 (GiB), got nan",
    ),
    "texts without a name": (["--texts", ""], "texts (--texts) must be a name or a path, got ''."),
    "a folder without a name": (["--out", ""], "--out must be a name or a path, got ''."),
    "no such choice": (["--mode", "text"], "--mode must be auto, vocabulary, corpus or published, got 'text'."),
    "no such twin": (["--twins", "rotten"], "--twins must be shuffled, frequency, rotated, untrained or readout, got"),
    "a twin without texts": (["--twins", "frequency"], "twins (--twins) frequency needs texts, got none: without, ev"),
    "no such linkage": (
        ["--categories", "kmeans"],
        "categories (--categories) must be ward, average, complete, each",
    ),
    "no such segments": (["--segments", "quantile:0"], "segments (--segments) must be quantile:G"),
    "no such device": (["--device", "mps"], "There is no device 'mps'"),
    "no texts": (["--mode", "corpus"], "mode (--mode) corpus needs texts"),
    "texts that are not there": (["--texts", "nowhere.txt"], "nowhere.txt"),
    "an empty text": (["--texts", "empty.txt"], "empty"),
    "a file as folder": (["--out", "empty.txt"], "--out empty.txt is a file"),
    "a folder in a file": (["--out", "empty.txt/a"], "Cannot write to empty.txt/a"),
    "a folder of other things": (["--out", "photos"], "--out photos is a folder with other files in it"),
    "a place that cannot be written": (["--out", "/proc/intraneuron"], "Cannot write to /proc/intraneuron"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_the_user_can_put_right_is_one_sentence_and_leaves_nothing(user: User, models: Path, case: str) -> None:
    (user.home / "empty.txt").write_text("")
    (user.home / "photos").mkdir()
    (user.home / "photos" / "a.jpg").write_bytes(b"x")
    words, text = WRONG[case]
    refused(user, "study", models / "tiny", *words, text=text)


def test_no_model_is_told_with_those_that_work(user: User) -> None:
    refused(user, "study", "", text="MODEL must be a name or a path, got ''.")
    refused(user, "study", "./nowhere", text="There is no folder ./nowhere. A model is docs-lm, minilm, a local folder")
    (user.home / "folder").mkdir()
    refused(user, "study", "./folder", text="has no config.json in folder")
    (user.home / "a.txt").write_text("")
    refused(user, "study", "a.txt", text="The model a.txt is a file. A model is docs-lm, minilm, a local folder")
    refused(
        user, "study", "--texts", "docs", "folder", text="got docs folder. Repeat it for more: --texts docs --texts"
    )
    refused(user, "study", "--texts", "docs", "a.txt", text="got docs a.txt. Repeat it for more: --texts docs --texts")
    refused(user, "study", "--layers", "0", "1", text="got 0 1. Write: --layers 0,1")
    refused(user, "study", "nobody/nothing", text="Hugging Face Hub cannot be reached. Works offline: docs-lm, minilm")


def test_a_space_that_the_model_does_not_have_leaves_nothing(user: User, models: Path) -> None:
    refused(user, "study", models / "bert", "--space", "output", "--out", "new", text="Use --space input.")


def test_no_study_yet_is_told_with_what_to_run(user: User) -> None:
    refused(user, "show", "L0N0", text="No study has been made yet. Run: intraneuron study")
    refused(user, "show", "nowhere", "L0N0", text="There is no study in nowhere")
    refused(user, "show", "", "L0N0", text="The study's folder must be a name or a path, got ''.")
    (user.home / "report.html").write_text("")
    refused(user, "show", "report.html", "L0N0", text="There is no study in report.html: it is a file.")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["L0N999"], f"Layer 0 has neurons 0 to {NEURONS - 1}, got 999."),
        (["L1N0"], "This study has no layer 1 (it has 0, 2). Run: intraneuron study"),
        (["L99N0"], f"has no layer 99: its layers are 0 to {LAYERS - 1}."),
        (["N5"], "A neuron is written like L3N204"),
        ([], "show needs a neuron such as L1N204"),
        (["first", "L0N0", "L0N1"], "got 3 words"),
        (["L0N0", "--yaml"], "There is no option --yaml. Try: intraneuron show --help"),
    ],
)
def test_a_neuron_that_is_not_there_is_told(student: Made, words: list[str], text: str) -> None:
    refused(student[0], "show", *words, text=text)


def test_another_model_in_the_folder_of_a_study_is_refused(student: Made, models: Path) -> None:
    refused(student[0], "study", models / "bert", "--out", "first", text="--overwrite")


def test_an_unknown_command_is_told(user: User) -> None:
    known = "study, show, calibrate, compare, robustness, status, methods, export, ..."
    refused(user, "studdy", text=f'Did you mean "study"? Available commands: {known} Try: intraneuron --help')


def test_the_installed_command_ends_with_exit_code_2_and_one_line(user: User) -> None:
    found = user.run("study", "./nowhere", "--out", "new")
    assert found.returncode == 2
    assert found.stderr.startswith("intraneuron: There is no folder ./nowhere.")
    assert len(found.stderr.splitlines()) == 1
    assert user.files() == set()


# Files that are damaged, or that the disk refuses ----------------------------------------------------------------


@pytest.fixture
def study(student: Made, user: User) -> Path:
    """Return a copy of a finished study in the folder of a user."""
    return Path(shutil.copytree(student[0].home / "first", user.home / "first"))


DAMAGE = {
    "summary.json": (b"{}", "summary.json is damaged (it lacks reliability, clusters, "),
    "neurons/core_tokens/layer-00.parquet": (b"PAR1", "layer-00.parquet is damaged ("),
    "neurons/results.parquet": (b"PAR1 and more", "results.parquet is damaged ("),
    "vocabulary.parquet": (b"", "vocabulary.parquet is damaged ("),
    "manifest.toml": (b'format = 1\n[identity]\nname = "m"\n', "is damaged (it lacks identity.mode, "),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file_is_one_sentence(user: User, study: Path, name: str) -> None:
    content, text = DAMAGE[name]
    (study / name).write_bytes(content)
    refused(user, "show", "first", "L0N3", text=text)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["summary.json", pytest.param("vocabulary.parquet", marks=pytest.mark.slow)])
def test_the_same_command_makes_a_damaged_file_again(user: User, study: Path, models: Path, name: str) -> None:
    (study / name).write_bytes(DAMAGE[name][0])
    again = user.call("study", models / "tiny", "--layers", "0,2", *OPTIONS)
    assert (again.returncode, "finished" in again.stderr) == (0, False)
    assert f"Damaged or gone in first, and made again: {name}." in again.stderr
    assert user.call("show", "first", "L0N3").returncode == 0


def test_a_finished_study_that_cannot_be_written_is_shown_again(
    user: User, study: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "touch", refuse)
    again = user.call("study", models / "tiny", "--layers", "0,2", *OPTIONS)
    assert (again.returncode, "Could not remember this study as the last one" in again.stderr) == (0, True)
    changed = user.call("study", models / "tiny", "--layers", "0", *OPTIONS)
    assert changed.returncode == 2
    assert "Cannot write to first/manifest.toml (Read-only file system)" in changed.stderr.splitlines()[-1]
    assert study.is_dir()


def test_a_file_that_cannot_be_read_is_one_sentence(user: User, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *args: object, **options: object) -> str:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_text", refuse)
    refused(user, "show", study, "L0N3", text="manifest.toml (Permission denied); check that the folder and its files")


@pytest.mark.parametrize("words", [["show", "L0N3"], ["show", "L0N3", "--json"], ["--version"]])
def test_an_output_that_is_full_is_one_sentence(student: Made, words: list[str]) -> None:
    user = student[0]
    line = [str(COMMAND), *words]
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            line, stdout=full, stderr=subprocess.PIPE, text=True, env=user.environment, cwd=user.home, check=False
        )
    assert found.returncode == 2
    assert found.stderr == "intraneuron: The output cannot be read or written: No space left on device.\n"


# Places that will not do, and Ctrl-C ----------------------------------------------------------------------------


def no_model(*args: object, **options: object) -> None:
    pytest.fail("a model was loaded for a place that will not do")


PLACES = {
    "a file": ("report.html", [], "--out report.html is a file"),
    "in a file": ("report.html/a", [], "Cannot write to report.html/a (Not a directory)"),
    "other files": (".", [], "--out . is a folder with other files in it, not a study"),
    "old": ("old", [], "old was written in layout 0, this version reads 1."),
    "damaged": ("damaged", [], "manifest.toml is damaged ("),
    "of another program": ("theirs", ["--overwrite"], "--out theirs is not a study: its manifest.toml is of something"),
    "locked": ("locked/a", [], "Cannot write to locked/a (Permission denied)"),
    "locked, to be replaced": ("old", ["--overwrite"], "Cannot write to old (Permission denied)"),
}


@pytest.mark.parametrize("case", PLACES)
def test_a_place_that_will_not_do_is_told_alone_and_before_the_model(
    user: User, models: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (user.home / "report.html").write_text("")
    (user.home / "locked").mkdir()
    for name, text in (("old", "format = 0"), ("damaged", "format"), ("theirs", 'name = "x"')):
        (user.home / name).mkdir()
        (user.home / name / "manifest.toml").write_text(text)
    out, more, text = PLACES[case]
    monkeypatch.setattr("intraneuron.models.loading.load_model", no_model)
    if "locked" in case:
        monkeypatch.setattr(os, "access", lambda *args: False)  # for root, every folder can be written
    refused(user, "study", models / "tiny", "--out", out, *more, text=text)
    assert len(user.call("study", models / "tiny", "--out", out, *more).stderr.splitlines()) == 1


def test_the_default_place_is_looked_at_first_too(user: User, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (user.home / "intraneuron-studies").write_text("")
    monkeypatch.setattr("intraneuron.models.loading.load_model", no_model)
    refused(
        user, "study", models / "tiny", text="Cannot write to intraneuron-studies/tiny-vocabulary (Not a directory)"
    )


def test_no_plan_is_told_for_the_study_of_another_model(user: User, study: Path, models: Path) -> None:
    found = user.call("study", models / "bert", "--out", study.name)
    assert (found.returncode, len(found.stderr.splitlines())) == (2, 1)
    assert "is of something else" in found.stderr


@pytest.mark.parametrize("swallowed", [False, True], ids=["raised", "swallowed by a library"])
def test_ctrl_c_while_planning_says_that_nothing_was_written(
    user: User, models: Path, monkeypatch: pytest.MonkeyPatch, swallowed: bool
) -> None:
    def press(*args: Any, **options: Any) -> Any:
        with suppress(KeyboardInterrupt) if swallowed else nullcontext():
            signal.raise_signal(signal.SIGINT)
        return load(*args, **options)

    load = loading.load_model
    monkeypatch.setattr(loading, "load_model", press)
    before, handler = user.files(), signal.getsignal(signal.SIGINT)
    found = user.call("study", models / "tiny", *OPTIONS)
    assert (found.returncode, found.stdout, found.stderr) == (130, "", "Stopped. Nothing was written.\n")
    assert user.files() == before
    assert signal.getsignal(signal.SIGINT) == handler


@pytest.mark.parametrize(
    "swallowed", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["raised", "swallowed by a library"]
)
def test_ctrl_c_in_a_run_says_that_the_same_command_goes_on_and_it_does(
    user: User, models: Path, monkeypatch: pytest.MonkeyPatch, swallowed: bool
) -> None:
    def press(self: StudyFolder, name: str, key: str, layers: set[int]) -> None:
        done(self, name, key, layers)
        with suppress(KeyboardInterrupt) if swallowed else nullcontext():
            signal.raise_signal(signal.SIGINT)

    done = StudyFolder.finish
    words = ("study", models / "tiny", "--layers", "0", *OPTIONS)
    with monkeypatch.context() as patched:
        patched.setattr(StudyFolder, "finish", press)
        found = user.call(*words)
    assert (found.returncode, found.stdout) == (130, "")
    assert found.stderr.splitlines()[-1] == "Stopped. The same command goes on where it was."
    again = user.call(*words)
    assert again.returncode == 0
    assert "observe:" not in again.stderr


def test_ctrl_c_at_the_very_beginning_is_one_sentence(user: User) -> None:
    line = [str(COMMAND), "study", "docs-lm"]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env=user.environment, cwd=user.home) as started:
        time.sleep(1)
        started.send_signal(signal.SIGINT)
        error = started.communicate(timeout=60)[1]
    assert (started.returncode, error) == (130, "Stopped. Nothing was written.\n")


class Dropped:
    """What a weak reference watches."""


def test_ctrl_c_in_a_callback_that_cannot_raise_is_not_told_twice(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(path: Path | None) -> None:
        watched = Dropped()
        watching = weakref.ref(watched, lambda _: signal.raise_signal(signal.SIGINT))
        del watched  # the callback raises here, and Python can only tell of it
        assert watching() is None
        stopping.stop_if_pressed()

    told: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    monkeypatch.setattr(api, "open", opened)
    found = user.call("calibrate", "study")
    assert (found.returncode, found.stderr.strip()) == (130, "Stopped. Nothing was written.")
    assert told == []


# From Python -----------------------------------------------------------------------------------------------------


def test_the_python_interface_takes_paths_and_refuses_what_is_none(study: Path, models: Path) -> None:
    arguments: Any = {"layers": np.array([0, 2]), "core_tokens": np.int64(K), "device": "cpu"}
    found = api.study(models / "tiny", out=study, **arguments)
    assert (found.path, found.summary["layers"]) == (study, [0, 2])
    assert api.open(study).card("L0N3").name == "L0N3"
    name: Any
    for name in (5, (0, 5), None):
        with pytest.raises(SettingError, match="A neuron is written like L3N204"):
            found.card(name)
    for name in (None, "", 5):
        with pytest.raises(SettingError, match="model must be a name or a path, got "):
            api.study(name)
    for name in ("", 5):
        with pytest.raises(SettingError, match="path must be a name or a path, got "):
            api.open(name)
        with pytest.raises(SettingError, match="out must be a name or a path, got "):
            api.study(models / "tiny", out=name)
    with pytest.raises(SettingError, match="overwrite must be True or False, got 'no'"):
        api.study(models / "tiny", out=study, overwrite="no")  # type: ignore[arg-type]
