"""The state of a study: what is done, and what the next command would do and why."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from tests.tiny_models import WORDS, tiny_gpt2

from intraneuron import api, planning
from intraneuron.config_file import settings_of
from intraneuron.errors import SettingError, StudyError
from intraneuron.lock import locked
from intraneuron.manifest import same_identity
from intraneuron.progress import Progress
from intraneuron.settings import settings_from
from intraneuron.status import ago, status
from intraneuron.store import StudyFolder

SETTINGS: dict[str, Any] = {"device": "cpu", "core_tokens": 30, "layers": [0, 1]}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("status")
    return api.study(tiny_gpt2(home / "tiny"), out=home / "study", **SETTINGS).path


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "study"))


def why(path: Path, **changes: Any) -> dict[str, str]:
    """Return the reasons of the stages that are to do."""
    return {row["stage"]: row["why"] for row in status(path, changes)["stages"] if row["todo"]}


def test_a_finished_study_has_nothing_to_do(study: Path) -> None:
    found = status(study)
    assert why(study) == {}
    assert all(row["done"] == [0, 1] for row in found["stages"])
    assert (found["mode"], found["running"], found["replaces"]) == ("vocabulary", None, False)
    files = [file for file in study.rglob("*") if file.is_file()]
    assert (found["files"], found["bytes"]) == (len(files), sum(file.stat().st_size for file in files))
    assert ago(found["written"]) in ("just now", "a minute ago") or "minutes" in ago(found["written"])


def test_a_space_that_the_model_has_not_is_refused_as_the_study_would_refuse_it(study: Path) -> None:
    folder = StudyFolder.open(study)
    folder.manifest["model"]["kind"] = "encoder"
    folder.write_manifest()
    with pytest.raises(SettingError, match=r"has no unembedding, so it has no output space\. Use --space input\."):
        status(study, {"space": "output"})


def test_a_changed_setting_names_itself_where_it_counts_and_its_followers_name_what_they_are_made_from(
    study: Path,
) -> None:
    assert why(study, segments="quantile:10") == {
        "segment": "segments quantile:5, now quantile:10",
        "compare": "is made from segment",
        "intervals": "is made from segment",
        "summarize": "is made from compare, intervals",
        "report": "is made from summarize",
    }
    assert why(study, center=True)["categorize"] == "center False, now True"
    assert "observe" not in why(study, center=True)
    assert why(study, core_tokens=40)["observe"] == "core_tokens 30, now 40"
    assert why(study, dtype="bfloat16")["observe"] == "dtype float32, now bfloat16"


def test_what_is_said_is_what_the_study_then_does(study: Path, finished: Path) -> None:
    expected = list(why(study, segments="quantile:10"))
    told: list[str] = []

    class Told(Progress):
        def begin(self, plan: Any, path: Path, todo: Any) -> None:
            told.extend(todo)

    config, run = settings_from(SETTINGS | {"segments": "quantile:10"})
    plan = planning.plan(str(finished.parent / "tiny"), config, run)
    api.run_planned(plan, study, progress=Told())
    assert told == expected


def test_more_layers_are_not_done_yet_and_other_stages_of_theirs_neither(study: Path) -> None:
    found = why(study, layers=[0, 1, 2])
    assert found["observe"] == "not done yet for layers 2"
    assert found["summarize"] == "layers 0, 1, now 0, 1, 2"


def test_a_file_that_is_gone_or_cut_is_named(study: Path) -> None:
    name = "neurons/effects/peak/layer-01.parquet"
    (study / name).write_bytes(b"PAR1")
    assert why(study)["compare"] == f"damaged or gone: {name}"
    (study / "report.html").unlink()
    assert why(study)["report"] == "damaged or gone: report.html"


def test_tables_that_are_to_be_kept_from_now_on_are_a_reason_and_no_damage(study: Path) -> None:
    assert status(study, {"keep": ("tables",)})["asked"] == {"keep": ("tables",)}
    reasons = why(study, keep=("tables",))
    assert reasons["observe"] == "keeps its tables now"
    assert reasons["categorize"] == "is made from observe"
    assert why(study, keep=()) == {}


def test_a_newer_method_is_a_reason(study: Path) -> None:
    folder = StudyFolder.open(study)
    folder.manifest["stages"]["compare"] |= {"method": 1, "key": "of another version"}
    (study / "manifest.toml").write_text(tomli_w.dumps(folder.manifest))
    assert why(study)["compare"].startswith("this version does it in another way (method 1, now ")


def test_a_run_that_works_on_it_is_named(study: Path) -> None:
    with locked(study):
        process, host = status(study)["running"]
    assert int(process) > 0
    assert host


def test_what_cannot_be_asked_is_refused(study: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="There is no study in"):
        status(tmp_path)
    with pytest.raises(SettingError, match=r"layers \(--layers\) must be between 0 and 2 for .*tiny, got 7\."):
        status(study, {"layers": [7]})
    with pytest.raises(SettingError, match=r"core_tokens \(--core-tokens\) must be between 20 and 1000, got 5\."):
        status(study, {"core_tokens": 5})


# So many tokens of a text ---------------------------------------------------------------------------------------------


SOME, ALL = 1700, 1755
"""Tokens; the last document has 41."""


@pytest.fixture(scope="module")
def of_texts(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return studies of some tokens of texts, and of all."""
    folder = tmp_path_factory.mktemp("texts") / "texts"
    folder.mkdir()
    for i in range(45):
        (folder / f"{i:02d}.txt").write_text(" ".join(WORDS) + " ." * (i % 3))
    settings: dict[str, Any] = {
        "device": "cpu",
        "core_tokens": 20,
        "min_count": 1,
        "layers": [0],
        "texts": [str(folder)],
        "twins": [],
    }
    model = finished.parent / "tiny"
    return {
        "model": model,
        "texts": folder,
        "some": api.study(model, out=folder.parent / "some", tokens=SOME, **settings).path,
        "all": api.study(model, out=folder.parent / "all", **settings).path,
    }


