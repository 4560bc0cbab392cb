"""The paper's data: what OpenAI published of the neurons of GPT-2 XL, fetched file by file.

Described from its documentation: readers are tolerant, and count what they met that was not expected.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from intraneuron.config import FetchConfig
from intraneuron.data import neuron_name
from intraneuron.errors import DataError
from intraneuron.models.vocabulary import read_vocabulary, text_alone
from intraneuron.settings import expanded
from intraneuron.sources.fetching import Fetcher, Stage, Told, fetch_options, fetcher_of, is_json, silent, untold
from intraneuron.sources.lists import SCHEMA, placed
from intraneuron.sources.published import Published
from intraneuron.sources.tensor import fetch_tensor, read_tensor

NAME = "gpt2-xl"
LAYERS, NEURONS = 48, 6400
"""Of GPT-2 XL."""

BASE_URL = "https://openaipublic.blob.core.windows.net/neuron-explainer"
LISTS = "data/related-tokens/activation-based"

WEIGHTS_URL = "https://huggingface.co/openai-community/gpt2-xl/resolve/main"
WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
EMBEDDINGS = ("wte.weight", "transformer.wte.weight")

EXPECTED = {"tokens", "average_activations", "dataclass_name"}
"""Fields of a file of related tokens; the last one is passed over."""

AMBIGUOUS = "�"
NAMED = 20
"""Neurons without a file that the manifest names; more are counted."""


@dataclass
class Tally:
    """What was met in the files.

    Attributes
    ----------
    counts : Counter
        Files that came, that were not there, that were damaged or unusable; activations that were null; files whose
        activations do not descend.
    unknown : Counter
        Files by field that is not documented.
    absent : list of str
        Neurons without a usable file.
    """

    counts: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    absent: list[str] = field(default_factory=list)


def read_record(body: bytes, tally: Tally) -> list[tuple[str, float]] | None:
    """Return the tokens of a file with their average activations, nulls left out; None when it cannot be used."""
    found = json.loads(body)
    tokens, values = (
        (found.get(name) for name in ("tokens", "average_activations")) if isinstance(found, dict) else ("", "")
    )
    if not isinstance(tokens, list) or not isinstance(values, list) or len(tokens) != len(values):
        tally.counts["unusable"] += 1
        return None
    tally.unknown.update(name for name in found if name not in EXPECTED)
    rows = []
    for token, value in zip(tokens, values, strict=True):
        if isinstance(token, str) and isinstance(value, (int, float)) and math.isfinite(value):
            rows.append((token, float(value)))
        else:
            tally.counts["nulls"] += 1
    numbers = [value for _, value in rows]
    tally.counts["not_descending"] += numbers != sorted(numbers, reverse=True)
    return rows


def fetch_lists(
    fetcher: Fetcher, base_url: str, layers: Sequence[int], neurons: int, *, told: Told = untold
) -> tuple[pl.DataFrame, Tally]:
    """Fetch the related tokens of the first neurons of some layers, as lists, with what was met."""
    tally, frames, done = Tally(), [], 0
    total = len(layers) * neurons
    for layer in layers:  # the bodies of one layer at a time are held
        urls = {neuron: f"{base_url.rstrip('/')}/{LISTS}/{layer}/{neuron}.json" for neuron in range(neurons)}
        found: dict[int, list[tuple[str, float]] | None] = {}
        before = len(fetcher.damaged)
        for neuron, body in fetcher.get_all(urls, is_json):
            found[neuron] = None if body is None else read_record(body, tally)
            tally.counts["files" if body is not None else "not_there"] += 1
            done += 1
            told(done, total)
        damaged = len(fetcher.damaged) - before
        tally.counts["damaged"] += damaged
        tally.counts["not_there"] -= damaged
        tally.absent += [neuron_name(layer, neuron) for neuron in urls if found[neuron] is None]
        rows = [(layer, n, token, value, -1) for n in urls for token, value in found[n] or ()]
        frames.append(pl.DataFrame(rows, schema=SCHEMA, orient="row"))
    return pl.concat(frames), tally


def ids_by_text(tokenizer: Any, size: int) -> tuple[dict[str, int], set[str]]:
    """Return the id of each text that one token alone decodes to, and the texts that several decode to.

    Tokens that are a part of a character decode to a replacement character (U+FFFD) by themselves, many to one.
    """
    pieces = tokenizer.convert_ids_to_tokens(list(range(min(len(tokenizer), size))))
    found: dict[str, list[int]] = {}
    for i, piece in enumerate(pieces):
        if piece is not None:
            found.setdefault(text_alone(piece), []).append(i)
    return {text: ids[0] for text, ids in found.items() if len(ids) == 1}, {
        t for t, ids in found.items() if len(ids) > 1
    }


def read_openai(
    layers: Sequence[int],
    neurons: int,
    fetch: FetchConfig,
    weights_url: str | None,
    *,
    stage: Stage = silent,
) -> Published:
    """Fetch the lists of some neurons, the tokenizer, and of the weights the token embeddings alone.

    Parameters
    ----------
    layers : list of int
    neurons : int
        How many of each layer, from 0 on.
    fetch : FetchConfig
    weights_url : str or None
        Where ``model.safetensors`` and ``tokenizer.json`` of GPT-2 XL are: an address, or a folder here.
    stage : callable
        Announces what is fetched.

    Raises
    ------
    DataError
        When something cannot be fetched or read, or does not fit together.
    """
    fetcher, base_url = fetcher_of(fetch), fetch.base_url or BASE_URL
    source = weights_url or WEIGHTS_URL
    tokenizer, vectors = _weights(fetcher, source, stage)
    vocabulary = read_vocabulary(tokenizer, len(vectors))
    ids, several = ids_by_text(tokenizer, len(vectors))
    with stage("lists", "files") as told:
        rows, tally = fetch_lists(fetcher, base_url, layers, neurons, told=told)
    if rows.is_empty():
        msg = f"{base_url} has no usable list of layers {', '.join(map(str, layers))}. Check the address (--base-url)."
        raise DataError(msg)
    tokens = rows["token"].unique().sort().to_list()
    facts = _facts(rows, tally, tokens, ids, several)
    command = ["replicate", "--neurons", str(neurons), *fetch_options(fetch)]
    command += ["--weights-url", weights_url] if weights_url else []
    return placed(
        NAME,
        rows,
        {token: ids.get(token, -1) for token in tokens},
        vocabulary,
        vectors,
        command=command,
        facts={"kind": "openai", "base_url": base_url, "weights_url": source, "neurons": neurons, **facts},
        notes=_notes(facts, len(layers) * neurons),
    )


def _weights(fetcher: Fetcher, source: str, stage: Stage) -> tuple[Any, np.ndarray]:
    """Return tokenizer and token embeddings."""
    folder = expanded(source)
    if folder.is_dir():
        return _tokenizer((folder / TOKENIZER), source), read_tensor(folder / WEIGHTS, EMBEDDINGS)
    at = source.rstrip("/")
    if "://" not in source:
        msg = (
            f"There is no folder {source}, and it is no address that begins with https://. Give a folder with "
            f"{WEIGHTS} and {TOKENIZER} of {NAME}, or an address (--weights-url)."
        )
        raise DataError(msg)
    body = fetcher.get(f"{at}/{TOKENIZER}", is_json)
    if body is None:
        msg = f"{at}/{TOKENIZER} is not there, or is damaged. Check the address of the weights (--weights-url)."
        raise DataError(msg)
    with stage("embeddings", "pieces") as told:
        return _tokenizer(body, source), fetch_tensor(fetcher, f"{at}/{WEIGHTS}", EMBEDDINGS, told=told)


def _tokenizer(found: Path | bytes, where: str) -> Any:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    try:
        body = found if isinstance(found, bytes) else found.read_bytes()
        return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(body.decode("utf-8")))
    except OSError as error:
        msg = f"{where} has no {TOKENIZER} that can be read ({error.strerror}). Give a folder with it (--weights-url)."
        raise DataError(msg) from error
    except Exception as error:
        first = str(error).strip().partition("\n")[0]
        msg = f"The tokenizer of {where} cannot be read ({first}). Get the file again."
        raise DataError(msg) from error


def _facts(
    rows: pl.DataFrame, tally: Tally, tokens: Sequence[str], ids: dict[str, int], several: set[str]
) -> dict[str, Any]:
    """Return what was met, for the manifest."""
    ambiguous = [token for token in tokens if token in several]
    unknown = [token for token in tokens if token not in ids and token not in several]
    of = rows["token"]
    return {
        "files": {name: int(tally.counts[name]) for name in ("files", "not_there", "damaged", "unusable")},
        "absent": tally.absent[:NAMED],
        "unknown_fields": dict(tally.unknown),
        "nulls": int(tally.counts["nulls"]),
        "not_descending": int(tally.counts["not_descending"]),
        "ambiguous": {"texts": ambiguous[:NAMED], "rows": int(of.is_in(ambiguous).sum())},
        "unknown": {"texts": unknown[:NAMED], "rows": int(of.is_in(unknown).sum())},
    }


def _notes(facts: dict[str, Any], wanted: int) -> list[str]:
    """Return what a reader of the numbers has to know."""
    files = facts["files"]
    absent = {"not_there": "not there (404)", "damaged": "damaged", "unusable": "without a list"}
    gone = [f"{words} {files[name]:,}" for name, words in absent.items() if files[name]]
    others = f"; {', '.join(gone)}, the first of them {', '.join(facts['absent'][:3])}" if gone else ""
    notes = [f"Of {wanted:,} files of related tokens, {files['files'] - files['unusable']:,} could be used{others}."]
    ambiguous, unknown = facts["ambiguous"], facts["unknown"]
    if ambiguous["rows"]:
        notes.append(
            "Tokens of the lists that left, because several tokens of the vocabulary decode to the same text, as parts "
            f"of a character do, and nobody can say which is meant: {ambiguous['rows']:,}."
        )
    if unknown["rows"]:
        notes.append(f"Tokens of the lists that left, because they are none of the vocabulary: {unknown['rows']:,}.")
    odd = [f"files with a field {name} {n:,}" for name, n in facts["unknown_fields"].items()]
    odd += [f"null activations {facts['nulls']:,}"] * bool(facts["nulls"])
    odd += [f"files whose activations do not descend {facts['not_descending']:,}"] * bool(facts["not_descending"])
    return [*notes, f"Not as documented: {'; '.join(odd)}."] if odd else notes
