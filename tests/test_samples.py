"""Studies whose texts the model writes itself: what is drawn once is kept, whatever happens to the run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.test_unfinished import StoppedAt
from tests.tiny_models import CONTEXT, tiny_gpt2

from intraneuron import api, samples, unfinished
from intraneuron.config_file import settings_of
from intraneuron.errors import StudyError
from intraneuron.estimate import estimate
from intraneuron.models import sampling
from intraneuron.pipeline import passes
from intraneuron.planning import plan, plan_in
from intraneuron.progress import Progress, Report
from intraneuron.samples import tokens_kept
from intraneuron.settings import settings_from
from intraneuron.status import status
from intraneuron.store import STAGES, StudyFolder

TOKENS = 3005
LENGTH = CONTEXT - 1
SETTINGS: dict[str, Any] = {
    **{"device": "cpu", "core_tokens": 20, "min_count": 1, "layers": [0], "twins": ["shuffled"]},
    **{"texts": f"self:{TOKENS}"},
}


@pytest.fixture(autouse=True)
def _few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw few samples side by side, and write them at once, so that a run can be stopped among them."""
    monkeypatch.setattr(sampling, "MOST_ROWS", 32)
    monkeypatch.setattr(samples, "WRITTEN_EVERY", -1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gpt2(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def finished(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "MOST_ROWS", 32)
        return api.study(model, out=tmp_path_factory.mktemp("studies") / "study", **SETTINGS).path


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "study"))


