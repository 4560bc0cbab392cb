"""Settings by name: keyword arguments to the dataclasses of ``config``."""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

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

_LISTS = ("layers", "texts", "sae", "hook", "twins", "keep")

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)([kmb]?)", re.ASCII | re.IGNORECASE)
_TIMES = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}


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
    check_names(given, homes)
    for name, value in given.items():
        sorted_in[homes[name]][name] = _read(name, value)
    parts: dict[str, Any] = {part: cls(**sorted_in[part]) for part, cls in PARTS.items()}
    config, run = StudyConfig(**parts), RunConfig(**sorted_in["run"])
    check_types(config, given)
    check_types(run, given)
    return config, run


def _read(name: str, value: Any) -> Any:
    """Return a setting as its dataclass has it."""
    if name == "tokens" and value is not None:
        return amount_from(name, value)
    return listed(value) if name in _LISTS else _plain(value)


def amount_from(name: str, value: object) -> int:
    """Return a number of tokens, which may be written in thousands, millions or billions.

    Raises
    ------
    SettingError
        When it is no whole number from 1 on.

    >>> amount_from("--tokens", "1.5M"), amount_from("tokens", 200)
    (1500000, 200)
    """
    read = _AMOUNT.fullmatch(str(_plain(value)).replace("_", "").strip())
    amount = Decimal(read[1]) * _TIMES[read[2].lower()] if read else Decimal(0)
    if amount < 1 or amount != int(amount):
        msg = f"{name} must be a number of tokens, such as 200k, 5M or 1B, got {value!r}."
        raise SettingError(msg)
    return int(amount)


def check_names(given: Iterable[str], known: Iterable[str]) -> None:
    """Raise SettingError for a setting that there is not; the nearest known one is given."""
    known = sorted(known)
    for name in given:
        if name not in known:
            hint = nearest(name, known) or f"; known are {', '.join(known)}."
            msg = f"There is no setting {name!r}{hint}"
            raise SettingError(msg)


def check_types(config: Any, given: Mapping[str, Any]) -> None:
    """Raise SettingError when a field of a settings dataclass is of another type, or not among its choices.

    The command line's parser does the same; this is for Python. What was ``given`` is told as it was written.
    """
    for name, kind in get_type_hints(type(config)).items():
        value = getattr(config, name)
        if is_dataclass(value):
            check_types(value, given)
        elif not _fits(value, kind):
            raise SettingError(must_be(name, kind, given.get(name, value)))


def must_be(name: str, kind: Any, value: object) -> str:
    """Return the sentence for a value that is not of the type, or not among the choices, of its setting.

    >>> must_be("--min-count", int | Literal["auto"], "foo")
    "--min-count must be a whole number or auto, got 'foo'."
    >>> must_be("--format", Literal["csv", "parquet"], "parket")
    "--format must be csv or parquet, got 'parket'; did you mean parquet?"
    """
    return f"{name} must be {_said(kind)}, got {value!r}{nearest(value, _choices(kind)) or '.'}"


def nearest(value: object, known: Iterable[str]) -> str:
    """Return a question with the known name that a misspelt one is like; nothing when it is like none.

    >>> nearest("tokns", ["neurons", "tokens"]), nearest(3, ["neurons"])
    ('; did you mean tokens?', '')
    """
    near = difflib.get_close_matches(value, sorted(known), n=1) if isinstance(value, str) else []
    return f"; did you mean {near[0]}?" if near else ""


def _choices(kind: Any) -> list[str]:
    """Return the texts among which a value is chosen, in a Literal or in a union or tuple of some."""
    if get_origin(kind) is Literal:
        return [one for one in get_args(kind) if isinstance(one, str)]
    return [choice for one in get_args(kind) for choice in _choices(one)]


def _fits(value: Any, kind: Any) -> bool:
    """Return whether a value is of a type: plain, Literal, union, or tuple of any length."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return value in arguments
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(v, arguments[0]) for v in value)
    if arguments:
        return any(_fits(value, one) for one in arguments)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def _said(kind: Any) -> str:
    """Return a type in words."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return _or(arguments)
    if origin is tuple:
        several = {int: "whole numbers, e.g. [0, 1]", str: "texts, e.g. ['a.txt', 'b.txt']"}
        return f"a list of {several.get(arguments[0]) or _said(arguments[0])}"
    if arguments:
        return _or([_said(one) for one in arguments if one is not type(None)])
    return {int: "a whole number", float: "a number", str: "text", bool: "true or false"}[kind]


def _or(choices: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(choices[:-1]), choices[-1]]))


def path_from(name: str, value: object) -> str:
    """Return a path or a name as text.

    Raises
    ------
    SettingError
        When it is something else, or empty.
    """
    text = _plain(value)
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        msg = f"{name} must be a name or a path, got {value!r}."
        raise SettingError(msg)
    return text


def expanded(text: str) -> Path:
    """Return a path with ``~`` for a home folder; as it was written when there is no such home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def check_flag(name: str, value: object) -> None:
    """Raise SettingError unless a value is True or False."""
    if not isinstance(value, bool):
        msg = f"{name} must be True or False, got {value!r}."
        raise SettingError(msg)


def check_seed(seed: object) -> int:
    """Return a seed, or raise SettingError unless it is a whole number from 0 to 2^63 - 1."""
    seed = _plain(seed)
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**63:
        msg = f"seed (--seed) must be a whole number from 0 to 2^63 - 1, got {seed!r}."
        raise SettingError(msg)
    return seed


def bytes_of(memory: object) -> int:
    """Return a size in bytes: a number of GiB, or a text with a unit.

    Raises
    ------
    SettingError
        When it is neither, or not above 0.

    >>> bytes_of("8GB"), bytes_of("1.5 GiB"), bytes_of(2)
    (8000000000, 1610612736, 2147483648)
    """
    text = str(memory).strip().lower()
    found = re.fullmatch(r"(.*?)\s*([kmgt])(i?)b?", text)
    number, scale = text, 2.0**30
    if found:
        number, scale = found[1], (1024.0 if found[3] else 1000.0) ** (1 + "kmgt".index(found[2]))
    try:
        size = float(number) * scale
    except ValueError:
        size = math.nan
    if not 0 < size < math.inf:
        msg = f"memory (--memory) must be a size above 0, such as 8GB, 512MB or 2.5 (GiB), got {memory!r}."
        raise SettingError(msg)
    return math.ceil(size)


def _plain(value: Any) -> Any:
    """Return a path as text, and numbers and arrays of numpy and torch as numbers and lists."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value.tolist() if hasattr(value, "tolist") else value


def listed(value: Any) -> Any:
    """Return a tuple of one or many; what is neither stays as it is, for the check of types."""
    value = _plain(value)
    if isinstance(value, (str, int)):
        return (value,)
    return tuple(map(_plain, value)) if isinstance(value, Iterable) and not isinstance(value, bytes) else value
