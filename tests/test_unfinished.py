"""Observations that are stopped: what was summed is not summed again, and the study comes out the same."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.test_engine import assert_same_numbers, planned, report
from tests.tiny_models import random_texts, tiny_gpt2

from intraneuron import unfinished as module
from intraneuron.engine import run_study
from intraneuron.pipeline import memory, passes
from intraneuron.tensors import write_tensors
from intraneuron.unfinished import SavedSums

STOPPED = KeyboardInterrupt


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gpt2(tmp_path_factory.mktemp("models") / "gpt2")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> str:
    return random_texts(tmp_path_factory.mktemp("texts"))


@pytest.fixture(autouse=True)
def _many_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save after every batch, and let there be some."""
    monkeypatch.setattr(module, "EVERY", 0.0)
    monkeypatch.setattr(module, "SHARE", 1e9)
    monkeypatch.setitem(passes.BATCH_POSITIONS, "cpu", 600)


SMALL = 1e-9
"""GiB into which no two layers fit, and no layer."""


def run(model: Path, out: Path, **settings: Any) -> None:
    run_study(planned(model, **settings), out, last={"report": report})


@pytest.fixture(scope="module")
def undisturbed(model: Path, texts: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(passes.BATCH_POSITIONS, "cpu", 600)
        run(model, folder / "corpus", texts=texts, twins=("rotated", "untrained"))
    return folder / "corpus"


class StoppedAt:
    """Stops a run at its n-th checkpoint: before, in the middle of writing, or after it."""

    def __init__(self, n: int, when: str) -> None:
        self.left, self.when, self.saved = n, when, 0

    def __enter__(self) -> StoppedAt:
        self.patch = pytest.MonkeyPatch()
        real_save, real_write = SavedSums.save, write_tensors

        def save(own: SavedSums, tables: Any, done: int) -> None:
            self.left -= 1
            if self.left == 0 and self.when == "before":
                raise STOPPED
            real_save(own, tables, done)
            self.saved += 1
            if self.left == 0:
                raise STOPPED

        def write(file: Path, tables: Any, said: Any) -> None:
            if self.left == 0 and self.when == "within":
                file.write_bytes(b"half of i")
                raise STOPPED
            real_write(file, tables, said)

        self.patch.setattr(SavedSums, "save", save)
        self.patch.setattr(module, "write_tensors", write)
        return self

    def __exit__(self, *_: object) -> None:
        self.patch.undo()


@pytest.mark.parametrize("when", ["before", "within", "after"])
@pytest.mark.parametrize("n", [1, 4, 13])
def test_a_pass_that_was_stopped_goes_on_after_its_last_checkpoint_with_the_same_numbers(
    model: Path, texts: str, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int, when: str
) -> None:
    settings = {"texts": texts, "twins": ("rotated", "untrained")}
    with StoppedAt(n, when) as stopped, pytest.raises(STOPPED):
        run(model, tmp_path / "a", **settings)
    restored: list[int] = []
    real = SavedSums.restore

    def restore(own: SavedSums, tables: Any) -> int:
        restored.append(real(own, tables))
        return restored[-1]

    monkeypatch.setattr(SavedSums, "restore", restore)
    run(model, tmp_path / "a", **settings)
    assert (max(restored) > 0) == (stopped.saved > 0)
    assert_same_numbers(tmp_path / "a", undisturbed)
    assert not (tmp_path / "a" / "observing").exists()


@pytest.mark.parametrize("n", [1, 7, 20, 33])
def test_slices_that_were_finished_are_not_observed_again(
    model: Path, texts: str, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    monkeypatch.setattr(memory, "NARROWEST", 6)
    settings = {"texts": texts, "twins": ("rotated", "untrained"), "memory": SMALL}
    with StoppedAt(n, "after"), pytest.raises(STOPPED):
        run(model, tmp_path / "a", **settings)
    kept = {file.stem for file in (tmp_path / "a" / "observing").rglob("*.json")}
    seen: list[str] = []
    real = module.Unfinished.save

    def save(own: module.Unfinished, name: str, *rest: Any) -> None:
        seen.append(name)
        real(own, name, *rest)

    monkeypatch.setattr(module.Unfinished, "save", save)
    run(model, tmp_path / "a", **settings)
    assert_same_numbers(tmp_path / "a", undisturbed)
    assert kept.isdisjoint(seen)
    assert not (tmp_path / "a" / "observing").exists()
    assert len(kept) + len(seen) <= 2 * 2 * 4
    assert n < 33 or kept


@pytest.mark.parametrize("other", [{"min_count": 40}, {"seed": 1}, {"core_tokens": 25}])
def test_slices_of_another_setting_are_never_taken_for_ones_own(
    model: Path, texts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, Any]
) -> None:
    monkeypatch.setattr(memory, "NARROWEST", 6)
    settings = {"texts": texts, "twins": ("rotated",), "layers": (0,), "min_count": 1, "memory": SMALL}
    run(model, tmp_path / "undisturbed", **settings)
    with StoppedAt(45, "after"), pytest.raises(STOPPED):
        run(model, tmp_path / "a", **settings)
    assert list((tmp_path / "a" / "observing").rglob("*-of-*.json"))
    with monkeypatch.context() as patch:
        patch.setattr(module.Unfinished, "save", _tables_alone)
        with pytest.raises(STOPPED):
            run(model, tmp_path / "a", **(settings | other))
    assert list((tmp_path / "a" / "observing").rglob("*-of-*.parquet"))
    run(model, tmp_path / "a", **settings)
    assert_same_numbers(tmp_path / "a", tmp_path / "undisturbed")
    assert not (tmp_path / "a" / "observing").exists()


def _tables_alone(own: module.Unfinished, name: str, frames: Any, *_: object) -> None:
    """Write the tables of a slice, and stop before anything says whose they are."""
    for table, frame in frames.items():
        own.folder.write(own._file(table, name), frame)
    raise STOPPED


def test_another_memory_after_the_stop_gives_the_same_numbers(
    model: Path, texts: str, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "NARROWEST", 6)
    settings = {"texts": texts, "twins": ("rotated", "untrained")}
    for n, gib in ((20, SMALL), (3, 2.5), (9, SMALL)):
        with StoppedAt(n, "after"), pytest.raises(STOPPED):
            run(model, tmp_path / "a", **settings, memory=gib)
    run(model, tmp_path / "a", **settings)
    assert_same_numbers(tmp_path / "a", undisturbed)
    assert not (tmp_path / "a" / "observing").exists()


@pytest.fixture
def tables() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"a": rng.normal(size=(3, 4)).astype(np.float32), "b": np.zeros((0, 2), dtype=np.float32)}