@pytest.mark.parametrize("which", ["some", "all"])
@pytest.mark.parametrize("tokens", [1, 500, SOME - 1, SOME, SOME + 1, ALL - 1, ALL, ALL + 1, 10**6])
def test_another_amount_of_text_is_another_study_exactly_where_a_plan_says_so(
    of_texts: dict[str, Path], which: str, tokens: int
) -> None:
    path = of_texts[which]
    made = status(path, {"tokens": tokens})["another"] is None
    assert made == (tokens == SOME if which == "some" else tokens >= ALL)
    if tokens > 1600:  # fewer are too few documents
        settings = settings_of(StudyFolder.open(path).manifest) | {"tokens": tokens}
        planned = planning.plan(str(of_texts["model"]), *settings_from(settings))
        assert same_identity(StudyFolder.open(path).manifest["identity"], planned.identity) == made


def test_other_files_are_the_same_texts_when_they_begin_with_what_was_read(
    of_texts: dict[str, Path], tmp_path: Path
) -> None:
    for which, changes, same in (
        ("some", {}, True),
        ("all", {}, True),
        ("some", {"44.txt": "other words"}, True),  # behind what was read
        ("all", {"44.txt": "other words"}, False),
        ("some", {"45.txt": "more"}, True),
        ("all", {"45.txt": "more"}, False),
        ("some", {"00.txt": "other words"}, False),
        ("some", {str(i): None for i in range(30, 45)}, False),
    ):
        folder = Path(shutil.copytree(of_texts["texts"], tmp_path / f"{which} {changes}"))
        for name, text in changes.items():
            if text is None:
                (folder / f"{name}.txt").unlink()
            else:
                (folder / name).write_text(text)
        told = status(of_texts[which], {"texts": (str(folder),)})["another"]
        assert told == (None if same else "These texts are not the study's, so it is another study."), changes


def test_a_study_that_does_not_say_how_much_it_read_goes_on_as_it_did(of_texts: dict[str, Path]) -> None:
    path = Path(shutil.copytree(of_texts["all"], of_texts["all"].with_name("older")))
    folder = StudyFolder.open(path)
    del folder.manifest["texts"]
    folder.write_manifest()
    assert status(path)["another"] is None
    assert "(--tokens)" in str(status(path, {"tokens": 500})["another"])
    assert status(path, {"texts": (str(of_texts["texts"]) + "/",)})["another"] is None
