from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.tiny_models import CONTEXT, WORDS, loaded, tiny_bert, tiny_gpt2

from intraneuron.errors import DataError
from intraneuron.models import texts
from intraneuron.models.loading import LoadedModel
from intraneuron.models.texts import (
    MIN_DOCUMENTS,
    PIECE,
    SHARDS,
    Windows,
    pack,
    read_texts,
    vocabulary_windows,
)

PARAGRAPH = "the cat sat on a mat and ran " * 7


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return loaded(tiny_gpt2(tmp_path_factory.mktemp("gpt2")))


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return loaded(tiny_bert(tmp_path_factory.mktemp("bert")))


def documents(n: int = 50) -> list[str]:
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, rng.integers(1, 30))) for _ in range(n)]


def refused(*paths: object) -> str:
    with pytest.raises(DataError) as caught:
        read_texts([str(path) for path in paths], seed=0)
    return str(caught.value)


def test_a_short_file_is_one_document_and_a_folder_is_read_in_the_order_of_paths(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for i in range(MIN_DOCUMENTS):
        (tmp_path / ("sub" if i % 2 else "") / f"{i:02}.txt").write_text(f"text {i}\n\nmore", encoding="utf-8")
    paths = sorted(path for path in tmp_path.rglob("*.txt"))
    assert read_texts([str(tmp_path)], seed=0) == [path.read_text() for path in paths]


def test_a_folder_passes_over_hidden_empty_and_binary_files(tmp_path: Path) -> None:
    for i in range(MIN_DOCUMENTS):
        (tmp_path / f"{i}.md").write_text(f"text {i}")
    (tmp_path / ".hidden.txt").write_text("no")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("no")
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "latin.txt").write_bytes("é".encode("latin-1"))
    (tmp_path / "image.bin").write_bytes(b"PNG\0\0")
    assert len(read_texts([str(tmp_path)], seed=0)) == MIN_DOCUMENTS


