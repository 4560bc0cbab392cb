"""What a model is given: the arguments of one forward pass over windows of tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from intraneuron.data import Vocabulary
from intraneuron.models.families import Kind


def model_arguments(kind: Kind, config: Any, token_id: np.ndarray, device: torch.device) -> dict[str, Any]:
    """Return the arguments for some windows, int (B, C); -1 is padding, which stands at the end.

    A causal model sees no padding, which comes later; an encoder does, unless it is masked. A decoder behind an encoder
    reads the same window, one place later: its start token, then every token but the last.
    """
    real = token_id >= 0
    tokens = np.where(real, token_id, 0)
    arguments: dict[str, Any] = {"input_ids": _tensor(tokens, device)}
    if kind != "encoder":
        arguments["use_cache"] = False
    if kind != "causal" and not real.all():
        arguments["attention_mask"] = _tensor(real, device)
    if kind == "encoder-decoder":
        start = np.full((len(tokens), 1), config.decoder_start_token_id, dtype=tokens.dtype)
        arguments["decoder_input_ids"] = _tensor(np.concatenate([start, tokens[:, :-1]], axis=1), device)
    return arguments


def at_tokens(value: torch.Tensor, *, decoder: bool) -> torch.Tensor:
    """Return values (B, C, ...) at the places of the window's tokens.

    A decoder read them one place later. What stands at the last place is then its start token's: that place of a window
    is a special token or padding, and is never counted.
    """
    return torch.roll(value, -1, dims=1) if decoder else value


def few_tokens(vocabulary: Vocabulary) -> np.ndarray:
    """Return up to 16 ordinary tokens for the self-check, int (2, C)."""
    ids = np.flatnonzero(~vocabulary.special)
    few = ids[np.linspace(0, len(ids) - 1, min(16, len(ids) // 2 * 2)).astype(np.int64)]
    return few.reshape(2, -1)


def _tensor(values: np.ndarray, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(values).long().to(device)
