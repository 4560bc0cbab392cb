"""Tiny sparse autoencoders with random weights, saved as their libraries do, and their encoders written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tests.tiny_models import WIDTH

LATENTS, K = 40, 6
HOOK = "blocks.1.hook_resid_post"

Tensors = dict[str, torch.Tensor]


def tensors(width: int = WIDTH, latents: int = LATENTS, *, sparse: float = 1.0, seed: int = 0) -> Tensors:
    """Return weights as SAELens calls them; the higher ``sparse``, the less often latents fire."""
    random = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=random)  # noqa: E731
    return {
        "W_enc": draw(width, latents),
        "b_enc": 0.5 * draw(latents) - sparse,
        "W_dec": draw(latents, width),
        "b_dec": draw(width),
        "threshold": torch.rand(latents, generator=random),
    }


def save_sae(
    path: Path, kind: str = "relu", *, weights: Tensors | None = None, plain: bool = False, **config: Any
) -> Path:
    """Save an SAE's folder, as SAELens does or, ``plain``, as sparsify."""
    every = tensors() if weights is None else weights
    path.mkdir(parents=True)
    if plain:
        kept = {"encoder.weight": every["W_enc"].T.contiguous(), "encoder.bias": every["b_enc"]}
        save_file(kept | {name: every[name] for name in ("W_dec", "b_dec")}, path / "sae.safetensors")
        settings: dict[str, Any] = {"k": K, "d_in": every["W_enc"].shape[0], "num_latents": 0, "expansion_factor": 32}
    else:
        kept = {name: tensor for name, tensor in every.items() if name != "threshold" or kind == "jumprelu"}
        save_file(kept, path / "sae_weights.safetensors")
        settings = {
            "architecture": {"relu": "standard"}.get(kind, kind),
            "d_in": every["W_enc"].shape[0],
            "d_sae": every["W_enc"].shape[1],
            "apply_b_dec_to_input": True,
            "normalize_activations": "none",
            "metadata": {"hook_name": HOOK},
        }
        settings |= {"k": K} if kind == "topk" else {}
    settings = {key: value for key, value in (settings | config).items() if value != "left out"}
    (path / "cfg.json").write_text(json.dumps(settings))
    return path


def by_hand(value: torch.Tensor, weights: Tensors, architecture: str) -> torch.Tensor:
    """Return latents of one position after the other, by the definition of the architecture."""
    out = []
    for x in value.reshape(-1, value.shape[-1]):
        u = weights["W_enc"].T @ (x - weights["b_dec"]) + weights["b_enc"]
        if architecture == "jumprelu":
            kept = [float(a) if a > max(0, t) else 0.0 for a, t in zip(u, weights["threshold"], strict=True)]
        elif architecture == "topk":
            least = sorted(u.tolist())[-K]
            kept = [max(a, 0.0) if a >= least else 0.0 for a in u.tolist()]
        else:
            kept = [max(a, 0.0) for a in u.tolist()]
        out.append(torch.tensor(kept))
    return torch.stack(out).reshape(*value.shape[:-1], -1)
