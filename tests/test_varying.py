"""The robustness of a study on disk: its own numbers among the others, every choice computed from scratch, refusals."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats
from tests.published import lists_file, vectors_file
from tests.tiny_models import NEURONS, random_texts, tiny_gpt2

from intraneuron import api, varying
from intraneuron.calibrating import remove_outdated
from intraneuron.config import PartitionConfig
from intraneuron.data import Comparison
from intraneuron.errors import SettingError, StudyError
from intraneuron.importers import import_table
from intraneuron.kernels.orthants import orthants
from intraneuron.models.vocabulary import spelling_of
from intraneuron.models.words import eligible_tokens
from intraneuron.pipeline.analyse import analyse
from intraneuron.pipeline.numbers import NUMBERS
from intraneuron.pipeline.select import select
from intraneuron.pipeline.specifications import CHOICES
from intraneuron.place import ROBUSTNESS
from intraneuron.sum_tables import sums_file

LAYERS = (0, 2)
SETTINGS: dict[str, Any] = {"device": "cpu", "core_tokens": 30, "layers": LAYERS, "keep": ["tables", "inputs"]}
SMALL: dict[str, Any] = {"segments": ["quantile:5"], "categories": ["ward"], "core_tokens": [30], "further": "none"}

Made = Callable[..., api.Study]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    tiny_gpt2(home / "gpt2")
    return home


@pytest.fixture(scope="module", params=["vocabulary", "corpus"])
def study(request: pytest.FixtureRequest, home: Path, tmp_path_factory: pytest.TempPathFactory) -> api.Study:
    texts = random_texts(tmp_path_factory.mktemp("texts"))
    more: dict[str, Any] = {"texts": [texts], "min_count": 2} if request.param == "corpus" else {}
    return api.study(home / "gpt2", out=home / request.param, **SETTINGS, **more)


@pytest.fixture(scope="module")
def found(study: api.Study) -> varying.Robustness:
    return study.robustness(
        segments=["quantile:5", "natural"],
        categories=["ward", "ward:3", "average"],
        core_tokens=[20, 30, 40],
        neurons=0,
    )


def rows_of(found: varying.Robustness, **wanted: Any) -> list[dict[str, Any]]:
    return [row for row in found.specifications if all(row[name] == value for name, value in wanted.items())]


def test_the_study_s_own_numbers_and_intervals_are_among_the_others(
    study: api.Study, found: varying.Robustness
) -> None:
    claims = {(row["number"], row["layer"]): row for row in study.summary["claims"] if row["claim"] != "C0"}
    own = {(row["number"], row["layer"]): row for row in rows_of(found, own=True)}
    assert set(own) == set(claims)
    assert len(rows_of(found, own=True)) == len(own)
    for key, row in own.items():
        told = claims[key]
        for ours, theirs in (("neurons", "neurons"), ("twin", "rotated"), ("difference", "difference")):
            assert row[ours] == pytest.approx(told[theirs], abs=1e-12), key
        assert row["low"] == pytest.approx(told["difference_low"], abs=1e-9), key
        assert row["high"] == pytest.approx(told["difference_high"], abs=1e-9), key
        assert row["n"] <= NEURONS * (2 if row["layer"] is None else 1)


@pytest.mark.parametrize("choice", [{}, {"forms": "distinct"}, {"sign": "magnitude"}, {"core_tokens": 40}])
def test_a_choice_is_what_a_plain_computation_from_the_sums_gives(
    study: api.Study, found: varying.Robustness, choice: dict[str, Any]
) -> None:
    folder, layer = study.folder, 2
    selection: dict[str, Any] = {"core_tokens": 30, "forms": "all", "sign": "positive", "cross_fit": False} | choice
    vocabulary, notes = folder.vocabulary(), folder.manifest["observation"]["2"]
    space = folder.read_space("input")
    eligible = eligible_tokens(vocabulary, space, words=False)
    space = space.centered(eligible)
    means = []
    for population in ("neurons", "rotated"):
        core = select(
            study.activations(layer, population=population),
            eligible,
            core_tokens=selection["core_tokens"],
            min_count=notes["min_count"],
            form=vocabulary.form if selection["forms"] == "distinct" else None,
            sign=selection["sign"],
        )
        [one] = analyse(core, space, PartitionConfig("ward", "quantile:5"), spelling=spelling_of(vocabulary))
        means.append(_means(one.comparison))
    for number in (number for number in NUMBERS if number.claim != "C0"):
        rows = rows_of(found, number=number.name, layer=layer, space="input", center=True, **selection)
        [row] = [row for row in rows if row["segments"] in (None, "quantile:5") and row["categories"] in (None, "ward")]
        expected = [mean[number.name] for mean in means]
        np.testing.assert_allclose([row["neurons"], row["twin"]], expected, atol=1e-12, err_msg=number.name)


def _means(comparison: Comparison) -> dict[str, float]:
    values = {number.name: number.of(comparison) for number in NUMBERS}
    return {name: float(v[np.isfinite(v)].mean()) if np.isfinite(v).any() else np.nan for name, v in values.items()}


def test_an_interval_is_that_of_leaving_out_each_group_of_tokens_by_hand(
    study: api.Study, found: varying.Robustness
) -> None:
    """K above the study's own: the pseudo-values of the mean difference of one layer, group by group."""
    folder, vocabulary = study.folder, study.folder.vocabulary()
    space = folder.read_space("input")
    eligible = eligible_tokens(vocabulary, space, words=False)
    group, least = orthants(space.vector, eligible), folder.manifest["observation"]["0"]["min_count"]
    used, sizes = np.unique(group[eligible], return_counts=True)

    def values(population: str, keep: np.ndarray) -> np.ndarray:
        some = study.activations(0, population=population)
        core = select(some, keep, core_tokens=40, min_count=least)
        return analyse(core, space)[0].comparison.effects["distance"].effect_size

    whole = {name: values(name, eligible) for name in ("neurons", "rotated")}
    full = float(np.nanmean(whole["neurons"]) - np.nanmean(whole["rotated"]))

    def change(name: str, g: int) -> float:  # of the neurons that have the number with and without the group
        return float(np.nanmean(values(name, eligible & (group != g)) - whole[name]))

    without = full + np.array([change("neurons", g) - change("rotated", g) for g in used])
    h = sizes.sum() / sizes
    estimate = len(h) * full - ((1 - 1 / h) * without).sum()
    pseudo = h * full - (h - 1) * without
    error = np.sqrt(np.mean((pseudo - estimate) ** 2 / (h - 1)))
    [row] = rows_of(found, number="distance_r", layer=0, space="input", center=False, core_tokens=40)
    assert row["left_out"] == "tokens"
    half = stats.t.ppf(0.975, len(h) - 1) * error
    assert (row["low"] + row["high"]) / 2 == pytest.approx(full, abs=1e-12)
    # a neuron that loses the number with one group counts for the other groups, which by hand it does not
    assert (row["high"] - row["low"]) / 2 == pytest.approx(half, rel=0.01)


