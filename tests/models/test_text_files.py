from __future__ import annotations

import gzip
import json
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import polars as pl
import pytest

from intraneuron.errors import DataError
from intraneuron.models.text_files import read_path


def test_studies_and_exports_in_a_folder_of_texts_are_no_texts(tmp_path: Path) -> None:
    for name in (
        "b.txt",
        "notes/a.txt",
        "study/report.html",
        "study/neurons/x.csv",
        "tables/tokens.csv",
        "other/c.txt",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    (tmp_path / "study" / "manifest.toml").write_text("format = 1\n[stages]\n")
    (tmp_path / "tables" / "export.toml").write_text("[study]\n")
    (tmp_path / "other" / "manifest.toml").write_text("somebody = 'else'")
    assert texts_of(str(tmp_path)) == ["b.txt", "notes/a.txt", "other/c.txt", "somebody = 'else'"]


def texts_of(path: str, field: str = "text") -> list[str]:
    return ["".join(blocks) for blocks in read_path(path, field)]


def refused(path: Path | str, field: str = "text") -> str:
    with pytest.raises(DataError) as caught:
        texts_of(str(path), field)
    return str(caught.value)


def test_each_line_of_json_lines_is_a_document_but_for_those_without_text(tmp_path: Path) -> None:
    file = tmp_path / "a.JSONL"
    file.write_text(
        '{"text": "one\\ntwo", "id": 1}\n\n{"text": null}\r\n{"text": " "}\n{"text": "d\\u00e9j\\u00e0"}', "utf-8"
    )
    assert texts_of(str(file)) == ["one\ntwo", "déjà"]
    file.write_text('{"body": "x"}')
    assert texts_of(str(file), "body") == ["x"]


def test_a_line_separator_inside_a_text_ends_no_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "one\u2028two"}\n', "utf-8")
    assert texts_of(str(tmp_path / "a.jsonl")) == ["one\u2028two"]


def test_each_row_of_parquet_is_a_document_but_for_those_without_text(tmp_path: Path) -> None:
    pl.DataFrame({"id": [1, 2, 3], "text": ["one", None, "three"]}).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.txt").write_text("four")
    assert texts_of(str(tmp_path)) == ["one", "three", "four"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"text": 3}', "Line 2 of FILE has no text in a field 'text'; it has text. Name it (--text-field)."),
        ('{"body": "x", "id": 1}', "Line 2 of FILE has no text in a field 'text'; it has body, id. Name it"),
        ('"x"', "Line 2 of FILE has no text in a field 'text'; it has no fields."),
        ('{"text": "x"', "Line 2 of FILE is no JSON ("),
    ],
)
def test_a_line_without_the_field_is_named_in_a_folder_too(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "x"}\n' + line)
    for path in (file, tmp_path):
        assert said.replace("FILE", str(file)) in refused(path)


def test_parquet_without_the_column_names_those_of_text_and_a_damaged_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pl.DataFrame({"id": [1], "body": ["x"], "text": [2]}).write_parquet(file)
    assert refused(file) == f"{file} has no column 'text' of text; its columns of text: body. Name one (--text-field)."
    file.write_bytes(file.read_bytes()[:-8])
    assert refused(file).startswith(f"The file {file} cannot be read as Parquet (")


def test_files_of_records_without_text_are_empty(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": ""}\n')
    pl.DataFrame({"text": [None]}, schema={"text": pl.String}).write_parquet(tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        assert refused(tmp_path / name) == (
            f"The file {tmp_path / name} has no text in its field 'text'. Give a file with text."
        )


def test_standard_input_is_one_document(monkeypatch: pytest.MonkeyPatch) -> None:
    for content, said in ((b"caf\xc3\xa9\n", None), (b"", "Standard input is empty."), (b"\xff", "not UTF-8 text")):
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(content)))
        if said is None:
            assert texts_of("-") == ["café\n"]
        else:
            assert said in refused("-")


def test_a_terminal_is_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert refused("-").endswith("are piped in (cat book.txt | intraneuron ...), got a terminal.")


# Compressed files ---------------------------------------------------------------------------------------------------


def test_compressed_files_are_read_as_what_they_hold_in_a_folder_too(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"one") + gzip.compress(b" two"))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b'{"text": "three"}\n{"text": "four"}\n'))
    (tmp_path / "c.tar.gz").write_bytes(gzip.compress(b"name\0\0\0"))
    assert texts_of(str(tmp_path / "a.txt.gz")) == ["one two"]
    assert texts_of(str(tmp_path)) == ["one two", "three", "four"]


def test_a_compressed_file_that_is_damaged_or_none_is_named_in_a_folder_too(tmp_path: Path) -> None:
    file = tmp_path / "a.txt.gz"
    for content in (b"plain words", gzip.compress(b"words" * 1000)[:-9], gzip.compress(b"words")[:-9] + b"x" * 9):
        file.write_bytes(content)
        for path in (file, tmp_path):
            assert refused(path).startswith(f"The file {file} cannot be read: ")


