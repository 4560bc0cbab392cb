"""Where each family of models keeps its neurons.

A neuron's activation is what enters the MLP's output projection. A family is registered by the names of the
modules around it; names are matched by suffix, because bare base models drop the first prefix
(``transformer.h.0.mlp.c_proj`` is ``h.0.mlp.c_proj`` there).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import nn

from intraneuron.errors import ModelError

Kind = Literal["causal", "encoder"]
Activation = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Family:
    """Names of the modules around a family's neurons; ``{layer}`` stands for the number of the block.

    Attributes
    ----------
    kind : "causal" or "encoder"
    output : str
        The MLP's output projection.
    inputs : tuple of str
        The projections that make pre-activations: one, or gate and up of a gated MLP.
    activation : str
        The nonlinearity.
    """

    kind: Kind
    output: str
    inputs: tuple[str, ...]
    activation: str


FAMILIES: dict[str, Family] = {
    "bert": Family(
        kind="encoder",
        output="encoder.layer.{layer}.output.dense",
        inputs=("encoder.layer.{layer}.intermediate.dense",),
        activation="encoder.layer.{layer}.intermediate.intermediate_act_fn",
    ),
    "gpt2": Family(
        kind="causal",
        output="h.{layer}.mlp.c_proj",
        inputs=("h.{layer}.mlp.c_fc",),
        activation="h.{layer}.mlp.act",
    ),
}
"""By ``model_type``, as config.json names it."""

_gelu_tanh: Activation = partial(nn.functional.gelu, approximate="tanh")
_FUSED: dict[str, Activation] = {
    "NewGELUActivation": _gelu_tanh,
    "FastGELUActivation": _gelu_tanh,
    "AccurateGELUActivation": _gelu_tanh,
}
"""Activations that transformers spells out in eight steps, as one: the same function, six times faster."""


def find_family(model_type: object, name: str) -> Family:
    """Return the family of a ``model_type``.

    Raises
    ------
    ModelError
        When the family is not registered.
    """
    family = FAMILIES.get(model_type) if isinstance(model_type, str) else None
    if family is None:
        msg = (
            f"The model {name} is of the family {model_type!r}, which is not supported yet. "
            f"Supported families: {', '.join(FAMILIES)}."
        )
        raise ModelError(msg)
    return family


def find_module(modules: Mapping[str, nn.Module], pattern: str, layer: int) -> nn.Module:
    """Return the one module whose name is, or ends with, the pattern of a layer.

    Raises
    ------
    ModelError
        When there is none, or more than one.
    """
    suffix = pattern.format(layer=layer)
    found = [name for name in modules if name == suffix or name.endswith("." + suffix)]
    if len(found) != 1:
        msg = f"Layer {layer} should have one module {suffix}, got {len(found)}. Is this model of another kind?"
        raise ModelError(msg)
    return modules[found[0]]


def activation_function(module: nn.Module) -> Activation:
    """Return the module's function, or the same function in fewer steps; the self-check compares them."""
    return _FUSED.get(type(module).__name__, module)


def combine(activation: Activation, preactivations: Sequence[torch.Tensor]) -> torch.Tensor:
    """Turn pre-activations into what enters the output projection: ``act(x)``, or ``act(gate) * up``.

    Parameters
    ----------
    activation : callable
    preactivations : one or two tensors (..., N)
        In the order of :attr:`Family.inputs`.
    """
    first, *rest = preactivations
    out = activation(first)
    for other in rest:
        out = out * other
    return out
