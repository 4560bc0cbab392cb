"""--keep tables: the sums of every token and neuron stay on disk, the same however the layers were cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.test_engine import assert_same_numbers
from tests.test_unfinished import SMALL, STOPPED, StoppedAt, run
from tests.tiny_models import random_texts, tiny_gpt2

from intraneuron import unfinished as unfinished_module
from intraneuron.api import Study, study
from intraneuron.config import RunConfig
from intraneuron.errors import SettingError, StudyError
from intraneuron.models.texts import Windows
from intraneuron.pipeline import memory, passes
from intraneuron.pipeline.observe import observe
from intraneuron.store import StudyFolder
from intraneuron.sum_tables import read_sums

TABLES = ("tables",)
OWN = {"twins": ("rotated", "untrained", "readout")}
LAYERS = (0, 2)
HALF_DONE = {"vocabulary": 20, "corpus": 33}
"""Batches after which a study in slices has some of them on disk."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gpt2(tmp_path_factory.mktemp("models") / "gpt2")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> str:
    return random_texts(tmp_path_factory.mktemp("texts"))


@pytest.fixture(autouse=True)
def _many_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfinished_module, "EVERY", 0.0)
    monkeypatch.setattr(unfinished_module, "SHARE", 1e9)
    monkeypatch.setitem(passes.BATCH_POSITIONS, "cpu", 600)
    monkeypatch.setattr(memory, "NARROWEST", 6)


