"""Read sparse autoencoders from safetensors, in the layouts of SAELens and of sparsify."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open

from intraneuron.errors import ModelError, SettingError
from intraneuron.models.configuration import file_hash
from intraneuron.models.sae import Architecture, Normalize, Sae
from intraneuron.settings import expanded

FILES = ("sae_weights.safetensors", "sae.safetensors")
"""What SAELens and sparsify call the file of weights."""

LAYOUTS = {"SAELens": ("W_enc", "b_enc"), "plain": ("encoder.weight", "encoder.bias")}
"""Encoder's weight and bias; SAELens stores the weight (D, N), the other (N, D)."""

_SAME = {"standard": "relu", "relu": "relu", "jumprelu": "jumprelu", "topk": "topk"}
_NO = {
    "gated": "two biases decide about one latent, which its rotated twin would have to share",
    "batchtopk": "which latents are active depends on the whole batch; save it with a threshold, as jumprelu",
}


def read_sae(path: str) -> Sae:
    """Read an SAE: a safetensors file, with the cfg.json beside it if there is one, or a folder of both.

    Layouts are those of SAELens (``W_enc`` (D, N), ``b_enc``, ``b_dec``, ``threshold``) and of sparsify
    (``encoder.weight`` (N, D), ``encoder.bias``, ``b_dec``; k in cfg.json). Without cfg.json latents are JumpReLU where
    there is a ``threshold``, else ReLU; ``b_dec``, where there is one, is taken from the input unless cfg.json says
    ``apply_b_dec_to_input = false``.

    Raises
    ------
    ModelError
        When it cannot be read, or is of an architecture that is not known.
    """
    file = _file_of(path)
    tensors = _read_tensors(file)
    config = _read_config(file.parent / "cfg.json")
    layout = next((name for name, keys in LAYOUTS.items() if all(key in tensors for key in keys)), None)
    if layout is None:
        both = " or ".join(" and ".join(keys) for keys in LAYOUTS.values())
        got = ", ".join(sorted(tensors)) or "nothing"
        msg = f"{file} should hold an encoder as {both}, got {got}. Give an SAE's file."
        raise ModelError(msg)
    weight, bias = (tensors[key] for key in LAYOUTS[layout])
    if layout == "SAELens" and weight.ndim == 2:
        weight = weight.T
    architecture = _architecture(file, config, tensors)
    if config.get("rescale_acts_by_decoder_norm") and architecture == "topk":
        norm = _needed(file, tensors, "W_dec").norm(dim=-1)
        weight, bias = weight * norm[:, None], bias * norm
    sae = Sae(
        path=path,
        hash=_hash(file, config),
        hook=config.get("hook_name") or _table(config, "metadata", "meta").get("hook_name"),
        architecture=architecture,
        weight=weight.contiguous(),
        bias=bias,
        shift=tensors.get("b_dec") if config.get("apply_b_dec_to_input", True) else None,
        threshold=_needed(file, tensors, "threshold") if architecture == "jumprelu" else None,
        k=_k(file, config) if architecture == "topk" else None,
        normalize=_normalize(file, config),
    )
    _check(file, sae, config)
    return sae


def read_saes(paths: Sequence[str], hooks: Sequence[str] | None) -> tuple[Sae, ...]:
    """Read several SAEs; ``hooks``, as many, come before what their cfg.json says of where they read.

    Raises
    ------
    ModelError
        When one cannot be read, or nobody says where it reads.
    SettingError
        When there are not as many hooks.
    """
    if hooks is not None and len(hooks) != len(paths):
        msg = f"hook (--hook) must be given once for each SAE (--sae), {len(paths)} times, got {len(hooks)}."
        raise SettingError(msg)
    saes = [read_sae(path) for path in paths]
    if hooks is not None:
        saes = [replace(sae, hook=hook) for sae, hook in zip(saes, hooks, strict=True)]
    for sae in saes:
        if not isinstance(sae.hook, str):
            msg = f"Nothing says where the SAE {sae.path} reads. Give --hook, e.g. --hook blocks.3.hook_resid_post."
            raise ModelError(msg)
    return tuple(saes)


# Files -----------------------------------------------------------------------------------------------------------


def _file_of(path: str) -> Path:
    """Return the file of weights that a path means."""
    found = expanded(path)
    if found.is_dir():
        files = sorted(file for file in found.glob("*.safetensors") if file.name != "sparsity.safetensors")
        named = [file for file in files if file.name in FILES] or files
        if len(named) != 1:
            got = ", ".join(file.name for file in named) or "none"
            msg = f"The folder {path} should hold one file of an SAE's weights (.safetensors), got {got}. Name one."
            raise ModelError(msg)
        return named[0]
    if not found.is_file():
        msg = f"There is no file {path}. Give --sae a safetensors file of an SAE, or its folder."
        raise ModelError(msg)
    if found.suffix != ".safetensors":
        msg = (
            f"{path} is no safetensors file, which is the only format that is read. Save the SAE again: in SAELens, "
            "SAE.from_pretrained(...) and then save_model(FOLDER); Gemma Scope's .npz is read by it."
        )
        raise ModelError(msg)
    return found


