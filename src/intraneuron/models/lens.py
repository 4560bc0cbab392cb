"""Models of TransformerLens: a HookedTransformer or a TransformerBridge, read at ``blocks.{l}.mlp.hook_post``.

TransformerLens is not imported here: what the user hands in brings it along.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from intraneuron.errors import ModelError
from intraneuron.models.configuration import settings_hash, window_of
from intraneuron.models.families import Activation
from intraneuron.models.feeding import few_tokens, model_arguments
from intraneuron.models.fused import fused
from intraneuron.models.loading import LoadedModel, check_fits, quiet
from intraneuron.models.locating import LENS
from intraneuron.models.projections import Projection
from intraneuron.models.sites import Site, check_direction, self_check
from intraneuron.models.vocabulary import read_vocabulary

PACKAGE = "transformer_lens"

_PLACE = ("device", "n_devices", "tokenizer_name", "model_name", "seed")
"""Settings that say where a model runs or what it is called."""


def is_lens(model: object) -> bool:
    """Tell whether something is a model of TransformerLens, or of a package that builds on it."""
    ours = any(cls.__module__.partition(".")[0] == PACKAGE for cls in type(model).__mro__)
    return ours and isinstance(model, nn.Module) and hasattr(model, "cfg") and hasattr(model, "hook_dict")


def as_loaded(model: object) -> LoadedModel:
    """Return a model as the verbs take it: one of :func:`intraneuron.load_model` as it is, one of TransformerLens read.

    Raises
    ------
    ModelError
        When it is neither, or cannot be read.
    """
    if isinstance(model, LoadedModel):
        return model
    if is_lens(model):
        return load_lens(model)
    msg = f"A model comes from inn.load_model or from TransformerLens, got {type(model).__name__}."
    raise ModelError(msg)


def load_lens(model: Any) -> LoadedModel:
    """Read a model of TransformerLens: a ``HookedTransformer``, or a ``TransformerBridge`` of a causal model.

    Its neurons are what passes ``blocks.{l}.mlp.hook_post``, before hooks that the user may have put there. Weights are
    taken as they are: folded layer norms and centred weights change x and the input projections, and leave activations
    what they were but for rounding.

    Parameters
    ----------
    model : HookedTransformer or TransformerBridge
        With its tokenizer, on the device and in the number format in which it is to run. It is put into evaluation
        mode.

    Raises
    ------
    ModelError
        When it is no causal transformer of dense MLPs, has no tokenizer, or does not pass the self-check.
    """
    name = f"{LENS}{Path(model.cfg.model_name or 'model').name}"
    tokenizer = _tokenizer(model, name)
    lens = LensModel(model.eval())
    rows = lens.get_input_embeddings().weight.shape[0]
    check_fits(tokenizer, rows, name)
    some = next(model.parameters())
    with quiet(), torch.no_grad():
        vocabulary = read_vocabulary(tokenizer, rows)
        sites = _sites(model, name)
        few = model_arguments("causal", None, few_tokens(vocabulary), some.device)
        self_check(lens, sites, few)
        check_direction(lens, sites, few, name)
    return LoadedModel(
        name=name,
        family=str(getattr(model.cfg, "original_architecture", None) or getattr(model.cfg, "architecture", None)),
        kind="causal",
        model=lens,
        tokenizer=tokenizer,
        vocabulary=vocabulary,
        sites=sites,
        revision=f"{type(model).__name__} of transformer-lens {_version()}",
        weight_hash=_weight_hash(model),
        tokenizer_hash=_tokenizer_hash(tokenizer),
        config_hash=_config_hash(model.cfg),
        context=window_of([int(model.cfg.n_ctx), tokenizer.model_max_length], name),
        device=some.device,
        dtype=some.dtype,
    )


@dataclass(frozen=True)
class Matrix:
    """A table of vectors, as transformers hands out embeddings: ``weight`` is (V, D)."""

    weight: torch.Tensor


class LensModel(nn.Module):
    """A model of TransformerLens with what is asked of one of transformers: run it on ids, its embeddings."""

    def __init__(self, lens: Any) -> None:
        super().__init__()
        self.lens = lens

    @property
    def base_model(self) -> LensModel:
        """Itself: no logits are computed."""
        return self

    @property
    def config(self) -> Any:
        """The settings of TransformerLens."""
        return self.lens.cfg

    def get_input_embeddings(self) -> Matrix:
        """Return the token embeddings."""
        return Matrix(self.lens.W_E)

    def get_output_embeddings(self) -> Matrix:
        """Return the unembedding, which TransformerLens keeps the other way round."""
        return Matrix(self.lens.W_U.T)

    def forward(self, input_ids: torch.Tensor, **_: Any) -> None:
        """Run the model on ids, int (B, C). All are real: padding stands at the end, where no token looks."""
        tokenizer, extra = self.lens.tokenizer, {}
        if tokenizer.padding_side == "left":  # it would take our separators for padding
            extra["attention_mask"] = torch.ones_like(input_ids)
        self.lens(input_ids, return_type=None, **extra)


@dataclass(frozen=True, kw_only=True)
class LensProjection(Projection):
    """A projection of an MLP of TransformerLens, whose weights are matrices of the MLP: ``x @ W + b``.

    Attributes
    ----------
    module : module
        What x enters (input projections), or what the output leaves.
    mlp : module
        Has the weights ``W_in``, ``W_gate``, ``W_out`` and biases of such names.
    letter : str
        ``in``, ``gate`` or ``out``.
    """

    mlp: Any
    letter: str

    @property
    def weight(self) -> torch.Tensor:
        """W, (out, in)."""
        weight: torch.Tensor = getattr(self.mlp, f"W_{self.letter}").detach().T
        return weight

    @property
    def bias(self) -> torch.Tensor | None:
        """b, (out,), or None."""
        bias = getattr(self.mlp, f"b_{self.letter}", None)
        return None if bias is None else bias.detach()


def _sites(model: Any, name: str) -> tuple[Site, ...]:
    """Return the sites of all layers."""
    blocks = getattr(model, "blocks", None)
    n = len(blocks) if isinstance(blocks, nn.ModuleList) else 0
    whole = n > 0 and all(f"blocks.{layer}.mlp.hook_post" in model.hook_dict for layer in range(n))
    if not whole or getattr(model.cfg, "attention_dir", "causal") != "causal":
        msg = (
            f"The model {name} ({type(model).__name__}) has no blocks that read from left to right with an "
            "mlp.hook_post each. Of TransformerLens, causal models with dense MLPs can be studied; load another with "
            "inn.load_model."
        )
        raise ModelError(msg)
    activation = _activation(model, name)
    return tuple(_site(model, layer, activation, name) for layer in range(n))


def _site(model: Any, layer: int, activation: Activation, name: str) -> Site:
    mlp, hooks, at = model.blocks[layer].mlp, model.hook_dict, f"blocks.{layer}.mlp"
    # A bridge to an MLP without a module of its own (OPT's) never runs; what runs is its projections.
    ends = ("in.hook_in", "out.hook_out") if getattr(mlp, "name", at) is None else ("hook_in", "hook_out")
    into, out = (hooks.get(f"{at}.{end}", mlp) for end in ends)
    if any(not isinstance(getattr(mlp, weight, None), torch.Tensor) for weight in ("W_in", "W_out")):
        msg = (
            f"Layer {layer} of {name} ({type(mlp).__name__}) has no weights W_in and W_out of one dense MLP. This "
            "model cannot be studied."
        )
        raise ModelError(msg)
    letters = ["gate", "in"] if isinstance(getattr(mlp, "W_gate", None), torch.Tensor) else ["in"]
    inputs: tuple[Projection, ...] = tuple(LensProjection(module=into, mlp=mlp, letter=letter) for letter in letters)
    output = LensProjection(module=out, mlp=mlp, letter="out")
    return Site(layer, output.weight.shape[1], inputs, output, activation, point=hooks[f"{at}.hook_post"])


def _activation(model: Any, name: str) -> Activation:
    """Return the nonlinearity, which must be a function of each neuron's own pre-activation."""
    from transformers.activations import ACT2FN

    wanted = model.cfg.act_fn
    if wanted not in ACT2FN:
        msg = (
            f"The nonlinearity {wanted} of {name} is none that acts on each neuron by itself, so there is no twin of "
            f"its neurons. Give a model with one of: {', '.join(sorted(ACT2FN))}."
        )
        raise ModelError(msg)
    return fused(ACT2FN[wanted])


