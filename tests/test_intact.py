"""Whole files are told from damaged ones by a look at their ends."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save

from intraneuron.errors import StudyError
from intraneuron.intact import is_whole
from intraneuron.manifest import SUMMARY

SUMMARY_TEXT = json.dumps({name: dict.fromkeys(inner) if inner is not None else 1 for name, inner in SUMMARY.items()})


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    pl.DataFrame({"a": [1, 2, 3]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"a": []}).write_parquet(tmp_path / "empty.parquet")
    (tmp_path / "a.safetensors").write_bytes(save({"vectors": np.ones((4, 3), dtype=np.float32)}, {"by": "us"}))
    (tmp_path / "summary.json").write_text(SUMMARY_TEXT)
    (tmp_path / "report.html").write_text("<!doctype html><html></html>\n")
    return sorted(tmp_path.iterdir())


def test_what_was_written_is_whole_and_what_is_not_there_is_not(files: list[Path]) -> None:
    assert [file.name for file in files if not is_whole(file)] == []
    assert not is_whole(files[0].with_name("gone.parquet"))


def test_no_beginning_of_a_file_is_whole(files: list[Path]) -> None:
    for file in files:
        content = file.read_bytes().rstrip()
        for keep in range(len(content)):
            file.write_bytes(content[:keep])
            assert not is_whole(file), (file.name, keep)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.parquet", b"PAR1PAR1PAR1"),
        ("a.parquet", b"PAR1\xff\xff\xff\xffPAR1"),
        ("a.safetensors", b"\x02\0\0\0\0\0\0\0[]"),
        ("a.safetensors", b"\x0a\0\0\0\0\0\0\0" + b'{"a": {}}\n'),
        ("summary.json", b"{}"),
        ("summary.json", b"\xff\xfe"),
    ],
)
def test_what_only_looks_like_a_file_is_not_whole(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert not is_whole(tmp_path / name)


def test_a_file_that_may_not_be_read_is_not_called_damaged(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(StudyError, match=r"a\.parquet \(Permission denied\)"):
        is_whole(files[0].with_name("a.parquet"))
