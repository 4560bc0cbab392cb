from __future__ import annotations

from pathlib import Path

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
