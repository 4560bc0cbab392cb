"""Sites: the places in a model where neurons are read, and the hooks that read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from intraneuron.errors import ModelError
from intraneuron.models.families import Activation, combine, find_mlp, find_stacks
from intraneuron.models.projections import Projection

TOLERANCE = {torch.float32: 1e-4, torch.float16: 5e-3, torch.bfloat16: 3e-2}
"""Largest difference that the self-check takes for rounding, as a share of the largest value."""


@dataclass(frozen=True)
class Site:
    """The neurons of one layer: the input of an MLP's output projection.

    Attributes
    ----------
    layer : int
    n_neurons : int
        N, the width of that input.
    inputs : tuple of Projection
        What makes pre-activations: one, or gate and up. All read the same x, (..., D).
    output : Projection
        The projection whose input the neurons are.
    activation : callable
        The nonlinearity.
    decoder : bool
        Whether the layer is of the decoder that follows an encoder.
    point : module or None
        Module whose input the neurons are, where that is another than the output projection.
    """

    layer: int
    n_neurons: int
    inputs: tuple[Projection, ...]
    output: Projection
    activation: Activation
    decoder: bool = False
    point: nn.Module | None = None

    @property
    def width(self) -> int:
        """D, the width of x."""
        return int(self.inputs[0].weight.shape[1])

    def attach(self, receive: Receive, *, inputs: bool, last: bool) -> list[Any]:
        """Register the hooks that read this site, and return their handles; x waits in ``held`` for the activations.

        Parameters
        ----------
        receive : callable
        inputs : bool
            Whether x is wanted.
        last : bool
            Whether the forward pass may end when this site has been read.
        """
        held: list[torch.Tensor] = []

        def on_input(_: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
            held[:] = [arguments[0]]

        def on_output(_: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
            x = held.pop() if held else None
            receive(self, x, arguments[0])
            if last:
                raise StopForward

        handles = [(self.point or self.output.module).register_forward_pre_hook(on_output)]
        if inputs:
            handles.append(self.inputs[0].module.register_forward_pre_hook(on_input))
        return handles


Receive = Callable[[Site, "torch.Tensor | None", torch.Tensor], None]
"""Called with the site, x (..., D) or None, and the activations (..., N)."""


class StopForward(Exception):  # noqa: N818 - not an error: the way out of a forward pass
    """Everything wanted has been read."""


def find_sites(body: nn.Module, name: str, layers: Sequence[int]) -> tuple[Site, ...]:
    """Return the sites of all layers, first layer first; a decoder's come after its encoder's.

    Parameters
    ----------
    body : module
    name : str
        What the model is called.
    layers : sequence of int
        How many each stack has (:func:`intraneuron.models.configuration.layers_of`).

    Raises
    ------
    ModelError
        When the model is not built as a transformer of so many layers is, or is a mixture of experts.
    """
    stacks = find_stacks(body, name)
    found = [len(blocks) for blocks in stacks]
    if found != [*layers]:
        wanted, got = (" and ".join(map(str, counts)) for counts in (layers, found))
        msg = (
            f"The model {name} should have {wanted} blocks of attention and MLP, as its config.json says, got {got}. "
            "One whose layers share their weights, or with further stacks, cannot be studied."
        )
        raise ModelError(msg)
    sites: list[Site] = []
    for stack, blocks in enumerate(stacks):
        for block in blocks:
            mlp = find_mlp(block, len(sites))
            width = mlp.output.weight.shape[1]
            sites.append(Site(len(sites), width, mlp.inputs, mlp.output, mlp.activation, decoder=stack > 0))
    return tuple(sites)


@contextmanager
def tapped(
    model: nn.Module, sites: Sequence[Site], receive: Receive, *, inputs: bool = False, stop: bool = True
) -> Iterator[Callable[..., None]]:
    """Read the neurons of some sites while the model runs.

    Parameters
    ----------
    model : module
        Called by the function that this context yields.
    sites : sites to read, in the order of their layers
    receive : callable
        Gets the site, x and the activations, as views of what the model computed: copy what must last.
    inputs : bool
        Whether x, the input of the input projections, is wanted; else None is handed on.
    stop : bool
        End the forward pass after the last site.

    Yields
    ------
    callable
        Takes the model's arguments and runs it.
    """
    with ExitStack() as hooks, torch.inference_mode():
        for site in sites:
            last = stop and site is sites[-1]
            for handle in site.attach(receive, inputs=inputs, last=last):
                hooks.callback(handle.remove)

        def forward(**arguments: Any) -> None:
            try:
                model(**arguments)
            except StopForward:
                return

        yield forward


def self_check(model: nn.Module, sites: Sequence[Site], arguments: dict[str, Any]) -> None:
    """Check on a few tokens that what is captured is what the model uses.

    For each layer, the captured vector times the output projection's weight (plus bias) must equal that
    module's output, and the activation of the input projections of x must equal the captured vector.

    Parameters
    ----------
    model : module
    sites : sites of all layers
    arguments : dict
        Of one forward pass (:func:`intraneuron.models.feeding.model_arguments`).

    Raises
    ------
    ModelError
        Naming the first layer where they differ.
    """
    seen: dict[int, dict[str, torch.Tensor]] = {site.layer: {} for site in sites}

    def keep(site: Site, x: torch.Tensor | None, activation: torch.Tensor) -> None:
        if x is not None:
            seen[site.layer] |= {"x": x.clone(), "activation": activation.clone()}

    def keep_output(layer: int) -> Callable[..., None]:
        return lambda _module, _arguments, output: seen[layer].update(output=output.clone())

    with ExitStack() as hooks, tapped(model, sites, keep, inputs=True, stop=False) as forward:
        for site in sites:
            hooks.callback(site.output.module.register_forward_hook(keep_output(site.layer)).remove)
        forward(**arguments)
        for site in sites:
            _check_site(site, **seen[site.layer])


def check_direction(model: nn.Module, sites: Sequence[Site], arguments: dict[str, Any], name: str) -> None:
    """Check that a causal model does nothing with a token that depends on later ones: it is given padding unmasked.

    Raises
    ------
    ModelError
        When another last token changes what happens before it.
    """
    seen: list[torch.Tensor] = []
    ids = arguments["input_ids"]

    def keep(site: Site, _: torch.Tensor | None, activation: torch.Tensor) -> None:
        seen.append(activation.reshape(*ids.shape, site.n_neurons)[:, :-1].clone())  # OPT has positions in one row

    with tapped(model, sites[-1:], keep) as forward:
        for last in (ids[:, -1], ids[:, 0]):
            forward(**arguments | {"input_ids": torch.cat([ids[:, :-1], last[:, None]], dim=1)})
    if not _close(*seen):
        msg = (
            f"The model {name} is of a causal family, but what it does with a token depends on later ones. It cannot "
            "be studied as it is."
        )
        raise ModelError(msg)


def _check_site(
    site: Site,
    x: torch.Tensor | None = None,
    activation: torch.Tensor | None = None,
    output: torch.Tensor | None = None,
) -> None:
    if x is None or activation is None or output is None:
        msg = f"Layer {site.layer}: the hooks saw no neurons. The modules around them are not where expected."
        raise ModelError(msg)
    expected = combine(site.activation, [projection.apply(x) for projection in site.inputs])
    for what, got, want in (
        ("the activation of the MLP's input", activation, expected),
        ("the input of the output projection", output, site.output.apply(activation)),
    ):
        if not _close(got, want):
            msg = (
                f"Layer {site.layer}: the captured neurons are not {what}. "
                f"This model computes its MLP in another way than others do; it cannot be studied."
            )
            raise ModelError(msg)


def _close(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors are equal but for rounding; NaN equals NaN, observation names it."""
    if a.shape != b.shape:
        return False
    tolerance = TOLERANCE[a.dtype] * float(b.float().nan_to_num(0, 0, 0).abs().max())
    return torch.allclose(a.float(), b.float(), rtol=0, atol=tolerance, equal_nan=True)
