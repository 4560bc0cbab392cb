"""Latents of sparse autoencoders as neurons: one site a layer, read where the autoencoder reads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from intraneuron.config import Device, DType
from intraneuron.errors import ModelError
from intraneuron.models.feeding import few_tokens, model_arguments
from intraneuron.models.lens import as_loaded
from intraneuron.models.loading import LoadedModel, load_model, quiet
from intraneuron.models.places import Place, find_place, run_once
from intraneuron.models.projections import Projection
from intraneuron.models.sae import Sae
from intraneuron.models.sae_files import read_saes
from intraneuron.models.sites import Receive, Site, StopForward


@dataclass(frozen=True, kw_only=True)
class Encoder(Projection):
    """The encoder of an SAE, as a projection of what enters it."""

    sae: Sae

    @property
    def weight(self) -> torch.Tensor:
        """W, (N, D)."""
        return self.sae.weight

    @property
    def bias(self) -> torch.Tensor:
        """b, (N,)."""
        return self.sae.bias


@dataclass(frozen=True, kw_only=True)
class LatentSite(Site):
    """The latents of an SAE at one place of a model.

    ``inputs`` is the encoder, and so is ``output``: nothing goes back into the model. x, (..., D), is what enters the
    encoder's product: the value at the place, normalised and shifted as the SAE does it. ``activation`` is a function
    of all latents of a position where the SAE is a top-k one.

    Attributes
    ----------
    place : Place
    sae : Sae
    """

    place: Place
    sae: Sae

    @classmethod
    def at(cls, place: Place, sae: Sae, *, decoder: bool) -> LatentSite:
        """Return the site of an SAE."""
        encoder = Encoder(module=place.module, sae=sae)
        return cls(
            layer=place.layer,
            n_neurons=sae.n_latents,
            inputs=(encoder,),
            output=encoder,
            activation=sae.activation,
            decoder=decoder,
            place=place,
            sae=sae,
        )

    def attach(self, receive: Receive, *, inputs: bool, last: bool) -> list[Any]:
        """Register the hook that reads the place, and return its handle."""
        sae, place = self.sae, self.place

        def read(value: torch.Tensor) -> None:
            x = sae.entering(value)
            receive(self, x if inputs else None, sae.latents(x))
            if last:
                raise StopForward

        return [place.read(read)]


def load_sae(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    model: Any = "docs-lm",
    hook: str | Sequence[str] | None = None,
    device: Device = "auto",
    dtype: DType = "float32",
) -> LoadedModel:
    """Load SAEs with the model that they read; their latents are its neurons, ``L3N204`` the latent 204 at layer 3.

    Parameters
    ----------
    path : path or list of paths
        Safetensors files or folders (:func:`intraneuron.models.sae_files.read_sae` says of what layouts); one a layer.
    model : str, LoadedModel, or a model of TransformerLens
    hook : str or list of str, optional
        Where they read, in the order of ``path``, e.g. ``blocks.3.hook_resid_post``; what their cfg.json says when not
        given.
    device, dtype
        As for :func:`intraneuron.load_model`; latents are computed in float32.

    Raises
    ------
    ModelError
        When an SAE cannot be read, is of an unknown architecture, or does not fit the model.
    """
    saes = read_saes(_texts(path), None if hook is None else _texts(hook))
    return with_saes(
        load_model(model, device=device, dtype=dtype) if isinstance(model, str) else as_loaded(model), saes
    )


def _texts(value: Any) -> tuple[str, ...]:
    one = isinstance(value, (str, os.PathLike))
    return tuple(os.fspath(each) for each in ((value,) if one else value))


def with_saes(model: LoadedModel, saes: Sequence[Sae]) -> LoadedModel:
    """Return a model whose neurons are the latents of SAEs, in the order of their layers.

    Raises
    ------
    ModelError
        When an SAE reads a place that the model does not have, or of another width, or two read the same layer.
    """
    few = model_arguments(model.kind, model.model.config, few_tokens(model.vocabulary), model.device)
    sites: dict[int, LatentSite] = {}
    moved = [sae.to(model.device) for sae in saes]
    with quiet():
        for sae in moved:
            place = find_place(model, str(sae.hook), few)
            if place.layer in sites:
                msg = f"Two SAEs read layer {place.layer}, and a latent's name would mean two. Study one at a time."
                raise ModelError(msg)
            site = LatentSite.at(place, sae, decoder=model.sites[place.layer].decoder)
            _check(model, site, few)
            sites[place.layer] = site
    ordered = tuple(sites[layer] for layer in sorted(sites))
    return replace(model, sites=ordered, saes=tuple(site.sae for site in ordered), n_layers=model.depth)


def _check(model: LoadedModel, site: LatentSite, arguments: dict[str, Any]) -> None:
    """Raise ModelError when what passes the SAE's place is not of its width."""
    sae, place, widths = site.sae, site.place, set[int]()
    run_once(model, [place.read(lambda value: widths.add(value.shape[-1]))], arguments)
    if widths != {sae.width}:
        got = ", ".join(map(str, sorted(widths))) or "none"
        msg = (
            f"The SAE {sae.path} reads vectors of width {sae.width}, but {place.hook} of {model.name} has {got}. Is it "
            "of this model, and of this place (--hook)?"
        )
        raise ModelError(msg)