def _read_tensors(file: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a file that an encoder may be made of, float32."""
    wanted = {*sum(LAYOUTS.values(), ()), "b_dec", "W_dec", "threshold"}
    try:
        with safe_open(file, framework="pt") as opened:
            names = list(opened.keys())
            tensors = {name: opened.get_tensor(name).float() for name in names if name in wanted}
    except (SafetensorError, OSError) as error:
        msg = f"The weights {file} are damaged or cut short ({error}). Get the file again."
        raise ModelError(msg) from error
    for name, tensor in tensors.items():
        bad = int((~torch.isfinite(tensor)).sum())
        if bad:
            msg = f"{file} holds {bad:,} numbers in {name} that are NaN or infinite. Get the file again."
            raise ModelError(msg)
    return tensors or dict.fromkeys(names, torch.empty(0))


def _read_config(file: Path) -> dict[str, Any]:
    """Return cfg.json; nothing when there is none."""
    if not file.is_file():
        return {}
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{file} cannot be read as JSON: {error}. Get the file again."
        raise ModelError(msg) from error
    if not isinstance(config, dict):
        msg = f"{file} should hold settings of an SAE, got {type(config).__name__}. Get the file again."
        raise ModelError(msg)
    return config


def _hash(file: Path, config: Mapping[str, Any]) -> str:
    used = json.dumps({key: config.get(key) for key in _USED}, sort_keys=True)
    return hashlib.sha256(f"{file_hash(file)}  {used}\n".encode()).hexdigest()


# What cfg.json says ------------------------------------------------------------------------------------------------

_USED = (
    *("architecture", "activation_fn_str", "activation_fn", "activation", "activation_fn_kwargs", "k"),
    *("apply_b_dec_to_input", "normalize_activations", "rescale_acts_by_decoder_norm"),
)
"""Settings that decide what latents are."""


def _table(config: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    return next((config[name] for name in names if isinstance(config.get(name), dict)), {})


def _architecture(file: Path, config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Architecture:
    """Return the function of an SAE's latents, or refuse one that is not known."""
    for name in ("transcode", "signed", "skip_connection"):
        if config.get(name):
            msg = (
                f"The SAE {file} is a sparse coder of another kind ({name} in its cfg.json). Of sparsify, SAEs can be "
                "studied."
            )
            raise ModelError(msg)
    default = "jumprelu" if "threshold" in tensors else "topk" if "k" in config else "relu"
    said = str(config.get("architecture") or default).lower()
    functions = (config.get(name) for name in ("activation_fn_str", "activation_fn", "activation"))
    function = str(next(filter(None, functions), "relu"))
    if said == "standard" and function == "topk":
        said = "topk"
    if said not in _SAME or function not in ("relu", "topk") or config.get("reshape_activations", "none") != "none":
        what = said if said not in _SAME else function if function not in ("relu", "topk") else "reshape_activations"
        why = f" ({_NO[what]})" if what in _NO else ""
        msg = f"The SAE {file} is of the architecture {what}{why}. Those that can be studied: relu, jumprelu, topk."
        raise ModelError(msg)
    return cast("Architecture", _SAME[said])


def _normalize(file: Path, config: Mapping[str, Any]) -> Normalize:
    said = config.get("normalize_activations") or "none"
    if said not in ("none", "layer_norm", "constant_norm_rescale"):
        msg = (
            f"The SAE {file} reads activations normalised by {said}, which rests on a data set. Fold that into its "
            "weights (in SAELens, fold_activation_norm_scaling_factor) and save it again."
        )
        raise ModelError(msg)
    return cast("Normalize", said)


def _k(file: Path, config: Mapping[str, Any]) -> int:
    k = config.get("k", _table(config, "activation_fn_kwargs").get("k"))
    if not isinstance(k, int) or isinstance(k, bool) or k < 1:
        msg = f"The SAE {file} is a top-k one, whose cfg.json should say k, a whole number from 1 on, got {k!r}."
        raise ModelError(msg)
    return k


def _needed(file: Path, tensors: Mapping[str, torch.Tensor], name: str) -> torch.Tensor:
    if name not in tensors:
        msg = f"{file} lacks {name}, which an SAE of its architecture has. Get the file again."
        raise ModelError(msg)
    return tensors[name]


def _check(file: Path, sae: Sae, config: Mapping[str, Any]) -> None:
    """Raise ModelError when shapes do not fit each other, or what cfg.json says."""
    fits = sae.weight.ndim == 2
    n, d = sae.weight.shape if fits else (0, 0)
    shapes = [(sae.bias, (n,)), (sae.shift, (d,)), (sae.threshold, (n,))]
    fits = fits and all(tensor is None or tuple(tensor.shape) == shape for tensor, shape in shapes)
    told = [config.get("d_in", d) or d, config.get("d_sae") or config.get("num_latents") or n]
    if not fits or told != [d, n] or (sae.k or 0) > n:
        got = ", ".join(str(tuple(t.shape)) for t in (sae.weight, sae.bias, sae.shift, sae.threshold) if t is not None)
        msg = (
            f"The parts of the SAE {file} do not fit together: weight (latents, width), bias and others have the "
            f"shapes {got}; cfg.json says {told[1]} latents of width {told[0]}"
            f"{f', k {sae.k}' if sae.k else ''}. Get the files again."
        )
        raise ModelError(msg)
