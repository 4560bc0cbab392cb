"""Texts that a causal model writes itself: drawn from its own distribution, each from a stream of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from intraneuron.errors import DataError, ModelError, SettingError
from intraneuron.models.documents import OWN
from intraneuron.models.lens import LensModel
from intraneuron.models.texts import MIN_DOCUMENTS, SHARDS, Tokens, Windows, separator_of, windows

if TYPE_CHECKING:
    from intraneuron.models.loading import LoadedModel

MOST_ROWS = 64
"""Samples that are drawn side by side, in models whose memory of them stays within CACHE_BYTES."""

CACHE_BYTES = 2**31
"""Bytes of keys and values that are kept of the samples drawn side by side."""

_SAMPLE = 11  # last word of seeds; pipeline/passes.py and models/twins.py have others

ALIKE = {torch.float32: 1e-3}
"""How far logits may differ, as a share of the largest, when a token is read after others that were kept."""

ALIKE_SHORT = 0.1
"""The same in shorter number formats."""


def check_writes(model: LoadedModel, text: str, tokens: int) -> None:
    """Raise an error when a model writes no texts, or would write too few for the shards."""
    if model.kind != "causal":
        msg = (
            f"texts (--texts) {text} are written by the model itself, which {model.name} cannot: it is an "
            f"{model.kind}. Give texts of another kind, such as docs or a file, or none (vocabulary mode)."
        )
        raise SettingError(msg)
    if isinstance(model.model, LensModel):
        msg = (
            f"texts (--texts) {text} are written by models that transformers runs; {model.name} was handed in by "
            "TransformerLens. Give its folder or id, or texts of another kind."
        )
        raise SettingError(msg)
    if not separator_of(model):
        msg = (
            f"The tokenizer of {model.name} has no token that begins or ends a text, so {text} has nothing to begin "
            "with. Give texts of another kind."
        )
        raise SettingError(msg)
    samples = samples_of(model, tokens)
    if samples < MIN_DOCUMENTS:
        least = (MIN_DOCUMENTS - 1) * (model.context - 1) + 1
        msg = (
            f"texts (--texts) {text} make {samples} sample{'' if samples == 1 else 's'} of up to "
            f"{model.context - 1:,} tokens, but at least {MIN_DOCUMENTS} are needed to deal them to {SHARDS} shards. "
            f"Ask for {OWN}{least} or more."
        )
        raise SettingError(msg)


def samples_of(model: LoadedModel, tokens: int) -> int:
    """Return how many samples so many tokens are: each fills a window behind the token that begins it."""
    return -(-tokens // (model.context - 1))


def rows_of(model: LoadedModel) -> int:
    """Return how many samples are drawn side by side: a power of two that depends on the model alone.

    The last digits of logits may depend on it, so it is no setting.
    """
    config = model.model.config.get_text_config()
    heads = config.num_attention_heads
    width = config.hidden_size * (getattr(config, "num_key_value_heads", None) or heads) // heads
    bytes_each: int = 2 * config.num_hidden_layers * width * model.context * model.dtype.itemsize
    return min(MOST_ROWS, 1 << max(0, (CACHE_BYTES // bytes_each).bit_length() - 1))


def draw(
    model: LoadedModel, seed: int, tokens: int, *, first: int = 0, progress: Callable[[int], None] = lambda done: None
) -> Iterator[np.ndarray]:
    """Yield samples, a group of them at a time: int32 (rows_of(model), context - 1).

    A sample begins with BOS, or EOS where there is none, and every further token is drawn from the whole distribution
    that the model gives it there (temperature 1), but for ids that no token has. Where the model ends a text, a
    separator stands and the next one begins, as in packed texts. Which token is drawn at place t of sample i says
    number t of a stream keyed by the seed and i, so a sample does not depend on how many are drawn.

    Parameters
    ----------
    seed : int
    tokens : int
        Over all samples; the last group may hold more samples than are needed.
    first : int
        The sample to begin with; a multiple of rows_of(model).
    progress : callable
        Gets the number of tokens drawn so far, those before ``first`` among them.

    Raises
    ------
    ModelError
        When the model gives other probabilities to a token that it reads after others than with them.
    DataError
        When they are not finite.
    """
    _check_steps(model)
    rows, length = rows_of(model), model.context - 1
    for start in range(first, samples_of(model, tokens), rows):
        streams = [np.random.default_rng([seed, sample, _SAMPLE]) for sample in range(start, start + rows)]
        uniform = np.stack([stream.random(length) for stream in streams])
        yield _draw_group(model, uniform, partial(_report, progress, start * length, tokens))


def _report(progress: Callable[[int], None], before: int, tokens: int, done: int) -> None:
    progress(min(tokens, before + done))


def _draw_group(model: LoadedModel, uniform: np.ndarray, progress: Callable[[int], None]) -> np.ndarray:
    """Return samples (B, L) from uniform numbers (B, L); ``progress`` gets the number of tokens drawn."""
    (separator,) = separator_of(model)
    ends = np.array([i for i in (model.tokenizer.bos_token_id, model.tokenizer.eos_token_id) if i is not None])
    drawn = np.empty(uniform.shape, dtype=np.int32)
    numbers = torch.from_numpy(uniform).to(model.device)
    step, kept = np.full(len(uniform), separator), None
    for at in range(uniform.shape[1]):
        logits, kept = _step(model, step[:, None], kept)
        if at == 0:
            _make_room(kept, uniform.shape[1])
        step = _drawn(logits[:, : len(model.tokenizer)], numbers[:, at], model).cpu().numpy()
        step[np.isin(step, ends)] = separator
        drawn[:, at] = step
        progress((at + 1) * len(drawn))
    return drawn


@torch.inference_mode()
def _step(model: LoadedModel, token_id: np.ndarray, kept: Any) -> tuple[torch.Tensor, Any]:
    """Return the logits (B, V) behind some tokens (B, C), and what is kept of all that were read."""
    tokens = torch.from_numpy(token_id).long().to(model.device)
    name = _name_of_kept(model.model)
    found = model.model(input_ids=tokens, use_cache=True, **{name: kept})
    return found.logits[:, -1].float(), found[name]


def _name_of_kept(model: Any) -> str:
    """Return what a model calls the keys and values of tokens that it has read; newer versions name them otherwise."""
    return "cache" if "cache" in signature(type(model).forward).parameters else "past_key_values"


def _make_room(kept: Any, length: int) -> None:
    """Let keys and values be written into room for a whole sample, where they would be copied at every token.

    That was most of the time. Layers that keep something else, such as the last tokens only, stay as they are.
    """
    for layer in getattr(kept, "layers", ()):
        if type(layer).__name__ == "DynamicLayer":
            layer.update = partial(_write, layer, [_room(layer.keys, length), _room(layer.values, length)])


@torch.inference_mode()
def _room(have: torch.Tensor, length: int) -> torch.Tensor:
    """Return room for so many tokens, (B, heads, length, D), with those that are there."""
    room = have.new_empty((*have.shape[:2], length, have.shape[3]))
    room[:, :, : have.shape[2]] = have
    return room


def _write(
    layer: Any, room: list[torch.Tensor], keys: torch.Tensor, values: torch.Tensor, *others: Any, **more: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """Write keys and values behind those that are there, and return all: a layer's ``update``."""
    del others, more
    start = layer.keys.shape[2]
    stop = start + keys.shape[2]
    for there, new in zip(room, (keys, values), strict=True):
        there[:, :, start:stop] = new
    layer.keys, layer.values = (there[:, :, :stop] for there in room)
    return layer.keys, layer.values