def test_a_long_file_is_cut_at_blank_lines_into_pieces_of_about_one_size(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"  # with the mark that some editors put at the beginning
    paragraphs = [f"{i} {PARAGRAPH}" for i in range(500)]
    path.write_text("\n\n".join(paragraphs), encoding="utf-8-sig")
    pieces = read_texts([str(path)], seed=0)
    assert "\n\n".join(pieces) == "\n\n".join(paragraphs)
    assert all(PIECE <= len(piece) < 1.2 * PIECE for piece in pieces[:-1])


@pytest.mark.parametrize("separator", ["\n", " "])
def test_a_long_file_without_blank_lines_is_cut_at_lines_then_at_spaces(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "book.txt"
    words = [f"word{i}" for i in range(30_000)]
    path.write_text(separator.join(words))
    pieces = read_texts([str(path)], seed=0)
    assert separator.join(pieces).split(separator) == words
    assert max(map(len, pieces)) < 1.2 * PIECE


def test_docs_are_sampled_with_the_seed_and_join_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def sample(characters: int, seed: int) -> list[SimpleNamespace]:
        asked.append((characters, seed))
        return [SimpleNamespace(text=f"doc {i}") for i in range(60)]

    monkeypatch.setattr(texts, "sample_documents", sample)
    (tmp_path / "a.txt").write_text("mine")
    assert read_texts(["docs", str(tmp_path / "a.txt")], seed=7) == [*(f"doc {i}" for i in range(60)), "mine"]
    assert asked == [(4_000_000, 7)]


def test_the_docs_of_this_machine_can_be_sampled() -> None:
    sample = read_texts(["docs"], seed=3, characters=60_000)
    assert len(sample) >= MIN_DOCUMENTS
    assert 60_000 <= sum(map(len, sample)) < 90_000


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "no.txt"
    assert refused(path) == f"There is no file or folder {path}. Texts are files, folders, - or docs."


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "empty.txt"
    path.write_text("\n \n")
    assert refused(path) == f"The file {path} is empty. Give a file with text."


def test_a_file_that_is_not_utf8_is_named_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"caf" + "é".encode("latin-1") + b" au lait")
    assert refused(path) == f"The file {path} is not UTF-8 text (byte 3). Save it as UTF-8."
    path.write_bytes("Text".encode("utf-16"))
    assert refused(path) == f"The file {path} is not UTF-8 text (byte 0). Save it as UTF-8."


@pytest.mark.parametrize("content", [b"\0\1", b"\x7fELF\xff\0\xfe", b"text \xe9 and \0"])
def test_a_file_with_a_nul_byte_is_binary_whatever_else_is_in_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "program"
    path.write_bytes(content)
    assert f"The file {path} is binary, not UTF-8 text." in refused(path)


def test_a_folder_without_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\xff\xfe\0")
    assert f"The folder {tmp_path} holds no text file in UTF-8." in refused(tmp_path)


def test_too_few_documents_are_counted(tmp_path: Path) -> None:
    for i in range(MIN_DOCUMENTS - 1):
        (tmp_path / f"{i}.txt").write_text("text")
    assert refused(tmp_path).startswith(
        "The texts make 39 documents, but at least 40 are needed to deal them to 20 shards."
    )


def shard_tokens(windows: Windows, shard: int, frame: set[int]) -> list[int]:
    ids = windows.token_id[windows.shard == shard].ravel()
    return [i for i in ids.tolist() if i >= 0 and i not in frame]


@pytest.mark.parametrize("kind", ["gpt2", "bert"])
def test_each_shard_holds_the_tokens_of_its_documents_in_order(kind: str, request: pytest.FixtureRequest) -> None:
    model: LoadedModel = request.getfixturevalue(kind)
    windows = pack(documents(), model)
    frame = set(model.tokenizer.all_special_ids)
    assert windows.token_id.shape[1] == CONTEXT == windows.counted.shape[1]
    assert windows.token_id.dtype == np.int32
    assert windows.shard.dtype == np.int8
    for shard in range(SHARDS):
        expected = [i for text in documents()[shard::SHARDS] for i in encode(model, text)]
        assert shard_tokens(windows, shard, frame) == expected


def encode(model: LoadedModel, text: str) -> list[int]:
    """Token by token, so that no stored truncation can matter."""
    if model.kind == "causal":
        ids: list[int] = model.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids
    return [i for word in text.split() for i in model.tokenizer(word, add_special_tokens=False)["input_ids"]]


def test_every_window_of_a_causal_model_starts_with_bos_once(gpt2: LoadedModel) -> None:
    windows = pack(documents(), gpt2)
    bos = gpt2.tokenizer.bos_token_id
    assert (windows.token_id[:, 0] == bos).all()
    pairs = (windows.token_id[:, :-1] == bos) & (windows.token_id[:, 1:] == bos)
    assert not pairs.any()
    n_bos = (windows.token_id == bos).sum()
    assert n_bos > len(windows)  # between documents, too


def test_windows_of_an_encoder_are_framed_and_documents_separated(bert: LoadedModel) -> None:
    windows = pack(documents(), bert)
    cls, sep = bert.tokenizer.cls_token_id, bert.tokenizer.sep_token_id
    assert (windows.token_id[:, 0] == cls).all()
    assert (windows.token_id == cls).sum() == len(windows)
    last = (windows.token_id >= 0).sum(axis=1) - 1
    assert (windows.token_id[np.arange(len(windows)), last] == sep).all()
    pairs = (windows.token_id[:, :-1] == sep) & (windows.token_id[:, 1:] == sep)
    assert not pairs.any()
    assert (windows.token_id == sep).sum() > len(windows)


def test_special_tokens_padding_and_first_positions_are_not_counted(gpt2: LoadedModel, bert: LoadedModel) -> None:
    for model in (gpt2, bert):
        windows = pack(documents(), model)
        special = np.isin(windows.token_id, np.flatnonzero(model.vocabulary.special))
        padding = windows.token_id < 0
        assert padding.any()
        assert not windows.counted[special | padding].any()
        assert not windows.counted[:, 0].any()
        assert windows.counted[:, 1:].sum() == (~(special | padding))[:, 1:].sum() == windows.positions


def test_without_bos_the_first_position_is_text_but_not_counted(gpt2: LoadedModel, tmp_path: Path) -> None:
    model = loaded(tiny_gpt2(tmp_path / "g"))
    eos = model.tokenizer.eos_token_id
    model.tokenizer.bos_token = None
    windows = pack(documents(), model)
    assert (windows.token_id[:, 0] != eos).all()
    assert not windows.counted[:, 0].any()
    for shard in range(SHARDS):
        assert shard_tokens(windows, shard, {eos}) == shard_tokens(pack(documents(), gpt2), shard, {eos})


def test_texts_without_a_countable_token_are_refused(gpt2: LoadedModel) -> None:
    with pytest.raises(DataError, match=r"The texts hold no token that .* counts: all are empty or special"):
        pack(["<|endoftext|>"] * 50, gpt2)


def test_packing_prints_nothing(
    gpt2: LoadedModel, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpt2.tokenizer, "model_max_length", 4)
    pack(documents(), gpt2)
    assert capfd.readouterr() == ("", "")


def test_vocabulary_windows_hold_every_ordinary_token_alone(gpt2: LoadedModel, bert: LoadedModel) -> None:
    for model, before, after in (
        (gpt2, [gpt2.tokenizer.bos_token_id], []),
        (bert, [bert.tokenizer.cls_token_id], [bert.tokenizer.sep_token_id]),
    ):
        ordinary = np.flatnonzero(~model.vocabulary.special)
        windows = vocabulary_windows(model)
        assert windows.token_id.tolist() == [[*before, i, *after] for i in ordinary]
        assert windows.counted.sum() == len(ordinary)
        assert np.array_equal(windows.token_id[windows.counted], ordinary)


def test_a_causal_model_without_bos_reads_tokens_alone(tmp_path: Path) -> None:
    model = loaded(tiny_gpt2(tmp_path / "g"))
    model.tokenizer.bos_token = None
    windows = vocabulary_windows(model)
    assert windows.token_id.shape[1] == 1
    assert windows.counted.all()
