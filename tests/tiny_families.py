"""A tiny model of every family, and its MLP written by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from tests.tiny_models import CONTEXT, LAYERS, NEURONS, WIDTH, byte_level_tokenizer, save, wordpiece_tokenizer
from torch import nn

By = Callable[[Any, torch.Tensor], torch.Tensor]
"""A block and the MLP's input to the neurons' activations."""

PLAIN = {
    "hidden_size": WIDTH,
    "intermediate_size": NEURONS,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "max_position_embeddings": CONTEXT,
}
OLD = {"n_embd": WIDTH, "n_inner": NEURONS, "n_layer": LAYERS, "n_head": 2, "n_positions": CONTEXT}
T5 = {"d_model": WIDTH, "d_kv": 8, "d_ff": NEURONS, "num_layers": LAYERS, "num_heads": 2, "decoder_start_token_id": 0}
NEO = {"attention_types": [[["global", "local", "global"], 1]], "num_layers": LAYERS, "num_heads": 2}


def linear(module: Any, x: torch.Tensor) -> torch.Tensor:
    weight = module.weight.T if module.weight.shape[0] != x.shape[-1] else module.weight
    out: torch.Tensor = x @ weight + (0 if getattr(module, "bias", None) is None else module.bias)
    return out


def erf(u: torch.Tensor) -> torch.Tensor:
    return u * 0.5 * (1 + torch.erf(u / math.sqrt(2)))


def tanh(u: torch.Tensor) -> torch.Tensor:
    return 0.5 * u * (1 + torch.tanh(math.sqrt(2 / math.pi) * (u + 0.044715 * u**3)))


def silu(u: torch.Tensor) -> torch.Tensor:
    return u / (1 + torch.exp(-u))


def gated(act: Callable[[torch.Tensor], torch.Tensor]) -> By:
    return lambda block, x: act(linear(block.mlp.gate_proj, x)) * linear(block.mlp.up_proj, x)


def fused(block: Any, x: torch.Tensor) -> torch.Tensor:
    both = linear(block.mlp.gate_up_proj, x)
    return silu(both[..., :NEURONS]) * both[..., NEURONS:]


def dense_relu_dense(block: Any) -> Any:
    return block.layer[-1].DenseReluDense


@dataclass(frozen=True)
class TinyFamily:
    """How to build a tiny model, and how its MLP computes."""

    config: str
    model: str
    by_hand: By
    settings: dict[str, Any] = field(default_factory=lambda: PLAIN)
    blocks: str = "layers"
    wordpiece: bool = False
    neurons: int = NEURONS

    def save(self, path: Path) -> Path:
        """Save a model and its tokenizer as a user's folder."""
        tokenizer = wordpiece_tokenizer() if self.wordpiece else byte_level_tokenizer()
        ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": 0}
        config = getattr(transformers, self.config)(vocab_size=len(tokenizer), **(ends | self.settings))
        torch.manual_seed(5)
        return save(path, getattr(transformers, self.model)(config), tokenizer)

    def all_blocks(self, body: nn.Module) -> list[Any]:
        """Return the blocks of all stacks."""
        return [block for path in self.blocks.split() for block in body.get_submodule(path).children()]


def _llama(name: str, act: Callable[[torch.Tensor], torch.Tensor], **more: Any) -> TinyFamily:
    return TinyFamily(f"{name}Config", f"{name}ForCausalLM", gated(act), PLAIN | {"num_key_value_heads": 1} | more)