def saved(file: Path, key: str = "k", said: list[str] | None = None) -> SavedSums:
    return SavedSums(file, key, (said if said is not None else []).append)


def empty(tables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.zeros_like(table) for name, table in tables.items()}


def test_a_checkpoint_is_a_file_of_safetensors_that_gives_back_every_bit(
    tables: dict[str, np.ndarray], tmp_path: Path
) -> None:
    file = tmp_path / "x.safetensors"
    saved(file).save(tables, 17)
    assert all(np.array_equal(load_file(file)[name], table) for name, table in tables.items())
    back = empty(tables)
    assert saved(file).restore(back) == 17
    assert all(np.array_equal(back[name], table) for name, table in tables.items())


def test_a_checkpoint_of_more_tables_serves_a_pass_over_some_of_them(
    tables: dict[str, np.ndarray], tmp_path: Path
) -> None:
    saved(tmp_path / "x").save(tables, 5)
    some = {"a": np.zeros_like(tables["a"])}
    assert saved(tmp_path / "x").restore(some) == 5
    assert np.array_equal(some["a"], tables["a"])


@pytest.mark.parametrize("case", ["no file", "another key", "another shape", "another table", "cut", "noise", "empty"])
def test_a_checkpoint_that_does_not_fit_is_no_checkpoint(
    tables: dict[str, np.ndarray], tmp_path: Path, case: str
) -> None:
    file, back = tmp_path / "x", empty(tables)
    if case != "no file":
        saved(file).save(tables, 5)
    content = file.read_bytes() if file.exists() else b""
    damaged = {"cut": content[:-3], "noise": b"\xff" * len(content), "empty": b""}
    if case in damaged:
        file.write_bytes(damaged[case])
    if case == "another shape":
        back["a"] = np.zeros((4, 3), dtype=np.float32)
    if case == "another table":
        back["c"] = np.zeros(1, dtype=np.float32)
    assert saved(file, "other" if case == "another key" else "k").restore(back) == 0
    assert not any(table.any() for table in back.values())


def test_a_disk_without_room_is_told_once_and_the_observation_goes_on(
    tables: dict[str, np.ndarray], tmp_path: Path
) -> None:
    said: list[str] = []
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "in the way").touch()
    checkpoints = saved(tmp_path / "x", said=said)
    checkpoints.save(tables, 1)
    checkpoints.save(tables, 2)
    assert len(said) == 1
    assert said[0].startswith("No checkpoint could be written, the observation goes on without: Cannot write to ")


def test_checkpoints_come_no_more_often_than_they_should(
    tables: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module, "EVERY", 60.0)
    monkeypatch.setattr(module, "SHARE", 0.05)
    real = write_tensors

    def slow(file: Path, *rest: Any) -> None:
        now[0] += 6.0
        real(file, *rest)

    monkeypatch.setattr(module, "write_tensors", slow)
    checkpoints, done = saved(tmp_path / "x"), []
    for second in range(0, 400, 10):
        now[0] = max(now[0], second)
        checkpoints.save(tables, second)
        back = empty(tables)
        done.append(saved(tmp_path / "x").restore(back))
    assert sorted(set(done)) == [0, 60, 190, 320]
