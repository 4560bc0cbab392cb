"""Whole studies of tiny models: nothing is done twice, nothing depends on how the work is run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.tiny_models import LAYERS, LETTERS, NEURONS, WORDS, tiny_bert, tiny_gpt2

from intraneuron import place, planning, store
from intraneuron.cards import build_card
from intraneuron.engine import run_study
from intraneuron.errors import DataError, StudyError
from intraneuron.files import writing
from intraneuron.kernels import blocks
from intraneuron.lock import locked
from intraneuron.planned import Planned
from intraneuron.planning import Plan, plan
from intraneuron.progress import Progress
from intraneuron.settings import settings_from
from intraneuron.stages import STAGE_VERBS
from intraneuron.store import StudyFolder
from intraneuron.work import Work

slow = partial(pytest.param, marks=pytest.mark.slow)
"""A case among others of its kind that ``make test`` runs."""

SETTINGS: dict[str, Any] = {"device": "cpu", "core_tokens": 30, "layers": (0, 2)}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    tiny_gpt2(folder / "gpt2")
    tiny_bert(folder / "bert")
    return folder


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("texts")
    words, rng = [*WORDS, *LETTERS], np.random.default_rng(0)
    for i in range(60):
        (folder / f"{i:02d}.txt").write_text(" ".join(rng.choice(words, 150)))
    return str(folder)


def planned(model: Path, **settings: Any) -> Plan:
    return plan(str(model), *settings_from(SETTINGS | settings))


def report(work: Work) -> None:
    """Stand in for the report, which lives in a higher room."""
    (work.folder.path / "report.html").write_text("<html></html>")
    for layer in work.plan.layers:
        work.finish(layer)


def run(model: Path, out: Path, *, overwrite: bool = False, **settings: Any) -> StudyFolder:
    return run_study(planned(model, **settings), out, overwrite=overwrite, last={"report": report})


@pytest.fixture(scope="module")
def finished(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(models / "gpt2", tmp_path_factory.mktemp("studies") / "a").path


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> Path:
    """Return a copy of a finished study."""
    return Path(shutil.copytree(finished, tmp_path / "a"))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, ...]]]:
    """Return the list of stages that are done, with their layers."""
    made: list[tuple[str, tuple[int, ...]]] = []

    def noting(name: str, verb: Callable[[Work], None]) -> Callable[[Work], None]:
        def call(work: Work) -> None:
            made.append((name, work.layers))
            verb(work)

        return call

    for name, verb in dict(STAGE_VERBS).items():
        monkeypatch.setitem(STAGE_VERBS, name, noting(name, verb))
    return made


def tables(path: Path) -> dict[str, pl.DataFrame]:
    files = sorted(path.rglob("*.parquet"))
    return {str(f.relative_to(path)): pl.read_parquet(f) for f in files}


def assert_same_numbers(a: Path, b: Path) -> None:
    first, second = tables(a), tables(b)
    assert list(first) == list(second)
    for name, frame in first.items():
        assert frame.equals(second[name]), name
    assert (a / "summary.json").read_text() == (b / "summary.json").read_text()


# What a study leaves -------------------------------------------------------------------------------------------


def test_a_study_leaves_the_files_that_it_promises(finished: Path) -> None:
    there = {str(f.relative_to(finished)) for f in finished.rglob("*") if f.is_file()}
    expected = {"manifest.toml", "vocabulary.parquet", "summary.json", "report.html", "spaces/input.safetensors"}
    for population in ("neurons", "shuffled", "rotated"):
        expected.add(f"{population}/results.parquet")
        for layer in ("00", "02"):
            names = ("core_tokens", "categories", "segments", "effects/peak", "effects/agreement", "profile")
            expected |= {f"{population}/{name}/layer-{layer}.parquet" for name in names}
    assert expected <= there
    assert not [name for name in there if Path(name).name.startswith(".")]
    assert not [name for name in there if "layer-01" in name]


def test_the_results_are_one_row_a_neuron_of_every_layer(finished: Path) -> None:
    frame = pl.read_parquet(finished / "neurons" / "results.parquet")
    assert frame.select("layer", "neuron").rows() == [(x, i) for x in (0, 2) for i in range(NEURONS)]
    assert frame["pattern"].is_in(["steps", "gradient", "peak", "mixed", "none", "insufficient"]).all()
    assert (frame["n"] == 30).sum() > NEURONS
    p, q = frame["agreement_p"].to_numpy(), frame["agreement_q"].to_numpy()
    known = np.isfinite(p)
    assert known.sum() > NEURONS
    assert (q[known] >= p[known] * (1 - 1e-12)).all()
    assert (np.isfinite(q) == known).all()


def test_shuffled_twins_have_the_categories_of_their_neurons(finished: Path) -> None:
    own, twin = (pl.read_parquet(finished / p / "results.parquet") for p in ("neurons", "shuffled"))
    assert own["n_categories"].to_list() == twin["n_categories"].to_list()
    np.testing.assert_array_equal(own["silhouette"], twin["silhouette"])
    assert own["homogeneity_null"].to_numpy() == pytest.approx(twin["homogeneity_null"].to_numpy(), nan_ok=True)
    assert own["ami"].to_list() != twin["ami"].to_list()


def test_a_card_shows_what_the_tables_hold(finished: Path) -> None:
    folder = StudyFolder.open(finished)
    frame = pl.read_parquet(finished / "neurons" / "results.parquet")
    row = frame.row(NEURONS + 5, named=True)
    card = build_card(folder, 2, 5)
    numbers = {number.name: number for number in card.numbers}
    assert card.name == "L2N5"
    assert (card.pattern, len(card.tokens)) == (row["pattern"], row["n"])
    assert numbers["ami"].value == pytest.approx(row["ami"], nan_ok=True)
    assert numbers["peak"].q == pytest.approx(row["peak_q"], nan_ok=True)
    assert [s.homogeneity for s in card.segments] == pytest.approx(row["homogeneity"], nan_ok=True)
    assert [t.token for t in card.tokens[:10]] == row["top_tokens"]
    rotated = pl.read_parquet(finished / "rotated/effects/homogeneity/layer-02.parquet")["observed"].to_numpy()
    assert card.segments[0].twin == pytest.approx(np.nanmean(rotated[:, 0]))


@pytest.mark.parametrize(
    ("layer", "neuron", "text"),
    [
        (1, 0, r"This study has no layer 1 \(it has 0, 2\)\. Run: intraneuron study --config .* --layers 0,1,2$"),
        (7, 0, rf"gpt2 has no layer 7: its layers are 0 to {LAYERS - 1}"),
        (0, NEURONS, rf"Layer 0 has neurons 0 to {NEURONS - 1}, got {NEURONS}"),
    ],
)
def test_a_neuron_that_does_not_exist_has_no_card(finished: Path, layer: int, neuron: int, text: str) -> None:
    with pytest.raises(StudyError, match=text):
        build_card(StudyFolder.open(finished), layer, neuron)


# Nothing is done twice -----------------------------------------------------------------------------------------


def test_run_again_nothing_is_repeated(models: Path, study: Path, calls: list[tuple[str, tuple[int, ...]]]) -> None:
    before = {f: f.stat().st_mtime_ns for f in (study, *study.rglob("*"))}
    run(models / "gpt2", study)
    assert calls == []
    assert {f: f.stat().st_mtime_ns for f in before} == before


def test_a_command_with_nothing_to_do_leaves_alone_what_another_is_about_to_write(models: Path, study: Path) -> None:
    copy = study / ".copying" / "neurons"  # of a run that holds the lock, and lets the study wait as a copy
    copy.mkdir(parents=True)
    with locked(study), pytest.raises(StudyError, match="is being made by process"):
        run(models / "gpt2", study)
    assert copy.is_dir()
    run(models / "gpt2", study)  # nobody holds the lock: it is what a run left that was killed
    assert not copy.is_dir()


@pytest.mark.parametrize(
    ("changed", "redone"),
    [
        ({"segments": "quantile:3"}, ["segment", "compare", "intervals", "summarize"]),
        slow({"categories": "complete"}, ["categorize", "intervals", "summarize"]),
        slow({"center": True}, ["categorize", "intervals", "summarize"]),
        slow({"core_tokens": 25}, ["observe", "categorize", "segment", "intervals", "summarize"]),
        slow({"memory": 1.0}, []),
    ],
    ids=lambda v: str(v)[:40],
)
def test_a_changed_setting_redoes_only_what_depends_on_it(
    models: Path,
    study: Path,
    tmp_path: Path,
    calls: list[tuple[str, tuple[int, ...]]],
    changed: dict[str, Any],
    redone: list[str],
) -> None:
    run(models / "gpt2", study, **changed)
    assert [name for name, _ in calls] == redone
    assert all(layers == (0, 2) for _, layers in calls)
    run(models / "gpt2", tmp_path / "fresh", **changed)
    fresh, again = tables(tmp_path / "fresh"), tables(study)
    for name, frame in fresh.items():
        assert frame.equals(again[name]), name


def test_a_further_layer_is_all_that_is_observed_and_q_is_made_anew(
    models: Path, study: Path, tmp_path: Path, calls: list[tuple[str, tuple[int, ...]]]
) -> None:
    run(models / "gpt2", study, layers=None)
    assert calls[:-1] == [(name, (1,)) for name in ("observe", "categorize", "segment", "intervals")]
    assert calls[-1] == ("summarize", (0, 1, 2))
    run(models / "gpt2", tmp_path / "fresh", layers=None)
    assert_same_numbers(study, tmp_path / "fresh")


def test_fewer_layers_need_no_new_work_but_the_summary(
    models: Path, study: Path, calls: list[tuple[str, tuple[int, ...]]]
) -> None:
    folder = run(models / "gpt2", study, layers=(2,))
    assert calls == [("summarize", (2,))]
    assert folder.read_json("summary.json")["layers"] == [2]
    assert pl.read_parquet(study / "neurons" / "results.parquet")["layer"].unique().to_list() == [2]


@pytest.mark.parametrize(
    "stage", ["observe", slow("categorize"), slow("segment"), "compare", slow("intervals"), slow("summarize")]
)
def test_a_study_that_was_interrupted_goes_on_to_the_same_numbers(
    models: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    done = StudyFolder.finish

    def finish_and_stop(self: StudyFolder, name: str, key: str, layers: set[int]) -> None:
        done(self, name, key, layers)
        if name == stage:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(StudyFolder, "finish", finish_and_stop)
        with pytest.raises(KeyboardInterrupt):
            run(models / "gpt2", tmp_path / "b")
    run(models / "gpt2", tmp_path / "b")
    assert_same_numbers(tmp_path / "b", finished)


def test_a_twin_that_is_no_longer_wanted_is_shown_nowhere(models: Path, study: Path) -> None:
    folder = run(models / "gpt2", study, twins="shuffled")
    card = build_card(folder, 0, 3)
    assert card.clustered is None
    assert all(np.isnan(s.twin) for s in card.segments)
    assert all(np.isnan(n.twin) and np.isnan(n.twin95) for n in card.numbers)
    assert folder.read_json("summary.json")["populations"] == ["neurons", "shuffled"]


ALL_TWINS = ("shuffled", "frequency", "rotated", "untrained", "readout")


def test_every_twin_goes_through_the_same_verbs_and_stands_in_the_summary(
    models: Path, texts: str, tmp_path: Path
) -> None:
    out = tmp_path / "all"
    folder = run(models / "gpt2", out, texts=texts, min_count=2, core_tokens=20, twins=ALL_TWINS, contexts=0)
    there = {
        name: {f.relative_to(out / name) for f in (out / name).rglob("*.parquet")} for name in ("neurons", *ALL_TWINS)
    }
    settling = {Path(f"settling/layer-{layer:02d}.parquet") for layer in (0, 2)}
    assert {frozenset(files - settling) for files in there.values()} == {frozenset(there["neurons"] - settling)}
    assert {name for name, files in there.items() if files >= settling} == {
        "neurons",
        "rotated",
        "untrained",
        "readout",
    }
    assert {f.stem for f in (out / "spaces").iterdir()} == {"input", "untrained-input"}
    summary = folder.summary()
    assert summary["populations"] == ["neurons", *ALL_TWINS]
    row = next(row for row in summary["claims"] if row["number"] == "mrpp_a" and row["layer"] == 0)
    for twin in ALL_TWINS:
        assert np.isfinite([row[twin], row[f"share_{twin}"]]).all()
    for twin in ("untrained", "readout"):
        left, low, high = (row[f"difference_{twin}{end}"] for end in ("", "_low", "_high"))
        assert left == pytest.approx(row["neurons"] - row[twin])
        assert low < left < high
    for table in ("profile", "distributions", "deltas", "patterns"):
        assert {row["population"] for row in summary[table]} == {"neurons", *ALL_TWINS}


@pytest.mark.slow
def test_a_further_twin_changes_no_number_of_the_others(
    models: Path, study: Path, finished: Path, calls: list[tuple[str, tuple[int, ...]]]
) -> None:
    run(models / "gpt2", study, twins=("shuffled", "rotated", "readout", "untrained"))
    assert [name for name, _ in calls] == ["observe", "categorize", "segment", "intervals", "summarize"]
    again = tables(study)
    for name, frame in tables(finished).items():
        assert frame.equals(again[name]), name
    run(models / "gpt2", study)
    assert_same_numbers(study, finished)


def test_dealt_twins_have_their_neurons_tokens_and_own_twins_do_not(models: Path, texts: str, tmp_path: Path) -> None:
    folder = run(models / "gpt2", tmp_path / "all", texts=texts, min_count=2, core_tokens=20, twins=ALL_TWINS)
    ids = {name: folder.core_tokens(name, 0).token_id for name in ("neurons", *ALL_TWINS)}
    for name in ALL_TWINS:
        same = (np.sort(ids[name], axis=1) == np.sort(ids["neurons"], axis=1)).all(axis=1)
        assert same.all() if name in ("shuffled", "frequency") else not same.any()
        assert (ids[name] != ids["neurons"]).any()


# Nothing depends on how the work is run ------------------------------------------------------------------------


def test_the_same_study_again_has_the_same_bits(models: Path, finished: Path, tmp_path: Path) -> None:
    run(models / "gpt2", tmp_path / "again")
    assert_same_numbers(tmp_path / "again", finished)


def test_neither_blocks_nor_threads_nor_memory_change_a_bit(
    models: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults: Any = blocks.over_neurons.__kwdefaults__
    monkeypatch.setitem(defaults, "block", 5)
    monkeypatch.setattr(blocks, "n_threads", lambda: 3)
    run(models / "gpt2", tmp_path / "other", memory=1e-6)
    assert_same_numbers(tmp_path / "other", finished)


@pytest.mark.slow
def test_layers_studied_alone_have_the_numbers_that_they_have_together(
    models: Path, finished: Path, tmp_path: Path
) -> None:
    run(models / "gpt2", tmp_path / "alone", layers=(2,))
    for name, frame in tables(tmp_path / "alone").items():
        if "layer-02" in name:
            q = [c for c in frame.columns if c == "q"]
            assert frame.drop(q).equals(tables(finished)[name].drop(q)), name


def test_another_seed_changes_twins_and_not_neurons(models: Path, finished: Path, tmp_path: Path) -> None:
    run(models / "gpt2", tmp_path / "seed", seed=7)
    here, there = tables(finished), tables(tmp_path / "seed")
    file = "core_tokens/layer-00.parquet"
    assert here[f"neurons/{file}"].equals(there[f"neurons/{file}"])
    assert not here[f"shuffled/{file}"].equals(there[f"shuffled/{file}"])
    assert not here[f"rotated/{file}"].equals(there[f"rotated/{file}"])


@pytest.mark.parametrize("kind", ["gpt2", "bert"])
def test_a_study_of_texts_tells_how_reliable_it_is(models: Path, texts: str, tmp_path: Path, kind: str) -> None:
    folder = run(models / kind, tmp_path / "corpus", texts=texts, layers=(0,), core_tokens=20, min_count=2)
    summary = folder.read_json("summary.json")
    assert summary["mode"] == "corpus"
    assert summary["reliability"]["min_count"] == [2]
    share = folder.manifest["observation"]["0"]["share"]
    assert len(share) == 20
    assert sum(share) == pytest.approx(1)
    assert summary["reliability"]["testable"] > 5
    assert 0 < summary["reliability"]["overlap"] <= 1
    assert -1 <= summary["reliability"]["median"] <= 1
    vocabulary = pl.read_parquet(folder.path / "vocabulary.parquet")
    assert vocabulary["count"].sum() > 5000


# What is refused -----------------------------------------------------------------------------------------------


def test_another_model_in_the_same_folder_is_refused_and_the_study_kept(
    models: Path, study: Path, finished: Path
) -> None:
    hashes = r"weights \w+, tokenizer \w+, config \w+"
    text = rf"is of something else: .*gpt2 \({hashes}\), vocabulary mode, no texts; got .*bert \({hashes}\)"
    with pytest.raises(StudyError, match=text):
        run(models / "bert", study)
    assert_same_numbers(study, finished)


def test_a_model_of_the_same_name_with_other_weights_is_refused(
    models: Path, study: Path, tmp_path: Path, finished: Path
) -> None:
    tiny_gpt2(tmp_path / "gpt2", n_inner=NEURONS + 1)
    with pytest.raises(StudyError, match="is of something else"):
        run(tmp_path / "gpt2", study)
    assert_same_numbers(study, finished)


@pytest.mark.parametrize("neighbour", ["of another program", "damaged"])
def test_what_else_lies_beside_a_study_does_no_harm(
    models: Path, finished: Path, tmp_path: Path, neighbour: str
) -> None:
    place = tmp_path / "neighbour"
    if neighbour == "damaged":
        shutil.copytree(finished, place)
        text = (place / "manifest.toml").read_text().replace('mode = "vocabulary"', 'mode = "corpus"')
        (place / "neurons" / "core_tokens" / "layer-00.parquet").write_bytes(b"PAR1")
    else:
        place.mkdir()
        text = 'format = 1\n[package]\nname = "theirs"\n'
    (place / "manifest.toml").write_text(text)
    run(models / "gpt2", tmp_path / "mine")
    assert (tmp_path / "mine" / "report.html").is_file()


def test_overwriting_starts_anew(models: Path, study: Path, calls: list[tuple[str, tuple[int, ...]]]) -> None:
    run(models / "bert", study, overwrite=True, layers=(1,))
    assert [name for name, _ in calls] == ["observe", "categorize", "segment", "intervals", "summarize"]
    assert pl.read_parquet(study / "neurons" / "results.parquet")["layer"].unique().to_list() == [1]


# What is replaced ----------------------------------------------------------------------------------------------


def stop_after(stage: str, monkeypatch: pytest.MonkeyPatch, run_it: Callable[[], object]) -> None:
    """Run something that is stopped by Ctrl-C when a stage has finished."""
    done = StudyFolder.finish

    def finish_and_stop(self: StudyFolder, name: str, key: str, layers: set[int]) -> None:
        done(self, name, key, layers)
        if name == stage:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(StudyFolder, "finish", finish_and_stop)
        with pytest.raises(KeyboardInterrupt):
            run_it()


def layers_of(study: Path) -> list[int]:
    layers: list[int] = StudyFolder.open(study).summary()["layers"]
    return layers


def test_what_was_replaced_by_a_study_that_finished_never_comes_back(
    models: Path, study: Path, monkeypatch: pytest.MonkeyPatch, starved: dict[str, Any]
) -> None:
    stop_after("observe", monkeypatch, lambda: run(models / "gpt2", study, overwrite=True, layers=(1,)))
    assert (study / ".replaced" / "summary.json").is_file()
    run(models / "gpt2", study, layers=(1,))
    assert not (study / ".replaced").exists()
    assert layers_of(study) == [1]
    with pytest.raises(DataError, match="Too few eligible tokens"):
        run(models / "gpt2", study, overwrite=True, **starved)
    assert layers_of(study) == [1]


@pytest.mark.parametrize("place_of_it", ["a study", "nothing"])
def test_a_replacement_that_was_stopped_goes_on_with_the_same_command(
    models: Path,
    study: Path,
    monkeypatch: pytest.MonkeyPatch,
    calls: list[tuple[str, tuple[int, ...]]],
    place_of_it: str,
) -> None:
    if place_of_it == "nothing":
        shutil.rmtree(study)
    stop_after("observe", monkeypatch, lambda: run(models / "gpt2", study, overwrite=True, layers=(1,)))
    calls.clear()
    run(models / "gpt2", study, overwrite=True, layers=(1,))
    assert [name for name, _ in calls] == ["categorize", "segment", "intervals", "summarize"]
    assert not (study / ".replaced").exists()


def test_a_replacement_with_other_settings_starts_anew_and_keeps_what_was_finished(
    models: Path,
    study: Path,
    finished: Path,
    monkeypatch: pytest.MonkeyPatch,
    starved: dict[str, Any],
    calls: list[tuple[str, tuple[int, ...]]],
) -> None:
    for layers in ((1,), (0, 1)):
        calls.clear()
        stop_after("observe", monkeypatch, partial(run, models / "gpt2", study, overwrite=True, layers=layers))
        assert [name for name, _ in calls] == ["observe"]
    with pytest.raises(DataError, match="Too few eligible tokens"):
        run(models / "gpt2", study, overwrite=True, **starved)
    assert_same_numbers(study, finished)
    assert not (study / ".replaced").exists()


@pytest.mark.parametrize("when", ["set aside", "put back"])
def test_a_run_that_was_killed_while_it_moved_a_study_loses_nothing(
    models: Path, study: Path, finished: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    if when == "put back":
        place.set_aside(study)
    rename, left = Path.rename, 4

    def kill(self: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt
        return rename(self, target)

    move = place.set_aside if when == "set aside" else place.put_back
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", kill)
        with pytest.raises(KeyboardInterrupt):
            move(study)
    run(models / "gpt2", study)
    assert_same_numbers(study, finished)


def test_a_link_stays_a_link_and_files_of_others_stay(models: Path, study: Path, starved: dict[str, Any]) -> None:
    link = study.parent / "link"
    link.symlink_to(study)
    own = [study / name for name in ("notes.txt", "neurons/notes.txt", "neurons/.notes/a", "spaces/.notes.20251126")]
    for file in own:
        file.parent.mkdir(exist_ok=True)
        file.write_text("mine")
    with pytest.raises(DataError):
        run(models / "gpt2", link, overwrite=True, **starved)
    assert layers_of(link) == [0, 2]
    assert [file.read_text() for file in own] == ["mine"] * len(own)
    for _ in range(2):
        run(models / "gpt2", link, overwrite=True, layers=(1,))
        assert link.is_symlink()
        assert layers_of(study) == [1]
        assert [file.read_text() for file in own] == ["mine"] * len(own)
        assert not {".replaced", ".moving", ".copying"} & {file.name for file in study.iterdir()}


def test_the_working_folder_can_hold_a_study(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, starved: dict[str, Any]
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(DataError):
        run(models / "gpt2", Path(), **starved)
    assert list(Path().iterdir()) == []
    for _ in range(2):
        run(models / "gpt2", Path(), overwrite=True, layers=(0,))
    assert layers_of(tmp_path / "here") == [0]


def test_a_study_that_the_disk_stopped_stays_and_goes_on(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: list[tuple[str, tuple[int, ...]]]
) -> None:
    def full(self: StudyFolder, file: Path, frame: pl.DataFrame) -> None:
        if "segments" in str(file):
            with writing(file):
                raise OSError(28, "No space left on device")
        write(self, file, frame)

    write = StudyFolder.write
    with monkeypatch.context() as patched:
        patched.setattr(StudyFolder, "write", full)
        with pytest.raises(StudyError, match=r"Cannot write to .*layer-00\.parquet \(No space left on device\)"):
            run(models / "gpt2", tmp_path / "new", layers=(0,))
    calls.clear()
    run(models / "gpt2", tmp_path / "new", layers=(0,))
    assert "observe" not in [name for name, _ in calls]


# Which files are there, and with what they were made -----------------------------------------------------------

GONE = {
    "summary.json": ["summarize"],
    "report.html": [],
    "rotated/results.parquet": ["summarize"],
    "neurons/segments/layer-02.parquet": ["segment", "compare", "intervals", "summarize"],
    "shuffled/effects/peak/layer-00.parquet": ["compare", "summarize"],
    "jackknife/rotated/core_tokens/layer-02.parquet": ["observe", "categorize", "segment", "intervals", "summarize"],
    "spaces/input.safetensors": ["categorize", "intervals", "summarize"],
}


CUT = GONE | {
    "vocabulary.parquet": ["observe", "categorize", "segment", "intervals", "summarize"],
    "neurons/core_tokens/layer-00.parquet": ["observe", "categorize", "segment", "intervals", "summarize"],
    "neurons/results.parquet": ["summarize"],
}


class Told(Progress):
    """Keeps what a run says."""

    def __init__(self) -> None:
        self.todo: list[str] = []
        self.remarks: list[str] = []

    def begin(self, plan: Planned, path: Path, todo: Mapping[str, tuple[int, ...]]) -> None:
        self.todo = list(todo)

    def say(self, message: str) -> None:
        self.remarks.append(message)


@pytest.mark.parametrize("name", CUT)
@pytest.mark.parametrize("damage", ["cut", slow("emptied"), slow("zeros")])
def test_a_file_that_is_damaged_is_named_and_made_again_by_the_same_command(
    models: Path, study: Path, finished: Path, calls: list[tuple[str, tuple[int, ...]]], name: str, damage: str
) -> None:
    whole = (study / name).read_bytes()
    (study / name).write_bytes({"cut": whole[: len(whole) // 2], "emptied": b"", "zeros": bytes(len(whole))}[damage])
    told = Told()
    run_study(planned(models / "gpt2"), study, progress=told, last={"report": report})
    assert [stage for stage, _ in calls] == CUT[name]
    assert told.todo[-1] == "report"
    assert told.remarks == [f"Damaged or gone in {study}, and made again: {name}."]
    assert_same_numbers(study, finished)


def test_many_damaged_files_are_counted(models: Path, study: Path) -> None:
    for file in (study / "rotated" / "segments").glob("*"):
        file.write_bytes(b"PAR1")
    for file in (study / "neurons" / "segments").glob("*"):
        file.unlink()
    told = Told()
    run_study(planned(models / "gpt2"), study, progress=told, last={"report": report})
    assert told.remarks[0].endswith("rotated/segments/layer-00.parquet, neurons/segments/layer-02.parquet and 1 more.")


def test_what_no_finished_stage_made_is_not_called_damaged(models: Path, study: Path) -> None:
    told = Told()
    run_study(planned(models / "gpt2", layers=None), study, progress=told, last={"report": report})
    run_study(planned(models / "gpt2", layers=None), study, progress=told, last={"report": report})
    assert (told.todo, told.remarks) == ([], [])


@pytest.mark.parametrize("name", GONE)
def test_a_file_that_is_gone_is_made_again_by_the_same_command(
    models: Path, study: Path, finished: Path, calls: list[tuple[str, tuple[int, ...]]], name: str
) -> None:
    (study / name).unlink()
    run(models / "gpt2", study)
    assert [stage for stage, _ in calls] == GONE[name]
    assert (study / name).is_file()
    assert_same_numbers(study, finished)


def test_a_stage_that_was_stopped_halfway_is_done_for_no_settings(
    models: Path, study: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(self: StudyFolder, name: str, key: str, layers: set[int]) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(StudyFolder, "finish", stop)
        with pytest.raises(KeyboardInterrupt):
            run(models / "gpt2", study, core_tokens=25)
    run(models / "gpt2", study)
    assert_same_numbers(study, finished)


def test_the_same_folder_of_a_model_written_otherwise_is_the_same_model(
    models: Path, study: Path, calls: list[tuple[str, tuple[int, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(models)
    run(Path("gpt2"), study)
    assert calls == []


def test_another_tokenizer_is_another_model(models: Path, study: Path, tmp_path: Path) -> None:
    other = shutil.copytree(models / "gpt2", tmp_path / "gpt2")
    file = other / "tokenizer.json"
    file.write_text(file.read_text() + "\n")
    with pytest.raises(StudyError, match="is of something else"):
        run(other, study)


def test_versions_are_those_that_made_the_numbers(models: Path, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = StudyFolder.open(study).manifest["versions"]
    monkeypatch.setattr(store, "versions", lambda: now | {"torch": "99"})
    run(models / "gpt2", study)
    assert StudyFolder.open(study).manifest["versions"] == now
    run(models / "gpt2", study, segments="quantile:3")
    manifest = StudyFolder.open(study).manifest
    assert manifest["versions"]["torch"] == f"{now['torch']}, 99"
    assert manifest["stages"]["observe"]["versions"]["torch"] == now["torch"]
    assert manifest["stages"]["segment"]["versions"]["torch"] == "99"


def test_a_stage_of_another_method_is_done_again(
    models: Path, study: Path, monkeypatch: pytest.MonkeyPatch, calls: list[tuple[str, tuple[int, ...]]]
) -> None:
    stages = tuple(replace(s, method=s.method + (s.name == "intervals")) for s in store.STAGES)
    monkeypatch.setattr(planning, "STAGES", stages)
    run(models / "gpt2", study)
    assert [name for name, _ in calls] == ["intervals", "summarize"]


@pytest.fixture
def starved(texts: str) -> dict[str, Any]:
    """Return settings with which no token was seen often enough."""
    return {"texts": texts, "min_count": 100_000}


def test_too_few_eligible_tokens_leave_no_folder_behind(models: Path, tmp_path: Path, starved: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="Too few eligible tokens: no neuron has 20 core tokens, the most is 0"):
        run(models / "gpt2", tmp_path / "none", **starved)
    assert list(tmp_path.iterdir()) == []


def test_a_study_that_cannot_be_replaced_stays_as_it_was(models: Path, study: Path, starved: dict[str, Any]) -> None:
    before = (study / "summary.json").read_bytes()
    with pytest.raises(DataError, match="Too few eligible tokens"):
        run(models / "gpt2", study, overwrite=True, **starved)
    assert (study / "summary.json").read_bytes() == before
    assert not (study / ".replaced").exists()


def test_a_study_that_is_replaced_leaves_nothing_behind(models: Path, study: Path) -> None:
    run(models / "gpt2", study, overwrite=True, layers=(0,))
    assert StudyFolder.open(study).read_json("summary.json")["layers"] == [0]
    assert not (study / ".replaced").exists()


def test_too_few_eligible_tokens_are_told_again_when_run_again(
    models: Path, tmp_path: Path, starved: dict[str, Any]
) -> None:
    (tmp_path / "empty").mkdir()
    for _ in range(2):
        with pytest.raises(DataError, match="Too few eligible tokens"):
            run(models / "gpt2", tmp_path / "empty", **starved)


def test_all_layers_have_their_neurons(models: Path) -> None:
    assert [site.n_neurons for site in planned(models / "gpt2").model.sites] == [NEURONS] * LAYERS