def test_zstandard_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("backports.zstd", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    file = tmp_path / "a.txt.zst"
    file.write_bytes(b"(\xb5/\xfd")
    for path in (file, tmp_path):
        assert refused(path) == (
            f"The file {file} needs a package that is not installed. Run: pip install 'intraneuron[zst]'"
        )


def test_zstandard_is_read_and_one_that_was_cut_short_is_named(tmp_path: Path) -> None:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    zstd = pytest.importorskip(name, reason="the extra zst is not installed")
    file = tmp_path / "a.jsonl.zst"
    whole = zstd.compress(b'{"text": "one"}\n') + zstd.compress(b'{"text": "two"}\n')
    file.write_bytes(whole)
    assert texts_of(str(file)) == ["one", "two"]
    for content in (whole[:-3], b"nonsense" * 9):
        file.write_bytes(content)
        assert refused(file).startswith(f"The file {file} cannot be read: ")


# What real files hold -----------------------------------------------------------------------------------------------


def test_json_lines_may_begin_with_a_mark_and_end_lines_as_windows_does(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"text": "one"}\r\n{"text": "two"}\r\n')
    assert texts_of(str(file)) == ["one", "two"]


def test_half_a_character_becomes_a_mark_and_a_whole_one_stays(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(
        '{"text": "a\\ud800b"}\n{"text": "\\ud83d\\ude00"}\n{"text": "\\udc00\\ud800"}\n{"text": "a\\u0000b"}'
    )
    assert texts_of(str(file)) == ["a\ufffdb", "\U0001f600", "\ufffd\ufffd", "a\0b"]


def test_json_that_is_nested_too_deeply_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("[" * 200_000)
    assert refused(file).startswith(f"Line 1 of {file} is no JSON (")


def test_lines_and_rows_are_read_as_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intraneuron.models.text_files.BLOCK", 50)
    monkeypatch.setattr("intraneuron.models.text_files.ROWS", 3)
    lines, rows = tmp_path / "a.jsonl", tmp_path / "a.parquet"
    some = [f"text {i} " * (i % 4) for i in range(40)]
    lines.write_text("".join(json.dumps({"text": text}) + "\n" for text in some) + "no JSON")
    pl.DataFrame({"text": some}).write_parquet(rows)
    reading = read_path(str(lines))
    assert next(iter(next(reading))) == some[1]
    assert refused(lines).startswith(f"Line 41 of {lines} is no JSON")
    assert texts_of(str(rows)) == [text for text in some if text]
    rows.write_bytes(rows.read_bytes()[:-8])
    assert "cannot be read as Parquet" in refused(rows)


def test_files_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name in ("b/c", "b.txt", "b-1", "a", "b/a/z", "B", ".hidden/x", "b/.x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    paths = (file.relative_to(tmp_path) for file in sorted(tmp_path.rglob("*")) if file.is_file())
    assert texts_of(str(tmp_path)) == [str(p) for p in paths if not any(part.startswith(".") for part in p.parts)]


def test_a_large_file_of_a_folder_that_is_no_text_at_its_end_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intraneuron.models.text_files.BLOCK", 16)
    (tmp_path / "a.txt").write_bytes(b"words " * 100 + b"\xff")
    (tmp_path / "b.txt").write_bytes(b"words " * 100 + b"\0")
    (tmp_path / "c.txt").write_bytes(b"words " * 100 + "é".encode())
    (tmp_path / "d.txt").write_bytes(b"exactly 16 bytes")
    assert texts_of(str(tmp_path)) == ["words " * 100 + "é", "exactly 16 bytes"]


def test_what_may_not_be_read_is_named_and_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, folder = tmp_path / "a.txt", tmp_path / "sub"
    file.write_text("words")
    folder.mkdir()
    opened, listed = Path.open, __import__("os").scandir

    def refuse(self: Path, *words: object) -> object:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    for path in (file, tmp_path):
        assert refused(path) == f"The file {file} cannot be read: Permission denied."
    monkeypatch.setattr(Path, "open", opened)
    monkeypatch.setattr("os.scandir", lambda path: refuse(path) if path == folder else listed(path))
    assert refused(tmp_path) == f"The folder {folder} cannot be read: Permission denied."


def test_a_command_that_is_named_for_an_encoding_works(tmp_path: Path) -> None:
    file = tmp_path / "it's {mine}.txt"
    file.write_bytes("Café crème, déjà vu, et ainsi de suite.".encode("cp1252"))
    command = refused(file).partition("Convert it: ")[2].replace("NEW", str(tmp_path / "new"))
    subprocess.run(["bash", "-c", command], check=True)
    assert texts_of(str(tmp_path / "new")) == ["Café crème, déjà vu, et ainsi de suite."]
