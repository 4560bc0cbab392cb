"""What a model's folder says of it: config.json, hashes of its settings, how many layers, how long a window."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from intraneuron.errors import ModelError

MAX_CONTEXT = 1024
"""Longest window that texts are packed into, whatever longer ones the model could read."""

TOKENIZER_SETTINGS = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
"""What decides, beside a tokenizer's own file, how it cuts a text and what it puts around it."""

CHANGES_NOTHING = (
    *("_name_or_path", "name_or_path", "special_tokens_map_file", "tokenizer_file", "vocab_file", "merges_file"),
    *("transformers_version", "_commit_hash"),
)
"""Settings that say where a model was or what wrote it: a copy differs in them and is the same model."""

_POSITIONS = ("max_position_embeddings", "n_positions")
"""What config.json calls the number of positions."""

MIN_CONTEXT = 3
"""Shortest window: ``[CLS] token [SEP]``."""


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """Read config.json, which must say what kind of model it is of."""
    path = folder / "config.json"
    if not path.is_file():
        msg = f"The model {name} has no config.json in {folder}. Give a folder made by save_pretrained."
        raise ModelError(msg)
    config = _read_json(path)
    if not isinstance(config, dict) or not config.get("model_type"):
        msg = f"The model {name} names no model_type in {path}. Give a folder made by save_pretrained."
        raise ModelError(msg)
    return cast("dict[str, Any]", config)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def settings_hash(settings: Any) -> str:
    """Return the SHA-256 of settings in one spelling, without paths and versions."""
    if isinstance(settings, dict):
        settings = {key: value for key, value in settings.items() if key not in CHANGES_NOTHING}
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def tokenizer_settings(folder: Path) -> list[str]:
    """Return a line, hash and name, of each file of a tokenizer's settings that is there."""
    files = [folder / name for name in TOKENIZER_SETTINGS]
    return [f"{settings_hash(_read_json(file))}  {file.name}\n" for file in files if file.is_file()]


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"{path} cannot be read as JSON: {error}. Get the file again."
        raise ModelError(msg) from error


def layers_of(model: Any, name: str) -> tuple[int, ...]:
    """Return how many layers config.json says that each stack of a model has: one, or encoder and decoder."""
    config = model.config.get_text_config()
    layers = [int(config.num_hidden_layers)]
    if config.is_encoder_decoder:
        named = (getattr(config, attribute, None) for attribute in ("num_decoder_layers", "decoder_layers"))
        layers.append(int(next((n for n in named if n is not None), layers[0])))
    if min(layers) < 1:
        msg = f"The model {name} has {min(layers)} layers, by its config.json. Get the file again."
        raise ModelError(msg)
    return tuple(layers)


def context_of(folder: Path, model: Any, tokenizer: Any, name: str) -> int:
    """Return the longest window: what the model can read, and was made for, at most MAX_CONTEXT."""
    return window_of([_positions(model), tokenizer.model_max_length, _made_for(folder)], name)


def window_of(limits: Sequence[int], name: str) -> int:
    """Return the longest window that keeps to all limits and to MAX_CONTEXT."""
    context = int(min(MAX_CONTEXT, *limits))
    if context < MIN_CONTEXT:
        msg = f"The model {name} reads {context} tokens at a time, but at least {MIN_CONTEXT} are needed."
        raise ModelError(msg)
    return context


def _positions(model: Any) -> int:
    """Return how many positions a model tells apart; those whose positions are no table read windows of any length.

    RoBERTa's table begins behind the number of its padding token.
    """
    config = model.config.get_text_config()
    size = next((n for name in _POSITIONS if (n := getattr(config, name, None)) is not None), MAX_CONTEXT)
    tables = [module for path, module in model.named_modules() if path.endswith("position_embeddings")]
    unused = [table.padding_idx + 1 for table in tables if getattr(table, "padding_idx", None) is not None]
    return int(size) - max(unused, default=0)


def _made_for(folder: Path) -> int:
    """Return the window that sentence-transformers would use, MAX_CONTEXT when it does not say."""
    path = folder / "sentence_bert_config.json"
    if not path.is_file():
        return MAX_CONTEXT
    config = _read_json(path)
    length = config.get("max_seq_length") if isinstance(config, dict) else config
    if length is None:
        return MAX_CONTEXT
    if not isinstance(length, int) or isinstance(length, bool) or length < 1:
        msg = f"{path} should have a whole number as max_seq_length, got {length!r}. Get the file again, or delete it."
        raise ModelError(msg)
    return length
