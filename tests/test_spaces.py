"""Studies in other spaces than the token embeddings: what enters a layer, and vectors of words from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from tests.tiny_models import LETTERS, WIDTH, WORDS, tiny_bert, tiny_gpt2

from intraneuron import api
from intraneuron.config import SpaceConfig
from intraneuron.errors import DataError, SettingError, StudyError
from intraneuron.given import read_given_space
from intraneuron.missing import left_to_do
from intraneuron.models.feeding import at_tokens, model_arguments
from intraneuron.models.loading import load_model
from intraneuron.models.sites import Site, tapped
from intraneuron.models.texts import Windows, vocabulary_windows
from intraneuron.models.words import eligible_tokens, whole_words
from intraneuron.pipeline.partition import categorize
from intraneuron.planning import plan
from intraneuron.settings import settings_from
from intraneuron.spaces import StudySpaces
from intraneuron.status import status

SETTINGS: dict[str, Any] = {"device": "cpu", "core_tokens": 20, "layers": [0, 2], "contexts": 0}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    tiny_gpt2(home / "gpt2")
    tiny_bert(home / "bert")
    rng = np.random.default_rng(0)
    lines = [" ".join(rng.choice([*WORDS, *LETTERS], 120)) for _ in range(60)]
    (home / "texts.jsonl").write_text("\n".join(json.dumps({"text": line}) for line in lines))
    return home


def asked(home: Path, mode: str) -> dict[str, Any]:
    return SETTINGS | ({"texts": [str(home / "texts.jsonl")], "min_count": 2} if mode == "corpus" else {})


@pytest.fixture(scope="module", params=["gpt2, vocabulary", "bert, vocabulary", "gpt2, corpus"])
def study(request: pytest.FixtureRequest, home: Path) -> api.Study:
    name, mode = request.param.split(", ")
    twins = ["shuffled", "rotated", "untrained"] if name == "gpt2" else ["shuffled"]
    out = home / f"{request.param}, entering"
    return api.study(home / name, out=out, space="layer-input", center=True, twins=twins, **asked(home, mode))


def entering(path: Path, windows: Windows, layer: int) -> np.ndarray:
    """Return the mean vector that enters a layer at each token, by a plain forward pass; NaN for tokens never seen."""
    model = load_model(str(path), device="cpu")
    total, count = np.zeros((len(model.vocabulary), WIDTH)), np.zeros(len(model.vocabulary))

    def keep(site: Site, x: torch.Tensor | None, _: torch.Tensor) -> None:
        assert x is not None
        rows = at_tokens(x, decoder=site.decoder).double().numpy().reshape(-1, WIDTH)
        used = windows.counted.ravel()
        np.add.at(total, windows.token_id.ravel()[used], rows[used])
        np.add.at(count, windows.token_id.ravel()[used], 1)

    with tapped(model.body, [model.site(layer)], keep, inputs=True) as forward:
        forward(**model_arguments(model.kind, model.model.config, windows.token_id, model.device))
    with np.errstate(invalid="ignore"):
        return total / count[:, None]


def windows_of(study: api.Study) -> Windows:
    planned = plan(study.folder.manifest["model"]["name"], *settings_from(given(study)))
    return planned.texts or vocabulary_windows(planned.model)


def given(study: api.Study) -> dict[str, Any]:
    observe = study.folder.manifest["settings"]["observe"]
    return {"device": "cpu"} | ({"texts": observe["texts"]} if observe["texts"] else {})


def test_the_space_of_a_layer_is_the_mean_vector_that_enters_it(study: api.Study) -> None:
    for layer in (0, 2):
        space = study.folder.read_space("layer-input", layer)
        mean = entering(Path(study.folder.manifest["model"]["name"]), windows_of(study), layer)
        unit = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        assert np.array_equal(space.defined, np.isfinite(unit[:, 0]))
        np.testing.assert_allclose(space.vector, unit, atol=1e-3)
        np.testing.assert_allclose(np.linalg.norm(space.vector[space.defined], axis=1), 1, atol=1e-6)


def test_categories_and_homogeneity_are_those_of_the_layer_s_own_centred_space(study: api.Study) -> None:
    for layer in (0, 2):
        raw = study.folder.read_space("layer-input", layer)
        space = raw.centered(eligible_tokens(study.folder.vocabulary(), raw, words=False))
        core = study.folder.core_tokens("neurons", layer)
        expected = categorize(core, space)
        np.testing.assert_array_equal(study.folder.partition("neurons", layer, "meaning").label, expected.label)
        found = study.folder.effect("neurons", layer, "homogeneity")
        row = int(np.flatnonzero(np.isfinite(found.observed[:, 0]))[0])
        first = study.folder.partition("neurons", layer, "activation").label[row] == 0
        S = np.inner(*(2 * [space.vector[core.token_id[row, first]].astype(float)]))
        assert found.observed[row, 0] == pytest.approx(S[np.triu_indices(len(S), 1)].mean(), abs=1e-5)
        assert np.array_equal(
            StudySpaces.of_study(study.folder).of("rotated", layer).vector, space.vector, equal_nan=True
        )


def test_the_untrained_twin_is_compared_in_its_own_model_s_layers(study: api.Study) -> None:
    if "untrained" in study.summary["populations"]:
        own, other = (study.folder.read_space(name, 0) for name in ("untrained-layer-input", "layer-input"))
        assert not np.allclose(own.vector, other.vector, atol=0.05, equal_nan=True)


def test_a_calibration_and_an_export_read_the_space_of_each_layer(study: api.Study, tmp_path: Path) -> None:
    assert study.calibrate(shuffles=60, planted=20).size
    study.export(tmp_path / "all", vectors=True, format="parquet")
    vectors = pl.read_parquet(tmp_path / "all" / "vectors.parquet")
    own = {f"layer-input-centered-{layer:02d}" for layer in (0, 2)}
    assert own <= set(vectors["space"])
    row = vectors.filter(pl.col("space") == "layer-input-centered-02").row(0, named=True)
    space = StudySpaces.of_study(study.folder).of("neurons", 2)
    np.testing.assert_allclose([row[f"v{d}"] for d in range(1, WIDTH + 1)], space.vector[row["token_id"]], atol=1e-6)


@pytest.mark.parametrize("mode", ["vocabulary", "corpus"])
def test_slices_of_a_layer_leave_the_same_space(home: Path, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = api.study(home / "gpt2", out=home / f"whole {mode}", keep=["inputs"], **asked(home, mode))
    monkeypatch.setattr("intraneuron.pipeline.memory.NARROWEST", 8)
    cut = api.study(home / "gpt2", out=home / f"cut {mode}", keep=["inputs"], memory=1e-5, **asked(home, mode))
    for layer in (0, 2):
        name = f"spaces/layer-input/layer-{layer:02d}.safetensors"
        assert (whole.path / name).read_bytes() == (cut.path / name).read_bytes()


def test_what_enters_layers_is_kept_when_it_is_asked_for_and_stays_until_the_observation_is_another(home: Path) -> None:
    out = home / "kept later"
    api.study(home / "gpt2", out=out, **asked(home, "vocabulary"))
    file = out / "spaces/layer-input/layer-02.safetensors"
    assert not file.exists()
    planned = plan(str(home / "gpt2"), *settings_from(asked(home, "vocabulary") | {"keep": ["inputs"]}))
    assert left_to_do(planned, out, overwrite=False)["observe"] == (0, 2)
    api.study(home / "gpt2", out=out, keep=["inputs"], **asked(home, "vocabulary"))
    assert file.is_file()
    api.study(home / "gpt2", out=out, **asked(home, "vocabulary") | {"segments": "top:0.2"})
    assert file.is_file()
    api.study(home / "gpt2", out=out, **asked(home, "vocabulary") | {"core_tokens": 24})
    assert not file.exists()


def test_a_study_has_the_other_spaces_of_its_model_beside_its_own(home: Path, tmp_path: Path) -> None:
    tiny_gpt2(tmp_path / "free", tie_word_embeddings=False)
    free = api.study(tmp_path / "free", out=tmp_path / "study", center=True, **asked(home, "vocabulary"))
    names = sorted(file.stem for file in (free.path / "spaces").glob("*"))
    assert names == ["input", "input-centered", "output"]
    head = load_model(str(tmp_path / "free"), device="cpu").model.get_output_embeddings().weight.detach().numpy()
    unit = head / np.linalg.norm(head, axis=1, keepdims=True)
    np.testing.assert_allclose(free.folder.read_space("output").vector, unit, atol=1e-3)
    with pytest.raises(StudyError, match=r"no space 'layer-input' of layer 2 \(it has input, input-centered, output\)"):
        free.folder.read_space("layer-input", 2)


# Vectors of words ---------------------------------------------------------------------------------------------------


@pytest.fixture
def norms(home: Path, tmp_path: Path) -> Path:
    """Return vectors of all but every seventh word of the tiny models, some written in capitals."""
    rng = np.random.default_rng(3)
    chosen = [word.upper() if i % 3 == 0 else word for i, word in enumerate(sorted(set(WORDS))) if i % 7]
    frame = pl.DataFrame({"word": chosen} | {f"d{d}": rng.normal(size=len(chosen)) for d in range(6)})
    frame.write_csv(tmp_path / "norms.csv")
    return tmp_path / "norms.csv"


def test_in_the_space_of_a_file_only_its_words_are_core_tokens_with_their_vectors(home: Path, norms: Path) -> None:
    study = api.study(home / "gpt2", out=norms.parent / "study", space=f"file:{norms}", **asked(home, "vocabulary"))
    vocabulary, space = study.folder.vocabulary(), study.folder.read_space("file")
    frame = pl.read_csv(norms)
    rows = {str(word).casefold(): np.array(row) for word, *row in frame.iter_rows()}
    for i, token in enumerate(vocabulary.token):
        word = str(token).strip().casefold()
        if whole_words(vocabulary)[i] and word in rows:
            np.testing.assert_allclose(space.vector[i], rows[word] / np.linalg.norm(rows[word]), atol=1e-6)
        else:
            assert np.isnan(space.vector[i]).all()
    ids = study.folder.core_tokens("neurons", 0).token_id
    assert space.defined[ids[ids >= 0]].all()
    assert any(f"from {norms}: only the {int(space.defined.sum())} tokens" in note for note in study.summary["notes"])
    assert study.summary["space"] == "file"


def test_another_content_of_the_file_is_another_observation_and_a_lost_file_does_not_hinder_a_look(
    home: Path, norms: Path
) -> None:
    out, settings = norms.parent / "study", asked(home, "vocabulary") | {"space": f"file:{norms}"}
    api.study(home / "gpt2", out=out, **settings)
    assert not any(stage["todo"] for stage in status(out)["stages"])
    pl.read_csv(norms).with_columns(pl.col("d0") * 2).write_csv(norms)
    stages = {stage["stage"]: stage for stage in status(out)["stages"]}
    assert stages["observe"]["todo"] == [0, 2]
    assert "vectors" in stages["observe"]["why"]
    norms.unlink()
    assert not any(stage["todo"] for stage in status(out)["stages"])
    with pytest.raises(DataError, match=r"There is no file|cannot be read"):
        api.study(home / "gpt2", out=out, **settings)


def test_vectors_of_other_words_are_refused_before_anything_is_written(home: Path, tmp_path: Path) -> None:
    pl.DataFrame({"word": ["zzz", "yyy", "xxx"], "a": [1.0, 2, 3], "b": [3.0, 1, 2]}).write_csv(tmp_path / "other.csv")
    with pytest.raises(DataError, match=r"hold 0 of the words of .*, and a neuron needs 20"):
        api.study(home / "gpt2", out=tmp_path / "s", space=f"file:{tmp_path}/other.csv", **asked(home, "vocabulary"))
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ("inptu", r"must be input, output, layer-input or file:PATH, got 'inptu'; did you mean input\?"),
        ("file:", r"space \(--space\) file: must be a name or a path, got ''"),
        ("file:nowhere.csv", "nowhere.csv"),
        ("vectors", "is that of imported lists"),
    ],
)
def test_a_space_that_there_is_not_is_one_sentence(home: Path, tmp_path: Path, space: str, said: str) -> None:
    with pytest.raises((SettingError, DataError), match=said):
        api.study(home / "gpt2", out=tmp_path / "s", space=space, **asked(home, "vocabulary"))


def test_a_word_like_a_mark_does_not_make_words_tokens(study: api.Study, tmp_path: Path) -> None:
    vocabulary = study.folder.vocabulary()
    found = []
    for more in ([], ["##"]):
        frame = pl.DataFrame({"word": [*sorted(set(WORDS)), *more]}).with_row_index("x", offset=1)
        frame.with_columns(y=pl.col("x") * 7 % 11 + 1).write_csv(tmp_path / "words.csv")
        given = read_given_space(SpaceConfig(f"file:{tmp_path / 'words.csv'}"), vocabulary, "gpt2")
        assert given is not None
        found.append(given.facts["found"])
    assert found[0] == found[1]


def test_a_word_whose_vector_is_zero_is_not_found(study: api.Study, tmp_path: Path) -> None:
    vocabulary = study.folder.vocabulary()
    words = sorted(set(WORDS))
    x = [1.0] * 25 + [0.0] * (len(words) - 25)
    pl.DataFrame({"word": words, "x": x, "y": x}).write_csv(tmp_path / "words.csv")
    given = read_given_space(SpaceConfig(f"file:{tmp_path / 'words.csv'}"), vocabulary, "gpt2")
    assert given is not None
    assert given.facts["found"] == given.space.defined.sum()
    pl.DataFrame({"word": words, "x": 0.0, "y": 0.0}).write_csv(tmp_path / "words.csv")
    with pytest.raises(DataError, match="hold 0 of the words"):
        read_given_space(SpaceConfig(f"file:{tmp_path / 'words.csv'}"), vocabulary, "gpt2")