def test_no_number_is_there_twice(found: varying.Robustness) -> None:
    frame = found.table
    keys = [*CHOICES, "number", "layer"]
    assert frame.select(keys).is_duplicated().sum() == 0
    assert set(frame.filter(pl.col("number") == "peak")["segments"].unique()) == {None}
    assert set(frame.filter(pl.col("number") == "top_down_eta2")["categories"].unique()) == {
        "ward",
        "ward:3",
        "average",
    }
    own = frame.filter(pl.col("number") == "ami", pl.col("layer").is_null())
    assert len(own) == found.facts["specifications"]
    spaces = set(own.select("space", "center").unique().rows())
    assert spaces == {(name, center) for name in ("input", "layer-input") for center in (False, True)}


def test_further_choices_are_changed_one_at_a_time(study: api.Study, found: varying.Robustness) -> None:
    further = {(row["forms"], row["sign"], row["cross_fit"]) for row in found.specifications} - {
        ("all", "positive", False)
    }
    usual = {("distinct", "positive", False), ("all", "magnitude", False)}
    assert further == usual | ({("all", "positive", True)} if study.summary["mode"] == "corpus" else set())


def test_texts_are_left_out_where_the_study_did_so_and_tokens_elsewhere(
    study: api.Study, found: varying.Robustness
) -> None:
    own = {row["left_out"] for row in rows_of(found, core_tokens=20)}
    assert own == {"texts" if study.summary["mode"] == "corpus" else "tokens"}
    assert {row["left_out"] for row in rows_of(found, core_tokens=40)} == {"tokens"}


