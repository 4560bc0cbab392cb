"""The last study is remembered, so that commands need no folder."""

from __future__ import annotations

import os
from pathlib import Path

from intraneuron.errors import StudyError
from intraneuron.files import atomic, reading


def state_file() -> Path:
    """Return the file that remembers the last study.

    Raises
    ------
    StudyError
        When there is no home folder to keep it in.
    """
    root = os.environ.get("XDG_STATE_HOME")
    try:
        state = Path(root) if root else Path.home() / ".local" / "state"
    except RuntimeError as error:
        msg = "There is no home folder to remember the last study in. Name a study's folder, or set XDG_STATE_HOME."
        raise StudyError(msg) from error
    return state / "intraneuron" / "last-study"


def remember(path: Path) -> None:
    """Remember a study as the last one."""
    with atomic(state_file()) as temporary:
        temporary.write_text(str(Path(path).resolve()), encoding="utf-8")


def last_study() -> Path:
    """Return the last study's folder.

    Raises
    ------
    StudyError
        When none is remembered, or it is gone.
    """
    file = state_file()
    with reading(file):
        if not file.is_file():
            msg = "No study has been made yet. Run: intraneuron study minilm (or name a study's folder)."
            raise StudyError(msg)
        path = Path(file.read_bytes().decode("utf-8", errors="replace").strip())
    with reading(path):
        if not (path / "manifest.toml").is_file():
            msg = f"The last study, {path}, is gone; name a study's folder."
            raise StudyError(msg)
    return path
