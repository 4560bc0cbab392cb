"""Tiny models with random weights, saved the way a user's model folder looks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from intraneuron.models.loading import LoadedModel, load_model, quiet

WORDS = [
    "the",
    "cat",
    "sat",
    "on",
    "a",
    "mat",
    "and",
    "dog",
    "ran",
    "red",
    "blue",
    "green",
    "walk",
    "walks",
    "walked",
    "walking",
    "king",
    "house",
    "houses",
    "river",
    "sea",
    "sand",
    "stone",
    "light",
    "dark",
    "night",
    "day",
    "summer",
    "winter",
    "rain",
    "snow",
    "wind",
    "fire",
    "water",
    "earth",
]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
LAYERS, WIDTH, NEURONS, CONTEXT = 3, 16, 24, 12


def tiny_gpt2(path: Path, **config: Any) -> Path:
    """Save a GPT-2 with a byte-level tokenizer: 256 bytes, some words, and `<|endoftext|>` as BOS."""
    tokenizer = byte_level_tokenizer()
    settings: dict[str, Any] = {
        "n_layer": LAYERS,
        "n_embd": WIDTH,
        "n_inner": NEURONS,
        "n_head": 2,
        "n_positions": CONTEXT,
    }
    torch.manual_seed(1)
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    model = GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer) + 2, **(settings | ends | config)))
    return save(path, model, tokenizer)


def tiny_bert(path: Path, **config: Any) -> Path:
    """Save a BERT with a WordPiece tokenizer of words, letters and `##` letters."""
    tokenizer = wordpiece_tokenizer()
    settings: dict[str, Any] = {
        "num_hidden_layers": LAYERS,
        "hidden_size": WIDTH,
        "intermediate_size": NEURONS,
        "num_attention_heads": 2,
        "max_position_embeddings": CONTEXT,
    }
    torch.manual_seed(2)
    model = BertModel(BertConfig(vocab_size=len(tokenizer), **(settings | config)))
    return save(path, model, tokenizer)


def loaded(path: Path, **changes: Any) -> LoadedModel:
    """Load a saved model on the CPU, with fields changed."""
    return replace(load_model(str(path), device="cpu"), **changes)


def random_texts(folder: Path) -> str:
    """Write 60 documents of 150 words and letters each, and return their folder as --texts takes it."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for i in range(60):
        (folder / f"{i:02d}.txt").write_text(" ".join(rng.choice([*WORDS, *LETTERS], 150)))
    return str(folder)


def byte_level_tokenizer() -> PreTrainedTokenizerFast:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {character: i for i, character in enumerate(alphabet)}
    merges = []
    for word in ("Ġ" + w for w in WORDS):
        built = word[0]
        for character in word[1:]:
            if built + character not in vocab:
                merges.append((built, character))
                vocab[built + character] = len(vocab)
            built += character
    vocab["<|endoftext|>"] = len(vocab)
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|endoftext|>", eos_token="<|endoftext|>")


def wordpiece_tokenizer() -> PreTrainedTokenizerFast:
    special = ["[PAD]", "[unused0]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*special, *LETTERS, *(f"##{letter}" for letter in LETTERS), *WORDS[:4], *WORDS[5:], "##ing"]
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    # A stored truncation and padding, as in the file of all-MiniLM-L6-v2: packing must not fall for them.
    tokenizer.enable_truncation(6)
    tokenizer.enable_padding(length=6)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


def save(path: Path, model: Any, tokenizer: Any) -> Path:
    with torch.no_grad():
        for parameter in model.parameters():  # initial weights are so small that activations look linear
            parameter.add_(0.3 * torch.randn_like(parameter))
    with quiet():
        model.save_pretrained(path)
        tokenizer.save_pretrained(path)
    return path
