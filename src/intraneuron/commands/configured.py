"""Settings that the command line leaves open come from a file: that of --config, or the manifest of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cyclopts import App, Argument, ArgumentCollection, Token

OPTION = "--config"


def fill(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Give every argument that was not given the value that a file has for it.

    Raises
    ------
    SettingError
        When the file cannot be used.
    """
    del app
    named = {argument.name.lstrip("-").replace("-", "_").lower(): argument for argument in arguments}
    path = _file(named) if commands != ("status",) else _manifest(named)
    if path is None:
        return
    from intraneuron.config_file import read_config_file

    found = read_config_file(path)
    values: dict[str, Any] = {"model": found.model, "out": found.out, **found.settings}
    for name, value in values.items():
        argument = named.get(name)
        if argument is None or argument.tokens or value is None:
            continue
        given = tuple(value) if isinstance(value, list) else value
        argument.append(Token(keyword=argument.name, source=str(path), implicit_value=given))


def _file(named: dict[str, Argument]) -> Path | None:
    """Return the file of ``--config``, if it was given."""
    from intraneuron.settings import path_from

    asked = named.get(OPTION.lstrip("-"))
    return Path(path_from(OPTION, asked.tokens[-1].value)) if asked is not None and asked.tokens else None


def _manifest(named: dict[str, Argument]) -> Path:
    """Return the manifest of the study that is asked about."""
    from intraneuron.last import last_study
    from intraneuron.settings import path_from
    from intraneuron.store import StudyFolder

    tokens = named["study"].tokens
    path = Path(path_from("The study's folder", tokens[-1].value)) if tokens else last_study()
    return StudyFolder.open(path).path / "manifest.toml"  # says what is wrong with it
