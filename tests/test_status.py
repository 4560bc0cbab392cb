"""The state of a study: what is done, and what the next command would do and why."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from tests.tiny_models import tiny_gpt2

from intraneuron import api, planning
from intraneuron.errors import SettingError, StudyError
from intraneuron.lock import locked
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