FAMILIES = {
    "gpt2": TinyFamily("GPT2Config", "GPT2LMHeadModel", lambda b, x: tanh(linear(b.mlp.c_fc, x)), OLD, "h"),
    "gptj": TinyFamily(
        "GPTJConfig", "GPTJForCausalLM", lambda b, x: tanh(linear(b.mlp.fc_in, x)), OLD | {"rotary_dim": 4}, "h"
    ),
    "codegen": TinyFamily(
        *("CodeGenConfig", "CodeGenForCausalLM", lambda b, x: tanh(linear(b.mlp.fc_in, x))),
        *(OLD | {"rotary_dim": 4, "n_head": 4}, "h"),
    ),
    "gpt_neo": TinyFamily(
        "GPTNeoConfig", "GPTNeoForCausalLM", lambda b, x: tanh(linear(b.mlp.c_fc, x)), PLAIN | NEO, "h"
    ),
    "gpt_neox": TinyFamily("GPTNeoXConfig", "GPTNeoXForCausalLM", lambda b, x: erf(linear(b.mlp.dense_h_to_4h, x))),
    "opt": TinyFamily(
        *("OPTConfig", "OPTForCausalLM", lambda b, x: linear(b.fc1, x).clamp(min=0)),
        *(PLAIN | {"ffn_dim": NEURONS, "word_embed_proj_dim": WIDTH}, "decoder.layers"),
    ),
    "bloom": TinyFamily(
        *("BloomConfig", "BloomForCausalLM", lambda b, x: tanh(linear(b.mlp.dense_h_to_4h, x))),
        *({"hidden_size": WIDTH, "n_layer": LAYERS, "n_head": 2}, "h"),
        neurons=4 * WIDTH,
    ),
    "falcon": TinyFamily(
        *("FalconConfig", "FalconForCausalLM", lambda b, x: erf(linear(b.mlp.dense_h_to_4h, x))),
        *(PLAIN | {"ffn_hidden_size": NEURONS}, "h"),
    ),
    "llama": _llama("Llama", silu),
    "mistral": _llama("Mistral", silu),
    "qwen2": _llama("Qwen2", silu),
    "qwen3": _llama("Qwen3", silu, head_dim=8),
    "gemma": _llama("Gemma", tanh, head_dim=8),
    "gemma2": _llama("Gemma2", tanh, head_dim=8),
    "gemma3_text": TinyFamily(
        "Gemma3TextConfig", "Gemma3ForCausalLM", gated(tanh), PLAIN | {"num_key_value_heads": 1, "head_dim": 8}
    ),
    "olmo": _llama("Olmo", silu),
    "olmo2": _llama("Olmo2", silu),
    "phi": TinyFamily("PhiConfig", "PhiForCausalLM", lambda b, x: tanh(linear(b.mlp.fc1, x))),
    "phi3": TinyFamily("Phi3Config", "Phi3ForCausalLM", fused, PLAIN | {"num_key_value_heads": 1}),
    "bert": TinyFamily(
        *("BertConfig", "BertModel", lambda b, x: erf(linear(b.intermediate.dense, x))),
        *(PLAIN, "encoder.layer"),
        wordpiece=True,
    ),
    "roberta": TinyFamily(
        *("RobertaConfig", "RobertaModel", lambda b, x: erf(linear(b.intermediate.dense, x))),
        *(PLAIN, "encoder.layer"),
        wordpiece=True,
    ),
    "distilbert": TinyFamily(
        *("DistilBertConfig", "DistilBertModel", lambda b, x: erf(linear(b.ffn.lin1, x))),
        {"dim": WIDTH, "hidden_dim": NEURONS, "n_layers": LAYERS, "n_heads": 2, "max_position_embeddings": CONTEXT},
        "transformer.layer",
        wordpiece=True,
    ),
    "t5": TinyFamily(
        *("T5Config", "T5ForConditionalGeneration"),
        lambda b, x: linear(dense_relu_dense(b).wi, x).clamp(min=0),
        T5,
        "encoder.block decoder.block",
    ),
    "t5, gated": TinyFamily(
        *("T5Config", "T5ForConditionalGeneration"),
        lambda b, x: tanh(linear(dense_relu_dense(b).wi_0, x)) * linear(dense_relu_dense(b).wi_1, x),
        T5 | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
        "encoder.block decoder.block",
    ),
}
