"""Texts: documents cut into tokens, dealt to shards, packed into windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from intraneuron.errors import DataError, ModelError
from intraneuron.models.documents import TextHash
from intraneuron.models.pieces import PIECE

if TYPE_CHECKING:
    from intraneuron.models.loading import LoadedModel

SHARDS = 20
"""Parts of a text that are left out in turn by the jackknife; even and odd shards are the two halves."""

MIN_DOCUMENTS = 2 * SHARDS

CHUNK = 1 << 20
"""Characters that are cut into tokens at a time."""


@dataclass(frozen=True)
class Windows:
    """Token ids, ready for the model.

    Attributes
    ----------
    token_id : int32 array, (W, C)
        Padding is -1, at the end of a row.
    counted : bool array, (W, C)
        Positions whose activation is kept.
    shard : int8 array, (W,)
    begins : bool array, (W, C), or None
        First tokens of documents, of a tokenizer that has nothing to set between two of them.
    """

    token_id: np.ndarray
    counted: np.ndarray
    shard: np.ndarray
    begins: np.ndarray | None = None

    def __len__(self) -> int:
        """Return W."""
        return len(self.token_id)

    def rows(self, window: np.ndarray) -> Windows:
        """Return some windows, by their numbers."""
        begins = None if self.begins is None else self.begins[window]
        return Windows(self.token_id[window], self.counted[window], self.shard[window], begins)

    @property
    def positions(self) -> int:
        """Number of counted positions."""
        return int(self.counted.sum())


@dataclass(frozen=True)
class Tokens:
    """Texts as token ids, before they are packed.

    Attributes
    ----------
    shard : list of SHARDS lists of int32 arrays
        The documents of each shard.
    documents, tokens : int
        How many were read.
    cut : int or None
        Tokens of the last document that were read, when it was cut.
    complete : bool
        Whether the texts hold no more.
    text_hash : str
        Of the documents; equal exactly when the same was read.
    """

    shard: list[list[np.ndarray]]
    documents: int
    tokens: int
    cut: int | None
    complete: bool
    text_hash: str

    @property
    def extent(self) -> dict[str, Any]:
        """How much was read, as a study's manifest has it."""
        names = ("documents", "tokens", "complete", "cut")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def encode(documents: Iterable[str], model: LoadedModel, tokens: int | None = None) -> Tokens:
    """Cut documents into tokens and deal them to shards: document i belongs to shard i % SHARDS.

    With ``tokens``, reading stops where so many are reached; the document in which that is so is cut there. Special
    tokens that packing sets around documents are not among them.

    Raises
    ------
    DataError
        When there are fewer than MIN_DOCUMENTS documents.
    """
    pairs = _encoded(iter(documents), model)
    shard: list[list[np.ndarray]] = [[] for _ in range(SHARDS)]
    digest, read, count, cut = TextHash(), 0, 0, None
    for document, ids in pairs:
        if tokens is not None and count + len(ids) > tokens:
            cut = tokens - count
        digest.add(document, cut)
        shard[read % SHARDS].append(ids[:cut])
        read, count = read + 1, count + len(ids[:cut])
        if count == tokens:
            break
    complete = cut is None and next(pairs, None) is None
    _check_documents(read, tokens, complete=complete)
    return Tokens(shard, read, count, cut, complete, digest.value())


