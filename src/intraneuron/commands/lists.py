"""Options that take several values: with commas between them, or, where a path may hold a comma, repeated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import get_args

from intraneuron.config import LongTable, Twin
from intraneuron.errors import SettingError

_NUMBER = re.compile(r"-?\d+", re.ASCII)
_NEURON = re.compile(r"[Ll]\d+[Nn]\d+", re.ASCII)

_LISTS = ("--layers", "--twins", "--keep", "--tables", "--populations", "--neurons", "--columns")
"""Options whose values stand behind each other with commas between them."""

_VARIED = ("--spaces", "--segments", "--categories", "--core-tokens", "--further")
"""Further ones of `intraneuron robustness`; of other commands they take one value."""

_PATHS = ("--texts", "--sae")
"""Options that are repeated for more: a path may hold a comma."""

_KNOWN = {*get_args(Twin), *get_args(LongTable)}
"""Words that can only be a value of such an option."""


def split_lists(words: Sequence[str]) -> list[str]:
    """Write ``--layers 0,1`` as ``--layers 0 --layers 1``, which the parser understands.

    Raises
    ------
    SettingError
        When values stand behind each other with spaces between them, or layers are no numbers.
    """
    out: list[str] = []
    rest = list(words)
    lists = (*_LISTS, *(_VARIED if rest[:1] == ["robustness"] else ()))
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name not in (*lists, *_PATHS) or not (equals or rest):
            out.append(name + equals + value)
            continue
        value = value if equals else rest.pop(0)
        values = [value] if name in _PATHS else [part.strip() for part in value.split(",")]
        _check(name, values, value, _behind(rest))
        for one in values:
            out += [f"{name}={one}"] if one == "-" else [name, one]  # by itself it would be an option without a name
    return out


def stray_text(words: Sequence[str], unused: str) -> str | None:
    """Return what to say of a word that no option took, when it stands behind a path; None when it does not."""
    for i, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in _PATHS:
            values = [value] * bool(equals) + _behind(words[i + 1 :])
            if unused in values[1:]:
                return _repeat(name, values)
    return None


def _behind(words: Sequence[str]) -> list[str]:
    """Return the words before the next option."""
    return list(takewhile(lambda word: not word.startswith("--"), words))


def _check(name: str, values: list[str], given: str, behind: list[str]) -> None:
    """Raise SettingError for values that are no list of this option, or that more of the list stand behind."""
    if name in _PATHS:
        if len(behind) > 1 or any(_is_text(word) for word in behind):
            raise SettingError(_repeat(name, [given, *behind]))
        return
    more = list(takewhile(_is_value, behind))
    if more:
        raise SettingError(_commas(name, [given, *more]))
    if name == "--layers" and not all(_NUMBER.fullmatch(value) for value in values):
        msg = f"--layers must be numbers with commas between them, such as 0,1, got {given!r}."
        raise SettingError(msg)


def _is_value(word: str) -> bool:
    """Tell whether a word can only be a value of a list."""
    bare = word.strip(",")
    return bool(_NUMBER.fullmatch(bare) or _NEURON.fullmatch(bare)) or bare in _KNOWN


def _is_text(word: str) -> bool:
    """Tell whether a word that could be MODEL is a file or a folder that is no model."""
    path = Path(word).expanduser()
    return path.is_file() or (path.is_dir() and not (path / "config.json").is_file())


def _repeat(name: str, values: list[str]) -> str:
    each = " ".join(f"{name} {value}" for value in values)
    return f"{name} takes one file or folder, got {' '.join(values)}. Repeat it for more: {each}"


def _commas(name: str, values: list[str]) -> str:
    joined = ",".join(value.strip(",") for value in values)
    return f"{name} takes one list with commas in it, got {' '.join(values)}. Write: {name} {joined}"
