"""Where a model keeps its neurons, found by the structure of its blocks.

A neuron's activation is what enters the MLP's output projection. A transformer is one list of blocks, or two (encoder
and decoder). A block is attention, and an MLP: a nonlinearity, one projection into the neurons (or two: gate and up,
maybe halves of one module) and one projection out of them. What is found is proven by the self-check of
:mod:`intraneuron.models.sites`, not by names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from intraneuron.errors import ModelError
from intraneuron.models.projections import Projection, is_projection

Kind = Literal["causal", "encoder", "encoder-decoder"]
Activation = Callable[[torch.Tensor], torch.Tensor]

TESTED = {
    "causal": (
        *("gpt2", "gptj", "codegen", "gpt_neo", "gpt_neox", "opt", "bloom", "falcon", "llama", "mistral", "qwen2"),
        *("qwen3", "gemma", "gemma2", "gemma3_text", "olmo", "olmo2", "phi", "phi3"),
    ),
    "encoder": ("bert", "roberta", "distilbert"),
    "encoder-decoder": ("t5",),
}
"""Families (``model_type`` of config.json) whose neurons a test compares with a forward pass written by hand."""

_ATTENTION = re.compile(r"Attention|Attn")
_EXPERTS = re.compile(r"Experts?$|Expert[A-Z]|MoE|Moe|Router")
_NO_FUNCTION = re.compile(r"Dropout|Identity|DropPath|Norm|Embedding")


@dataclass(frozen=True)
class Mlp:
    """One block's MLP: one or two projections in (all of the same x), a nonlinearity, one projection out."""

    inputs: tuple[Projection, ...]
    activation: Activation
    output: Projection


def kind_of(config: Any) -> Kind:
    """Return how a model reads: from left to right, both ways, or both ways and then from left to right."""
    from transformers.models.auto import modeling_auto

    model_type = config.model_type
    if config.is_encoder_decoder:
        return "encoder-decoder"
    masked = model_type in modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if model_type in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and (not masked or config.is_decoder):
        return "causal"
    return "encoder"


def find_stacks(body: nn.Module, name: str) -> list[list[nn.Module]]:
    """Return the lists of blocks of a transformer: one, or those of encoder and decoder.

    Raises
    ------
    ModelError
        When there is none, or the MLPs are mixtures of experts.
    """
    text: nn.Module = getattr(body, "language_model", body)  # beside it, some models have eyes or ears
    found: list[tuple[str, nn.ModuleList]] = []
    for path, module in text.named_modules():
        inside = any(path.startswith(f"{outer}.") for outer, _ in found)
        if isinstance(module, nn.ModuleList) and not inside and len(module) and all(map(_has_attention, module)):
            found.append((path, module))
    for _, blocks in found:
        for block in blocks:
            _refuse_experts(block, name)
    stacks = [list(blocks) for _, blocks in found if all(map(has_mlp, blocks))]
    if not stacks:
        msg = (
            f"The model {name} ({type(body).__name__}) has no list of blocks with attention and one MLP each, as a "
            f"transformer has. Give another model; tested families: {', '.join(sum(TESTED.values(), ()))}."
        )
        raise ModelError(msg)
    return stacks


def find_mlp(block: nn.Module, layer: int) -> Mlp:
    """Return the MLP of a block.

    Raises
    ------
    ModelError
        When what stands outside attention is not one projection in, or two, a nonlinearity, and one projection out.
    """
    projections, functions = _parts(block)
    if len(projections) not in (2, 3) or len(functions) != 1:
        raise _no_mlp(block, layer)
    *inward, last = projections
    out = Projection(last)
    n = out.weight.shape[1]
    if len(inward) == 1 and Projection(inward[0]).weight.shape[0] == 2 * n:
        inputs = [Projection(inward[0], 0, n), Projection(inward[0], n, 2 * n)]
    else:
        inputs = [Projection(module) for module in inward]
    if any(projection.weight.shape[0] != n for projection in inputs):
        raise _no_mlp(block, layer)
    return Mlp(tuple(inputs), functions[0], out)


def functions_of(block: nn.Module) -> list[nn.Module]:
    """Return a block's functions, modules without weights, outside attention: of a dense MLP, its nonlinearity."""
    return _parts(block)[1]


def has_mlp(block: nn.Module) -> bool:
    """Whether a block has parts of an MLP."""
    projections, functions = _parts(block)
    return len(projections) > 1 and len(functions) > 0


def _parts(block: nn.Module) -> tuple[list[nn.Module], list[nn.Module]]:
    """Return a block's projections and its functions (modules without weights), outside attention, in their order."""
    leaves = [module for module in _outside_attention(block) if not any(True for _ in module.children())]
    functions = [
        module
        for module in leaves
        if not any(True for _ in module.parameters()) and not _NO_FUNCTION.search(type(module).__name__)
    ]
    return [module for module in leaves if is_projection(module)], functions


def _outside_attention(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if not _ATTENTION.search(type(child).__name__):
            yield child
            yield from _outside_attention(child)


def _has_attention(block: nn.Module) -> bool:
    return any(_ATTENTION.search(type(module).__name__) for module in block.modules())


def _refuse_experts(block: nn.Module, name: str) -> None:
    for module in _outside_attention(block):
        if _EXPERTS.search(type(module).__name__):
            msg = (
                f"The model {name} is a mixture of experts ({type(module).__name__}): a router sends each token to a "
                "few of many MLPs, so a neuron sees only its own tokens, and a mean over all is none. Give a dense "
                "model."
            )
            raise ModelError(msg)


def _no_mlp(block: nn.Module, layer: int) -> ModelError:
    projections, functions = _parts(block)
    shapes = ", ".join(str(tuple(Projection(module).weight.shape)) for module in projections)
    return ModelError(
        f"Layer {layer} ({type(block).__name__}) should have one MLP: one projection into its neurons (or gate and "
        f"up), a nonlinearity, one projection out; got {len(projections)} projections outside attention ({shapes}) "
        f"and {len(functions)} functions. This model cannot be studied."
    )


def combine(activation: Activation, preactivations: Sequence[torch.Tensor]) -> torch.Tensor:
    """Turn pre-activations into what enters the output projection: ``act(x)``, or ``act(gate) * up``.

    Parameters
    ----------
    activation : callable
    preactivations : one or two tensors (..., N)
        In the order of :attr:`Mlp.inputs`.
    """
    first, *rest = preactivations
    out = activation(first)
    for other in rest:
        out = out * other
    return out
