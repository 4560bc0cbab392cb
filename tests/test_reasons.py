"""Reasons of a study that was stopped; those of a finished one are in test_status."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.tiny_models import tiny_gpt2

from intraneuron import api, engine
from intraneuron.errors import StudyError
from intraneuron.stages import STAGE_VERBS
from intraneuron.status import status


def test_stages_of_a_stopped_study_are_not_done_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: Any) -> None:
        msg = "stopped"
        raise StudyError(msg)

    monkeypatch.setattr(engine, "STAGE_VERBS", STAGE_VERBS | {"intervals": stop})
    with pytest.raises(StudyError, match="stopped"):
        api.study(tiny_gpt2(tmp_path / "tiny"), out=tmp_path / "study", device="cpu", core_tokens=30, layers=[0])
    rows = {row["stage"]: row for row in status(tmp_path / "study")["stages"]}
    assert rows["compare"]["todo"] == []
    assert {name: rows[name]["why"] for name in ("intervals", "summarize", "report")} == dict.fromkeys(
        ("intervals", "summarize", "report"), "not done yet"
    )
