"""Nonlinearities that take many passes over memory, replaced by others that take one.

In numbers of 16 bits on a CPU they are read from a table (:mod:`intraneuron.models.tabulated`), to the last bit. Else
those that transformers writes out in Python, step by step, are replaced by one step.

GELU in its approximation by tanh (``gelu_new`` of GPT-2, and under other names in other families) takes eight passes
over memory that way: 11 to 39 % of a forward pass. torch has the same function as one, and so have we
(:mod:`intraneuron.kernels.gelu`), for float32 on a CPU, in half the time.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from intraneuron.kernels.blocks import in_parts, parts_of
from intraneuron.kernels.gelu import gelu_tanh
from intraneuron.models.families import find_stacks, functions_of
from intraneuron.models.tabulated import Tabulated, in_place_of_torch, tabulated

_REACH, _POINTS = 12.0, 24_001
"""Where two functions are compared: points evenly spaced as far as this from 0; beyond, GELU is 0 or x."""

ROUNDING = 1e-6
"""The largest difference that is rounding in float32: absolute, or as a share of the value."""


class Gelu(nn.GELU):
    """GELU approximated by tanh: by our kernel in float32 on a CPU, else by torch."""

    def __init__(self) -> None:
        super().__init__(approximate="tanh")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the function of x, of any shape."""
        if x.dtype != torch.float32 or not in_place_of_torch(x):
            return super().forward(x)
        out = torch.empty_like(x)
        values, to = (tensor.numpy().reshape(-1) for tensor in (x, out))
        in_parts(gelu_tanh, parts_of(len(values)), (values,), (to,))
        return out


@dataclass(frozen=True)
class Replaced:
    """The classes of nonlinearities that were replaced: by GELU in one step, and by tables."""

    fused: tuple[str, ...] = ()
    tabulated: tuple[str, ...] = ()


def fuse_activations(body: nn.Module, name: str) -> Replaced:
    """Replace every MLP's nonlinearity that can be had with fewer passes over memory, and return their classes.

    What a module computes decides, not what it is called. In bfloat16 and float16 on a CPU, a function of every value
    by itself becomes its table. Else one that equals GELU approximated by tanh to rounding, on a grid of points,
    becomes that in one step; one that equals torch's to the last bit is torch's already, and stays.

    Parameters
    ----------
    body : module
        In evaluation mode.
    name : str
        What the model is called.

    Raises
    ------
    ModelError
        When the model is not built as a transformer is.
    """
    first = next(body.parameters())
    short = first.device.type == "cpu" and first.dtype in (torch.bfloat16, torch.float16)
    new: dict[nn.Module, nn.Module | None] = {}  # one function may serve many blocks
    replaced: dict[type[nn.Module], dict[str, None]] = {Gelu: {}, Tabulated: {}}
    for block in (block for blocks in find_stacks(body, name) for block in blocks):
        for function in functions_of(block):
            if function not in new:
                other = fused(function)
                table = tabulated(function, first.dtype, other) if short else None
                new[function] = table or (None if other is function else other)
            found = new[function]
            if found is not None:
                _replace(block, function, found)
                replaced[type(found)][type(function).__name__] = None
    return Replaced(fused=tuple(replaced[Gelu]), tabulated=tuple(replaced[Tabulated]))


def fused(function: nn.Module) -> nn.Module:
    """Return a nonlinearity, or GELU in one step in its place when it is the same function in more."""
    return Gelu() if _is_slow_gelu_tanh(function) else function


def _is_slow_gelu_tanh(module: nn.Module) -> bool:
    """Whether a module computes GELU, approximated by tanh, of every value by itself, and not in torch's one step."""
    x = torch.linspace(-_REACH, _REACH, _POINTS)
    by_torch = nn.functional.gelu(x, approximate="tanh")
    try:
        with torch.inference_mode():
            found, expected = module(x), Gelu()(x)
    except (TypeError, ValueError, RuntimeError):  # it takes something else than values, or another shape of them
        return False
    if not isinstance(found, torch.Tensor) or found.shape != x.shape or torch.equal(found, by_torch):
        return False
    return torch.allclose(found, expected, rtol=ROUNDING, atol=ROUNDING)


def _replace(block: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put a module in the place of another, wherever in the block that stands."""
    for parent in block.modules():
        for name, child in parent.named_children():
            if child is old:
                setattr(parent, name, new)
