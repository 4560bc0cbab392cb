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
    monkeypatch.setattr(machine, "ROOTS", {"": (str(tmp_path), "memory.max")})
    monkeypatch.setattr(machine, "GROUPS", str(tmp_path / "none"))
    limit.write_text("max\n")
    assert whole is None or memory_there() >= whole  # type: ignore[operator]
    limit.write_text("1000000\n")
    assert memory_there() == 1_000_000


@pytest.mark.parametrize(
    ("line", "controller", "name"),
    [("0::/job_7/step_0", "", "memory.max"), ("5:cpu,memory:/job_7/step_0", "memory", "memory.limit_in_bytes")],
)
def test_the_limit_of_a_job_counts_wherever_in_the_tree_of_groups_it_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, controller: str, name: str
) -> None:
    (tmp_path / "groups").write_text(f"1:name=systemd:/other\n{line}\n")
    monkeypatch.setattr(machine, "GROUPS", str(tmp_path / "groups"))
    monkeypatch.setattr(machine, "ROOTS", {controller: (str(tmp_path), name)})
    step = tmp_path / "job_7" / "step_0"
    step.mkdir(parents=True)
    (step / name).write_text("max\n")
    (step.parent / name).write_text("3000000\n")
    assert memory_there() == 3_000_000
    (step / name).write_text("2000000\n")
    assert memory_there() == 2_000_000


def test_more_memory_than_there_is_is_refused_unless_nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intraneuron.checking.memory_there", lambda: 2**30)
    with pytest.raises(SettingError, match=r"must be at most what there is, 1\.0 GiB here, got '8GB'\. Give less"):
        check(StudyConfig(), RunConfig(memory="8GB"))
    check(StudyConfig(), RunConfig())
    monkeypatch.setattr("intraneuron.checking.memory_there", lambda: None)
    check(StudyConfig(), RunConfig(memory="8GB"))
