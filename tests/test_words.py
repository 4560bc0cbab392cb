"""Studies of whole words: the same tokens are eligible in every stage, in a calibration and in an export."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.tiny_models import LETTERS, WORDS, tiny_bert, tiny_gpt2

from intraneuron import api
from intraneuron.calibrating import material_of
from intraneuron.config import SpaceConfig
from intraneuron.config_file import settings_of
from intraneuron.files import fingerprint
from intraneuron.manifest import of_identity
from intraneuron.models.spaces import input_vectors, read_space
from intraneuron.models.words import whole_words
from intraneuron.pipeline.background import background
from intraneuron.planning import keys, plan
from intraneuron.progress import Progress
from intraneuron.settings import settings_from
from intraneuron.spaces import StudySpaces
from intraneuron.stages import Backgrounds
from intraneuron.status import status
from intraneuron.store import METHODS, StudyFolder
from intraneuron.work import Work

SETTINGS: dict[str, Any] = {
    "device": "cpu",
    "core_tokens": 20,
    "layers": [0],
    "twins": ["shuffled", "rotated", "readout"],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    tiny_gpt2(home / "gpt2")
    tiny_bert(home / "bert")
    rng = np.random.default_rng(0)
    lines = [" ".join(rng.choice([*WORDS, *LETTERS], 120)) for _ in range(60)]
    (home / "texts.jsonl").write_text("\n".join(json.dumps({"text": line}) for line in lines))
    return home


@pytest.fixture(scope="module", params=["gpt2, vocabulary", "bert, vocabulary", "gpt2, corpus"])
def study(request: pytest.FixtureRequest, home: Path) -> api.Study:
    name, mode = request.param.split(", ")
    texts: dict[str, Any] = {"texts": [str(home / "texts.jsonl")], "min_count": 2} if mode == "corpus" else {}
    return api.study(home / name, out=home / request.param, words=True, center=True, **SETTINGS, **texts)


def test_core_tokens_of_neurons_twins_halves_and_the_jackknife_are_whole_words(study: api.Study) -> None:
    vocabulary = study.folder.vocabulary()
    word = whole_words(vocabulary)
    tables = list(study.path.rglob("core_tokens/layer-00.parquet"))
    assert len(tables) == (9 if study.summary["mode"] == "corpus" else 7)
    for file in tables:
        ids = pl.read_parquet(file)["token_id"].to_numpy()
        ids = np.concatenate([np.asarray(row) for row in ids]) if ids.dtype == object else ids.ravel()
        assert word[ids[ids >= 0]].all(), file
        assert (ids >= 0).any()


def test_what_tightness_is_held_against_and_the_centre_are_those_of_words(study: api.Study) -> None:
    manifest = study.folder.manifest
    planned = plan(manifest["model"]["name"], *settings_from(settings_of(manifest) | {"device": "cpu"}))
    work = Work(study.folder, planned, (0,), Progress(), "compare", keys(planned))
    spaces = StudySpaces.of_study(study.folder)
    space = spaces.of("neurons", 0)
    vocabulary = study.folder.vocabulary()
    count = pl.read_parquet(study.path / "vocabulary.parquet")["count"].to_numpy()
    least = manifest["observation"]["0"]["min_count"]
    word = whole_words(vocabulary) & (count >= least)
    found, expected = Backgrounds(work, spaces).of("neurons", 0), background(space, word)
    assert all(np.array_equal(getattr(found, f.name), getattr(expected, f.name)) for f in fields(found))
    assert np.array_equal(material_of(study.folder).eligible, whole_words(vocabulary))
    unit = input_vectors(planned.model)
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    centred = unit - unit[whole_words(vocabulary)].mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    np.testing.assert_allclose(space.vector, centred, atol=1e-5)
    usual = read_space(planned.model, SpaceConfig(center=True)).vector
    assert not np.allclose(usual, space.vector, atol=1e-3)


def test_an_export_of_all_vectors_has_those_of_words(study: api.Study, tmp_path: Path) -> None:
    study.export(tmp_path / "all", all_vectors=True, format="parquet")
    count = pl.read_parquet(study.path / "vocabulary.parquet")["count"].to_numpy()
    found = pl.read_parquet(tmp_path / "all" / "vectors.parquet")["token_id"].to_list()
    assert found == np.flatnonzero(whole_words(study.folder.vocabulary()) & (count > 0)).tolist()


def test_report_methods_and_notes_say_that_core_tokens_are_words(study: api.Study) -> None:
    note = "Core tokens are whole words only; one that only begins a longer word cannot be told from a word."
    assert note in study.summary["notes"]
    assert note in (study.path / "report.html").read_text()
    assert "up to 20 tokens that are whole words, with the highest mean activation" in study.methods().paragraph


def test_words_are_another_observation_of_the_same_study_and_without_them_keys_are_as_ever(home: Path) -> None:
    without, on = (plan(str(home / "gpt2"), *settings_from(SETTINGS | {"words": words})) for words in (False, True))
    assert without.identity == on.identity
    assert all(keys(without)[stage] != key for stage, key in keys(on).items() if stage != "segment")
    own = fingerprint(
        [
            "observe",
            METHODS["observe"],
            [[of_identity(without.identity), None, *(20, "auto", False, 0, "float32", ["rotated", "readout"])]],
            [],
        ]
    )
    assert keys(without)["observe"] == own


def test_status_says_that_words_are_what_changed(home: Path) -> None:
    made = api.study(home / "gpt2", out=home / "usual", **SETTINGS)
    folder = StudyFolder.open(made.path)
    del folder.manifest["settings"]["observe"]["words"]  # as the first studies have it
    folder.write_manifest()
    assert not any(row["todo"] for row in status(made.path)["stages"])
    told = status(made.path, {"words": True})["stages"][0]
    assert (told["todo"], told["why"]) == ([0], "words off, now on")