class Told(Progress):
    """Notes what is said, and how many tokens are drawn; stops when it is told to."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.said: list[str] = []
        self.drawn: list[int] = []
        self.stop_at = stop_at

    @contextmanager
    def stage(self, name: str, unit: str) -> Iterator[Report]:
        """Follow a stage."""

        def report(done: int, total: int) -> None:
            if name == "sample":
                assert (unit, total) == ("tokens", TOKENS)
                self.drawn.append(done)
                if self.stop_at is not None and done >= self.stop_at:
                    raise KeyboardInterrupt

        yield report

    def say(self, message: str) -> None:
        """Note a remark."""
        self.said.append(message)


def run(model: Path, out: Path, told: Told | None = None, *, overwrite: bool = False, **changes: Any) -> Told:
    told = told or Told()
    config, run = settings_from(SETTINGS | changes)
    planned = plan_in(out, str(model), config, run, overwrite=overwrite)
    api.run_planned(planned, out, overwrite=overwrite, progress=told)
    return told


def contents(path: Path) -> dict[str, bytes]:
    files = [file for file in path.rglob("*") if file.is_file() and file.suffix in (".parquet", ".json", ".toml")]
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def test_a_study_keeps_its_samples_and_says_that_the_model_wrote_them(finished: Path) -> None:
    kept = pl.read_parquet(finished / "samples.parquet")
    assert kept["sample"].to_list() == list(range(274))
    sizes = kept["token_id"].list.len().to_list()
    assert (sizes, sum(sizes)) == ([LENGTH] * 273 + [2], TOKENS)
    manifest = StudyFolder.open(finished).manifest
    assert manifest["texts"].pop("samples") == sampling.hash_of([ids.to_numpy() for ids in kept["token_id"]])
    assert manifest["texts"] == {"documents": 274, "tokens": TOKENS, "complete": True}
    note = "The texts are the model's own samples: 3,005 tokens that it wrote itself, no people's text."
    assert note in json.loads((finished / "summary.json").read_text())["notes"]
    assert "own samples: 3,005 tokens" in (finished / "report.html").read_text()
    told = api.open(finished).methods().paragraph
    assert "The texts were written by the model itself: 274 samples, 3,005 tokens, each sample as long as" in told
    assert "from streams keyed by the seed 0" in told


def test_a_plan_draws_nothing_and_its_cost_counts_what_is_left_to_draw(
    model: Path, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "draw", None)
    monkeypatch.setattr("intraneuron.estimate._speed", lambda: 1e6)
    planned = plan(str(model), *settings_from(SETTINGS))
    every = {stage.name: planned.layers for stage in STAGES}
    assert planned.texts is None
    assert planned.context == CONTEXT
    assert planned.identity == StudyFolder.open(study).manifest["identity"]
    new, kept = (estimate(planned, every, path).seconds for path in (None, study))
    parameters = sum(p.numel() for p in planned.model.model.parameters())
    assert new - kept == pytest.approx(2 * TOKENS * parameters / (1e6 * 0.1))
    assert tokens_kept(study) == TOKENS
    assert tokens_kept(study.parent / "nowhere") == 0


@pytest.mark.parametrize("stop_at", [1, 400, 800, 2900])
def test_a_run_that_is_stopped_goes_on_with_what_was_drawn_and_ends_with_the_same_bytes(
    model: Path, finished: Path, tmp_path: Path, stop_at: int
) -> None:
    out = tmp_path / "study"
    with pytest.raises(KeyboardInterrupt):
        run(model, out, Told(stop_at))
    group = 32 * LENGTH
    there = stop_at // group * group
    assert tokens_kept(out) == there
    told = run(model, out)
    assert (min(told.drawn), max(told.drawn)) == (there + 32, TOKENS)
    assert contents(out) == contents(finished)


def test_sums_of_other_samples_are_not_gone_on_with(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "EVERY", 0.0)
    monkeypatch.setitem(passes.BATCH_POSITIONS, "cpu", 300)
    for name, n, when in (("saved", 3, "after"), ("plain", 1, "before")):
        with StoppedAt(n, when), pytest.raises(KeyboardInterrupt):
            run(model, tmp_path / name)
        file = tmp_path / name / "samples.parquet"
        kept = pl.read_parquet(file)
        ids = kept["token_id"].to_list()
        kept.with_columns(token_id=pl.Series([*ids[-2::-1], ids[-1]], dtype=pl.List(pl.Int32))).write_parquet(file)
        run(model, tmp_path / name)
    saved, plain = (contents(tmp_path / name) for name in ("saved", "plain"))
    assert saved == plain


def test_nothing_is_drawn_again_for_another_layer_or_another_setting(
    model: Path, study: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "draw", None)
    for changes in ({}, {"segments": "top:0.2"}, {"layers": [0, 1]}, {"core_tokens": 25}):
        run(model, study, **changes)
        assert (study / "samples.parquet").read_bytes() == (finished / "samples.parquet").read_bytes()


def test_a_manifest_makes_the_same_study_elsewhere(model: Path, finished: Path, tmp_path: Path) -> None:
    settings = settings_of(StudyFolder.open(finished).manifest)
    again = api.study(model, out=tmp_path / "again", **settings).path
    assert contents(again) == contents(finished)


def test_replacing_a_study_draws_its_own_samples_and_one_that_fails_gets_them_back(
    model: Path, study: Path, finished: Path
) -> None:
    with pytest.raises(StudyError, match="is of something else"):
        run(model, study, seed=1)
    before = contents(study)
    with pytest.raises(Exception, match="Too few eligible tokens"):
        run(model, study, overwrite=True, seed=1, min_count=10**6)
    assert contents(study) == before
    run(model, study, overwrite=True, seed=1)
    assert (study / "samples.parquet").read_bytes() != (finished / "samples.parquet").read_bytes()
    assert not (study / ".replaced").exists()
    told = run(model, study, overwrite=True)
    assert told.drawn
    assert contents(study) == contents(finished)


@pytest.mark.parametrize("content", [b"", b"PAR1 and then nothing", "fewer", "longer", "other columns"])
def test_samples_that_are_damaged_are_told_and_drawn_again(model: Path, study: Path, content: bytes | str) -> None:
    file = study / "samples.parquet"
    whole = file.read_bytes()
    kept = pl.read_parquet(file)
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        other = {"fewer": kept.with_columns(pl.col("token_id").list.head(3)), "longer": pl.concat([kept, kept])}
        other.get(content, kept.rename({"token_id": "id"})).write_parquet(file)
    told = run(model, study, layers=[0, 1])
    assert f"Damaged in {study}, and made again: samples.parquet." in told.said
    assert file.read_bytes() == whole


def test_samples_that_are_gone_are_drawn_again_for_a_new_layer_unless_they_would_be_others(
    model: Path, study: Path, finished: Path
) -> None:
    file = study / "samples.parquet"
    file.unlink()
    assert run(model, study).drawn == []  # nothing to observe
    run(model, study, layers=[0, 1])
    assert file.read_bytes() == (finished / "samples.parquet").read_bytes()
    kept = pl.read_parquet(file)
    kept.with_columns(pl.col("token_id").list.eval(pl.element().reverse())).write_parquet(file)
    before = contents(study)
    with pytest.raises(StudyError, match=r"are others than those that its layers were observed with: samples\.parquet"):
        run(model, study, layers=[0, 1, 2])
    assert {name: b for name, b in contents(study).items() if name != "manifest.toml"} == {
        name: b for name, b in before.items() if name != "manifest.toml"
    }
    run(model, study, layers=[0, 1], core_tokens=25)  # every layer is observed with them


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"texts": ("self:3.005k",)}, True),
        ({"texts": ("self:3006",)}, False),
        ({"seed": 1}, False),
        ({"dtype": "bfloat16"}, False),
        ({"segments": "top:0.2"}, True),
        ({"layers": (0, 1)}, True),
    ],
)
def test_status_tells_what_is_another_text_as_a_plan_does(
    model: Path, study: Path, changes: dict[str, Any], same: bool
) -> None:
    told = status(study, changes)["another"]
    other = "The model would write other texts (--texts, --seed, --dtype), so it is another study."
    assert told == (None if same else other)
    planned = plan(str(model), *settings_from(SETTINGS | changes))
    assert (planned.identity == StudyFolder.open(study).manifest["identity"]) == same


def test_a_study_of_files_is_another_than_one_of_samples(study: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("the cat sat on a mat")
    assert status(study, {"texts": (str(tmp_path / "a.txt"),)})["another"] == (
        "These texts are not the study's, so it is another study."
    )


def test_windows_of_samples_are_what_the_model_had_before_it(model: Path, study: Path) -> None:
    from intraneuron.models.texts import windows

    loaded = plan(str(model), *settings_from(SETTINGS)).model
    kept = [ids.to_numpy() for ids in pl.read_parquet(study / "samples.parquet")["token_id"]]
    packed = windows(sampling.deal(kept), loaded)
    assert np.array_equal(packed.token_id[packed.shard == 3][:, 1:], np.stack(kept[3::20]))
