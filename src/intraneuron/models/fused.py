"""Activations that transformers writes out in Python, step by step, replaced by torch's one step.

GELU in its approximation by tanh (``gelu_new`` of GPT-2, and under other names in other families) takes eight passes
over memory that way: 11 to 39 % of a forward pass. torch has the same function as one.
"""

from __future__ import annotations

import torch
from torch import nn

from intraneuron.models.families import find_stacks, functions_of

_REACH, _POINTS = 12.0, 24_001
"""Where two functions are compared: points evenly spaced as far as this from 0; beyond, GELU is 0 or x."""

ROUNDING = 1e-6
"""The largest difference that is rounding in float32: absolute, or as a share of the value."""


def fuse_activations(body: nn.Module, name: str) -> tuple[str, ...]:
    """Put torch's GELU in the place of every MLP's nonlinearity that is the same function, and return their classes.

    What a module computes decides, not what it is called: on a grid of points it must equal GELU approximated by tanh
    to rounding. One that equals it to the last bit is torch's already, and stays.

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
    replaced: dict[str, None] = {}
    for block in (block for blocks in find_stacks(body, name) for block in blocks):
        for function in functions_of(block):
            if _is_slow_gelu_tanh(function):
                _replace(block, function, nn.GELU(approximate="tanh"))
                replaced[type(function).__name__] = None
    return tuple(replaced)


def fused(function: nn.Module) -> nn.Module:
    """Return a nonlinearity, or torch's GELU in its place when it is the same function in more steps."""
    return nn.GELU(approximate="tanh") if _is_slow_gelu_tanh(function) else function


def _is_slow_gelu_tanh(module: nn.Module) -> bool:
    """Whether a module computes GELU, approximated by tanh, of every value by itself, and not in torch's one step."""
    x = torch.linspace(-_REACH, _REACH, _POINTS)
    expected = nn.functional.gelu(x, approximate="tanh")
    try:
        with torch.inference_mode():
            found = module(x)
    except (TypeError, ValueError, RuntimeError):  # it takes something else than values, or another shape of them
        return False
    if not isinstance(found, torch.Tensor) or found.shape != x.shape or torch.equal(found, expected):
        return False
    return torch.allclose(found, expected, rtol=ROUNDING, atol=ROUNDING)


def _replace(block: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put a module in the place of another, wherever in the block that stands."""
    for parent in block.modules():
        for name, child in parent.named_children():
            if child is old:
                setattr(parent, name, new)
