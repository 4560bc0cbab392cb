from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.tiny_models import CONTEXT, WORDS, loaded, tiny_bert, tiny_gpt2

from intraneuron.errors import DataError
from intraneuron.files import fingerprint
from intraneuron.models.loading import LoadedModel
from intraneuron.models.texts import (
    MIN_DOCUMENTS,
    SHARDS,
    Windows,
    encode,
    pack,
    vocabulary_windows,
)


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return loaded(tiny_gpt2(tmp_path_factory.mktemp("gpt2")))


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return loaded(tiny_bert(tmp_path_factory.mktemp("bert")))


def documents(n: int = 50) -> list[str]:
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, rng.integers(1, 30))) for _ in range(n)]


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
        expected = [i for text in documents()[shard::SHARDS] for i in tokens_of(model, text)]
        assert shard_tokens(windows, shard, frame) == expected


def tokens_of(model: LoadedModel, text: str) -> list[int]:
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


@pytest.mark.parametrize("without", [{"bos_token"}, {"bos_token", "eos_token"}])
def test_where_nothing_can_stand_between_documents_it_is_said_where_they_begin(
    tmp_path: Path, without: set[str]
) -> None:
    model = loaded(tiny_gpt2(tmp_path / "gpt2"))
    for name in without:
        setattr(model.tokenizer, name, None)
    texts = documents()
    windows = pack(texts, model)
    if model.tokenizer.eos_token_id is not None:
        assert windows.begins is None
        return
    assert windows.begins is not None
    for shard in (0, 7):
        own = windows.shard == shard
        real = windows.token_id[own] >= 0
        stream, first = windows.token_id[own][real], windows.begins[own][real]
        found = np.split(stream, np.flatnonzero(first)[1:])
        assert first[0]
        assert [ids.tolist() for ids in found] == [tokens_of(model, text) for text in texts[shard::20]]
    assert not windows.begins[windows.token_id < 0].any()


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


def test_too_few_documents_are_counted(gpt2: LoadedModel) -> None:
    told = r"The texts make 39 documents, but at least 40 are needed to deal them to 20 shards\."
    with pytest.raises(DataError, match=told):
        pack(["text"] * (MIN_DOCUMENTS - 1), gpt2)


# So many tokens ---------------------------------------------------------------------------------------------------


def test_reading_stops_after_so_many_tokens_in_the_middle_of_a_document(gpt2: LoadedModel) -> None:
    sizes = [len(tokens_of(gpt2, text)) for text in documents(90)]
    limit = sum(sizes[:60]) + 2
    assert sizes[60] > 2
    found, whole = encode(documents(90), gpt2, limit), encode(documents(90), gpt2)
    assert (found.tokens, found.documents, found.cut, found.complete) == (limit, 61, 2, False)
    assert (whole.tokens, whole.documents, whole.cut, whole.complete) == (sum(sizes), 90, None, True)
    assert [len(shard) for shard in found.shard] == [4, *[3] * 19]
    assert np.array_equal(found.shard[0][3], whole.shard[0][3][:2])
    for ours, theirs in zip(found.shard[1:], whole.shard[1:], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=False))


def test_no_more_documents_are_asked_for_than_are_read(gpt2: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intraneuron.models.texts.CHUNK", 1)
    asked = iter(documents(90))
    limit = sum(len(tokens_of(gpt2, text)) for text in documents(90)[:50]) - 1
    assert encode(asked, gpt2, limit).documents == 50
    assert next(asked) == documents(90)[50]


@pytest.mark.parametrize("chunk", [1, 200, 10**6])
def test_texts_that_end_where_reading_stops_are_complete_and_the_same_texts(
    gpt2: LoadedModel, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr("intraneuron.models.texts.CHUNK", chunk)
    whole = encode(documents(), gpt2)
    for tokens, more in ((whole.tokens, []), (whole.tokens + 5, []), (whole.tokens, ["more"])):
        found = encode([*documents(), *more], gpt2, tokens)
        assert found.text_hash == whole.text_hash == fingerprint(documents())
        assert (found.tokens, found.complete) == (whole.tokens, not more)
    cut = encode(documents(), gpt2, whole.tokens - 1)
    assert cut.text_hash != whole.text_hash
    assert cut.text_hash != encode(documents(), gpt2, whole.tokens - 2).text_hash


def test_too_few_tokens_are_told_as_such(gpt2: LoadedModel) -> None:
    with pytest.raises(DataError, match=r"The first 3 tokens \(--tokens\) hold 1 document, but at least 40 are needed"):
        encode(documents(), gpt2, 3)
