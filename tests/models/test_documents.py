from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from intraneuron.errors import DataError
from intraneuron.files import fingerprint
from intraneuron.models import documents as module
from intraneuron.models.documents import TextHash, read_texts
from intraneuron.models.pieces import PIECE

PARAGRAPH = "the cat sat on a mat and ran " * 7


def refused(*paths: object) -> str:
    with pytest.raises(DataError) as caught:
        list(read_texts([str(path) for path in paths], seed=0))
    return str(caught.value)


def test_a_short_file_is_one_document_and_a_folder_is_read_in_the_order_of_paths(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for i in range(40):
        (tmp_path / ("sub" if i % 2 else "") / f"{i:02}.txt").write_text(f"text {i}\n\nmore", encoding="utf-8")
    paths = sorted(path for path in tmp_path.rglob("*.txt"))
    assert list(read_texts([str(tmp_path)], seed=0)) == [path.read_text() for path in paths]


def test_a_folder_passes_over_hidden_empty_and_binary_files(tmp_path: Path) -> None:
    for i in range(40):
        (tmp_path / f"{i}.md").write_text(f"text {i}")
    (tmp_path / ".hidden.txt").write_text("no")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("no")
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "latin.txt").write_bytes("é".encode("latin-1"))
    (tmp_path / "image.bin").write_bytes(b"PNG\0\0")
    assert len(list(read_texts([str(tmp_path)], seed=0))) == 40


def test_a_long_file_is_cut_at_blank_lines_into_pieces_of_about_one_size(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"  # with the mark that some editors put at the beginning
    paragraphs = [f"{i} {PARAGRAPH}" for i in range(500)]
    path.write_text("\n\n".join(paragraphs), encoding="utf-8-sig")
    pieces = list(read_texts([str(path)], seed=0))
    assert "\n\n".join(pieces) == "\n\n".join(paragraphs)
    assert all(PIECE <= len(piece) < 1.2 * PIECE for piece in pieces[:-1])


@pytest.mark.parametrize("separator", ["\n", " "])
def test_a_long_file_without_blank_lines_is_cut_at_lines_then_at_spaces(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "book.txt"
    words = [f"word{i}" for i in range(30_000)]
    path.write_text(separator.join(words))
    pieces = list(read_texts([str(path)], seed=0))
    assert separator.join(pieces).split(separator) == words
    assert max(map(len, pieces)) < 1.2 * PIECE


def test_docs_are_sampled_with_the_seed_and_join_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def sample(characters: int, seed: int) -> list[SimpleNamespace]:
        asked.append((characters, seed))
        return [SimpleNamespace(text=f"doc {i}") for i in range(60)]

    monkeypatch.setattr(module, "sample_documents", sample)
    (tmp_path / "a.txt").write_text("mine")
    assert list(read_texts(["docs", str(tmp_path / "a.txt")], seed=7)) == [*(f"doc {i}" for i in range(60)), "mine"]
    assert asked == [(4_000_000, 7)]


def test_the_docs_of_this_machine_can_be_sampled() -> None:
    sample = list(read_texts(["docs"], seed=3, characters=60_000))
    assert len(sample) >= 40
    assert 60_000 <= sum(map(len, sample)) < 90_000


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "no.txt"
    assert refused(path) == f"There is no file or folder {path}. Texts are files, folders, - or docs."


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "empty.txt"
    path.write_text("\n \n")
    assert refused(path) == f"The file {path} is empty. Give a file with text."


def test_a_folder_without_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\xff\xfe\0")
    assert f"The folder {tmp_path} holds no text file in UTF-8." in refused(tmp_path)


def test_documents_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_bytes(b"good words " * 500_000 + b"\xff")  # what is wrong with it stands far behind
    reading = read_texts([str(path), str(tmp_path / "nowhere")], seed=0)
    assert next(reading).startswith("good words")
    with pytest.raises(DataError, match="is not UTF-8 text"):
        list(reading)


def test_the_hash_of_documents_is_that_of_their_list() -> None:
    for documents in ([], ["one"], ["one", "zwei\n\u00e4", "\ud83d\ude00"]):
        digest = TextHash()
        for document in documents:
            digest.add(document)
        assert digest.value() == fingerprint(documents)
