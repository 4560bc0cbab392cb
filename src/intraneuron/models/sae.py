"""Sparse autoencoders: their encoders, and the function of their latents."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

Architecture = Literal["relu", "jumprelu", "topk"]
Normalize = Literal["none", "layer_norm", "constant_norm_rescale"]


@dataclass(frozen=True)
class Sae:
    """The encoder of a sparse autoencoder: latents = f(W (x - shift) + b), with x normalised first where it says so.

    Attributes
    ----------
    path : str
        As the user wrote it.
    hash : str
        SHA-256 of the file, and of what is used of its cfg.json.
    hook : str or None
        Where it reads, if its cfg.json says so.
    architecture : "relu", "jumprelu" or "topk"
        f: max(u, 0); u where it is above ``threshold``, else 0; max(u, 0) of the ``k`` largest of a position, else 0.
    weight : float32 tensor, (N, D)
    bias : float32 tensor, (N,)
    shift : float32 tensor, (D,), or None
        The decoder's bias, where the encoder takes it away first.
    threshold : float32 tensor, (N,), or None
    k : int or None
    normalize : "none", "layer_norm" or "constant_norm_rescale"
        What is done to x first: mean 0 and standard deviation 1; length sqrt(D).
    """

    path: str
    hash: str
    hook: str | None
    architecture: Architecture
    weight: torch.Tensor
    bias: torch.Tensor
    shift: torch.Tensor | None
    threshold: torch.Tensor | None
    k: int | None
    normalize: Normalize

    @property
    def n_latents(self) -> int:
        """N."""
        return int(self.weight.shape[0])

    @property
    def width(self) -> int:
        """D."""
        return int(self.weight.shape[1])

    @property
    def said(self) -> str:
        """What its latents are, in words."""
        normal = "" if self.normalize == "none" else f", of an input normalised by {self.normalize}"
        kind = f"top {self.k} of each position" if self.architecture == "topk" else self.architecture
        return f"the latents of {self.path} at {self.hook} ({kind}{normal})"

    def told(self, layer: int) -> dict[str, Any]:
        """Return what a manifest says of the SAE of a layer."""
        names = ("hook", "path", "hash", "architecture", "k", "latents", "width", "normalize")
        values = (
            self.hook,
            self.path,
            self.hash,
            self.architecture,
            self.k,
            self.n_latents,
            self.width,
            self.normalize,
        )
        return {"layer": layer} | dict(zip(names, values, strict=True))

    def entering(self, value: torch.Tensor) -> torch.Tensor:
        """Return what enters the encoder's product, float32 (..., D), for what the model has at the place."""
        x = value.to(torch.float32)
        if self.normalize == "layer_norm":
            x = x - x.mean(dim=-1, keepdim=True)
            x = x / (x.std(dim=-1, keepdim=True) + 1e-5)
        elif self.normalize == "constant_norm_rescale":
            x = x * (math.sqrt(self.width) / x.norm(dim=-1, keepdim=True))
        return x if self.shift is None else x - self.shift

    def latents(self, x: torch.Tensor) -> torch.Tensor:
        """Return the latents, float32 (..., N), of what :meth:`entering` returned."""
        return self.activation(torch.nn.functional.linear(x, self.weight, self.bias))

    def activation(self, preactivation: torch.Tensor) -> torch.Tensor:
        """Return f of pre-activations, (..., N)."""
        if self.architecture == "topk":
            return keep_largest(preactivation, self.k or 0)
        if self.threshold is not None:
            return preactivation.relu() * (preactivation > self.threshold)
        return preactivation.relu()

    def to(self, device: torch.device) -> Sae:
        """Return it on a device."""
        moved: dict[str, Any] = {name: getattr(self, name) for name in ("weight", "bias", "shift", "threshold")}
        moved = {name: tensor if tensor is None else tensor.to(device) for name, tensor in moved.items()}
        return replace(self, **moved)


def keep_largest(values: torch.Tensor, k: int) -> torch.Tensor:
    """Return the k largest values of each position, (..., N), where they are above 0; 0 elsewhere."""
    top = values.topk(k, dim=-1)
    return torch.zeros_like(values).scatter_(-1, top.indices, top.values.relu())


def identity_of(saes: Sequence[Sae]) -> str:
    """Return the SHA-256 of SAEs and of where they read, whatever order they are given in."""
    return hashlib.sha256("".join(sorted(f"{sae.hash}  {sae.hook}\n" for sae in saes)).encode()).hexdigest()
