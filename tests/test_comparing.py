"""Finished studies on disk side by side: every number is one of theirs, and what cannot be compared is told."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.tiny_models import NEURONS, random_texts, tiny_bert, tiny_gpt2

from intraneuron import api
from intraneuron.errors import IntraneuronError, SettingError, StudyError
from intraneuron.store import StudyFolder
from intraneuron.studies import MARK, TABLES, StudyComparison, compare_studies


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of studies: of one model in two spaces, of another model with its tokenizer, of a third."""
    home = tmp_path_factory.mktemp("studies")
    one, other = str(tiny_gpt2(home / "one")), str(tiny_gpt2(home / "other", n_embd=12))
    settings: dict[str, Any] = {"core_tokens": 40, "layers": [0, 1]}
    api.study(one, out=home / "input", **settings)
    api.study(one, out=home / "centred", center=True, **settings)
    api.study(other, out=home / "twelve", **settings)
    api.study(str(tiny_bert(home / "bert")), out=home / "words", core_tokens=20, layers=[2])
    return home


def row(rows: list[dict[str, Any]], **wanted: object) -> dict[str, Any]:
    (found,) = [one for one in rows if all(one[k] == v for k, v in wanted.items())]
    return found


@pytest.fixture(scope="module")
def spaces(home: Path) -> StudyComparison:
    return compare_studies(home / "input", home / "centred")


@pytest.fixture(scope="module")
def models(home: Path) -> StudyComparison:
    return compare_studies(home / "input", home / "twelve")


@pytest.mark.parametrize("name", ["input", "centred"])
@pytest.mark.parametrize("layer", [None, 0, 1])
def test_means_are_those_of_the_studies_summaries(home: Path, spaces: StudyComparison, name: str, layer: int) -> None:
    for claim in api.open(home / name).summary["claims"]:
        if claim["layer"] != layer or claim["neurons"] is None:
            continue
        for of, column in (("neurons", "neurons"), ("twin", "rotated"), ("own", "difference")):
            found = row(spaces.means, study=name, layer=layer, number=claim["number"], of=of)
            assert found["value"] == pytest.approx(claim[column], abs=1e-12)
            if of != "twin":
                assert found["low"] == pytest.approx(claim[f"{column}_low"], abs=1e-12)


def test_spaces_of_one_model_leave_the_same_tokens_out(spaces: StudyComparison, models: StudyComparison) -> None:
    assert {r["interval"] for r in spaces.changes} == {"paired"}
    assert {r["interval"] for r in models.changes} == {"apart"}
    assert any("the variances of the two are added" in note for note in models.notes)
    assert spaces.notes == []


def test_what_differs_is_told_and_nothing_else(spaces: StudyComparison, models: StudyComparison) -> None:
    assert spaces.settings == [{"name": "settings.space.center", "values": [False, True]}]
    assert {r["name"] for r in models.settings} >= {"identity.weights", "identity.config"}


def test_neurons_of_one_model_are_themselves(spaces: StudyComparison) -> None:
    assert {r["match"] for r in spaces.matches} == {"index"}
    assert all(r["cosine"] == pytest.approx(1) and r["same_index"] == 1 for r in spaces.matches)
    assert all(r["twin"] < 0.5 for r in spaces.matches)
    tight = row(spaces.correlations, layer_first=0, number="top_down_eta2")
    assert tight["r"] > tight["r_twin"]


def test_neurons_of_two_models_with_one_vocabulary_are_matched_by_tokens(models: StudyComparison) -> None:
    assert {r["match"] for r in models.matches} == {"tokens"}
    for found in models.matches:
        assert found["cosine"] > found["random"]
        pairs = [r for r in models.pairs if r["layer_first"] == found["layer_first"]]
        assert len(pairs) == found["sharing"] <= found["pairs"] <= NEURONS
        assert np.mean([r["cosine"] for r in pairs]) * found["sharing"] / found["pairs"] == pytest.approx(
            found["cosine"]
        )


def test_layers_of_one_study_are_compared_with_each_other(home: Path) -> None:
    found = compare_studies(f"{home / 'input'}@0", f"{home / 'input'}@1")
    claims = api.open(home / "input").summary["claims"]
    by_layer = {c["layer"]: c["neurons"] for c in claims if c["number"] == "tightness"}
    change = row(found.changes, number="tightness", of="neurons", layer_first=0)
    assert change["change"] == pytest.approx(by_layer[1] - by_layer[0])
    assert change["interval"] == "paired"
    assert {r["match"] for r in found.matches} == {"tokens"}
    assert [r["study"] for r in found.studies] == ["input@0", "input@1"]


def test_different_vocabularies_are_compared_without_pairs(home: Path) -> None:
    found = compare_studies(f"{home / 'input'}@1", home / "words@2")
    assert found.pairs == found.matches == []
    assert any("their vocabularies differ" in note for note in found.notes)
    assert math.isfinite(row(found.changes, number="tightness", of="neurons", layer_first=None)["low"])


def test_a_folder_whose_name_has_layers_is_itself(home: Path) -> None:
    shutil.copytree(home / "centred", home / "run@0")
    found = compare_studies(home / "input", home / "run@0")
    assert found.studies[1] == found.studies[0] | {
        "study": "run@0",
        "path": str(home / "run@0"),
        "space": "input-centered",
    }


def test_studies_of_one_name_are_told_apart_by_their_folders(home: Path) -> None:
    shutil.copytree(home / "twelve", home / "more" / "input")
    found = compare_studies(home / "input", home / "more" / "input")
    assert [r["study"] for r in found.studies] == [f"{home.name}/input", "more/input"]


