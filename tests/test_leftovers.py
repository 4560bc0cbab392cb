"""A changed setting: what was finished is lost only when its replacement is finished, and then all of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from tests.test_engine import assert_same_numbers, run, stop_after, tables
from tests.tiny_models import LETTERS, WORDS, tiny_gpt2

from intraneuron import place, planning, store
from intraneuron.data import Space
from intraneuron.errors import DataError, StudyError
from intraneuron.store import StudyFolder

CORPUS: dict[str, Any] = {"layers": (0, 1), "min_count": 2}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model whose activations are too large for float16."""
    folder = tiny_gpt2(tmp_path_factory.mktemp("models") / "gpt2")
    weights = load_file(folder / "model.safetensors")
    weights["transformer.h.1.mlp.c_fc.weight"] *= 3e4
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("texts")
    for i in range(45):
        words = [*WORDS, *LETTERS]
        (folder / f"{i:02d}.txt").write_text(" ".join((words * 3)[i : i + 80]))
    return str(folder)


@pytest.fixture(scope="module")
def finished(model: Path, texts: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(model, tmp_path_factory.mktemp("studies") / "a", texts=texts, **CORPUS).path


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "a"))


@pytest.fixture
def again(model: Path, texts: str, study: Path) -> Callable[..., StudyFolder]:
    """Return a function that runs the study's command with changed settings."""
    return lambda **changed: run(model, study, **(CORPUS | {"texts": texts} | changed))


def contents(path: Path) -> dict[str, bytes]:
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}


# What cannot be done costs nothing -------------------------------------------------------------------------------

IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"min_count": 100_000}, "Too few eligible tokens"),
    ({"dtype": "float16"}, "is NaN or infinite on some token"),
]


@pytest.mark.parametrize(("changed", "text"), IMPOSSIBLE, ids=["min_count", "dtype"])
def test_a_setting_that_cannot_be_used_leaves_the_finished_study_as_it_was(
    again: Callable[..., StudyFolder], study: Path, finished: Path, changed: dict[str, Any], text: str
) -> None:
    with pytest.raises(DataError, match=text):
        again(**changed)
    assert contents(study) == contents(finished)
    assert not (study / place.ASIDE).exists()


