"""The state of a study in the terminal."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from intraneuron.data.display import plain
from intraneuron.manifest import same_command
from intraneuron.status import ago

PARTS = ("observe", "space", "partition", "twin")


def render_status(found: Mapping[str, Any]) -> RenderableType:
    """Show the state of a study, as :func:`intraneuron.status.status` returns it."""
    return Group(*_head(found), Text(), _stages(found), Text())


def next_step(found: Mapping[str, Any]) -> str:
    """Return what to type next, or why nothing will do; a line that is to be copied is never broken."""
    return "\n".join(plain(line) for line in _next(found))


def _head(found: Mapping[str, Any]) -> list[Text]:
    when = datetime.fromtimestamp(found["written"]).astimezone()
    size = f"{found['files']:,} files, {_bytes(found['bytes'])}"
    lines = [
        f"{found['study']}: {found['model']}, {found['mode']} mode",
        f"Last written {ago(found['written'])} ({when:%Y-%m-%d %H:%M}); {size}.",
        f"Settings: {_settings(found['settings'])}",
        f"Made with: {', '.join(f'{name} {version}' for name, version in found['versions'].items())}",
    ]
    if found["running"]:
        process, host = found["running"]
        lines.append(f"Process {process} on {host} works on it, or was killed while it did.")
    if found["replaces"]:
        lines.append("It replaces a finished study, which waits in .replaced until this one is finished.")
    return [Text(plain(line), style="" if index else "bold") for index, line in enumerate(lines)]


def _settings(settings: Mapping[str, Any]) -> str:
    own = {name: value for part in PARTS for name, value in settings.get(part, {}).items()}
    return ", ".join(f"{name} {_said(value)}" for name, value in own.items() if value not in ((), [], False)) + "."


def _said(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else "on" if value is True else str(value)


def _bytes(size: float) -> str:
    """Return a size in words.

    >>> _bytes(900), _bytes(1_234_567), _bytes(5e9)
    ('1 kB', '1.2 MB', '5.0 GB')
    """
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(size / 1e3, 1):.0f} kB"


def _stages(found: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("stage", "layers done", "next command"):
        table.add_column(name, overflow="fold")
    for row in found["stages"]:
        done = _ranges(row["done"]) or "–"
        if row["todo"]:
            again = f"layers {_ranges(row['todo'])}: " if row["todo"] != row["done"] and row["done"] else ""
            table.add_row(row["stage"], done, Text(plain(f"{again}{row['why']}"), style="yellow"))
        else:
            table.add_row(row["stage"], done, "nothing")
    return table


def _ranges(layers: list[int]) -> str:
    """Return layers, neighbours as a range.

    >>> _ranges([0, 1, 2, 5])
    '0-2, 5'
    """
    runs: list[list[int]] = []
    for layer in layers:
        if runs and layer == runs[-1][-1] + 1:
            runs[-1].append(layer)
        else:
            runs.append([layer])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _next(found: Mapping[str, Any]) -> list[str]:
    if not any(row["todo"] for row in found["stages"]):
        next_one = shlex.join(["intraneuron", "show", found["study"], found["first"]])
        return ["Finished: the same command would do nothing.", f"Next: {next_one}"]
    if found["another"]:
        return [f"{found['another']} Give it another folder (study --out), or replace this study (study --overwrite)."]
    return [f"Next: {same_command(Path(found['study']), *_options(found['asked']), source=found['command'])}"]


def _options(asked: Mapping[str, Any]) -> list[str]:
    """Return settings as words of a command.

    >>> _options({"layers": (0, 1), "center": True, "texts": ("a b", "docs")})
    ['--layers', '0,1', '--center', '--texts', 'a b', '--texts', 'docs']
    """
    words = []
    for name, value in asked.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(option)
        elif name == "texts":
            words += [word for text in value for word in (option, text)]
        else:
            words += [option, _said(value)] if value is not False else [f"{option}=false"]
    return words
