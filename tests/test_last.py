from __future__ import annotations

from pathlib import Path

import pytest

from intraneuron.errors import StudyError
from intraneuron.last import last_study, remember, state_file


def test_the_last_study_is_remembered_until_it_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with pytest.raises(StudyError, match=r"No study has been made yet\."):
        last_study()
    study = tmp_path / "étude"
    study.mkdir()
    (study / "manifest.toml").write_text("")
    remember(study)
    assert last_study() == study
    (study / "manifest.toml").unlink()
    with pytest.raises(StudyError, match=rf"The last study, {study}, is gone; name a study's folder\."):
        last_study()


def test_a_user_without_a_home_is_told_to_name_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def homeless() -> Path:
        msg = "Could not determine home directory."
        raise RuntimeError(msg)

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    text = r"There is no home folder to remember the last study in\. Name a study's folder, or set XDG_STATE_HOME\."
    for verb in (last_study, lambda: remember(tmp_path)):
        with pytest.raises(StudyError, match=text):
            verb()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_file() == tmp_path / "intraneuron" / "last-study"
