"""The untrained twin: the same model before it learned anything."""

from __future__ import annotations

from dataclasses import replace

import torch

from intraneuron.errors import SettingError
from intraneuron.models.configuration import layers_of
from intraneuron.models.feeding import few_tokens, model_arguments
from intraneuron.models.fused import fuse_activations
from intraneuron.models.lens import LensModel
from intraneuron.models.loading import LoadedModel, quiet
from intraneuron.models.sites import find_sites, self_check


def check_untrained(model: LoadedModel) -> None:
    """Raise SettingError for a model that cannot be made anew from its configuration."""
    if model.saes:
        msg = (
            "twins (--twins) untrained is the model before it learned anything, which no SAE (--sae) was fitted to. "
            "Leave one of the two out."
        )
        raise SettingError(msg)
    if isinstance(model.model, LensModel):
        msg = (
            f"twins (--twins) untrained makes the model anew from its configuration, which {model.name} does not "
            "have. Leave untrained out, or study the model under its name."
        )
        raise SettingError(msg)


def untrained(model: LoadedModel, seed: int) -> LoadedModel:
    """Return a model of the same configuration, tokenizer and number format with initial weights.

    Everything is as training would start, the embeddings too: its neurons read an input in which no token resembles
    another for a reason, and its space of meaning is its own. The weights depend on the seed (and on the version of
    torch) alone; no global state of torch changes.

    Parameters
    ----------
    model : LoadedModel
    seed : int
    """
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        fresh = type(model.model)(model.model.config)
        _fill_padding(fresh.get_input_embeddings())
    fresh = fresh.to(device=model.device, dtype=model.dtype).eval().requires_grad_(False)
    fuse_activations(fresh.base_model, model.name)
    sites = find_sites(fresh.base_model, model.name, layers_of(fresh, model.name))
    few = model_arguments(model.kind, fresh.config, few_tokens(model.vocabulary), model.device)
    self_check(fresh.base_model, sites, few)
    return replace(model, name=f"{model.name}, untrained", model=fresh, sites=sites, weight_hash=f"initial, {seed}")


def _fill_padding(embedding: torch.nn.Module) -> None:
    """Draw the vector of the padding token, which starts as zero, like the others: in some models it is a word."""
    row = getattr(embedding, "padding_idx", None)
    weight = embedding.weight
    if row is not None and isinstance(weight, torch.Tensor):
        with torch.no_grad():
            weight[row].normal_(0, float(weight.std()))