def test_a_study_that_was_interrupted_is_as_safe_as_a_finished_one(
    again: Callable[..., StudyFolder], study: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(study)
    stop_after("observe", monkeypatch, again)
    before = contents(study)
    with pytest.raises(DataError, match="Too few eligible tokens"):
        again(min_count=100_000)
    assert contents(study) == before
    again()
    assert_same_numbers(study, finished)


def test_a_changed_setting_that_was_stopped_goes_on_and_the_finished_study_waits(
    again: Callable[..., StudyFolder], study: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after("observe", monkeypatch, partial(again, core_tokens=25))
    waiting = contents(study / place.ASIDE)
    assert waiting == contents(finished)
    seen = StudyFolder.open(study).manifest["stages"]["observe"]["layers"]
    assert seen == [0]
    stop_after("observe", monkeypatch, partial(again, core_tokens=25))
    assert StudyFolder.open(study).manifest["stages"]["observe"]["layers"] == [0, 1]
    assert contents(study / place.ASIDE) == waiting
    again(core_tokens=25)
    assert not (study / place.ASIDE).exists()
    assert "replaces" not in StudyFolder.open(study).manifest
    assert tables(study)["neurons/core_tokens/layer-01.parquet"]["token_id"].to_numpy().shape[1] == 25


def test_after_an_interruption_an_impossible_setting_brings_the_finished_study_back(
    again: Callable[..., StudyFolder], study: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after("observe", monkeypatch, partial(again, core_tokens=25))
    with pytest.raises(DataError, match="Too few eligible tokens"):
        again(min_count=100_000)
    assert contents(study) == contents(finished)


def test_a_disk_without_hard_links_holds_a_copy(
    again: Callable[..., StudyFolder], study: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(DataError):
        again(min_count=100_000)
    assert contents(study) == contents(finished)


def test_a_run_that_was_killed_while_it_copied_loses_nothing(
    again: Callable[..., StudyFolder], study: Path, finished: Path
) -> None:
    (study / ".copying" / "neurons").mkdir(parents=True)
    again()
    assert contents(study) == contents(finished)
    assert not (study / ".copying").exists()


def test_a_copy_that_the_disk_refuses_is_told_and_nothing_is_begun(
    again: Callable[..., StudyFolder], study: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(StudyError, match=r"Cannot write to .*; give another folder with --out"):
        again(segments="quantile:3")
    assert contents(study) == contents(finished)


# Files of other settings -----------------------------------------------------------------------------------------


def test_files_of_other_settings_leave_when_the_study_is_finished(
    model: Path, texts: str, again: Callable[..., StudyFolder], study: Path, tmp_path: Path
) -> None:
    (study / "neurons" / "mine.txt").write_text("mine")
    changed: dict[str, Any] = {"layers": (0,), "core_tokens": 25, "twins": ("shuffled",), "center": True}
    again(**changed)
    run(model, tmp_path / "fresh", texts=texts, **(CORPUS | changed))
    assert set(contents(study)) == {*contents(tmp_path / "fresh"), "neurons/mine.txt"}
    assert not (study / "rotated").exists()
    assert list(StudyFolder.open(study).manifest["observation"]) == ["0"]
    assert_same_numbers(study, tmp_path / "fresh")


def test_layers_of_the_same_settings_stay_and_are_not_made_again(
    again: Callable[..., StudyFolder], study: Path, finished: Path
) -> None:
    again(layers=(1,))
    tables_of_0 = [f for f in study.rglob("layer-00.parquet") if "effects" not in f.parts]  # q is made anew
    before = {f: f.stat().st_mtime_ns for f in tables_of_0}
    again()
    assert {f: f.stat().st_mtime_ns for f in tables_of_0} == before
    assert_same_numbers(study, finished)


def test_a_stage_made_anew_for_some_layers_leaves_none_of_the_others(
    again: Callable[..., StudyFolder], study: Path
) -> None:
    again(layers=(0,), segments="quantile:3")
    left = {str(Path(name).parent) for name in tables(study) if "layer-01" in name}
    assert left == {
        *(f"{population}/{table}" for population in ("neurons", "rotated", "shuffled") for table in ("categories",)),
        *(f"{population}/core_tokens" for population in ("neurons", "rotated", "shuffled")),
        *(f"jackknife/{population}/core_tokens" for population in ("neurons", "rotated")),
        *(f"{population}/settling" for population in ("neurons", "rotated")),
        *(f"halves/{population}/core_tokens" for population in ("neurons", "rotated")),
    }


# The space -------------------------------------------------------------------------------------------------------


def test_the_space_is_that_of_the_present_number_format(
    model: Path, texts: str, again: Callable[..., StudyFolder], study: Path, tmp_path: Path
) -> None:
    before = (study / "spaces" / "input.safetensors").read_bytes()
    again(dtype="bfloat16", layers=(0,))
    fresh = run(model, tmp_path / "fresh", texts=texts, **(CORPUS | {"dtype": "bfloat16", "layers": (0,)})).path
    vectors = (study / "spaces" / "input.safetensors").read_bytes()
    assert vectors == (fresh / "spaces" / "input.safetensors").read_bytes()
    assert vectors != before
    assert_same_numbers(study, fresh)


def test_the_space_is_made_anew_with_a_new_method(
    again: Callable[..., StudyFolder], study: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = study / "spaces" / "input.safetensors"
    StudyFolder.open(study).write_space(Space("input", np.ones((300, 4), np.float32)))
    stages = tuple(replace(s, method=s.method + (s.name == "categorize")) for s in store.STAGES)
    monkeypatch.setattr(planning, "STAGES", stages)
    again()
    assert file.read_bytes() == (finished / "spaces" / "input.safetensors").read_bytes()
