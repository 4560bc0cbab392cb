"""Places in a model where an SAE reads: the residual stream before and after a block, an MLP's output and neurons.

They are called as in TransformerLens. In other models they are found by structure, as neurons are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from intraneuron.errors import ModelError
from intraneuron.models.families import find_stacks
from intraneuron.models.lens import LensModel
from intraneuron.models.loading import LoadedModel
from intraneuron.models.sites import tapped

KINDS = ("hook_resid_pre", "hook_resid_post", "hook_mlp_out", "mlp.hook_post")
"""Places of a block: what enters it, what leaves it, what its MLP adds, what enters the MLP's output projection."""

_HOOK = re.compile(rf"blocks\.(\d+)\.({'|'.join(map(re.escape, KINDS))})")


@dataclass(frozen=True)
class Place:
    """What enters a module, or what leaves it.

    Attributes
    ----------
    hook : str
        Its name, e.g. ``blocks.3.hook_resid_post``.
    layer : int
    module : module
    side : "input" or "output"
    """

    hook: str
    layer: int
    module: nn.Module
    side: Literal["input", "output"]

    def read(self, receive: Callable[[torch.Tensor], None]) -> Any:
        """Call a function with what passes here, (..., D), whenever the model runs; return the hook's handle."""

        def on_input(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            receive(_first((*given, *named.values())))

        def on_output(_module: nn.Module, _given: tuple[Any, ...], out: Any) -> None:
            receive(_first(out if isinstance(out, tuple) else (out,)))

        if self.side == "input":
            return self.module.register_forward_pre_hook(on_input, with_kwargs=True)
        return self.module.register_forward_hook(on_output)


def _first(values: tuple[Any, ...]) -> torch.Tensor:
    """Return the first tensor of real numbers: what a block is given, or hands on, beside masks and caches."""
    return next(value for value in values if isinstance(value, torch.Tensor) and value.is_floating_point())


def layer_of(hook: str, layers: int, name: str) -> int:
    """Return the layer that a place's name is of.

    Raises
    ------
    ModelError
        When there is no such place in a model of so many layers.
    """
    found = _HOOK.fullmatch(hook)
    if found is None or int(found[1]) >= layers:
        msg = (
            f"{name} has no place {hook!r} that an SAE can read. Places (--hook): "
            f"{', '.join(f'blocks.L.{kind}' for kind in KINDS)}, where L is a layer from 0 to {layers - 1}."
        )
        raise ModelError(msg)
    return int(found[1])


def find_place(model: LoadedModel, hook: str, arguments: dict[str, Any]) -> Place:
    """Return where a model has what an SAE reads.

    Parameters
    ----------
    model : LoadedModel
    hook : str
        ``blocks.L.`` and one of KINDS.
    arguments : dict
        Of a forward pass over a few tokens, which shows whether a norm stands between an MLP and the residual stream.

    Raises
    ------
    ModelError
        When there is no such place, or the blocks hand on something else than the next takes.
    """
    layer = layer_of(hook, model.depth, model.name)
    site, kind = model.sites[layer], hook.partition(f"blocks.{layer}.")[2]
    if isinstance(model.model, LensModel):
        return Place(hook, layer, model.model.lens.hook_dict[hook], "input")
    if kind == "mlp.hook_post":
        return Place(hook, layer, site.output.module, "input")
    blocks = [block for stack in find_stacks(model.body, model.name) for block in stack]
    if kind == "hook_mlp_out":
        return Place(hook, layer, _adds(model, blocks[layer], site.output.module, arguments), "output")
    place = Place(hook, layer, blocks[layer], "input" if kind == "hook_resid_pre" else "output")
    if layer + 1 < len(blocks) and model.sites[layer + 1].decoder == site.decoder:
        _check_stream(model, place.layer, blocks, arguments)
    return place


def _adds(model: LoadedModel, block: nn.Module, output: nn.Module, arguments: dict[str, Any]) -> nn.Module:
    """Return the module whose output a block adds as that of its MLP: the output projection, or a norm behind it."""
    seen: dict[nn.Module, torch.Tensor] = {}
    norms = [module for module in block.modules() if "Norm" in type(module).__name__]

    def keep_input(module: nn.Module, given: tuple[Any, ...]) -> None:
        seen[module] = given[0]

    def keep_output(module: nn.Module, _: tuple[Any, ...], out: torch.Tensor) -> None:
        seen[module] = out

    handles = [norm.register_forward_pre_hook(keep_input) for norm in norms]
    run_once(model, [*handles, output.register_forward_hook(keep_output)], arguments)
    return next((norm for norm in norms if norm in seen and _same(seen[norm], seen[output])), output)


def _check_stream(model: LoadedModel, layer: int, blocks: list[nn.Module], arguments: dict[str, Any]) -> None:
    """Check that what leaves a block is what enters the next: a stream, one vector a token."""
    seen: list[torch.Tensor] = []
    between = Place("", layer, blocks[layer], "output"), Place("", layer + 1, blocks[layer + 1], "input")
    run_once(model, [place.read(seen.append) for place in between], arguments)
    if len(seen) != 2 or not _same(*seen):
        msg = (
            f"What leaves layer {layer} of {model.name} is not what enters the next one: it has no single residual "
            "stream that an SAE could read. Give an SAE of its MLPs (hook_mlp_out, mlp.hook_post)."
        )
        raise ModelError(msg)


def run_once(model: LoadedModel, handles: Sequence[Any], arguments: dict[str, Any]) -> None:
    """Run the model once with hooks that are registered already, and remove them."""
    try:
        with tapped(model.body, (), lambda *_: None) as forward:
            forward(**arguments)
    finally:
        for handle in handles:
            handle.remove()


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a, b)
