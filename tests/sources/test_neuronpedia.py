"""Neuronpedia: single features and bulk exports, from files and over HTTP; what cannot be used is counted."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tests.published import WORDS, vectors_file
from tests.serving import Server, serving

from intraneuron.config import FetchConfig, VectorsConfig
from intraneuron.errors import DataError
from intraneuron.sources.neuronpedia import read_neuronpedia
from intraneuron.sources.published import Published


def context(tokens: list[Any], values: list[Any]) -> dict[str, Any]:
    return {"tokens": tokens, "values": values, "maxValue": 1.0, "qualifyingTokenIndex": None}


def feature(index: int = 7, layer: str = "6", model: str = "gpt2-small", **more: Any) -> dict[str, Any]:
    """Return a made-up feature: w1, w2, ... in two contexts each, so that their means are 30, 29, ..."""
    some = [f" w{i}" for i in range(1, 31)]
    first = context(some, [31.0 - i for i in range(1, 31)])
    second = context(some, [31.0 - i + (1 if i % 2 else -1) for i in range(1, 31)])
    third = context(some, [31.0 - i - (1 if i % 2 else -1) for i in range(1, 31)])
    base = {"modelId": model, "layer": layer, "index": str(index), "pos_str": [" w1"], "pos_values": [1.0]}
    return base | {"activations": [first, second, third], "explanations": []} | more


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> VectorsConfig:
    return VectorsConfig(str(vectors_file(tmp_path_factory.mktemp("v") / "v.csv")))


def read(words: VectorsConfig, *sources: Path | str, **fetch: Any) -> Published:
    return read_neuronpedia([str(one) for one in sources], words, FetchConfig(**fetch))


def write(file: Path, *records: Any) -> Path:
    text = "\n".join(map(json.dumps, records)) if ".jsonl" in file.name else json.dumps(records[0])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())
    return file


@pytest.mark.parametrize("name", ["7.json", "7.jsonl", "7.json.gz", "7.jsonl.gz"])
def test_a_feature_gives_the_mean_activation_of_each_token(tmp_path: Path, words: VectorsConfig, name: str) -> None:
    found = read(words, write(tmp_path / name, feature()))
    core = found.cores[6]
    assert core.neuron.tolist() == [7]
    assert core.activation[0].tolist() == pytest.approx([31.0 - i for i in range(1, 31)])
    assert [found.vocabulary.token[i] for i in core.token_id[0, :3]] == ["w1", "w2", "w3"]
    assert (core.count == 3).all()
    assert "over these alone, not over a text" in found.notes[0]
    assert found.facts["model"] == "gpt2-small"


def test_batches_of_a_bulk_export_are_joined_whatever_their_order(tmp_path: Path, words: VectorsConfig) -> None:
    whole = feature(3), feature(4)
    root = tmp_path / "v1" / "gpt2-small" / "6-mlp"
    bare = [{name: value for name, value in one.items() if name != "activations"} for one in whole]
    write(root / "features" / "batch-0.jsonl.gz", *bare)
    names = ("modelId", "layer", "index")
    contexts = [{name: one[name] for name in names} | each for one in whole for each in one["activations"]]
    write(root / "activations" / "batch-0.jsonl.gz", *contexts[3:])
    write(root / "activations" / "batch-1.jsonl.gz", *contexts[:3])
    write(root / "explanations" / "batch-0.jsonl.gz", {name: bare[0][name] for name in names} | {"description": "x"})
    joined = read(words, root)
    single = read(words, write(tmp_path / "3.json", whole[0]), write(tmp_path / "4.json", whole[1]))
    assert joined.cores[6].neuron.tolist() == [3, 4]
    assert joined.lists == single.lists
    assert joined.facts["records"] == {"features": 2, "contexts": 6, "explanations": 1}
    assert "explanations (not used) 1" in joined.notes[1]


def test_a_token_is_averaged_over_all_its_places_also_those_where_nothing_happened(
    tmp_path: Path, words: VectorsConfig
) -> None:
    more = context([" w1", " w1", " w200"], [0.0, 0.0, -3.0])
    found = read(words, write(tmp_path / "a.json", feature(activations=[*feature()["activations"], more])))
    core = found.cores[6]
    first = core.token_id[0].tolist().index(1)
    assert core.activation[0, first] == pytest.approx(90 / 5)
    assert core.count[0, first] == 5
    assert 200 not in core.token_id[0]
    assert found.facts["left"]["not_positive"] == 1


def test_contexts_and_values_that_cannot_be_used_are_counted_and_said(tmp_path: Path, words: VectorsConfig) -> None:
    bad = [context([" w1"], [1.0, 2.0]), "no context", context([" w1", 5, " w2"], [None, 1.0, float("nan")])]
    found = read(words, write(tmp_path / "a.json", feature(activations=[*feature()["activations"], *bad])))
    assert found.facts["records"]["contexts_unusable"] == 2
    assert found.facts["records"]["values_missing"] == 3
    assert found.cores[6].activation[0, 0] == pytest.approx(30)
    assert "contexts whose tokens and values are not as many (passed over) 2" in found.notes[1]


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([feature(1), feature(2, model="gpt2-xl")], "hold several models (gpt2-small, gpt2-xl)"),
        ([feature(1), feature(2, layer="6-res-jb")], "hold several kinds of one layer (6, 6-res-jb)"),
        ([feature(1, layer="blocks")], "is of layer 'blocks' and index '1'"),
        ([{"a": 1}], "holds a record without modelId, layer and index"),
        ([[]], "hold no context with tokens and values (0 features"),
        ([feature(1, activations=[])], "hold no context with tokens and values (1 features"),
    ],
)
def test_what_is_no_feature_of_one_model_is_refused(
    tmp_path: Path, words: VectorsConfig, records: list[Any], told: str
) -> None:
    with pytest.raises(DataError) as error:
        read(words, write(tmp_path / "a.jsonl", *records))
    assert told in str(error.value)


def test_damaged_files_are_named_with_their_line(tmp_path: Path, words: VectorsConfig) -> None:
    file = write(tmp_path / "a.jsonl", feature())
    file.write_text(file.read_text() + '\n{"modelId": ')
    with pytest.raises(DataError, match=r"Line 2 of .*a.jsonl is no JSON"):
        read(words, file)
    cut = write(tmp_path / "b.jsonl.gz", feature())
    cut.write_bytes(cut.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"b.jsonl.gz cannot be read \("):
        read(words, cut)
    (tmp_path / "c.txt").write_text("x")
    with pytest.raises(DataError, match=r"c.txt should end in .json"):
        read(words, tmp_path / "c.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no file that ends in"):
        read(words, tmp_path / "empty")
    with pytest.raises(DataError, match="There is no file or folder none, and it is no MODEL/LAYER/INDEX"):
        read(words, "none")
    with pytest.raises(DataError, match="from a lower to a higher number, got 9 to 3"):
        read(words, "gpt2-small/6/9-3")


def test_features_are_fetched_by_their_address_and_those_that_are_not_there_are_counted(
    tmp_path: Path, words: VectorsConfig
) -> None:
    with serving() as server:
        fill(server)
        given = {"base_url": server.url + "/", "cache": str(tmp_path / "cache"), "jobs": 2}
        found = read(words, "gpt2-small/6/3-6", **given)
        assert found.cores[6].neuron.tolist() == [3, 4, 6]
        assert found.facts["records"]["not_there"] == 1
        assert "features not there (404) 1" in found.notes[1]
        assert found.command[-4:] == ("--base-url", server.url + "/", "--cache", str(tmp_path / "cache"))
        assert read(words, "gpt2-small/6/3-6", **given).lists == found.lists
        assert server.asked["/api/feature/gpt2-small/6/3"] == 1
        with pytest.raises(DataError, match="/api/feature/gpt2-small/6 has no neuron 90 to 91"):
            read(words, "gpt2-small/6/90-91", **given)
    files = [write(tmp_path / f"{i}.json", feature(i)) for i in (3, 4, 6)]
    assert read(words, *files).lists == found.lists


def fill(server: Server) -> None:
    """Serve features 3, 4 and 6."""
    for index in (3, 4, 6):
        server.serve(f"/api/feature/gpt2-small/6/{index}", json.dumps(feature(index)).encode())
    assert WORDS > 200