@torch.inference_mode()
def _drawn(logits: torch.Tensor, uniform: torch.Tensor, model: LoadedModel) -> torch.Tensor:
    """Return the tokens (B,) at which the cumulative probabilities pass uniform numbers (B,)."""
    below = torch.softmax(logits, dim=-1).cumsum(dim=-1, dtype=torch.float64)
    if not bool(torch.isfinite(below[:, -1]).all()):
        msg = f"The probabilities that {model.name} gives to tokens are NaN or infinite. Use --dtype float32."
        raise DataError(msg)
    found = torch.searchsorted(below, uniform[:, None] * below[:, -1:], right=True)[:, 0]
    return found.clamp(max=logits.shape[1] - 1)


def _check_steps(model: LoadedModel) -> None:
    """Raise ModelError when logits token by token are others than those of the whole text at once."""
    ids = np.flatnonzero(~model.vocabulary.special)
    text = ids[np.linspace(0, len(ids) - 1, min(8, model.context)).astype(np.int64)][None]
    whole = _step(model, text, None)[0]
    kept, logits = None, whole
    for at in range(text.shape[1]):
        logits, kept = _step(model, text[:, at : at + 1], kept)
        if at == 0:
            _make_room(kept, text.shape[1])
    apart = float((logits - whole).abs().max() / whole.abs().max())
    if not apart <= ALIKE.get(model.dtype, ALIKE_SHORT):
        msg = (
            f"The model {model.name} reads a token otherwise after others than with them (logits differ by "
            f"{apart:.1%}), so it cannot be sampled. Give texts of another kind."
        )
        raise ModelError(msg)


def stand_in(model: LoadedModel, tokens: int) -> Windows:
    """Return windows as many and as long as samples of so many tokens make, to plan with before they are drawn.

    Tokens occur about equally often in them, so that tables of sums are as large as they can get.
    """
    ids = np.flatnonzero(~model.vocabulary.special).astype(np.int32)
    every = ids[np.arange(tokens) % len(ids)]
    length = model.context - 1
    return windows(deal([every[start : start + length] for start in range(0, tokens, length)]), model)


def deal(samples: Sequence[np.ndarray]) -> Tokens:
    """Deal samples to shards, one by one; what follows a separator in a sample stays with it.

    So a window holds what the model had before it when it wrote the last token of it.
    """
    shard: list[list[np.ndarray]] = [[] for _ in range(SHARDS)]
    for i, ids in enumerate(samples):
        shard[i % SHARDS].append(ids)
    return Tokens(shard, len(samples), sum(map(len, samples)), None, complete=True, text_hash=hash_of(samples))


def hash_of(samples: Sequence[np.ndarray]) -> str:
    """Return the hash of samples."""
    digest = hashlib.sha256()
    for ids in samples:
        digest.update(len(ids).to_bytes(8, "little") + np.ascontiguousarray(ids, dtype="<i4").tobytes())
    return digest.hexdigest()[:16]