@pytest.fixture(scope="module", params=["vocabulary", "corpus"])
def kept(
    request: pytest.FixtureRequest, model: Path, texts: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[StudyFolder, dict[str, Any]]:
    """Return a study with its tables, and its settings."""
    out = tmp_path_factory.mktemp("studies") / request.param
    settings = OWN | ({"texts": texts} if request.param == "corpus" else {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(passes.BATCH_POSITIONS, "cpu", 600)
        run(model, out, **settings, keep=TABLES)
    return StudyFolder.open(out), settings


def sums(folder: Path) -> dict[str, bytes]:
    """Return the files of sums in a study."""
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.glob("*/sums/*"))}


def test_every_population_that_is_summed_has_a_file_a_layer(kept: tuple[StudyFolder, dict[str, Any]]) -> None:
    assert list(sums(kept[0].path)) == [
        f"{name}/sums/layer-{layer:02d}.safetensors" for name in ("neurons", "rotated", "untrained") for layer in LAYERS
    ]


def test_sums_are_those_of_an_observation(kept: tuple[StudyFolder, dict[str, Any]], model: Path, texts: str) -> None:
    folder, settings = kept
    plan = _plan(model, settings)
    windows: Windows | None = plan.texts
    for found in observe(plan.model, plan.config.observe, run=RunConfig(), twins=("rotated",), texts=windows):
        for name, activations in found.populations.items():
            back = read_sums(folder, name, found.layer)
            np.testing.assert_array_equal(back.total, activations.total)
            np.testing.assert_array_equal(back.count, activations.count)
            np.testing.assert_array_equal(back.neuron, activations.neuron)


def _plan(model: Path, settings: dict[str, Any]) -> Any:
    from tests.test_engine import planned

    return planned(model, **settings)


def test_core_tokens_are_those_of_highest_mean(kept: tuple[StudyFolder, dict[str, Any]]) -> None:
    folder, _ = kept
    core = folder.core_tokens("neurons", 2)
    mean = read_sums(folder, "neurons", 2).mean
    for row in (0, 7, 20):
        n = core.n[row]
        np.testing.assert_allclose(mean[core.token_id[row, :n], row], core.activation[row, :n], rtol=1e-6)
    unseen = folder.read(folder.path / "vocabulary.parquet")["count"].to_numpy() == 0
    assert unseen.any()
    np.testing.assert_array_equal(np.isnan(mean).all(axis=1), unseen)


def test_only_tokens_that_occur_are_on_disk(kept: tuple[StudyFolder, dict[str, Any]]) -> None:
    folder, settings = kept
    found = load_file(folder.path / "neurons" / "sums" / "layer-00.safetensors")
    seen = folder.read(folder.path / "vocabulary.parquet")["count"].to_numpy()
    np.testing.assert_array_equal(found["token_id"], np.flatnonzero(seen))
    np.testing.assert_array_equal(found["count"].sum(axis=0), seen[seen > 0])
    assert found["total"].shape == (2 if "texts" in settings else 1, (seen > 0).sum(), len(found["neuron"]))


def test_slices_are_put_together_to_the_same_bytes(
    kept: tuple[StudyFolder, dict[str, Any]], model: Path, tmp_path: Path
) -> None:
    folder, settings = kept
    run(model, tmp_path / "a", **settings, keep=TABLES, memory=SMALL)
    assert sums(tmp_path / "a") == sums(folder.path)
    assert_same_numbers(tmp_path / "a", folder.path)
    assert not (tmp_path / "a" / "observing").exists()


@pytest.mark.parametrize("lost", [False, True])
def test_a_run_that_was_stopped_between_slices_goes_on_to_the_same_bytes(
    kept: tuple[StudyFolder, dict[str, Any]], model: Path, tmp_path: Path, *, lost: bool
) -> None:
    folder, settings = kept
    own = settings | {"keep": TABLES, "memory": SMALL}
    with StoppedAt(HALF_DONE[folder.path.name], "after"), pytest.raises(STOPPED):
        run(model, tmp_path / "a", **own)
    parts = sorted((tmp_path / "a" / "observing").rglob("sums/*"))
    assert parts
    if lost:
        parts[0].write_bytes(parts[0].read_bytes()[:-1])
    run(model, tmp_path / "a", **own)
    assert sums(tmp_path / "a") == sums(folder.path)
    assert not (tmp_path / "a" / "observing").exists()


def test_tables_asked_for_later_are_made_and_stay_when_they_are_not_asked_for(
    kept: tuple[StudyFolder, dict[str, Any]], model: Path, tmp_path: Path
) -> None:
    folder, settings = kept
    run(model, tmp_path / "a", **settings, layers=(0,))
    assert not sums(tmp_path / "a")
    run(model, tmp_path / "a", **settings, layers=(0,), keep=TABLES)
    first = {name: content for name, content in sums(folder.path).items() if "layer-00" in name}
    assert sums(tmp_path / "a") == first
    run(model, tmp_path / "a", **settings)
    assert sums(tmp_path / "a") == first
    run(model, tmp_path / "a", **settings, core_tokens=40)
    assert not sums(tmp_path / "a")


def test_a_file_that_is_cut_short_is_made_again(
    kept: tuple[StudyFolder, dict[str, Any]], model: Path, tmp_path: Path
) -> None:
    folder, settings = kept
    run(model, tmp_path / "a", **settings, layers=(2,), keep=TABLES)
    file = tmp_path / "a" / "rotated" / "sums" / "layer-02.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    with pytest.raises(StudyError, match=r"layer-02\.safetensors is damaged \(it is cut short\)"):
        read_sums(StudyFolder.open(tmp_path / "a"), "rotated", 2)
    run(model, tmp_path / "a", **settings, layers=(2,), keep=TABLES)
    assert file.read_bytes() == whole == sums(folder.path)["rotated/sums/layer-02.safetensors"]


def test_a_notebook_reads_some_neurons_in_the_order_they_are_asked_for(
    kept: tuple[StudyFolder, dict[str, Any]],
) -> None:
    found = Study(kept[0])
    every = found.activations(2)
    some = found.activations(2, [5, 0, 5])
    np.testing.assert_array_equal(some.neuron, [5, 0, 5])
    np.testing.assert_array_equal(some.total, every.total[:, :, [5, 0, 5]])
    np.testing.assert_array_equal(some.mean, every.mean[:, [5, 0, 5]])
    assert found.activations(0, [1], population="untrained").total.any()


def test_what_is_not_kept_is_told(kept: tuple[StudyFolder, dict[str, Any]]) -> None:
    found = Study(kept[0])
    size = len(found.activations(0).neuron)
    with pytest.raises(SettingError, match=f"Layer 0 has neurons 0 to {size - 1}, got {size}"):
        found.activations(0, [3, size])
    with pytest.raises(SettingError, match="got -1"):
        found.activations(0, [-1])
    with pytest.raises(StudyError, match=r"keeps no sums of neurons of layer 9 \(it has those of 0, 2\)\. Run its"):
        found.activations(9)
    with pytest.raises(StudyError, match=r"keeps no sums of readout of layer 0 \(it has those of none\)"):
        found.activations(0, population="readout")


def test_tables_are_in_the_estimate_of_the_disk(model: Path, texts: str, tmp_path: Path) -> None:
    from intraneuron.estimate import estimate
    from intraneuron.missing import every_stage

    plan = _plan(model, {"texts": texts})
    with_tables = replace(plan, run=replace(plan.run, keep=TABLES))
    todo = every_stage(plan)
    more = estimate(with_tables, todo).disk - estimate(plan, todo).disk
    run(model, tmp_path / "a", texts=texts, keep=TABLES)
    size = sum(map(len, sums(tmp_path / "a").values()))
    assert 0.5 * size < more <= size


def test_another_word_is_refused(model: Path) -> None:
    with pytest.raises(SettingError, match="keep"):
        study(str(model), keep=["everything"])


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"neurons": 5}, r"neurons must be whole numbers, for example \[3, 17\], got 5\."),
        ({"neurons": [1.7]}, "neurons must be whole numbers"),
        ({"neurons": "L1N3"}, "neurons must be whole numbers"),
        ({"neurons": np.array([True, False])}, "neurons must be whole numbers"),
        ({"neurons": np.zeros((2, 2), dtype=np.int64)}, "neurons must be whole numbers"),
        ({"layer": "1"}, r"layer must be a whole number, got '1'\."),
        ({"layer": True}, r"layer must be a whole number, got True\."),
        ({"population": "../neurons"}, "population must be one of neurons, shuffled, .*, got"),
    ],
)
def test_what_is_no_neuron_layer_or_population_is_refused_and_no_file_is_called_damaged(
    kept: tuple[StudyFolder, dict[str, Any]], asked: dict[str, Any], text: str
) -> None:
    whole: dict[str, Any] = {"population": "neurons", "layer": 0}
    with pytest.raises(SettingError, match=text):
        read_sums(kept[0], **(whole | asked))


def test_neurons_may_come_as_any_whole_numbers_in_any_order(kept: tuple[StudyFolder, dict[str, Any]]) -> None:
    whole = read_sums(kept[0], "neurons", 0).total
    for asked in ([7, 3, 7], np.array([7, 3, 7], dtype=np.uint8), iter((7, 3, 7))):
        found = read_sums(kept[0], "neurons", np.int64(0), asked)  # type: ignore[arg-type]
        assert found.neuron.tolist() == [7, 3, 7]
        np.testing.assert_array_equal(found.total, whole[:, :, [7, 3, 7]])
