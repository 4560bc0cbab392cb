"""The same sums by other tools, in their own idiom: for ``benchmarks.observation --peers``.

Each adds the activations of every layer to a table by token with torch's ``index_add_``, in float32. Both keep one
table a layer, where a study keeps halves, shards and compensations, so what is compared is their way to read a model.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models
from torch import nn
from transformers import PreTrainedTokenizerFast

from intraneuron.models.loading import quiet

Read = Callable[[torch.Tensor], None]


class Tables:
    """A table by token for each layer, (V, N)."""

    def __init__(self, layers: int, vocabulary: int, neurons: int) -> None:
        self.tables = [torch.zeros(vocabulary, neurons) for _ in range(layers)]

    def add(self, layer: int, ids: torch.Tensor, activation: torch.Tensor) -> None:
        """Add the activations (B, C, N) of some tokens (B, C)."""
        self.tables[layer].index_add_(0, ids.reshape(-1), activation.reshape(-1, activation.shape[-1]).float())


def by_lens(model: Any, tables: Tables) -> Read:
    """Return what reads a batch of tokens with TransformerLens."""
    from transformer_lens.model_bridge import TransformerBridge

    with tempfile.TemporaryDirectory() as folder, quiet():
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=Tokenizer(models.WordLevel({"a": 0, "b": 1}, unk_token="b")), bos_token="a", eos_token="a"
        )
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
        bridge = TransformerBridge.boot_transformers(
            str(Path(folder)), hf_model=model, tokenizer=tokenizer, device="cpu", dtype=model.dtype
        )
    now: dict[str, torch.Tensor] = {}

    def hook(layer: int) -> tuple[str, Callable[..., None]]:
        return f"blocks.{layer}.mlp.hook_post", lambda activation, hook: tables.add(layer, now["ids"], activation)

    hooks = [hook(layer) for layer in range(len(tables.tables))]

    def read(ids: torch.Tensor) -> None:
        now["ids"] = ids
        bridge.run_with_hooks(ids, return_type=None, fwd_hooks=hooks)

    return read


def by_nnsight(body: nn.Module, tables: Tables) -> Read:
    """Return what reads a batch of tokens with nnsight."""
    from nnsight import NNsight

    traced: Any = NNsight(body)

    def read(ids: torch.Tensor) -> None:
        with traced.trace(input_ids=ids, use_cache=False):
            for layer in range(len(tables.tables)):
                tables.add(layer, ids, traced.h[layer].mlp.act.output)

    return read
