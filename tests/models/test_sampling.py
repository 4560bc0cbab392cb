from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tests.tiny_families import FAMILIES
from tests.tiny_models import CONTEXT, loaded, tiny_bert, tiny_gpt2

from intraneuron.errors import DataError, ModelError, SettingError
from intraneuron.models import sampling
from intraneuron.models.documents import own_tokens
from intraneuron.models.loading import LoadedModel
from intraneuron.models.sampling import check_writes, deal, draw, hash_of, rows_of, samples_of
from intraneuron.models.texts import SHARDS, windows

LENGTH = CONTEXT - 1
CAUSAL = [name for name, family in FAMILIES.items() if "CausalLM" in family.model or "LMHead" in family.model]


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return loaded(tiny_gpt2(tmp_path_factory.mktemp("gpt2")))


def drawn(model: LoadedModel, amount: int, seed: int = 0, first: int = 0) -> np.ndarray:
    """Return samples first to amount."""
    return np.concatenate(list(draw(model, seed, amount * LENGTH, first=first)))[: amount - first]


def by_hand(model: LoadedModel, sample: np.ndarray, number: int, seed: int = 0) -> Iterator[bool]:
    """Tell, token by token, whether it stands where the cumulative probability passes the stream's number.

    The probabilities are those of the whole text at once.
    """
    start = model.tokenizer.bos_token_id if model.tokenizer.bos_token_id is not None else model.tokenizer.eos_token_id
    ends = {model.tokenizer.bos_token_id, model.tokenizer.eos_token_id}
    ids = torch.tensor([[start, *sample[:-1].tolist()]])
    with torch.inference_mode():
        logits = model.model(input_ids=ids, use_cache=False).logits[0, :, : len(model.tokenizer)]
    uniform = np.random.default_rng([seed, number, 11]).random(len(sample))
    for row, token, u in zip(torch.softmax(logits.double(), dim=-1).numpy(), sample, uniform, strict=True):
        below = row.cumsum()
        low, high = np.searchsorted(below, [u - 1e-5, u + 1e-5])
        found = {start if i in ends else i for i in range(low, high + 1)}
        yield token in found


@pytest.mark.parametrize("name", CAUSAL)
def test_every_family_draws_each_token_from_what_it_says_of_the_text_before_it(name: str, tmp_path: Path) -> None:
    model = loaded(FAMILIES[name].save(tmp_path / "tiny"))
    found = drawn(model, 6)
    for number in (0, 5):
        assert all(by_hand(model, found[number], number))


def test_there_are_causal_families() -> None:
    assert len(CAUSAL) > 12


