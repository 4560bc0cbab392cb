"""Core tokens from Neuronpedia: the contexts in which a neuron was most active, averaged token by token."""

from __future__ import annotations

import gzip
import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from intraneuron.config import FetchConfig, VectorsConfig
from intraneuron.errors import DataError
from intraneuron.files import reading
from intraneuron.settings import expanded
from intraneuron.sources.fetching import Stage, fetch_options, fetcher_of, is_json, silent
from intraneuron.sources.lists import SCHEMA, published
from intraneuron.sources.published import Published
from intraneuron.sources.vectors import read_vectors, vectors_options

BASE_URL = "https://www.neuronpedia.org"

SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
"""Ends of names of files that are read."""

BIASED = (
    "Neuronpedia gives the contexts in which a neuron was most active. Activations were averaged by token over these "
    "alone, not over a text: a token that is rare elsewhere, or mostly without effect, looks stronger than it is."
)

_ADDRESS = re.compile(r"(?P<model>[\w.-]+)/(?P<layer>[\w.-]+)/(?P<first>\d+)(?:-(?P<last>\d+))?")
_LAYER = re.compile(r"(\d+)(?:\D.*)?")

Neuron = tuple[int, int]


@dataclass
class Seen:
    """What was read so far.

    Attributes
    ----------
    total, count : dict
        By neuron and token: sum of activations, and how many.
    models, layers : dict
        Names of models, and of layers by their number.
    tally : Counter
        How many records of each kind there were, and what of them could not be used.
    """

    total: dict[Neuron, dict[str, float]] = field(default_factory=dict)
    count: dict[Neuron, dict[str, int]] = field(default_factory=dict)
    models: set[str] = field(default_factory=set)
    layers: dict[int, set[str]] = field(default_factory=dict)
    tally: Counter[str] = field(default_factory=Counter)

    def take(self, record: Any, where: str) -> None:
        """Take a record of any kind: a feature with its contexts, a context, a feature without, an explanation.

        Raises
        ------
        DataError
            When it is none of them.
        """
        if not isinstance(record, Mapping) or not {"modelId", "layer", "index"} <= set(record):
            msg = (
                f"{where} holds a record without modelId, layer and index. Give features, or a bulk export, as "
                "Neuronpedia writes them."
            )
            raise DataError(msg)
        neuron = self._neuron(record, where)
        if isinstance(record.get("activations"), list):
            self.tally["features"] += 1
            self._known(neuron)
            for context in record["activations"]:
                self._context(neuron, context)
        elif "tokens" in record and "values" in record:
            self._context(neuron, record)
        elif "description" in record:
            self.tally["explanations"] += 1
        else:
            self.tally["features"] += 1
            self._known(neuron)

    def _neuron(self, record: Mapping[str, Any], where: str) -> Neuron:
        layer, index = (str(record[name]) for name in ("layer", "index"))
        number = _LAYER.fullmatch(layer)
        if number is None or not index.isdigit():
            msg = f"{where} is of layer {layer!r} and index {index!r}; they should begin with, or be, a whole number."
            raise DataError(msg)
        self.models.add(str(record["modelId"]))
        self.layers.setdefault(int(number[1]), set()).add(layer)
        return int(number[1]), int(index)

    def _known(self, neuron: Neuron) -> None:
        self.total.setdefault(neuron, {})
        self.count.setdefault(neuron, {})

    def _context(self, neuron: Neuron, context: Any) -> None:
        """Add one context; one whose tokens and values are not as many is passed over, and counted."""
        tokens, values = (
            (context.get(name) for name in ("tokens", "values")) if isinstance(context, Mapping) else (0, 0)
        )
        if not isinstance(tokens, list) or not isinstance(values, list) or len(tokens) != len(values):
            self.tally["contexts_unusable"] += 1
            return
        self.tally["contexts"] += 1
        self._known(neuron)
        total, count = self.total[neuron], self.count[neuron]
        for token, value in zip(tokens, values, strict=True):
            if isinstance(token, str) and isinstance(value, (int, float)) and math.isfinite(value):
                total[token] = total.get(token, 0.0) + value
                count[token] = count.get(token, 0) + 1
            else:
                self.tally["values_missing"] += 1

    def rows(self) -> pl.DataFrame:
        """Return mean activations as lists."""
        found = [
            (layer, index, token, total / self.count[layer, index][token], self.count[layer, index][token])
            for (layer, index), some in self.total.items()
            for token, total in some.items()
        ]
        return pl.DataFrame(found, schema=SCHEMA, orient="row")


def read_neuronpedia(
    sources: Sequence[str], words: VectorsConfig, fetch: FetchConfig | None = None, *, stage: Stage = silent
) -> Published:
    """Read core tokens from features of Neuronpedia.

    Parameters
    ----------
    sources : list of str
        Files (``.json``, ``.jsonl``, either with ``.gz``), folders of them (a bulk export), or MODEL/LAYER/INDEX, in
        which INDEX may be a range such as 0-99, to be fetched.
    words : VectorsConfig
    fetch : FetchConfig, optional
        How addresses are fetched.
    stage : callable
        Announces what is fetched.

    Raises
    ------
    DataError
        When a source cannot be read, holds something else, or more than one model, or no neuron keeps enough tokens.
    """
    seen, fetch = Seen(), fetch or FetchConfig()
    for source in sources:
        path = expanded(source)
        if path.exists():
            _take_files(seen, path)
        else:
            _take_fetched(seen, source, fetch, stage)
    _check_one(seen, sources)
    layers = [name for number in sorted(seen.layers) for name in sorted(seen.layers[number])]
    facts = {"kind": "neuronpedia", "sources": list(sources), **asdict(words), "records": dict(seen.tally)}
    facts |= {"model": next(iter(seen.models)), "layer_names": layers}
    command = ["import", "neuronpedia", *sources, *vectors_options(words)]
    command += fetch_options(fetch)
    notes = (BIASED, _said(seen))
    return published(source_name(sources), seen.rows(), read_vectors(words), command=command, facts=facts, notes=notes)


