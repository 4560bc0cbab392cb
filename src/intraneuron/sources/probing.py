"""What a few published files of each kind really hold, beside what is documented of them."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from intraneuron.config import FetchConfig
from intraneuron.sources.fetching import Fetcher, fetcher_of, is_json
from intraneuron.sources.openai import BASE_URL

FILES = 5
"""Files of each kind that are read."""

_PART = {"tokens[]": {"text"}, "strengths[]": {"number"}}
_NEIGHBOURS = {"top_positive_neurons[]": {"text"}, "top_positive_weights[]": {"number"}}
_SEQUENCE = {"tokens[]": {"text"}, "activations[]": {"number"}}


def _under(name: str, fields: dict[str, set[str]]) -> dict[str, set[str]]:
    return {f"{name}.{field}": kinds for field, kinds in fields.items()}


KINDS: dict[str, dict[str, set[str]]] = {
    "related-tokens/activation-based": {"tokens[]": {"text"}, "average_activations[]": {"number", "null"}},
    "related-tokens/weight-based": {
        path: kinds
        for name in ("input_positive", "input_negative", "output_positive", "output_negative")
        for path, kinds in _under(name, _PART).items()
    },
    "related-neurons/weight-based": {
        path: kinds for name in ("c_fc", "c_proj") for path, kinds in _under(name, _NEIGHBOURS).items()
    },
    "collated-activations": {
        **{"neuron_id.layer_index": {"number"}, "neuron_id.neuron_index": {"number"}},
        **_under("most_positive_activation_records[]", _SEQUENCE),
        **_under("random_sample[]", _SEQUENCE),
        **_under("random_sample_by_quantile[][]", _SEQUENCE),
        "quantile_boundaries[]": {"number"},
        **{name: {"number"} for name in ("mean", "variance", "skewness", "kurtosis")},
    },
}
"""Documented fields of each kind of file, with the types of their values."""

IGNORED = "dataclass_name"
MAY_BE_NULL = ("c_fc", "c_proj")


def probe(layer: int, fetch: FetchConfig) -> list[dict[str, Any]]:
    """Read the first five files of each kind of a layer and say what they hold; nothing is kept.

    Returns
    -------
    rows
        One a kind: ``kind``, ``address`` of the first file, ``asked``, ``came``, ``not_there``, ``damaged``, ``fields``
        (by path: ``types`` with how often each was met, ``shortest`` and ``longest`` of lists) and ``surprises``,
        sentences on what is not as documented.
    """
    fetcher = fetcher_of(fetch)
    fetcher.cache = None
    base = (fetch.base_url or BASE_URL).rstrip("/")
    return [_probed(fetcher, f"{base}/data/{kind}/{layer}", kind) for kind in KINDS]


def _probed(fetcher: Fetcher, at: str, kind: str) -> dict[str, Any]:
    urls = {neuron: f"{at}/{neuron}.json" for neuron in range(FILES)}
    before = len(fetcher.damaged)
    bodies = dict(fetcher.get_all(urls, is_json))
    damaged = len(fetcher.damaged) - before
    records = [json.loads(body) for _, body in sorted(bodies.items()) if body is not None]
    fields = schema(records)
    return {
        **{"kind": kind, "address": urls[0], "asked": FILES, "came": len(records)},
        **{"not_there": FILES - len(records) - damaged, "damaged": damaged, "fields": fields},
        "surprises": surprises(kind, records, fields) if records else ["no file came, so nothing can be said"],
    }


def schema(records: list[Any]) -> dict[str, dict[str, Any]]:
    """Return, by path of a field, the types of its values, and how long its lists are.

    >>> schema([{"tokens": ["a", None]}])["tokens[]"]["types"]
    {'text': 1, 'null': 1}
    """
    types: dict[str, Counter[str]] = {}
    lengths: dict[str, list[int]] = {}
    for record in records:
        for path, value in _walk("", record):
            types.setdefault(path, Counter())[_type(value)] += 1
            if isinstance(value, list):
                lengths.setdefault(path, []).append(len(value))
    out: dict[str, dict[str, Any]] = {}
    for path, found in types.items():
        out[path or "(all)"] = {"types": dict(found)}
        if path in lengths:
            out[path or "(all)"] |= {"shortest": min(lengths[path]), "longest": max(lengths[path])}
    return out


def _walk(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every value with its path."""
    yield path, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _walk(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(f"{path}[]", inner)


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN"
    names = {int: "number", float: "number", str: "text", list: "list", dict: "object"}
    return names[type(value)]


def surprises(kind: str, records: list[Any], fields: dict[str, dict[str, Any]]) -> list[str]:
    """Say what is not as documented."""
    known = KINDS[kind]
    inner = {prefix for path in known for prefix in _prefixes(path)}
    told = []
    for path, kinds in known.items():
        if path not in fields:
            gap = any(
                fields.get(name, {}).get("types", {}).get("null") for name in MAY_BE_NULL if path.startswith(name)
            )
            empty = fields.get(path.removesuffix("[]"), {}).get("longest") == 0
            if not gap and not empty:
                told.append(f"{path} was not met")
            continue
        other = set(fields[path]["types"]) - kinds
        if other:
            told.append(
                f"{path} holds {', '.join(sorted(other))} as well as, or in place of, {', '.join(sorted(kinds))}"
            )
    undocumented = (path for path in fields if path not in known and path not in inner and path != "(all)")
    told += [f"{path} is not documented" for path in undocumented if path.rsplit(".", 1)[-1] != IGNORED]
    told += sorted({words for record in records for words in _uneven(record)})
    if kind == "related-tokens/activation-based":
        told += _rising(records)
    return told


def _prefixes(path: str) -> Iterator[str]:
    """Yield the paths on the way to a field."""
    for i, character in enumerate(path):
        if character in ".[":
            yield path[:i]
        if path.startswith("[]", i):
            yield path[: i + 2]


def _uneven(value: Any, path: str = "") -> Iterator[str]:
    """Yield what is said of tables whose lists are of different lengths."""
    if isinstance(value, dict):
        lists = {name: len(inner) for name, inner in value.items() if isinstance(inner, list)}
        if len(set(lists.values())) > 1 and {"tokens", "top_positive_neurons"} & set(lists):
            where = f" in {path}" if path else ""
            yield f"lists of different lengths stand side by side{where}: {', '.join(lists)}"
        for name, inner in value.items():
            yield from _uneven(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from _uneven(inner, f"{path}[]")


def _rising(records: list[Any]) -> list[str]:
    """Say in how many files activations do not descend."""
    rising = 0
    for record in records:
        values = record.get("average_activations") if isinstance(record, dict) else None
        numbers = [v for v in values or () if isinstance(v, (int, float)) and math.isfinite(v)]
        rising += any(a < b for a, b in pairwise(numbers))
    return [f"average_activations do not descend in {rising} of {len(records)} files"] if rising else []