def test_tables_figures_and_page_lie_in_the_study(study: api.Study, found: varying.Robustness) -> None:
    folder = study.path / "robustness"
    frame = pl.read_parquet(folder / "specifications.parquet")
    assert frame.height == len(found.specifications)
    assert pl.read_csv(folder / "conclusions.csv", infer_schema_length=None).height == 13
    assert (folder / "robustness.png").read_bytes()[:4] == b"\x89PNG"
    page = (folder / "robustness.html").read_text()
    assert "Which conclusions hold under every choice?" in page
    assert "http" not in page.split("<script")[0].replace("http-equiv", "")
    settings = tomllib.loads((folder / "settings.toml").read_text())
    assert settings["facts"]["specifications"] == found.facts["specifications"]
    assert not list(folder.glob(".*"))


def test_fewer_neurons_are_evenly_spaced_ones(study: api.Study, tmp_path: Path) -> None:
    some = study.robustness(neurons=7, out=tmp_path / "some", spaces="input", center="no", **SMALL)
    [row] = rows_of(some, number="peak", layer=2)
    chosen = np.linspace(0, NEURONS - 1, 7).astype(int)
    if study.summary["mode"] == "vocabulary":
        peak = study.neurons().filter(pl.col("layer") == 2)["peak"].to_numpy()[chosen]
        assert row["neurons"] == pytest.approx(np.nanmean(peak), abs=1e-12)
    assert row["n"] <= 7
    assert (some.facts["taken"], some.facts["of"]) == (7, NEURONS)
    assert f"means over 7 of a layer's {NEURONS} neurons" in some.said


def test_the_study_s_own_difference_is_that_of_all_its_neurons_however_few_are_taken(
    study: api.Study, tmp_path: Path
) -> None:
    own: dict[str, Any] = {"out": tmp_path / "some", "spaces": "input", "center": "no"}
    some, every = (study.robustness(neurons=n, **own, **SMALL).conclusions for n in (7, 0))
    claims = {row["number"]: row for row in study.summary["claims"] if row["layer"] is None}
    for few, all_of_them in zip(some, every, strict=True):
        told = claims[few["number"]]["difference"]
        assert few["study"] == all_of_them["study"]
        np.testing.assert_equal(few["study"], np.nan if told is None else told)
        assert few["study_beside"] == all_of_them["own_beside"]
    assert any(few["own"] != few["study"] for few in some)


def test_what_is_not_kept_is_left_out_and_the_command_that_keeps_it_is_said(home: Path) -> None:
    settings = SETTINGS | {"keep": []}
    study = api.study(home / "gpt2", out=home / "bare", **settings)
    found = study.robustness(segments="quantile:5", categories="ward")
    assert {row["core_tokens"] for row in found.specifications} == {30}
    assert {row["forms"] for row in found.specifications} == {"all"}
    assert {row["space"] for row in found.specifications} == {"input"}
    said = " ".join(found.remarks)
    assert "space layer-input, which takes what enters each layer (--keep inputs)" in said
    assert "core tokens 50, 100, 200, which takes the sums" in said
    assert "other forms, sign, which takes the sums" in said
    assert "--keep tables --keep inputs" in said


