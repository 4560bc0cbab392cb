"""Projections: the linear maps of a model, or those rows of one that make one thing."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from intraneuron.errors import ModelError


@dataclass(frozen=True)
class Projection:
    """A linear map y = x W' + b, or some of its outputs.

    Attributes
    ----------
    module : module
        Linear, or GPT-2's Conv1D.
    start, stop : int or None
        Which of its outputs are meant; gate and up of some gated MLPs are halves of one module.
    """

    module: nn.Module
    start: int | None = None
    stop: int | None = None

    @property
    def weight(self) -> torch.Tensor:
        """W, (out, in); GPT-2's Conv1D stores (in, out)."""
        weight = getattr(self.module, "weight", None)
        if not isinstance(weight, torch.Tensor):
            msg = f"A projection should have a weight, got {type(self.module).__name__}."
            raise ModelError(msg)
        return (weight.detach().T if hasattr(self.module, "nf") else weight.detach())[self.start : self.stop]

    @property
    def bias(self) -> torch.Tensor | None:
        """b, (out,), or None."""
        bias = getattr(self.module, "bias", None)
        return bias.detach()[self.start : self.stop] if isinstance(bias, torch.Tensor) else None

    def apply(self, x: torch.Tensor) -> torch.Tensor:
        """Return x W' + b by hand, (..., out); nothing when the widths do not fit."""
        weight = self.weight
        if x.shape[-1] != weight.shape[1]:
            return x[..., :0]
        return nn.functional.linear(x, weight, self.bias)


def is_projection(module: nn.Module) -> bool:
    """Whether a module is a linear map: without parts, with a matrix as weight."""
    weight = getattr(module, "weight", None)
    linear = not isinstance(module, nn.Embedding) and not any(True for _ in module.children())
    return linear and isinstance(weight, torch.Tensor) and weight.ndim == 2
