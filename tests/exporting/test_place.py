"""An export takes its place whole: whatever stops it, the earlier one or the new one is there, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from intraneuron import api
from intraneuron.errors import StudyError
from intraneuron.exporting import place
from intraneuron.exporting.place import MARK, recover, remove_outdated_export, staged
from intraneuron.place import LOCK


class KilledError(BaseException):
    """Stands for a process that is gone: nothing of it runs any more."""


def export(out: Path, **files: str) -> None:
    """Put an export of some files into a folder."""
    names = [name.replace("_", ".") for name in files]
    with staged(out, names) as new:
        for name, text in zip(names, files.values(), strict=True):
            (new / name).write_text(text)
        (new / MARK).write_text(tomli_w.dumps({"files": names}))


def there(out: Path) -> dict[str, str]:
    """Return what lies in a folder, but for what says what it is."""
    return {file.name: file.read_text() if file.is_file() else "folder" for file in out.iterdir() if file.name != MARK}


OLD = {"tokens_csv": "old tokens", "neurons_csv": "old neurons"}
NEW = {"tokens_csv": "new tokens", "segments_csv": "new segments", "codebook_csv": "new codebook"}


def dotted(files: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "."): text for name, text in files.items()}


def test_an_export_replaces_the_earlier_one_and_leaves_other_files_alone(tmp_path: Path) -> None:
    export(tmp_path / "out", **OLD)
    (tmp_path / "out" / "mine.txt").write_text("mine")
    export(tmp_path / "out", **NEW)
    assert there(tmp_path / "out") == dotted(NEW) | {"mine.txt": "mine"}


def test_an_export_that_fails_leaves_the_earlier_one_and_no_folder_that_it_made(tmp_path: Path) -> None:
    export(tmp_path / "out", **OLD)

    def fail(out: Path) -> None:
        with staged(out, ["tokens.csv"]) as new:
            (new / "tokens.csv").write_text("half")
            raise KeyboardInterrupt

    for out in (tmp_path / "out", tmp_path / "a" / "b"):
        with pytest.raises(KeyboardInterrupt):
            fail(out)
    assert there(tmp_path / "out") == dotted(OLD)
    assert not (tmp_path / "a").exists()


def stop_at(monkeypatch: pytest.MonkeyPatch, move: int, error: BaseException) -> None:
    """Raise an error in place of the nth move of a file."""
    done, real = 0, Path.replace

    def replace(self: Path, target: Path) -> None:
        nonlocal done
        done += 1
        if done == move:
            raise error
        real(self, target)

    monkeypatch.setattr(Path, "replace", replace)


@pytest.mark.parametrize("before", [{}, OLD])
@pytest.mark.parametrize("move", range(1, 9))
def test_ctrl_c_at_every_move_leaves_one_export_whole(
    before: dict[str, str], move: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    if before:
        export(out, **before)
    with monkeypatch.context() as patched:
        stop_at(patched, move, KeyboardInterrupt())
        try:
            export(out, **NEW)
            finished = True
        except KeyboardInterrupt:
            finished = False
    assert finished == (move > 4 + 3 * bool(before))
    expected = NEW if finished else before
    assert (there(out) if out.exists() else {}) == dotted(expected)
    assert (out / MARK).exists() == bool(expected)


@pytest.mark.parametrize("before", [{}, OLD])
@pytest.mark.parametrize("move", range(1, 8))
@pytest.mark.parametrize("again", range(1, 8))
def test_a_kill_at_every_move_and_another_while_that_is_undone_lose_nothing(
    before: dict[str, str], move: int, again: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    if before:
        export(out, **before)
    moves = 4 + 3 * bool(before)
    if move > moves:
        return
    with monkeypatch.context() as patched:
        stop_at(patched, move, KilledError())
        real, calls = place.recover, iter((True, False))
        patched.setattr(place, "recover", lambda of: real(of) if next(calls) else None)
        patched.setattr(place, "unmake", lambda _: None)
        with pytest.raises(KilledError):
            export(out, **NEW)
    with monkeypatch.context() as patched:
        stop_at(patched, again, KilledError())
        with suppress(KilledError):
            recover(out)
    recover(out)
    assert there(out) == dotted(before)
    assert (out / MARK).exists() == bool(before)
    export(out, **NEW)
    assert there(out) == dotted(NEW)


@pytest.mark.parametrize(
    ("there", "text"),
    [
        ({"notes.txt": "mine"}, "is a folder with other files in it (notes.txt), not an export; give another folder."),
        ({"tokens.csv": "mine"}, "is a folder with other files in it (tokens.csv), not an export"),
        ({MARK: "no [ toml", "tokens.csv": "?"}, f"is a folder with other files in it ({MARK}), not an export"),
        ({MARK: 'files = ["neurons.csv"]', "tokens.csv": "mine"}, "has a file tokens.csv that is none of the export"),
        ({MARK: 'files = ["../a"]', "tokens.csv": "mine"}, "has a file tokens.csv that is none of the export"),
    ],
)
def test_files_that_are_none_of_an_exports_are_never_overwritten(
    there: dict[str, str], text: str, tmp_path: Path
) -> None:
    for name, content in there.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(StudyError) as caught:
        export(tmp_path, **NEW)
    assert text in str(caught.value)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == there


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(
        StudyError, match=r"--out .*out is a file; give a folder that does not exist yet, or that of an"
    ):
        export(tmp_path / "out", **NEW)
    assert (tmp_path / "out").read_text() == "mine"


def test_a_second_export_into_a_folder_is_refused_with_the_process_that_writes_there(tmp_path: Path) -> None:
    text = (
        rf"An export is being written into .*out by process {os.getpid()} on .*\. Wait for it, or give another folder"
    )
    with staged(tmp_path / "out", ["tokens.csv"]) as new:
        with pytest.raises(StudyError, match=text):
            export(tmp_path / "out", **NEW)
        (new / "tokens.csv").write_text("first")
        (new / MARK).write_text('files = ["tokens.csv"]')
    assert there(tmp_path / "out") == {"tokens.csv": "first"}


def test_the_lock_of_a_process_that_is_gone_is_taken_over(tmp_path: Path) -> None:
    lock = f"lock = SoftFileLock({str(tmp_path / LOCK)!r})"
    code = f"import os; from filelock import SoftFileLock; {lock}; lock.acquire(); os._exit(0)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (tmp_path / LOCK).exists()
    export(tmp_path, **NEW)
    assert there(tmp_path) == dotted(NEW)


def test_a_folder_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    for files in (OLD, NEW):
        export(tmp_path / "out", **files)
    assert there(tmp_path / "real") == dotted(NEW)
    assert (tmp_path / "out").is_symlink()


@pytest.mark.slow
def test_a_studys_export_leaves_with_the_settings_that_it_is_of(study: api.Study, finished: Path) -> None:
    model = str(finished.parent / "tiny")
    settings: dict[str, Any] = {"layers": (0, 2), "core_tokens": 60, "twins": ("shuffled", "rotated", "untrained")}
    study.export(tables=["neurons"])
    (study.path / "export" / "mine.txt").write_text("mine")
    api.study(model, out=study.path, **settings)
    assert (study.path / "export" / "neurons.csv").is_file()
    api.study(model, out=study.path, segments="quantile:3", **settings)
    assert [file.name for file in (study.path / "export").iterdir()] == ["mine.txt"]


def test_an_export_of_the_present_settings_stays_and_one_of_others_goes(study: api.Study) -> None:
    made = study.export(tables=["neurons"])
    remove_outdated_export(study.folder)
    assert (made.path / "neurons.csv").is_file()
    said = tomllib.loads((made.path / MARK).read_text())
    (made.path / MARK).write_text(tomli_w.dumps(said | {"study": {"key": "another"}}))
    remove_outdated_export(study.folder)
    assert not made.path.exists()
    remove_outdated_export(study.folder)