def source_name(sources: Sequence[str]) -> str:
    """Return what to call some sources.

    >>> source_name(["gpt2-small/6/0-99"]), source_name(["a/export/", "b.jsonl.gz"])
    ('gpt2-small-6-0-99', 'export-and-1-more')
    """
    first = sources[0].rstrip("/")
    name = first.replace("/", "-") if _ADDRESS.fullmatch(first) else Path(first).name
    ends = next((end for end in reversed(SUFFIXES) if name.endswith(end)), "")
    more = f"-and-{len(sources) - 1}-more" if len(sources) > 1 else ""
    return (name.removesuffix(ends) or "neuronpedia") + more


def _said(seen: Seen) -> str:
    """Say what was read."""
    names = {
        "features": "features",
        "contexts": "contexts",
        "explanations": "explanations (not used)",
        "contexts_unusable": "contexts whose tokens and values are not as many (passed over)",
        "values_missing": "values that are no number (passed over)",
        "not_there": "features not there (404)",
        "damaged": "damaged features (passed over)",
    }
    told = ", ".join(f"{words} {seen.tally[name]:,}" for name, words in names.items() if seen.tally[name])
    return f"Read of Neuronpedia: {told}."


def _check_one(seen: Seen, sources: Sequence[str]) -> None:
    """Raise DataError when there is nothing, or more than one model or kind of layer."""
    named = ", ".join(sources)
    if not seen.tally["contexts"]:
        msg = (
            f"{named} hold no context with tokens and values ({seen.tally['features']:,} features, "
            f"{seen.tally['explanations']:,} explanations). Add the activations of the bulk export."
        )
        raise DataError(msg)
    if len(seen.models) > 1:
        msg = f"{named} hold several models ({', '.join(sorted(seen.models))}). Import one at a time."
        raise DataError(msg)
    mixed = next((names for names in seen.layers.values() if len(names) > 1), None)
    if mixed:
        msg = f"{named} hold several kinds of one layer ({', '.join(sorted(mixed))}). Import one kind at a time."
        raise DataError(msg)


def _take_files(seen: Seen, path: Path) -> None:
    """Take the records of a file, or of every file of a folder."""
    if path.is_dir():
        with reading(path):
            files = sorted(file for file in path.rglob("*") if file.is_file() and file.name.endswith(SUFFIXES))
        if not files:
            msg = f"The folder {path} holds no file that ends in {', '.join(SUFFIXES)}. Name that of a bulk export."
            raise DataError(msg)
    elif path.name.endswith(SUFFIXES):
        files = [path]
    else:
        msg = f"The file {path} should end in {', '.join(SUFFIXES)}. Give what Neuronpedia gives out."
        raise DataError(msg)
    for file in files:
        for record, where in _records(file):
            seen.take(record, where)


def _records(file: Path) -> Iterator[tuple[Any, str]]:
    """Yield the records of a file, each with its place."""
    lines = ".jsonl" in file.suffixes[-2:]
    for number, text in enumerate(_texts(file, lines=lines), start=1):
        where = f"Line {number:,} of {file}" if lines else f"The file {file}"
        try:
            found = json.loads(text)
        except ValueError as error:
            msg = f"{where} is no JSON ({error}). Get the file again."
            raise DataError(msg) from error
        yield from ((record, where) for record in (found if isinstance(found, list) else [found]))


def _texts(file: Path, *, lines: bool) -> Iterator[str]:
    """Yield the lines of a file, or all of it at once."""
    opened = gzip.open if file.suffix == ".gz" else open
    try:
        with opened(file, "rt", encoding="utf-8") as stream:
            if lines:
                yield from (line for line in stream if line.strip())
            else:
                yield stream.read()
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        msg = f"The file {file} cannot be read ({error}). Get it again."
        raise DataError(msg) from error


def _take_fetched(seen: Seen, source: str, fetch: FetchConfig, stage: Stage) -> None:
    """Take the features that a source names, from the server."""
    found = _ADDRESS.fullmatch(source)
    if found is None:
        msg = (
            f"There is no file or folder {source}, and it is no MODEL/LAYER/INDEX such as gpt2-small/6/1234 or "
            "gpt2-small/6/0-99. Check the path."
        )
        raise DataError(msg)
    first, last = int(found["first"]), int(found["last"] or found["first"])
    if last < first:
        msg = f"{source} should name neurons from a lower to a higher number, got {first} to {last}."
        raise DataError(msg)
    fetcher = fetcher_of(fetch)
    at = f"{(fetch.base_url or BASE_URL).rstrip('/')}/api/feature/{found['model']}/{found['layer']}"
    urls = {index: f"{at}/{index}" for index in range(first, last + 1)}
    bodies = {}
    with stage("fetch", "files") as told:
        for index, body in fetcher.get_all(urls, is_json):
            bodies[index] = body
            told(len(bodies), len(urls))
    for index, body in bodies.items():
        if body is not None:
            seen.take(json.loads(body), urls[index])
    seen.tally["damaged"] += len(fetcher.damaged)
    seen.tally["not_there"] += sum(body is None for body in bodies.values()) - len(fetcher.damaged)
    if all(body is None for body in bodies.values()):
        msg = f"{at} has no neuron {first}{f' to {last}' if last > first else ''}. Check model, layer and number."
        raise DataError(msg)
