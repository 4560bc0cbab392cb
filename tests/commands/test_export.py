"""intraneuron export: what it says, where it writes, and bad input in one sentence with exit code 2."""

from __future__ import annotations

import os
import shutil
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

import pytest
from tests.tiny_models import LAYERS, NEURONS, tiny_gpt2

from intraneuron import api
from intraneuron.commands import main
from intraneuron.last import remember


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished study, remembered in the state folder beside it."""
    home = tmp_path_factory.mktemp("exported")
    with mock.patch.dict(os.environ, {"XDG_STATE_HOME": str(home / "state")}):
        return api.study(str(tiny_gpt2(home / "tiny")), out=home / "study", layers=(0, 1), core_tokens=60).path


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """Return a folder with a study in it, its state folder, and files that are somebody's own."""
    shutil.copytree(made, tmp_path / "study")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    with mock.patch.dict(os.environ, {"XDG_STATE_HOME": str(tmp_path / "state")}):
        remember(tmp_path / "study")
    return tmp_path


def called(home: Path, *words: str) -> tuple[int, str, str]:
    """Run the command; return its exit code, stdout and stderr."""
    out, err = StringIO(), StringIO()
    environment = {"XDG_STATE_HOME": str(home / "state"), "NO_COLOR": "1", "COLUMNS": "100"}
    with mock.patch.dict(os.environ, environment), chdir(home), redirect_stdout(out), redirect_stderr(err):
        code = main(["export", *words])
    return code, out.getvalue(), err.getvalue()


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_it_exports_the_last_study_and_says_how_many_rows_and_what_to_read_next(home: Path) -> None:
    code, out, err = called(home)
    assert code == 0
    rows = 2 * NEURONS * 3
    assert f"neurons    {rows:>12,} rows" in out
    for line in (f"Tables: {home / 'study' / 'export'}", f"Next:   read {home / 'study' / 'export' / 'codebook.csv'}"):
        assert line in out
    assert "export: 6 populations in " in err
    assert (home / "study" / "export" / "codebook.csv").is_file()


def test_lists_are_written_with_commas(home: Path) -> None:
    words = ("--tables", "neurons,tokens", "--populations=neurons,rotated", "--layers", "1,0", "--neurons", "L0N3,L1N2")
    code, out, err = called(home, "study", "--out", "few", "--format", "json", *words)
    assert (code, err.splitlines()[-1][:22]) == (0, "export: 4 populations ")
    assert "neurons               4 rows" in out
    assert {file.name for file in (home / "few").iterdir()} >= {"neurons.json", "tokens.json", "codebook.json"}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--format", "parket"], "--format must be csv, parquet or json, got 'parket'; did you mean parquet?"),
        (["--tables", "tokns"], "--tables must be neurons, tokens, categories or segments, got 'tokns'; did you mean"),
        (["--populations", "rotatd"], "This study has no population 'rotatd'; it has neurons, shuffled, rotated; did"),
        (["--layers", "2"], "This study has no layer 2 (it has 0, 1). Run: intraneuron study "),
        (["--layers", "7"], f"has no layer 7: its layers are 0 to {LAYERS - 1}."),
        (["--layers", "one"], "--layers must be numbers with commas between them, such as 0,1, got 'one'."),
        (["--neurons", "L0N99"], f"Layer 0 has neurons 0 to {NEURONS - 1}, got 99."),
        (["--neurons", "neuron"], "A neuron is written like L3N204 (layer 3, neuron 204), got 'neuron'."),
        (["--neurons", "L0N3", "L1N2"], "--neurons takes one list with commas in it, got L0N3 L1N2. Write: --neurons"),
        (["--tables", "tokens", "segments"], "--tables takes one list with commas in it, got tokens segments."),
        (["--neurons", "L0N3", "--layers", "1"], "No rows are left to export: layers (--layers) 1 hold none of the"),
        (["--format", "json", "--excel-safe"], "excel_safe (--excel-safe) is for csv only, got format json;"),
        (
            ["--out", "file"],
            "--out file is a file; give a folder that does not exist yet, or that of an earlier export.",
        ),
        (["--out", "notes"], "--out notes is a folder with other files in it (mine.txt), not an export; give another"),
        (["--out", "study"], "--out study is a folder with other files in it"),
        (["--out", ""], "--out must be a name or a path, got ''."),
        (["notes"], "There is no study in notes (no manifest.toml)."),
        (["study", "more"], "Only one STUDY can be exported at a time, got 'more' as well."),
        (["--vector"], "There is no option --vector. Did you mean --vectors?"),
    ],
)
def test_what_the_user_can_put_right_is_one_sentence_and_exit_code_2_and_nothing_is_written(
    home: Path, words: list[str], text: str
) -> None:
    before = files(home)
    code, out, err = called(home, *words)
    assert (code, out) == (2, "")
    assert text in err
    assert "Traceback" not in err
    assert files(home) == before


def test_an_unfinished_study_is_told_to_go_on(home: Path) -> None:
    (home / "study" / "summary.json").unlink()
    code, _, err = called(home)
    assert code == 2
    assert "has no summary.json: it is not finished. Run its study command again." in err


def test_ctrl_c_leaves_the_earlier_export_and_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called(home)
    before = files(home)

    def press(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "export_study", press)
    code, _, err = called(home)
    assert code == 130
    assert "Stopped. An earlier export, if any, is as it was." in err
    assert files(home) == before


def test_excel_safe_changes_the_tokens_only_when_it_is_asked_for(home: Path) -> None:
    called(home, "--tables", "tokens")
    plain = (home / "study" / "export" / "tokens.csv").read_text(encoding="utf-8")
    called(home, "--tables", "tokens", "--excel-safe")
    safe = (home / "study" / "export" / "tokens.csv").read_text(encoding="utf-8")
    assert ',"="' in plain
    assert ',"\'="' not in plain
    assert ',"\'="' in safe
    assert safe.startswith("\ufeff")


def test_help_has_a_real_example_and_names_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Example: intraneuron export intraneuron-studies/minilm-vocabulary" in shown
    assert "look at one neuron with: intraneuron show L1N204" in shown
    assert "apostrophe before =, +, - and @" in shown.replace(" │ │ ", " ")  # the frame of the help
