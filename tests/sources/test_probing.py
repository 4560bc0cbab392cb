"""A probe of published files: which fields they hold, and what is not as documented."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serving import Answer, Server, serving

from intraneuron.config import FetchConfig
from intraneuron.sources.probing import KINDS, probe, schema

PART = {"tokens": [" a", "b"], "strengths": [0.5, 0.1]}
NEIGHBOURS = {"top_positive_neurons": ["0_12", "1_3"], "top_positive_weights": [0.5, 0.2]}
SEQUENCE = {"tokens": ["a", "b"], "activations": [0.0, 2.5], "dataclass_name": "ActivationRecord"}
DOCUMENTED: dict[str, dict[str, Any]] = {
    "related-tokens/activation-based": {
        "tokens": [" a", "b"],
        "average_activations": [3.0, None],
        "dataclass_name": "X",
    },
    "related-tokens/weight-based": dict.fromkeys(
        ("input_positive", "input_negative", "output_positive", "output_negative"), PART
    ),
    "related-neurons/weight-based": {"c_fc": None, "c_proj": NEIGHBOURS},
    "collated-activations": {
        "neuron_id": {"layer_index": 0, "neuron_index": 1},
        "most_positive_activation_records": [SEQUENCE],
        "random_sample": [SEQUENCE],
        "random_sample_by_quantile": [[SEQUENCE], []],
        "quantile_boundaries": [0.5, 0.9],
        **{"mean": 0.1, "variance": 1.0, "skewness": 2.0, "kurtosis": 9.5},
    },
}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        for kind in KINDS:
            for neuron in range(5):
                found.serve(f"/data/{kind}/7/{neuron}.json", json.dumps(DOCUMENTED[kind]).encode())
        yield found


def probed(server: Server, cache: Path) -> dict[str, dict[str, Any]]:
    return {row["kind"]: row for row in probe(7, FetchConfig(server.url, str(cache)))}


def test_files_as_documented_have_no_surprise_and_nothing_is_kept(server: Server, tmp_path: Path) -> None:
    found = probed(server, tmp_path / "cache")
    assert list(found) == list(DOCUMENTED)
    assert {kind: row["surprises"] for kind, row in found.items()} == {kind: [] for kind in KINDS}
    assert all((row["asked"], row["came"]) == (5, 5) for row in found.values())
    tokens = found["related-tokens/activation-based"]["fields"]["tokens"]
    assert tokens == {"types": {"list": 5}, "shortest": 2, "longest": 2}
    assert not (tmp_path / "cache").exists()


CHANGED = [
    (
        "related-tokens/activation-based",
        {"tokens": ["a"], "average_activations": [1.0], "ids": [5]},
        "ids is not documented",
    ),
    ("related-tokens/activation-based", {"tokens": ["a"]}, "average_activations[] was not met"),
    (
        "related-tokens/activation-based",
        {"tokens": [5], "average_activations": [1.0]},
        "tokens[] holds number as well as, or in place of, text",
    ),
    (
        "related-tokens/activation-based",
        {"tokens": ["a", "b"], "average_activations": [1.0]},
        "lists of different lengths stand side by side: tokens, average_activations",
    ),
    (
        "related-tokens/activation-based",
        {"tokens": ["a", "b"], "average_activations": [1.0, 2.0]},
        "average_activations do not descend in 5 of 5 files",
    ),
    ("related-tokens/weight-based", {"input_positive": PART}, "output_negative.tokens[] was not met"),
    ("related-neurons/weight-based", {"c_fc": None, "c_proj": None}, None),
    ("collated-activations", DOCUMENTED["collated-activations"] | {"mean": float("nan")}, "mean holds NaN"),
    ("collated-activations", [1], "neuron_id.layer_index was not met"),
]


@pytest.mark.parametrize(("kind", "record", "told"), CHANGED)
def test_what_is_not_as_documented_is_said(
    server: Server, tmp_path: Path, kind: str, record: Any, told: str | None
) -> None:
    for neuron in range(5):
        server.serve(f"/data/{kind}/7/{neuron}.json", json.dumps(record).encode())
    surprises = probed(server, tmp_path)[kind]["surprises"]
    assert any(told in one for one in surprises) if told else surprises == []


def test_files_that_are_not_there_or_damaged_are_counted(server: Server, tmp_path: Path) -> None:
    at = "/data/collated-activations/7"
    server.serve(f"{at}/0.json", Answer(b"", 404))
    server.serve(f"{at}/1.json", b'{"neuron')
    row = probed(server, tmp_path)["collated-activations"]
    assert (row["came"], row["not_there"], row["damaged"]) == (3, 1, 1)
    for neuron in range(5):
        server.serve(f"{at}/{neuron}.json", Answer(b"", 404))
    assert probed(server, tmp_path)["collated-activations"]["surprises"] == ["no file came, so nothing can be said"]


def test_a_schema_counts_types_and_lengths_at_every_depth() -> None:
    found = schema([{"a": [{"b": [1, None]}, {"b": []}]}, {"a": []}, 5])
    assert found["a"] == {"types": {"list": 2}, "shortest": 0, "longest": 2}
    assert found["a[].b"] == {"types": {"list": 2}, "shortest": 0, "longest": 2}
    assert found["a[].b[]"] == {"types": {"number": 1, "null": 1}}
    assert found["(all)"]["types"] == {"object": 2, "number": 1}
