"""Texts: read as documents, dealt to shards, packed into windows of tokens."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from intraneuron.errors import DataError, ModelError
from intraneuron.models.docs_text import sample_documents
from intraneuron.models.text_files import read_path

if TYPE_CHECKING:
    from intraneuron.models.loading import LoadedModel

SHARDS = 20
"""Parts of a text that are left out in turn by the jackknife; even and odd shards are the two halves."""

MIN_DOCUMENTS = 2 * SHARDS

PIECE = 2000
"""Characters of a piece when a long text is cut."""

SAMPLE = 4_000_000
"""Characters of ``--texts docs``."""

_SEPARATORS = (re.compile(r"\n[ \t]*\n\s*"), re.compile(r"\n"), re.compile(r"\s"))


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
    """

    token_id: np.ndarray
    counted: np.ndarray
    shard: np.ndarray

    def __len__(self) -> int:
        """Return W."""
        return len(self.token_id)

    @property
    def positions(self) -> int:
        """Number of counted positions."""
        return int(self.counted.sum())


def read_texts(texts: Sequence[str], seed: int, *, field: str = "text", characters: int = SAMPLE) -> list[str]:
    """Read files and folders, or sample ``docs``, as documents.

    A file, or a record of a .jsonl or .parquet file, is one document, but one of twice PIECE characters or more is cut
    at blank lines (lines or spaces where there are none) into pieces of about PIECE characters, so that a single book,
    too, makes balanced shards and halves. A folder is read recursively in the order of paths; hidden, empty and binary
    files in it are passed over, and so are studies and exports of this package.

    Parameters
    ----------
    texts : paths, ``-`` for standard input, or ``docs`` for docstrings of the packages on this machine
    seed : int
        Which docstrings are drawn.
    field : str
        Field of a .jsonl file, and column of a .parquet file, that holds the text.
    characters : int
        How much of ``docs`` is drawn.

    Raises
    ------
    DataError
        When something cannot be read, or makes fewer than MIN_DOCUMENTS documents.
    """
    documents: list[str] = []
    for text in texts:
        if text == "docs":
            documents += [document.text for document in sample_documents(characters, seed)]
        else:
            documents += [piece for whole in read_path(text, field) for piece in _pieces(whole)]
    if len(documents) < MIN_DOCUMENTS:
        made = f"{len(documents)} document{'' if len(documents) == 1 else 's'}"
        msg = (
            f"The texts make {made}, but at least {MIN_DOCUMENTS} are needed to deal "
            f"them to {SHARDS} shards. Give more: a file, or a record of one, is one document, a long one is "
            f"cut every {PIECE:,} characters."
        )
        raise DataError(msg)
    return documents


def pack(documents: Sequence[str], model: LoadedModel) -> Windows:
    """Pack documents into windows of the model's context; document i belongs to shard i % SHARDS.

    Each shard is packed by itself, in the order of documents. A causal model reads ``BOS document BOS
    document ...``, and every window starts with BOS (when the tokenizer has one); an encoder reads ``[CLS]
    document [SEP] document ... [SEP]``. Special tokens, padding, and the first position of a causal model
    (an attention sink) are not counted.

    Raises
    ------
    DataError
        When no position would be counted.
    """
    ids = _encode(documents, model)
    rows: list[np.ndarray] = []
    shard: list[int] = []
    for s in range(SHARDS):
        windows = list(_windows(ids[s::SHARDS], model))
        rows += windows
        shard += [s] * len(windows)
    token_id = np.full((len(rows), max(map(len, rows), default=0)), -1, dtype=np.int32)
    for row, window in zip(token_id, rows, strict=True):
        row[: len(window)] = window
    counted = (token_id >= 0) & ~model.vocabulary.special[token_id]
    if model.kind == "causal":
        counted[:, :1] = False
    if not counted.any():
        msg = f"The texts hold no token that {model.name} counts: all are empty or special. Give other text."
        raise DataError(msg)
    _check_halves(counted, np.array(shard))
    return Windows(token_id, counted, np.array(shard, dtype=np.int8))


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


def _encode(documents: Sequence[str], model: LoadedModel) -> list[np.ndarray]:
    encoded = model.tokenizer(
        list(documents),
        add_special_tokens=False,
        padding=False,
        truncation=False,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    return [np.array(ids, dtype=np.int32) for ids in encoded["input_ids"]]


def _windows(documents: Iterable[np.ndarray], model: LoadedModel) -> Iterator[np.ndarray]:
    """Cut one shard's stream of tokens into windows; no separator stands twice in a row."""
    before, after = _frame(model)
    separator = _separator(model)
    parts = [part for ids in documents if len(ids) for part in (ids, separator)]
    stream = np.concatenate([*parts, []]).astype(np.int32)
    between = np.isin(stream, separator)
    size = model.context - len(before) - len(after)
    at = 0
    while at < len(stream):
        if between[at]:
            at += 1  # the window's own frame says it
            continue
        stop = min(at + size, len(stream))
        body = stream[at : stop - between[stop - 1]]
        yield np.concatenate([before, body, after]).astype(np.int32)
        at = stop


def _separator(model: LoadedModel) -> list[int]:
    """Return what stands between two documents: BOS, else EOS, of a causal model; [SEP] of an encoder."""
    before, after = _frame(model)
    eos = model.tokenizer.eos_token_id
    return (after or before or ([] if eos is None else [eos]))[:1]


def _pieces(text: str, level: int = 0) -> Iterator[str]:
    """Cut a long text at blank lines; a part that is too long by itself at lines, then at spaces."""
    if len(text) < 2 * PIECE or level == len(_SEPARATORS):
        yield text
        return
    piece: list[str] = []
    size = 0
    for part in filter(str.strip, _SEPARATORS[level].split(text)):
        if len(part) >= 2 * PIECE:
            if piece:
                yield _joined(piece, level)
            yield from _pieces(part, level + 1)
            piece, size = [], 0
            continue
        piece.append(part)
        size += len(part)
        if size >= PIECE:
            yield _joined(piece, level)
            piece, size = [], 0
    if piece:
        yield _joined(piece, level)


def _joined(parts: list[str], level: int) -> str:
    return ("\n\n", "\n", " ")[level].join(parts)
