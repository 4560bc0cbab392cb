"""The full range of a study: made from what is on disk, once, and again when what it is made from changes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.test_engine import run
from tests.tiny_models import random_texts, tiny_gpt2

from intraneuron import ranging
from intraneuron.api import Study
from intraneuron.errors import SettingError, StudyError
from intraneuron.kernels.background import background_sums, tightness
from intraneuron.kernels.jackknife import jackknife_parts
from intraneuron.pipeline.percentiles import sizes
from intraneuron.status import status
from intraneuron.store import StudyFolder
from intraneuron.sum_tables import read_sums
from intraneuron.tables import read_jackknife_table, read_percentiles_table

RANGED: dict[str, Any] = {"full_range": True, "keep": ("tables",), "twins": ("shuffled", "rotated", "untrained")}
OWN = ("neurons", "rotated", "untrained")
MADE = ["summarize", "report"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gpt2(tmp_path_factory.mktemp("models") / "gpt2")


@pytest.fixture(scope="module")
def finished(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(model, tmp_path_factory.mktemp("studies") / "a", **RANGED).path


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "a"))


@pytest.fixture
def again(model: Path, study: Path) -> Callable[..., StudyFolder]:
    return lambda **changed: run(model, study, **(RANGED | changed))


def tables(path: Path) -> dict[str, bytes]:
    return {str(f.relative_to(path)): f.read_bytes() for f in sorted(path.glob("**/percentiles/*"))}


def stages_to_do(path: Path, **changes: Any) -> dict[str, str]:
    return {row["stage"]: row["why"] for row in status(path, changes)["stages"] if row["todo"]}


def test_every_population_with_sums_has_its_percentiles_and_the_parts_of_its_interval(finished: Path) -> None:
    wanted = [f"{name}/percentiles/layer-{n:02d}.parquet" for name in OWN for n in (0, 2)]
    assert set(tables(finished)) == {*wanted, *(f"jackknife/{name}" for name in wanted)}


def plainly(folder: StudyFolder, population: str, layer: int, neuron: int) -> pl.DataFrame:
    """Return a neuron's percentiles from all pairs of each, with numpy alone; a vocabulary of one space."""
    name = "untrained-input" if population == "untrained" else "input"
    E = folder.read_space(name).vector.astype(np.float64)
    mean = read_sums(folder, population, layer, [neuron]).mean[:, 0].astype(np.float64)
    vocabulary = folder.vocabulary()
    token = np.flatnonzero(~vocabulary.special & ~np.isnan(E).any(axis=1) & ~np.isnan(mean))
    order = token[np.lexsort((token, -mean[token]))]
    size, homogeneity = sizes(len(token)), np.full(100, np.nan)
    for g, some in enumerate(np.array_split(order, 100)):
        S = E[some] @ E[some].T
        homogeneity[99 - g] = (S.sum() - np.trace(S)) / (len(some) * (len(some) - 1)) if len(some) > 2 else np.nan
    S = E[token] @ E[token].T
    null = S[np.triu_indices(len(token), 1)].mean()
    _, p = tightness(homogeneity, size, len(token), *background_sums(E[token].astype(np.float32)))
    return pl.DataFrame({"tokens": size, "homogeneity": homogeneity, "null_mean": null, "p": p})


@pytest.mark.parametrize("population", OWN)
def test_percentiles_are_those_of_all_pairs(finished: Path, population: str) -> None:
    for name in ("L0N3", "L2N17"):
        found = Study(StudyFolder.open(finished)).full_range(name, population)
        layer, neuron = int(name[1]), int(name[3:])
        expected = plainly(StudyFolder.open(finished), population, layer, neuron)
        assert found["percentile"].to_list() == list(range(1, 101))
        assert found["homogeneity"].is_finite().sum() > 50
        for column in expected.columns:
            np.testing.assert_allclose(found[column].to_numpy(), expected[column].to_numpy(), atol=1e-6)


def test_a_neuron_of_a_study_with_sums_alone_gets_the_same_bits_on_the_spot(finished: Path, study: Path) -> None:
    whole, bare = Study(StudyFolder.open(finished)), Study(StudyFolder.open(study))
    shutil.rmtree(study / "neurons" / "percentiles")
    shutil.rmtree(study / "rotated" / "percentiles")
    for name, population in (("L0N0", "neurons"), ("L2N23", "neurons"), ("L2N5", "rotated")):
        assert bare.full_range(name, population).equals(whole.full_range(name, population), null_equal=True)


