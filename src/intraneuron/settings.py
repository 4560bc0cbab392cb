"""Settings by name: keyword arguments to the dataclasses of ``config``."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from intraneuron.config import (
    ObserveConfig,
    PartitionConfig,
    RunConfig,
    SpaceConfig,
    StudyConfig,
    TwinConfig,
)
from intraneuron.errors import SettingError

PARTS = {"observe": ObserveConfig, "space": SpaceConfig, "partition": PartitionConfig, "twin": TwinConfig}

_LISTS = ("layers", "texts", "twins")


def settings_from(given: Mapping[str, Any]) -> tuple[StudyConfig, RunConfig]:
    """Sort keyword arguments into a study's settings and those of its run.

    Raises
    ------
    SettingError
        For an unknown name; the nearest known one is given.

    >>> settings_from({"layers": [0, 1], "dtype": "bfloat16"})[0].observe.layers
    (0, 1)
    """
    homes = {f.name: part for part, cls in PARTS.items() for f in fields(cls)}
    homes |= {f.name: "run" for f in fields(RunConfig)}
    sorted_in: dict[str, dict[str, Any]] = {part: {} for part in (*PARTS, "run")}
    for name, value in given.items():
        if name not in homes:
            near = difflib.get_close_matches(name, homes, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(homes))}."
            msg = f"There is no setting {name!r}; {hint}"
            raise SettingError(msg)
        sorted_in[homes[name]][name] = _listed(value) if name in _LISTS else value
    parts = {part: cls(**sorted_in[part]) for part, cls in PARTS.items()}
    return StudyConfig(**parts), RunConfig(**sorted_in["run"])


def _listed(value: Any) -> tuple[Any, ...] | None:
    """Return a tuple of one or many."""
    if value is None:
        return None
    return (value,) if isinstance(value, (str, int)) else tuple(value)