def _tokenizer(model: Any, name: str) -> Any:
    if model.tokenizer is None:
        msg = (
            f"The model {name} has no tokenizer. Give it one: model.set_tokenizer(AutoTokenizer.from_pretrained(...))."
        )
        raise ModelError(msg)
    return model.tokenizer


# What a model is told by --------------------------------------------------------------------------------------------


def _version() -> str:
    try:
        return version("transformer-lens")
    except PackageNotFoundError:  # run from its sources
        return "unknown"


def _weight_hash(model: nn.Module) -> str:
    """Return the SHA-256 of all tensors with their names, formats and shapes."""
    digest = hashlib.sha256()
    for key, tensor in sorted(_tensors(model)):
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).contiguous().cpu().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _tensors(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    for key, value in model.state_dict().items():
        if isinstance(value, torch.Tensor):
            yield key, value.detach()


def _tokenizer_hash(tokenizer: Any) -> str:
    """Return the SHA-256 of how a tokenizer cuts texts, and of its special tokens."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    rules = json.dumps(tokenizer.get_vocab(), sort_keys=True) if backend is None else backend.to_str()
    special = json.dumps({key: str(token) for key, token in tokenizer.special_tokens_map.items()}, sort_keys=True)
    return hashlib.sha256(f"{rules}\n{special}".encode()).hexdigest()


def _config_hash(config: Any) -> str:
    """Return the SHA-256 of the settings that are on; those that a newer version adds are off."""
    settings = config.to_dict() if hasattr(config, "to_dict") else vars(config)
    return settings_hash({key: str(value) for key, value in settings.items() if value and key not in _PLACE})