def _encoded(documents: Iterator[str], model: LoadedModel) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each document with its tokens."""
    for chunk in _chunks(documents):
        encoded = model.tokenizer(
            chunk,
            add_special_tokens=False,
            padding=False,
            truncation=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )
        yield from zip(chunk, (np.array(ids, dtype=np.int32) for ids in encoded["input_ids"]), strict=True)


def _chunks(documents: Iterator[str]) -> Iterator[list[str]]:
    """Yield documents in groups of about CHUNK characters."""
    chunk: list[str] = []
    size = 0
    for document in documents:
        chunk.append(document)
        size += len(document)
        if size >= CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _check_documents(documents: int, tokens: int | None, *, complete: bool) -> None:
    """Raise DataError for too few documents."""
    if documents >= MIN_DOCUMENTS:
        return
    made = f"{documents} document{'' if documents == 1 else 's'}"
    if not complete:
        msg = (
            f"The first {tokens:,} tokens (--tokens) hold {made}, but at least {MIN_DOCUMENTS} are needed to deal them "
            f"to {SHARDS} shards. Read more."
        )
        raise DataError(msg)
    msg = (
        f"The texts make {made}, but at least {MIN_DOCUMENTS} are needed to deal "
        f"them to {SHARDS} shards. Give more: a file, or a record of one, is one document, a long one is "
        f"cut every {PIECE:,} characters."
    )
    raise DataError(msg)


def pack(documents: Iterable[str], model: LoadedModel) -> Windows:
    """Cut documents into tokens (:func:`encode`) and pack them (:func:`windows`)."""
    return windows(encode(documents, model), model)


def windows(tokens: Tokens, model: LoadedModel) -> Windows:
    """Pack documents into windows of the model's context.

    Each shard is packed by itself, in the order of documents. A causal model reads ``BOS document BOS
    document ...``, and every window starts with BOS (when the tokenizer has one); an encoder reads ``[CLS]
    document [SEP] document ... [SEP]``. Special tokens, padding, and the first position of a causal model
    (an attention sink) are not counted.

    Raises
    ------
    DataError
        When no position would be counted.
    """
    before, after = _frame(model)
    places = [_places(_stream(documents, model), model) for documents in tokens.shard]
    longest = max((stop - start for own in places for start, stop in own), default=0)
    shape = (sum(map(len, places)), len(before) + longest + len(after) if longest else 0)
    token_id = np.full(shape, -1, dtype=np.int32)
    begins = None if separator_of(model) else np.zeros(shape, dtype=bool)
    number = 0
    for own, documents in zip(places, tokens.shard, strict=True):
        stream = _stream(documents, model)  # made again: those of all shards are as much memory as all windows
        first = _first_tokens(documents) if begins is not None else None
        for start, stop in own:
            row, end = token_id[number], len(before) + stop - start
            row[: len(before)], row[len(before) : end], row[end : end + len(after)] = before, stream[start:stop], after
            if begins is not None and first is not None:
                begins[number, len(before) : end] = first[start:stop]
            number += 1
    shard = np.repeat(np.arange(SHARDS, dtype=np.int8), list(map(len, places)))
    counted = (token_id >= 0) & ~model.vocabulary.special[token_id]
    if model.kind == "causal":
        counted[:, :1] = False
    if not counted.any():
        msg = f"The texts hold no token that {model.name} counts: all are empty or special. Give other text."
        raise DataError(msg)
    _check_halves(counted, shard)
    return Windows(token_id, counted, shard, begins)


def _check_halves(counted: np.ndarray, shard: np.ndarray) -> None:
    """Raise DataError when one half of the text has no position that counts."""
    for half, name in enumerate(("even", "odd")):
        if not counted[shard % 2 == half].any():
            msg = (
                f"The text is too short for two halves: its {name} documents, every other one, hold no token that "
                "counts. Give more text, or longer documents."
            )
            raise DataError(msg)


def vocabulary_windows(model: LoadedModel) -> Windows:
    """Return every non-special token alone in the model's minimal context: ``[BOS] t``, ``[CLS] t [SEP]``."""
    ids = np.flatnonzero(~model.vocabulary.special).astype(np.int32)
    before, after = _frame(model)
    token_id = np.empty((len(ids), len(before) + 1 + len(after)), dtype=np.int32)
    token_id[:, : len(before)] = before
    token_id[:, len(before)] = ids
    token_id[:, len(before) + 1 :] = after
    counted = np.zeros(token_id.shape, dtype=bool)
    counted[:, len(before)] = True
    return Windows(token_id, counted, np.zeros(len(ids), dtype=np.int8))


def reading_of(model: LoadedModel, *, corpus: bool) -> dict[str, Any]:
    """Return how tokens are put before the model, as a study's manifest has it; special tokens as they are written."""
    before, after = ([str(model.vocabulary.token[i]) for i in ids] for ids in _frame(model))
    frame = {"before": before, "after": after}
    if not corpus:
        return {**frame, "counted": "the token between them"}
    separator = [str(model.vocabulary.token[i]) for i in separator_of(model)]
    first = ", the first position of a window" if model.kind == "causal" else ""
    return {
        **frame,
        "separator": separator,
        "packing": "documents of a shard one behind the other, cut into windows of the context",
        "shards": SHARDS,
        "halves": "even and odd shards; document i is in shard i modulo shards",
        "not_counted": f"special tokens, padding{first}",
    }


def _frame(model: LoadedModel) -> tuple[list[int], list[int]]:
    """Return the special tokens before and after a text."""
    tokenizer = model.tokenizer
    if model.kind == "causal":
        return ([] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]), []
    names = {"encoder": ("cls_token", "sep_token"), "encoder-decoder": ("eos_token",)}[model.kind]
    ids = [getattr(tokenizer, f"{name}_id") for name in names]
    if None in ids:
        msg = (
            f"The tokenizer of {model.name} has no {names[ids.index(None)]}, which an {model.kind} model reads around "
            "a text. Take the tokenizer that belongs to the model."
        )
        raise ModelError(msg)
    return ids[:-1], ids[-1:]


def _stream(documents: list[np.ndarray], model: LoadedModel) -> np.ndarray:
    """Return the tokens of one shard's documents, with a separator behind each."""
    separator = np.array(separator_of(model), dtype=np.int32)
    parts = [part for ids in documents if len(ids) for part in (ids, separator)]
    return np.concatenate([*parts, np.array([], dtype=np.int32)])


def _first_tokens(documents: list[np.ndarray]) -> np.ndarray:
    """Return which tokens of a stream without separators begin a document."""
    first = [np.arange(len(ids)) == 0 for ids in documents]
    return np.concatenate([*first, np.zeros(0, dtype=bool)])


def _places(stream: np.ndarray, model: LoadedModel) -> list[tuple[int, int]]:
    """Return where the windows of one shard's stream start and stop; no separator stands twice in a row."""
    before, after = _frame(model)
    between = np.isin(stream, separator_of(model))
    size = model.context - len(before) - len(after)
    places: list[tuple[int, int]] = []
    at = 0
    while at < len(stream):
        if between[at]:
            at += 1  # the window's own frame says it
            continue
        stop = min(at + size, len(stream))
        places.append((at, stop - int(between[stop - 1])))
        at = stop
    return places


def separator_of(model: LoadedModel) -> list[int]:
    """Return what stands between two documents: BOS, else EOS, of a causal model; [SEP] of an encoder."""
    before, after = _frame(model)
    eos = model.tokenizer.eos_token_id
    return (after or before or ([] if eos is None else [eos]))[:1]