def test_blocks_of_neurons_change_no_bit(
    finished: Path, again: Callable[..., StudyFolder], study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in study.glob("*/percentiles/*"):
        file.unlink()
    monkeypatch.setattr(ranging, "BLOCK", 5)
    again()
    assert tables(study) == tables(finished)


def test_the_stage_needs_no_model(finished: Path, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = _work(study, monkeypatch)
    for file in study.glob("**/percentiles/*"):
        file.unlink()
    ranging.full_range_stage(work)
    assert tables(study) == tables(finished)


def _work(path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the stage's work, of a plan that knows its settings alone."""
    from intraneuron.planning import keys
    from intraneuron.progress import Progress
    from intraneuron.status import Recorded
    from intraneuron.work import Work

    monkeypatch.setattr(Recorded, "n_rows", lambda *_: 24, raising=False)
    folder = StudyFolder.open(path)
    wanted: Any = Recorded.of(folder.manifest, {})
    return Work(folder, wanted, (0, 2), Progress(), "full_range", keys(wanted))


def test_a_finished_study_has_nothing_to_do(finished: Path) -> None:
    assert stages_to_do(finished) == {}


def test_a_lost_table_is_made_again_and_what_is_made_from_it(again: Callable[..., StudyFolder], study: Path) -> None:
    lost = "neurons/percentiles/layer-02.parquet"
    before = (study / lost).read_bytes()
    (study / lost).unlink()
    assert stages_to_do(study) == {
        "full_range": f"damaged or gone: {lost}",
        **dict(zip(MADE, ("is made from full_range", "is made from summarize"), strict=True)),
    }
    again()
    assert (study / lost).read_bytes() == before


def test_another_space_is_ranged_from_the_sums_that_were_kept(again: Callable[..., StudyFolder], study: Path) -> None:
    kept = {file: file.stat().st_mtime_ns for file in study.glob("*/sums/*")}
    before = tables(study)
    assert stages_to_do(study, center=True)["full_range"] == "center False, now True"
    again(center=True)
    assert {file: file.stat().st_mtime_ns for file in study.glob("*/sums/*")} == kept
    assert tables(study).keys() == before.keys()
    assert all(tables(study)[name] != content for name, content in before.items())


def test_asked_for_later_it_is_done_alone_and_left_out_it_is_removed(
    model: Path, study: Path, finished: Path, again: Callable[..., StudyFolder]
) -> None:
    run(model, study, **(RANGED | {"full_range": False}))
    assert tables(study) == {}
    assert "full_range" not in StudyFolder.open(study).summary()
    assert "full_range" not in {row["stage"] for row in status(study)["stages"]}
    todo = stages_to_do(study, full_range=True, keep=["tables"])
    assert list(todo) == ["full_range", *MADE]
    again()
    assert tables(study) == tables(finished)


def test_a_study_without_it_is_none_the_wiser(model: Path, tmp_path: Path) -> None:
    """The keys of its stages are what they were, so studies of an earlier version are not done again."""
    path = run(model, tmp_path / "a").path
    stages = StudyFolder.open(path).manifest["stages"]
    assert "full_range" not in stages
    assert stages_to_do(path) == {}


def test_without_tables_it_is_refused_before_a_model_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"full_range \(--full-range\) needs the sums .* Add --keep tables"):
        run(tmp_path / "nowhere", tmp_path / "a", full_range=True)


def test_a_neuron_of_a_study_without_tables_is_refused_with_what_to_do(model: Path, tmp_path: Path) -> None:
    bare = Study(run(model, tmp_path / "a"))
    with pytest.raises(StudyError, match=r"keeps no sums of neurons of layer 0 .* with --keep tables"):
        bare.full_range("L0N3")


@pytest.mark.parametrize(
    ("name", "population", "said"),
    [
        ("L0N24", "neurons", "Layer 0 has neurons 0 to 23, got 24"),
        ("L0N3", "shuffled", "population must be one of neurons, rotated, untrained: only they have a full range"),
        ("L0N3", "../neurons", "population must be one of"),
        ("three", "neurons", "A neuron is written like L3N204"),
    ],
)
def test_what_there_is_not_is_told(finished: Path, name: str, population: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        Study(StudyFolder.open(finished)).full_range(name, population)


def test_the_interval_leaves_out_the_token_groups_of_the_vocabulary(finished: Path) -> None:
    from intraneuron.kernels.orthants import orthants
    from intraneuron.pipeline.percentiles import percentiles_without

    folder = StudyFolder.open(finished)
    made = ranging.Ranges(folder)
    group = orthants(folder.read_space("input").vector, made.eligible(0))
    sums = read_sums(folder, "rotated", 0)
    expected = jackknife_parts(*percentiles_without(sums, made.of("rotated", 0), group), len(sums.neuron))
    found = read_jackknife_table(folder.read(folder.layer_file("jackknife/rotated/percentiles", 0)))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_the_summary_has_the_profile_of_every_layer_and_population(finished: Path) -> None:
    found = StudyFolder.open(finished).summary()["full_range"]
    rows = {(row["layer"], row["population"], row["percentile"]): row for row in found["profile"]}
    assert set(rows) == {(n, name, g) for n in (None, 0, 2) for name in OWN for g in range(1, 101)}
    folder = StudyFolder.open(finished)
    own = read_percentiles_table(folder.read(folder.layer_file("rotated/percentiles", 2)))
    assert rows[2, "rotated", 100]["homogeneity"] == pytest.approx(own.homogeneity[:, 99].mean())
    assert [row["layer"] for row in found["shape"]] == [None, 0, 2]


def test_texts_are_ranged_over_tokens_that_were_seen_often_enough(model: Path, tmp_path: Path) -> None:
    texts = random_texts(tmp_path)
    folder = run(model, tmp_path / "a", texts=texts, layers=(0,), min_count=3, **RANGED)
    seen = folder.read(folder.path / "vocabulary.parquet")["count"].to_numpy()
    over = ranging.Ranges(folder).of("neurons", 0)
    special = folder.vocabulary().special
    np.testing.assert_array_equal(over.token, np.flatnonzero((seen >= 3) & ~special))
    assert Study(folder).full_range("L0N3")["tokens"].sum() == len(over.token) > 20
