"""A study's settings from a TOML file that holds what a manifest does; a study's own manifest.toml will do."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from intraneuron.config import RunConfig
from intraneuron.errors import SettingError
from intraneuron.files import reading
from intraneuron.settings import PARTS, amount_from, check_names, must_be, settings_from

RECORDS = (
    *(
        "format",
        "identity",
        "reading",
        "texts",
        "versions",
        "stages",
        "observation",
        "replaces",
        "published",
        "sae",
        "given",
    ),
)
"""Tables of a manifest that tell what was done, not what is wanted."""

KNOWN = ("model", "out", "settings", "run")

MODEL = (
    "name",
    "family",
    "kind",
    "revision",
    "weights",
    "tokenizer",
    "config",
    "context",
    "fused",
    "tabulated",
    "below_zero",
    "layers",
    "neurons",
)
"""What a manifest says of a model; its name is what is wanted."""

RESOLVED = ("layers", "mode")
"""Settings that a manifest has twice: as they were given, and what they came to."""


@dataclass(frozen=True)
class ConfigFile:
    """What a file asks for.

    Attributes
    ----------
    model, out : str or None
    settings : dict
        Settings of the study and of its run, by name, as :func:`intraneuron.study` takes them.
    """

    model: str | None
    out: str | None
    settings: dict[str, Any]


def read_config_file(path: Path) -> ConfigFile:
    """Read and check a file of settings.

    Raises
    ------
    SettingError
        When it is no TOML, or holds a name that there is not (the nearest known one is given) or a value that cannot
        be used.
    """
    with reading(path):
        if not path.is_file():
            msg = f"There is no file {path}. Give --config a TOML file, such as a study's manifest.toml."
            if path.is_dir():
                msg = f"{path} is a folder. Give --config a TOML file, such as a study's manifest.toml."
            raise SettingError(msg)
        text = path.read_bytes()
    try:
        found = tomllib.loads(text.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path} is no TOML ({error}). Write it like a study's manifest.toml."
        raise SettingError(msg) from error
    try:
        return _checked(found)
    except SettingError as error:
        msg = f"In {path}: {error}"
        raise SettingError(msg) from None


def _checked(found: Mapping[str, Any]) -> ConfigFile:
    check_names([name for name in found if name not in RECORDS], KNOWN)
    model = found.get("model")
    if isinstance(model, Mapping):  # a manifest's
        check_names(model, MODEL)
        model = model.get("name")
        if model is None:
            msg = "[model] must say the model's name (name = ...)."
            raise SettingError(msg)
    for name, value in (("model", model), ("out", found.get("out"))):
        if value is not None and not isinstance(value, str):
            raise SettingError(must_be(name, str, value))
    settings = _flat(_table("settings", found.get("settings", {})))
    run = _table("run", found.get("run", {}))
    check_names(run, [f.name for f in fields(RunConfig)])
    settings |= run
    settings_from(settings)  # says what is wrong with a name or a value
    if settings.get("tokens") is not None:
        settings["tokens"] = amount_from("tokens", settings["tokens"])
    return ConfigFile(model, found.get("out"), settings)


def settings_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest's settings by name, as :func:`intraneuron.study` takes them."""
    return _checked(manifest).settings


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by name: those of a part (observe, space, ...) may stand in its table or directly in settings.

    A manifest has layers and mode in both places: as they were asked for, and as they came out.
    """
    out: dict[str, Any] = {name: value for name, value in settings.items() if name not in PARTS}
    for part, kind in PARTS.items():
        own = settings.get(part, {})
        if part == "space" and isinstance(own, str):  # the setting of the same name
            own = {"space": own}
        own = _table(part, own)
        check_names(own, [f.name for f in fields(kind)])
        twice = [name for name in own if name in out and name not in RESOLVED and out[name] != own[name]]
        if twice:
            name = twice[0]
            msg = f"{name} is given twice, as {out[name]!r} and, in [settings.{part}], as {own[name]!r}; leave one out."
            raise SettingError(msg)
        out |= own
    return out


def _table(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        msg = f"{name} must be a table ([{name}]), got {value!r}."
        raise SettingError(msg)
    return value
