from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.tiny_models import byte_level_tokenizer, wordpiece_tokenizer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from intraneuron.models.vocabulary import _byte_of_character, form_of, read_vocabulary


def test_byte_level_tokens_are_decoded_and_keep_their_leading_space() -> None:
    tokenizer = byte_level_tokenizer()
    vocabulary = read_vocabulary(tokenizer, len(tokenizer))
    assert len(vocabulary) == len(tokenizer)
    for word in ("the", " the", " house"):
        ids = tokenizer(word, add_special_tokens=False)["input_ids"]
        assert "".join(vocabulary.words(ids)) == word
    assert " house" in vocabulary.token.tolist()


def test_bytes_that_are_no_text_by_themselves_are_fragments_written_as_escapes() -> None:
    tokenizer = byte_level_tokenizer()
    vocabulary = read_vocabulary(tokenizer, len(tokenizer))
    euro = tokenizer("€", add_special_tokens=False)["input_ids"]
    assert vocabulary.words(euro) == ["<0xE2>", "<0x82>", "<0xAC>"]
    assert vocabulary.fragment[euro].all()
    assert vocabulary.fragment.sum() == 128  # one byte each: ASCII is text, the other half is not
    assert all(text.isascii() for text in vocabulary.token[vocabulary.fragment])


def test_control_characters_are_escaped_and_line_ends_kept() -> None:
    tokenizer = byte_level_tokenizer()
    token = read_vocabulary(tokenizer, len(tokenizer)).token
    assert [token[tokenizer(text)["input_ids"][0]] for text in ("\0", "\x1b", "\n", "\t")] == [
        "<0x00>",
        "<0x1B>",
        "\n",
        "\t",
    ]


def test_the_table_of_bytes_is_the_one_of_the_tokenizers_library() -> None:
    table = _byte_of_character()
    assert sorted(table) == sorted(pre_tokenizers.ByteLevel.alphabet())
    assert sorted(table.values()) == list(range(256))
    pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    [(piece, _)] = pre_tokenizer.pre_tokenize_str("é")
    assert bytes(table[character] for character in piece) == "é".encode()


@pytest.mark.parametrize(
    "decoder",
    [
        decoders.Metaspace(),
        decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        ),
    ],
)
def test_a_space_of_sentencepiece_is_a_space_and_its_lone_bytes_are_text_or_fragments(decoder: Any) -> None:
    pieces = ["<s>", "<unk>", "<0x0A>", "<0x07>", "<0x7E>", "<0x80>", "▁cat", "s", "▁▁", "<0xZZ>"]
    tokenizer = Tokenizer(models.BPE({piece: i for i, piece in enumerate(pieces)}, [], unk_token="<unk>"))
    tokenizer.decoder = decoder
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", unk_token="<unk>")
    vocabulary = read_vocabulary(fast, len(pieces))
    assert vocabulary.token[2:].tolist() == ["\n", "<0x07>", "~", "<0x80>", " cat", "s", "  ", "<0xZZ>"]
    assert np.flatnonzero(vocabulary.fragment).tolist() == [5]
    assert np.flatnonzero(vocabulary.special).tolist() == [0, 1]


def test_special_added_and_unused_tokens_and_ids_beyond_the_tokenizer_are_special() -> None:
    tokenizer = wordpiece_tokenizer()
    tokenizer.add_tokens(["<extra>"])
    size = len(tokenizer) + 3
    vocabulary = read_vocabulary(tokenizer, size)
    special = vocabulary.token[vocabulary.special].tolist()
    beyond = [f"[{i}]" for i in range(size - 3, size)]
    named = ["[PAD]", "[unused0]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<extra>"]
    assert special == [*named, *beyond]


def test_wordpiece_keeps_its_mark_and_has_no_fragments() -> None:
    tokenizer = wordpiece_tokenizer()
    vocabulary = read_vocabulary(tokenizer, len(tokenizer))
    assert {"##ing", "walk", "a"} <= set(vocabulary.token.tolist())
    assert not vocabulary.fragment.any()


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (" Walks", "walk"),
        ("walked", "walk"),
        ("##WALK", "walk"),
        ("walking", "walking"),  # four letters would remain, and the rule wants five after "ing"
        ("swimming", "swimm"),
        ("lower", "lower"),
        ("slower", "slow"),
        ("greatest", "great"),
        ("boxes", "boxe"),  # "es" would leave three letters of four wanted, "s" leaves four of three
        ("classes", "class"),
        ("badly", "badly"),
        ("slowly", "slow"),
        ("his", "his"),
        ("cats", "cat"),
        (" ", ""),
        ("Straße", "strasse"),
    ],
)
def test_a_form_is_the_token_without_mark_case_and_one_suffix(text: str, form: str) -> None:
    assert form_of(text) == form


def test_tokens_share_a_number_exactly_when_they_share_a_form() -> None:
    tokenizer = wordpiece_tokenizer()
    vocabulary = read_vocabulary(tokenizer, len(tokenizer))
    of = dict(zip(vocabulary.token.tolist(), vocabulary.form.tolist(), strict=True))
    assert of["walk"] == of["walks"] == of["walked"] != of["walking"]
    assert of["b"] == of["##b"] != of["c"]
    forms = [form_of(text) for text in vocabulary.token]
    assert len(set(forms)) == len(set(of.values())) == vocabulary.form.max() + 1