def test_a_sample_depends_on_the_seed_and_its_number_alone(gpt2: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of(gpt2)
    many = drawn(gpt2, 2 * rows)
    assert np.array_equal(drawn(gpt2, 3), many[:3])
    assert np.array_equal(drawn(gpt2, 2 * rows, first=rows), many[rows:])
    torch.manual_seed(99)
    assert np.array_equal(drawn(gpt2, 3), many[:3])
    assert len({tuple(row) for row in many.tolist()}) == len(many)
    assert not np.array_equal(drawn(gpt2, 3, seed=1), many[:3])
    monkeypatch.setattr(sampling, "MOST_ROWS", 4)
    assert np.array_equal(drawn(gpt2, 10), many[:10])


def test_tokens_come_as_often_as_the_model_says(gpt2: LoadedModel) -> None:
    first = drawn(gpt2, 4000)[:, 0]
    start = torch.tensor([[gpt2.tokenizer.bos_token_id]])
    with torch.inference_mode():
        share = torch.softmax(gpt2.model(input_ids=start).logits[0, -1, : len(gpt2.tokenizer)], dim=-1).numpy()
    often = np.flatnonzero(share > 0.02)
    seen = np.array([(first == token).mean() for token in often])
    assert np.all(np.abs(seen - share[often]) < 4 * np.sqrt(share[often] / 4000))
    assert len(often) > 3


def test_ids_without_a_token_are_never_drawn(gpt2: LoadedModel) -> None:
    assert len(gpt2.vocabulary) == len(gpt2.tokenizer) + 2
    head = gpt2.model.lm_head
    with torch.no_grad():
        whole = head.weight.clone()
        head.weight[len(gpt2.tokenizer) :] *= 50
        found = drawn(gpt2, 64)
        head.weight.copy_(whole)
    assert found.max() < len(gpt2.tokenizer)


def ending(model: LoadedModel, every: int) -> Callable[..., Any]:
    """Return a model's call that ends a text at every so many tokens."""
    given = model.model.forward

    def forward(*arguments: Any, **more: Any) -> Any:
        found = given(*arguments, **more)
        kept = found.get("cache", None) or found.past_key_values
        if kept.get_seq_length() % every == 0:
            found.logits[:, :, :] = 0
            found.logits[:, :, model.tokenizer.eos_token_id] = 1e4
        return found

    return forward


def test_where_a_text_ends_a_separator_stands_and_windows_hold_what_the_model_had_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded(tiny_gpt2(tmp_path / "g"))
    bos, eos = model.tokenizer.bos_token_id, model.tokenizer.convert_tokens_to_ids("!")
    model.tokenizer.eos_token = "!"
    monkeypatch.setattr(model.model, "forward", ending(model, 4))
    found = drawn(model, 50)
    assert (found[:, 3::4] == bos).all()
    assert not (found == eos).any()
    tokens = deal(list(found))
    assert [len(own) for own in tokens.shard] == [3] * 10 + [2] * 10
    packed = windows(tokens, model)
    assert packed.token_id.shape == (50, CONTEXT)
    assert (packed.token_id[:, 0] == bos).all()
    assert not packed.counted[packed.token_id == bos].any()
    for shard in range(SHARDS):
        assert np.array_equal(packed.token_id[packed.shard == shard, 1:], found[shard::SHARDS])


def test_samples_begin_with_eos_where_there_is_no_bos(tmp_path: Path) -> None:
    model = loaded(tiny_gpt2(tmp_path / "g"))
    with_bos = drawn(model, 3)
    model.tokenizer.bos_token = None
    assert np.array_equal(drawn(model, 3), with_bos)  # it is the same token
    model.tokenizer.eos_token = None
    with pytest.raises(SettingError, match=r"has no token that begins or ends a text, so self:1M has nothing to begin"):
        check_writes(model, "self:1M", 10**6)


def test_models_that_write_no_text_are_refused_with_what_to_give_instead(tmp_path: Path) -> None:
    bert = loaded(tiny_bert(tmp_path / "b"))
    with pytest.raises(
        SettingError, match=r"self:1M are written by the model itself, which .* cannot: it is an encoder\."
    ):
        check_writes(bert, "self:1M", 10**6)
    t5 = loaded(FAMILIES["t5"].save(tmp_path / "t5"))
    with pytest.raises(SettingError, match=r"it is an encoder-decoder\. Give texts of another kind, such as docs or a"):
        check_writes(t5, "self:1M", 10**6)


def test_too_few_samples_for_the_shards_are_refused_with_how_many_to_ask_for(gpt2: LoadedModel) -> None:
    least = 39 * LENGTH + 1
    check_writes(gpt2, "self:x", least)
    assert samples_of(gpt2, least) == 40
    with pytest.raises(
        SettingError, match=rf"make 39 samples of up to 11 tokens, but .* Ask for self:{least} or more\."
    ):
        check_writes(gpt2, "self:x", least - 1)


def test_a_model_whose_steps_are_others_than_its_whole_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded(tiny_gpt2(tmp_path / "g"))
    given = model.model.forward

    def forgetful(*arguments: Any, **more: Any) -> Any:
        return given(
            *arguments, **{name: None if name in ("cache", "past_key_values") else v for name, v in more.items()}
        )

    monkeypatch.setattr(model.model, "forward", forgetful)
    with pytest.raises(ModelError, match=r"reads a token otherwise after others than with them \(logits differ by \d"):
        next(draw(model, 0, 1000))


def test_logits_that_are_not_finite_are_told(gpt2: LoadedModel) -> None:
    with pytest.raises(DataError, match=r"gives to tokens are NaN or infinite\. Use --dtype float32\."):
        sampling._drawn(torch.full((2, 5), torch.nan), torch.zeros(2, dtype=torch.float64), gpt2)


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["self:"], r"texts \(--texts\) self: must be a number of tokens, such as 200k, 5M or 1B, got ''\."),
        (["self"], r"self: must be a number of tokens"),
        (["self:1X"], r"self: must be a number of tokens, .* got '1X'\."),
        (["docs", "self:1M"], r"texts \(--texts\) self:1M stands alone, got docs as well\. Leave one of them out\."),
        (["self:1M", "self:1M"], r"texts \(--texts\) self:1M stands alone, got self:1M as well\."),
    ],
)
def test_what_names_no_text_of_its_own_is_refused(texts: list[str], told: str) -> None:
    with pytest.raises(SettingError, match=told):
        own_tokens(texts)


def test_rows_are_as_many_as_the_kept_keys_and_values_allow(gpt2: LoadedModel) -> None:
    assert rows_of(gpt2) == 64
    for hidden, shared, rows in ((768, {}, 8), (4096, {}, 2), (4096, {"num_key_value_heads": 8}, 8), (10**6, {}, 1)):
        config = SimpleNamespace(num_hidden_layers=32, hidden_size=hidden, num_attention_heads=32, **shared)
        wide = SimpleNamespace(config=SimpleNamespace(get_text_config=lambda config=config: config))
        other = replace(gpt2, model=wide, context=1024)
        assert rows_of(other) == rows


def test_a_token_of_no_probability_is_never_drawn(gpt2: LoadedModel) -> None:
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf, 0.0, -torch.inf]] * 3)
    uniform = torch.tensor([0.0, 0.5, 1 - 2**-53], dtype=torch.float64)
    assert sampling._drawn(logits, uniform, gpt2).tolist() == [1, 3, 3]


def test_progress_counts_tokens_up_to_what_was_asked_for(gpt2: LoadedModel) -> None:
    seen: list[int] = []
    list(draw(gpt2, 0, 1000, progress=seen.append))
    assert seen == sorted(seen)
    assert seen[-1] == 1000


def test_the_hash_tells_samples_apart(gpt2: LoadedModel) -> None:
    some = list(islice(drawn(gpt2, 5), 5))
    assert hash_of(some) == hash_of([np.array(ids, dtype=np.int64) for ids in some])
    assert len({hash_of(some), hash_of(some[:4]), hash_of([*some[:4], some[4][:-1]]), hash_of(some[::-1])}) == 4
    flat = np.concatenate(some)
    assert hash_of([flat]) != hash_of(some)
