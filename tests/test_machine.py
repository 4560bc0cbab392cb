from __future__ import annotations

from pathlib import Path

import pytest

from intraneuron import machine
from intraneuron.checking import check
from intraneuron.config import RunConfig, StudyConfig
from intraneuron.errors import SettingError
from intraneuron.machine import memory_there


def test_a_container_s_limit_counts_where_it_is_less_than_the_machine_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = memory_there()
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "LIMITS", (str(limit), str(tmp_path / "none")))
    limit.write_text("max\n")
    assert whole is None or memory_there() >= whole  # type: ignore[operator]
    limit.write_text("1000000\n")
    assert memory_there() == 1_000_000


def test_more_memory_than_there_is_is_refused_unless_nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intraneuron.checking.memory_there", lambda: 2**30)
    with pytest.raises(SettingError, match=r"must be at most what there is, 1\.0 GiB here, got '8GB'\. Give less"):
        check(StudyConfig(), RunConfig(memory="8GB"))
    check(StudyConfig(), RunConfig())
    monkeypatch.setattr("intraneuron.checking.memory_there", lambda: None)
    check(StudyConfig(), RunConfig(memory="8GB"))
