"""The paper's data: records in the documented format, and others; what is met is counted and said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.openai_files import EMBEDDINGS, PARTIAL, TEXTS, TOKENIZER, USABLE, publish, record, replaced, weights
from tests.serving import Answer, Server, serving

from intraneuron.config import FetchConfig
from intraneuron.errors import DataError
from intraneuron.sources.openai import ids_by_text, read_openai
from intraneuron.sources.published import Published


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


def read(server: Server, cache: Path, layers: tuple[int, ...] = (0, 1), neurons: int = 6) -> Published:
    at = FetchConfig(server.url + "/neurons", str(cache), jobs=3)
    return read_openai(layers, neurons, at, server.url + "/weights")


def test_lists_become_core_tokens_with_the_ids_of_the_tokenizer(server: Server, tmp_path: Path) -> None:
    publish(server)
    found = read(server, tmp_path)
    assert list(found.cores) == [0, 1]
    core = found.cores[1]
    assert core.neuron.tolist() == list(range(6))
    for neuron in range(6):
        wanted = record(1, neuron)
        assert [TEXTS[i] for i in core.token_id[neuron]] == wanted["tokens"]
        np.testing.assert_allclose(core.activation[neuron], wanted["average_activations"])
    assert (core.count == -1).all()
    unit = EMBEDDINGS / np.linalg.norm(EMBEDDINGS, axis=1, keepdims=True)
    np.testing.assert_allclose(found.space.vector, unit, atol=1e-6)
    assert found.facts["files"] == {"files": 12, "not_there": 0, "damaged": 0, "unusable": 0}
    assert not any("Not as documented" in note for note in found.notes)


def test_special_tokens_are_never_core(server: Server, tmp_path: Path) -> None:
    publish(server)
    one = record(0, 0)
    end = TOKENIZER.convert_ids_to_tokens(TOKENIZER.all_special_ids[0])
    replaced(
        server,
        0,
        0,
        one | {"tokens": [end, *one["tokens"]], "average_activations": [99.0, *one["average_activations"]]},
    )
    core = read(server, tmp_path).cores[0]
    assert TOKENIZER.all_special_ids[0] not in core.token_id[0]
    assert core.n[0] == 40


def test_files_that_are_not_there_damaged_or_of_another_form_are_counted_and_named(
    server: Server, tmp_path: Path
) -> None:
    publish(server)
    replaced(server, 0, 1, Answer(b"gone", 404))
    replaced(server, 0, 2, b'{"tokens": ["a", ')
    replaced(server, 1, 3, {"tokens": ["a", "b"], "average_activations": [1.0]})
    replaced(server, 1, 4, b"[1, 2]")
    found = read(server, tmp_path)
    assert found.facts["files"] == {"files": 10, "not_there": 1, "damaged": 1, "unusable": 2}
    assert found.facts["absent"] == ["L0N1", "L0N2", "L1N3", "L1N4"]
    assert found.cores[0].neuron.tolist() == [0, 3, 4, 5]
    assert found.notes[0] == (
        "Of 12 files of related tokens, 8 could be used; not there (404) 1, damaged 1, without a list 2, the first of "
        "them L0N1, L0N2, L1N3."
    )


def test_nulls_are_dropped_and_what_is_not_documented_is_said(server: Server, tmp_path: Path) -> None:
    publish(server)
    one = record(0, 0)
    values: list[Any] = list(one["average_activations"])
    values[3], values[5] = None, float("nan")
    replaced(server, 0, 0, one | {"average_activations": values, "corpus": "web"})
    replaced(server, 0, 1, record(0, 1) | {"average_activations": record(0, 1)["average_activations"][::-1]})
    found = read(server, tmp_path)
    assert found.cores[0].n[0] == 38
    assert (np.diff(found.cores[0].activation[1]) < 0).all()
    said = found.notes[-1]
    assert "files with a field corpus 1" in said
    assert "null activations 2" in said
    assert "files whose activations do not descend 1" in said


def test_texts_that_several_tokens_decode_to_are_counted_and_never_guessed(server: Server, tmp_path: Path) -> None:
    publish(server)
    one = record(0, 0)
    tokens = [PARTIAL, PARTIAL, "no token", *one["tokens"][3:]]
    replaced(server, 0, 0, one | {"tokens": tokens})
    found = read(server, tmp_path)
    assert found.facts["ambiguous"] == {"texts": [PARTIAL], "rows": 2}
    assert found.facts["unknown"] == {"texts": ["no token"], "rows": 1}
    assert found.cores[0].n[0] == 37
    said = " ".join(found.notes)
    assert "as parts of a character do, and nobody can say which is meant: 2." in said
    assert "because they are none of the vocabulary: 1." in said
    ids, several = ids_by_text(TOKENIZER, len(TEXTS))
    assert several == {PARTIAL}
    assert set(USABLE) <= set(ids.values())


def test_a_slow_and_busy_server_is_waited_for(server: Server, tmp_path: Path) -> None:
    publish(server)
    body = json.dumps(record(0, 0)).encode()
    server.serve("/neurons/data/related-tokens/activation-based/0/0.json", Answer(b"", 503), Answer(body, delay=0.3))
    assert read(server, tmp_path).facts["files"]["files"] == 12


def test_what_came_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    publish(server)
    first = read(server, tmp_path, layers=(0,))
    asked = sum(server.asked.values())
    assert read(server, tmp_path, layers=(0,)).lists == first.lists
    assert sum(server.asked.values()) == asked
    read(server, tmp_path)
    assert sum(server.asked.values()) == asked + 6


def test_weights_may_lie_in_a_folder_here(server: Server, tmp_path: Path) -> None:
    publish(server)
    folder = tmp_path / "gpt2-xl"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(weights())
    (folder / "tokenizer.json").write_text(TOKENIZER.backend_tokenizer.to_str())
    at = FetchConfig(server.url + "/neurons", str(tmp_path / "cache"), jobs=3)
    found = read_openai((0, 1), 6, at, str(folder))
    assert found.vectors == read(server, tmp_path / "cache").vectors
    (folder / "tokenizer.json").write_text('{"model": 1}')
    with pytest.raises(DataError, match=r"The tokenizer of .*gpt2-xl cannot be read \("):
        read_openai((0,), 6, at, str(folder))
    (folder / "tokenizer.json").unlink()
    with pytest.raises(DataError, match=r"has no tokenizer.json that can be read \(No such file"):
        read_openai((0,), 6, at, str(folder))


def test_an_address_without_lists_or_tokenizer_is_told(server: Server, tmp_path: Path) -> None:
    publish(server, neurons=0)
    with pytest.raises(DataError, match="has no usable list of layers 0, 1"):
        read(server, tmp_path)
    server.serve("/weights/tokenizer.json", Answer(b"", 404))
    with pytest.raises(DataError, match=r"/weights/tokenizer\.json is not there, or is damaged"):
        read(server, tmp_path / "other")
