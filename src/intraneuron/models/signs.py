"""Whether the activations below 0 of a model's neurons are in order, so that the lowest ones mean something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

from intraneuron.errors import SettingError

if TYPE_CHECKING:
    from intraneuron.models.families import Activation
    from intraneuron.models.loading import LoadedModel

REACH = 30.0
"""How far from 0 a nonlinearity is tried."""

STEPS = 6001
"""At how many places."""


BelowZero = Literal["never", "middle", "ordered"]
"""What the activations below 0 of a model's neurons are: none; lowest in the middle of the axis; in order."""


def below_zero(model: LoadedModel) -> BelowZero:
    """Tell what the activations below 0 of a model's neurons are.

    With gate and up they are in order: the product is below 0 where the two differ in sign, and the further the larger
    they are. Without, what a nonlinearity does below 0 decides: GELU and SiLU are lowest a little below 0 and near 0
    further down, ReLU is never below 0, and latents of sparse autoencoders are not, either.
    """
    alone = [site for site in model.sites if len(site.inputs) == 1]
    if model.saes or (alone and not _goes_below(alone[0].activation)):
        return "never"
    return "middle" if alone and not _is_monotone(alone[0].activation) else "ordered"


def check_negative(model: LoadedModel) -> None:
    """Raise SettingError when the lowest activations of a model's neurons are not those of their lowest inputs."""
    below = below_zero(model)
    if below == "never":
        msg = f"sign (--sign) negative is about activations below 0, and those of {model.name} never are. Leave it out."
        raise SettingError(msg)
    if below == "middle":
        msg = (
            f"sign (--sign) negative asks for the lowest activations, and those of {model.name} are lowest in the "
            "middle of the axis, as with GELU and SiLU without a gate. Use --sign positive or magnitude."
        )
        raise SettingError(msg)


def _values(activation: Activation) -> torch.Tensor:
    with torch.inference_mode():
        return activation(torch.linspace(-REACH, REACH, STEPS)).double()


def _goes_below(activation: Activation) -> bool:
    return bool((_values(activation) < 0).any())


def _is_monotone(activation: Activation) -> bool:
    """Tell whether a function never falls, but for rounding."""
    return bool((_values(activation).diff() > -1e-6).all())