def test_tables_figures_and_a_page_are_written_and_an_earlier_comparison_is_replaced(
    home: Path, tmp_path: Path, spaces: StudyComparison
) -> None:
    compare_studies(home / "input", home / "twelve", out=tmp_path / "out")
    spaces.write(tmp_path / "out")
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {MARK, "comparison.html", "means.png", "own.png", "changes.png"} | {
        f"{table}.{kind}" for table in TABLES for kind in ("csv", "parquet")
    }
    told = json.loads((tmp_path / "out" / MARK).read_text(encoding="utf-8"))
    assert [r["study"] for r in told["studies"]] == ["input", "centred"]
    pairs = pl.read_parquet(tmp_path / "out" / "pairs.parquet")
    assert len(pairs) == len(spaces.pairs)
    assert pl.read_csv(tmp_path / "out" / "pairs.csv", infer_schema_length=None).columns == pairs.columns
    first = pairs.row(0, named=True)
    difference = first["ami_second"] - first["ami_first"]
    assert first["ami_change"] == pytest.approx(difference)


def test_where_no_difference_has_an_interval_a_note_says_why(tmp_path: Path) -> None:
    study = api.study(tiny_gpt2(tmp_path / "model", n_inner=1), out=tmp_path / "one", core_tokens=40, layers=[0, 1])
    found = compare_studies(f"{study.path}@0", f"{study.path}@1")
    assert "No difference has an interval: that takes two neurons or more in a layer." in found.notes


# What cannot be compared ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "settings", "told"),
    [
        (["input"], {}, "compare needs two studies or more, got 1; one study's layers are STUDY@0 STUDY@1."),
        (["input", "input"], {}, "input is named twice; compare it with another study, or with other layers of it"),
        (["input", "nowhere"], {}, "There is no study in"),
        (["input", "words"], {}, "These studies have no layer in common (0, 1; 2). Name the layers of each"),
        (["input@0,1", "words@2"], {}, "Every study needs equally many layers, the first is compared with the first"),
        (["input@2", "twelve@1"], {}, "This study has no layer 2 (it has 0, 1). Run: intraneuron study"),
        (["input", "twelve"], {"layers": [7]}, "has no layer 7: its layers are 0 to 2."),
        (["input", "twelve"], {"layers": []}, "layers (--layers) must name at least one, got none"),
        (["input", "twelve"], {"match": "names"}, "match must be auto, index, tokens or none, got 'names'"),
        (["input", "twelve"], {"mtch": "index"}, "There is no setting 'mtch'; did you mean match?"),
        (["input@0", "twelve@1"], {"layers": [0]}, "layers (--layers) 0 is for studies without @LAYERS, and all of"),
        (["input@0", "words@2"], {"match": "tokens"}, "--match tokens needs one vocabulary, but input@0 and words@2"),
    ],
)
def test_what_cannot_be_compared_is_told_in_a_sentence(
    home: Path, names: list[str], settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(IntraneuronError) as error:
        compare_studies(*(home / name for name in names), **settings)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_by_index_needs_equally_many_neurons(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = StudyFolder.core_tokens
    monkeypatch.setattr(
        StudyFolder,
        "core_tokens",
        lambda self, population, layer: whole(self, population, layer)[: 20 if self.path.name == "twelve" else None],
    )
    with pytest.raises(SettingError, match=r"layer 0 of input has 24, layer 0 of twelve has 20\. Leave it out"):
        compare_studies(home / "input", home / "twelve", match="index")


def test_a_study_of_another_method_is_refused(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "centred", tmp_path / "old")
    folder = StudyFolder.open(tmp_path / "old")
    folder.manifest["stages"]["intervals"]["method"] = 1
    folder.write_manifest()
    with pytest.raises(StudyError, match=r"was made by another version, .* \(intervals\)\. Run its study command"):
        compare_studies(home / "input", tmp_path / "old")


def test_an_unfinished_study_is_refused(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "centred", tmp_path / "half")
    (tmp_path / "half" / "summary.json").unlink()
    with pytest.raises(StudyError, match=r"has no summary\.json: it is not finished\."):
        compare_studies(home / "input", tmp_path / "half")
    shutil.copytree(home / "centred", tmp_path / "lost")
    (tmp_path / "lost" / "neurons" / "effects" / "peak" / "layer-01.parquet").unlink()
    with pytest.raises(StudyError, match=r"has no neurons/effects/peak/layer-01\.parquet"):
        compare_studies(home / "input", tmp_path / "lost")


def test_a_study_without_a_twin_says_so(home: Path, tmp_path: Path) -> None:
    api.study(str(home / "one"), out=tmp_path / "alone", core_tokens=40, layers=[0, 1], twins=["shuffled"])
    found = compare_studies(tmp_path / "alone", home / "input")
    assert found.notes[-1] == "Without a twin, nobody can say what is the neurons' own: alone."
    assert math.isnan(row(found.changes, number="peak", of="own", layer_first=0)["change"])
    assert math.isfinite(row(found.changes, number="peak", of="neurons", layer_first=0)["low"])


def test_texts_that_are_the_same_are_left_out_together(home: Path, tmp_path: Path) -> None:
    texts = random_texts(tmp_path / "texts")
    for name in ("one", "other"):
        api.study(str(home / name), out=tmp_path / name, texts=texts, core_tokens=30, layers=[0])
    found = compare_studies(tmp_path / "one", tmp_path / "other")
    assert {r["interval"] for r in found.changes} == {"paired"}
    assert found.notes == []


@pytest.mark.parametrize("made", ["file", "folder"])
def test_a_comparison_is_not_written_over_what_is_none(home: Path, tmp_path: Path, made: str) -> None:
    out = tmp_path / "out"
    if made == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "means.csv").write_text("mine")
    with pytest.raises(StudyError, match=r"is a file|is a folder with other files in it \(means\.csv\)"):
        compare_studies(home / "input", home / "twelve", out=out)
