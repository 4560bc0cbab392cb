"""intraneuron calibrate: tables, figure, exit codes, and what stands beside every none of a study."""

from __future__ import annotations

import os
import shutil
import tomllib
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

import numpy as np
import polars as pl
import pytest
from tests.tiny_models import NEURONS, tiny_gpt2

from intraneuron import api
from intraneuron.commands import main
from intraneuron.errors import SettingError
from intraneuron.pipeline import power, size
from intraneuron.pipeline.power import FLAGGED

LAYERS = (0, 1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished study, remembered in the state folder beside it."""
    home = tmp_path_factory.mktemp("calibrated")
    with mock.patch.dict(os.environ, {"XDG_STATE_HOME": str(home / "state")}):
        return api.study(str(tiny_gpt2(home / "tiny")), out=home / "study", layers=LAYERS, core_tokens=60).path


def called(made: Path, *words: str) -> tuple[int, str, str]:
    """Run the command; return its exit code, stdout and stderr."""
    out, err = StringIO(), StringIO()
    environment = {"XDG_STATE_HOME": str(made.parent / "state"), "NO_COLOR": "1", "COLUMNS": "100"}
    with mock.patch.dict(os.environ, environment), chdir(made.parent), redirect_stdout(out), redirect_stderr(err):
        code = main(["calibrate", *words])
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def calibrated(made: Path) -> tuple[int, str, str]:
    return called(made, "--shuffles", "200", "--planted", "20", "--seed", "3")


@pytest.mark.slow
def test_it_calibrates_the_last_study_and_says_what_it_found(calibrated: tuple[int, str, str]) -> None:
    code, out, err = calibrated
    assert code == 0
    for heading in ("Size of every test", "What planted relations are found", "Patterns of made-up neurons"):
        assert heading in out
    assert "Patterns, twice" in out
    assert "Too few shuffles to judge all tests" in out
    assert "calibration/calibration.html" in out
    for stage in ("shuffles", "cloud", "planted", "retest"):
        assert f"{stage}:" in err


@pytest.mark.slow
def test_tables_figure_and_settings_lie_in_the_study(made: Path, calibrated: tuple[int, str, str]) -> None:
    folder = made / "calibration"
    frames = {name: pl.read_parquet(folder / f"{name}.parquet") for name in ("size", "power", "patterns", "retest")}
    sizes = frames["size"]
    assert set(sizes["level"].unique()) == {0.05, 0.01, 0.001}
    assert {"share_cloud", "share_rotated", "share_neurons", "share_shuffled"} <= set(sizes.columns)
    assert sizes.filter(test="homogeneity 1")["shuffles"].min() >= 200  # type: ignore[operator]
    assert set(frames["power"]["kind"].unique()) == {"none", "gradient", "peak", "steps"}
    assert set(frames["retest"]["population"].unique()) == {"neurons", "rotated"}
    assert set(frames["retest"]["forms"].unique()) == {"ranks"}
    assert (folder / "calibration.html").stat().st_size > 100_000
    assert (folder / "calibration.png").read_bytes()[:4] == b"\x89PNG"
    settings = tomllib.loads((folder / "settings.toml").read_text(encoding="utf-8"))
    assert settings["calibrate"] == {"shuffles": 200, "planted": 20, "seed": 3}
    assert settings["facts"]["planted"]["dimensions"] == 16
    assert settings["study"]["settings"]["layers"] == list(LAYERS)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_tables_and_another_one_other_shuffles(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(power, "STRENGTHS", (0.0, 0.8))
    study = api.open(made)
    first, again = (study.calibrate(shuffles=100, planted=20, seed=1, out=tmp_path / str(i)) for i in (0, 1))
    np.testing.assert_equal(first.tables(), again.tables())
    other = api.calibrate(made, shuffles=100, planted=20, seed=2, out=tmp_path / "2")
    assert [row["share"] for row in other.size] != [row["share"] for row in first.size]
    assert pl.read_parquet(tmp_path / "2" / "size.parquet")["share"].to_list() == [row["share"] for row in other.size]


@pytest.mark.slow
def test_a_test_out_of_bounds_is_named_and_the_exit_code_is_1(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = size._size_row
    monkeypatch.setattr(power, "STRENGTHS", (0.0, 0.8))
    monkeypatch.setattr(size, "_size_row", lambda test, *rest: row(test, *rest) | {"out": test.name == "mrpp"})
    code, out, _ = called(made, "study", "--shuffles", "1", "--planted", "20", "--out", str(tmp_path / "other"))
    assert code == 1
    assert out.count("Out of bounds: mrpp at p ≤ ") == 3
    assert "Out of bounds: peak" not in out
    assert (tmp_path / "other" / "size.parquet").is_file()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--shuffles", "0"], "shuffles (--shuffles) must be at least 1, got 0."),
        (["--shuffles", "many"], "--shuffles must be a whole number, got 'many'."),
        (["--planted", "5"], "planted (--planted) must be at least 20, got 5."),
        (["--seed", "-1"], "seed (--seed) must be a whole number from 0 to 2^63 - 1, got -1."),
        (["nowhere"], "There is no study in nowhere (no manifest.toml)."),
        (["study", "more"], "Only one STUDY can be calibrated at a time, got 'more' as well."),
        (["--shuffle", "9"], "There is no option --shuffle. Did you mean --shuffles?"),
    ],
)
def test_what_the_user_can_put_right_is_one_sentence_and_exit_code_2(made: Path, words: list[str], text: str) -> None:
    code, out, err = called(made, *words)
    assert (code, out) == (2, "")
    assert text in err
    assert "Traceback" not in err


def test_a_misspelled_setting_in_python_is_refused(made: Path) -> None:
    with pytest.raises(SettingError, match="There is no setting 'shufles'; did you mean shuffles"):
        api.open(made).calibrate(shufles=3)


def test_beside_every_number_stands_what_could_have_been_seen(made: Path) -> None:
    study = api.open(made)
    for row in study.summary["claims"]:
        for name in ("neurons", "difference"):
            low, high, seen = row[f"{name}_low"], row[f"{name}_high"], row[f"{name}_detectable"]
            if seen is not None:
                assert (high - low) / 2 < seen < high - low
    found = study.summary["detectable"]
    assert set(found) == {str(layer) for layer in LAYERS}
    assert set(found["0"]) <= set(FLAGGED)
    cards = [study.card(f"L0N{n}") for n in range(NEURONS)]
    card = next(card for card in cards if card.pattern == "none")
    assert "With about 80 % power it would have had one at agreement (AMI) " in " ".join(str(card).split())
    needed = {number.name: number.detectable for number in card.numbers}
    assert needed["ami"] == pytest.approx(found["0"]["ami"])
    assert "would be given a pattern with about 80 % power" in (made / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_calibration_leaves_with_the_settings_that_it_is_of(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(power, "STRENGTHS", (0.0, 0.8))
    again = {"out": shutil.copytree(made, tmp_path / "study"), "layers": LAYERS, "core_tokens": 60}
    api.open(again["out"]).calibrate(shuffles=50, planted=20)  # type: ignore[arg-type]
    (tmp_path / "study" / "calibration" / "mine.txt").write_text("mine")
    model = str(made.parent / "tiny")
    api.study(model, **again)  # type: ignore[arg-type]
    assert (tmp_path / "study" / "calibration" / "size.parquet").is_file()
    api.study(model, **again, segments="quantile:3")  # type: ignore[arg-type]
    assert [file.name for file in (tmp_path / "study" / "calibration").iterdir()] == ["mine.txt"]
