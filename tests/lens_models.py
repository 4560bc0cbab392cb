"""Tiny models of TransformerLens with the weights of a saved transformers model, made without a network.

Releases before 4 have ``HookedTransformer``, those from 3 on ``TransformerBridge``.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from tests.tiny_models import LAYERS, NEURONS, WIDTH, byte_level_tokenizer
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer

from intraneuron.models.loading import quiet

HOOKED = "HookedTransformer, which transformer-lens has up to release 3: pip install 'transformer-lens<4'"
BRIDGE = "TransformerBridge, which transformer-lens has from release 3 on: pip install 'intraneuron[lens]'"


def missing(kind: str) -> str | None:
    """Return why a kind of model cannot be made here; None when it can."""
    module = {"hooked": "HookedTransformer", "bridge": "model_bridge"}[kind.partition("-")[0]]
    there = find_spec("transformer_lens") is not None and find_spec(f"transformer_lens.{module}") is not None
    return None if there else f"needs {HOOKED if module == 'HookedTransformer' else BRIDGE}"


def _parts(path: Path) -> tuple[Any, Any]:
    with quiet():
        return AutoModelForCausalLM.from_pretrained(path), AutoTokenizer.from_pretrained(path)


def bridge(path: Path) -> Any:
    """Return a bridge to a saved model, its weights as they are."""
    from transformer_lens.model_bridge import TransformerBridge

    model, tokenizer = _parts(path)
    return TransformerBridge.boot_transformers(str(path), hf_model=model, tokenizer=tokenizer, device="cpu")


def bridge_folded(path: Path) -> Any:
    """Return a bridge to a saved model, layer norms folded into weights and weights centred."""
    model = bridge(path)
    model.enable_compatibility_mode()
    return model


def hooked(path: Path) -> Any:
    """Return a HookedTransformer with the weights of a saved GPT-2 or Llama as they are."""
    model, state = _hooked(path)
    model.load_state_dict(state, strict=False)
    return model


def hooked_folded(path: Path) -> Any:
    """Return a HookedTransformer, layer norms folded into weights and weights centred."""
    model, state = _hooked(path)
    model.load_and_process_state_dict(state)
    return model


def _hooked(path: Path) -> tuple[Any, dict[str, Any]]:
    from transformer_lens import HookedTransformer, HookedTransformerConfig
    from transformer_lens.pretrained import weight_conversions

    source, tokenizer = _parts(path)
    config = source.config
    gated = config.model_type == "llama"
    settings = {
        "n_layers": config.num_hidden_layers,
        "d_model": config.hidden_size,
        "n_heads": config.num_attention_heads,
        "d_head": config.hidden_size // config.num_attention_heads,
        "n_ctx": config.max_position_embeddings,
        "d_vocab": config.vocab_size,
        "d_mlp": config.intermediate_size if gated else config.n_inner,
        "eps": config.rms_norm_eps if gated else config.layer_norm_epsilon,
        "act_fn": config.hidden_act if gated else config.activation_function,
        "normalization_type": "RMS" if gated else "LN",
        "original_architecture": config.architectures[0],
        "device": "cpu",
        "model_name": path.name,
    }
    if gated:
        settings |= {
            "gated_mlp": True,
            "positional_embedding_type": "rotary",
            "rotary_dim": settings["d_head"],
            "rotary_adjacent_pairs": False,
            "n_key_value_heads": config.num_key_value_heads,
            "final_rms": True,
        }
    made = HookedTransformerConfig(**settings)
    model = HookedTransformer(made, tokenizer=tokenizer)
    convert = weight_conversions.convert_llama_weights if gated else weight_conversions.convert_gpt2_weights
    return model, convert(source, made)


KINDS: dict[str, Callable[[Path], Any]] = {
    "bridge": bridge,
    "bridge-folded": bridge_folded,
    "hooked": hooked,
    "hooked-folded": hooked_folded,
}


class HandMade(nn.Module):
    """What TransformerLens offers of a model, without TransformerLens: for tests on machines that have it not."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        settings = {"model_name": "hand/made", "architecture": "HandMade", "act_fn": "gelu", "n_ctx": 12}
        self.cfg = SimpleNamespace(**(settings | changes))
        self.tokenizer = byte_level_tokenizer()
        torch.manual_seed(3)
        self.W_E = nn.Parameter(torch.randn(len(self.tokenizer), WIDTH))
        self.W_U = nn.Parameter(torch.randn(WIDTH, len(self.tokenizer)))
        self.blocks = nn.ModuleList(HandMadeBlock() for _ in range(LAYERS))
        blocks: Any = self.blocks
        self.hook_dict = {f"blocks.{i}.mlp.hook_post": block.mlp.hook_post for i, block in enumerate(blocks)}

    def forward(self, ids: torch.Tensor, *, return_type: None) -> None:
        assert return_type is None
        x = self.W_E[ids]
        for block in self.blocks:
            x = block(x)


class HandMadeBlock(nn.Module):
    """A block that adds the mean of all tokens so far, and its MLP."""

    def __init__(self) -> None:
        super().__init__()
        self.mlp = HandMadeMlp()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        so_far = torch.arange(1, x.shape[1] + 1)[:, None]
        x = x + x.cumsum(dim=1) / so_far
        out: torch.Tensor = x + self.mlp(x)
        return out


class HandMadeMlp(nn.Module):
    """An MLP with the names that TransformerLens gives to weights and hooks."""

    def __init__(self) -> None:
        super().__init__()
        self.W_in, self.b_in = nn.Parameter(0.3 * torch.randn(WIDTH, NEURONS)), nn.Parameter(torch.randn(NEURONS))
        self.W_out, self.b_out = nn.Parameter(0.3 * torch.randn(NEURONS, WIDTH)), nn.Parameter(torch.randn(WIDTH))
        self.hook_pre, self.hook_post = nn.Identity(), nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        activation = self.hook_post(nn.functional.gelu(self.hook_pre(x @ self.W_in + self.b_in)))
        out: torch.Tensor = activation @ self.W_out + self.b_out
        return out


HandMade.__module__ = "transformer_lens.hand_made"