def test_another_study_in_the_folder_takes_an_outdated_one_away(home: Path, study: api.Study, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(study.path, copy)
    again = api.open(copy)
    again.robustness(spaces="input", center="no", **SMALL)
    (copy / "robustness" / "mine.txt").write_text("mine")
    manifest = again.folder.manifest
    remove_outdated(again.folder, varying.FOLDER, ROBUSTNESS)
    assert (copy / "robustness" / "specifications.parquet").is_file()
    manifest["stages"]["summarize"]["key"] = "another"
    remove_outdated(again.folder, varying.FOLDER, ROBUSTNESS)
    assert [file.name for file in (copy / "robustness").iterdir()] == ["mine.txt"]


def test_a_run_that_is_stopped_leaves_what_was_there(
    study: api.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    study.robustness(out=out, spaces="input", center="no", **SMALL)
    before = {file.name: file.read_bytes() for file in out.iterdir()}

    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "write_robustness", stopped)
    with pytest.raises(KeyboardInterrupt):
        study.robustness(out=out, spaces="input", center="yes", **SMALL)
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before
    with pytest.raises(KeyboardInterrupt):
        study.robustness(out=tmp_path / "new", spaces="input", center="yes", **SMALL)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"spaces": ["inptu"]},
            "spaces (--spaces) must be among input, output, layer-input, got 'inptu'; did you mean",
        ),
        ({"spaces": ["output"]}, "No specification is left: no space that was asked for can be had. Left out: space"),
        ({"segments": ["quintile:5"]}, "segments (--segments) must be quantile:G"),
        ({"categories": ["ward:50"]}, "categories (--categories) must be ward"),
        ({"core_tokens": [5]}, "core_tokens (--core-tokens) must be between 20 and 1000, got 5."),
        ({"core_tokens": [1000]}, "core_tokens (--core-tokens) 1000 are more than the "),
        ({"further": ["form"]}, "further must be a list of forms, sign, cross-fit or none"),
        ({"further": ["none", "forms"]}, "further (--further) none stands by itself, got none, forms. Leave it out"),
        ({"segments": []}, "segments (--segments) must name at least one, got none."),
        ({"neurons": 1}, "neurons (--neurons) must be 0 (all) or a number from 2 on, got 1."),
        ({"center": "maybe"}, "center must be both, yes or no, got 'maybe'."),
        ({"centre": "yes"}, "There is no setting 'centre'; did you mean center?"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(study: api.Study, settings: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingError) as error:
        study.robustness(**settings)
    assert text in str(error.value)


def test_it_is_of_a_whole_study(study: api.Study) -> None:
    with pytest.raises(SettingError, match=r"robustness takes a whole study, got layers of one \(.*@0\)\. Run: intra"):
        api.robustness(f"{study.path}@0")


def test_a_study_without_the_twin_says_how_to_get_it(home: Path) -> None:
    study = api.study(home / "gpt2", out=home / "twinless", twins=["shuffled"], **SETTINGS)
    with pytest.raises(StudyError, match="has no rotated twin, and robustness is that of the difference from it"):
        study.robustness()


def test_published_lists_stand_beside_readouts(tmp_path: Path) -> None:
    study = import_table(
        lists_file(tmp_path / "l.csv"), vectors=vectors_file(tmp_path / "v.csv"), out=tmp_path / "study"
    )
    found = study.robustness(neurons=0, further=["forms"])
    assert found.facts["twin"] == "readout"
    assert {row["space"] for row in found.specifications} == {"vectors"}
    assert {row["core_tokens"] for row in found.specifications} == {40}
    assert "Left out: other forms; published lists are taken as they are." in found.remarks
    claims = {(row["number"], row["layer"]): row for row in study.summary["claims"] if row["claim"] != "C0"}
    for row in rows_of(found, own=True):
        told = claims[row["number"], row["layer"]]
        expected = [told[name] if told[name] is not None else np.nan for name in ("difference", "difference_low")]
        np.testing.assert_allclose([row["difference"], row["low"]], expected, atol=1e-9)


def test_a_space_that_is_one_matrix_with_another_is_not_counted_again(home: Path, tmp_path: Path) -> None:
    study = api.study(home / "gpt2", out=tmp_path / "output", space="output", **SETTINGS | {"layers": [0]})
    found = study.robustness(spaces=["output", "input"], neurons=7, **SMALL)
    spaces = {(row["space"], row["center"]) for row in found.specifications}
    model = json.loads((home / "gpt2" / "config.json").read_text())
    if model.get("tie_word_embeddings", True):
        assert spaces == {("output", False), ("output", True)}
        assert "Left out: space input, which is the same matrix as output." in found.remarks


def test_a_damaged_table_of_sums_is_no_table(study: api.Study, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(study.path, copy)
    other = api.open(copy)
    file = sums_file(other.folder, "rotated", 0)
    file.write_bytes(file.read_bytes()[:-7])
    found = other.robustness(spaces="input", center="no", segments="quantile:5", categories="ward", neurons=7)
    assert {row["forms"] for row in found.specifications} == {"all"}
    assert any("--keep tables" in remark for remark in found.remarks)
