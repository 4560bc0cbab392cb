from __future__ import annotations

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
    assert read_path(str(tmp_path)) == ["b.txt", "notes/a.txt", "other/c.txt", "somebody = 'else'"]


def refused(path: Path | str, field: str = "text") -> str:
    with pytest.raises(DataError) as caught:
        read_path(str(path), field)
    return str(caught.value)


def test_each_line_of_json_lines_is_a_document_but_for_those_without_text(tmp_path: Path) -> None:
    file = tmp_path / "a.JSONL"
    file.write_text(
        '{"text": "one\\ntwo", "id": 1}\n\n{"text": null}\r\n{"text": " "}\n{"text": "d\\u00e9j\\u00e0"}', "utf-8"
    )
    assert read_path(str(file)) == ["one\ntwo", "déjà"]
    file.write_text('{"body": "x"}')
    assert read_path(str(file), "body") == ["x"]


def test_a_line_separator_inside_a_text_ends_no_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "one\u2028two"}\n', "utf-8")
    assert read_path(str(tmp_path / "a.jsonl")) == ["one\u2028two"]


def test_each_row_of_parquet_is_a_document_but_for_those_without_text(tmp_path: Path) -> None:
    pl.DataFrame({"id": [1, 2, 3], "text": ["one", None, "three"]}).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.txt").write_text("four")
    assert read_path(str(tmp_path)) == ["one", "three", "four"]


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
            assert read_path("-") == ["café\n"]
        else:
            assert said in refused("-")


def test_a_terminal_is_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert refused("-").endswith("are piped in (cat book.txt | intraneuron ...), got a terminal.")
