"""Studies of the other side of the axis, and of both: the tokens farthest from 0 there, in every stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.tiny_families import FAMILIES
from tests.tiny_models import LETTERS, WORDS, tiny_gpt2

from intraneuron import api
from intraneuron.errors import SettingError
from intraneuron.kernels.selection import top_tokens

SETTINGS: dict[str, Any] = {"device": "cpu", "core_tokens": 20, "layers": [0], "keep": ["tables"]}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> str:
    rng = np.random.default_rng(0)
    lines = [" ".join(rng.choice([*WORDS, *LETTERS], 120)) for _ in range(60)]
    file = tmp_path_factory.mktemp("texts") / "texts.jsonl"
    file.write_text("\n".join(json.dumps({"text": line}) for line in lines))
    return str(file)


@pytest.fixture(scope="module", params=["negative, vocabulary", "negative, corpus", "magnitude, corpus"])
def study(request: pytest.FixtureRequest, texts: str, tmp_path_factory: pytest.TempPathFactory) -> api.Study:
    sign, mode = request.param.split(", ")
    home = tmp_path_factory.mktemp("home")
    FAMILIES["llama"].save(home / "llama")
    more: dict[str, Any] = {"texts": [texts], "min_count": 2} if mode == "corpus" else {}
    return api.study(home / "llama", out=home / "study", sign=sign, **SETTINGS, **more)


def test_core_tokens_are_those_of_kept_sums_that_are_turned_round(study: api.Study) -> None:
    sign = study.folder.manifest["settings"]["observe"]["sign"]
    least = study.folder.manifest["observation"]["0"]["min_count"]
    sums = study.activations(0)
    total = sums.total.sum(axis=0, dtype=np.float64)
    total = (-total if sign == "negative" else np.abs(total)).astype(np.float32)[None]
    seen = sums.count.sum(axis=0, keepdims=True)
    eligible = ~study.folder.vocabulary().special & (seen[0] >= least)
    core = study.folder.core_tokens("neurons", 0)
    np.testing.assert_array_equal(core.token_id, top_tokens(total, seen, eligible, 20)[0])
    assert np.nanmin(core.activation) > 0


def test_contexts_and_words_say_the_same(study: api.Study) -> None:
    sign = study.folder.manifest["settings"]["observe"]["sign"]
    assert any(
        {"negative": "times -1", "magnitude": "without their sign"}[sign] in note for note in study.summary["notes"]
    )
    assert {"negative": "lowest mean activation below 0", "magnitude": "farthest from 0"}[
        sign
    ] in study.methods().paragraph
    if study.summary["mode"] == "corpus":
        frame = pl.read_parquet(study.path / "neurons/contexts/layer-00.parquet")
        rows = [zip(row["segment"], row["activation"], row["at"], strict=True) for row in frame.iter_rows(named=True)]
        own = [activation[at] for row in rows for segment, activation, at in row if segment == -1]
        assert own
        assert min(own) > 0


def test_the_lowest_activations_of_a_gelu_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    tiny_gpt2(tmp_path / "gpt2")
    with pytest.raises(SettingError, match="lowest in the middle of the axis"):
        api.study(tmp_path / "gpt2", out=tmp_path / "study", sign="negative", **SETTINGS)
    assert not (tmp_path / "study").exists()
