"""Which studies are compared, and which layers of each; what cannot be compared is told before anything is read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intraneuron.cards import check_layer
from intraneuron.config import CompareConfig
from intraneuron.errors import SettingError, StudyError
from intraneuron.exporting.choice import check_finished
from intraneuron.pipeline.numbers import reference_of
from intraneuron.plain import plain
from intraneuron.settings import expanded
from intraneuron.store import METHODS, StudyFolder

_LAYERS = re.compile(r"(.+)@([0-9]+(?:,[0-9]+)*)", re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class Chosen:
    """A study that is compared: its folder, its name in tables, its layers."""

    folder: StudyFolder
    name: str
    layers: tuple[int, ...]
    twin: str


def split_layers(text: str) -> tuple[Path, tuple[int, ...] | None]:
    """Return a study's folder and the layers written behind it; a folder that has such a name is taken as it is.

    >>> split_layers("minilm-vocabulary@1,0")
    (PosixPath('minilm-vocabulary'), (1, 0))
    """
    found = _LAYERS.fullmatch(text)
    if found is None or expanded(text).exists():
        return Path(text), None
    return Path(found[1]), tuple(dict.fromkeys(map(int, found[2].split(","))))


def whole_study(text: str) -> str:
    """Return a study's folder as it is written, of what takes all its layers.

    Raises
    ------
    SettingError
        When layers are written behind it.
    """
    folder, layers = split_layers(text)
    if layers is not None:
        command = shlex.join(["intraneuron", "robustness", str(folder)])
        msg = f"robustness takes a whole study, got layers of one ({text}). Run: {command}"
        raise SettingError(msg)
    return text


Wanted = Sequence[tuple[StudyFolder, tuple[int, ...] | None]]
"""Studies, each with the layers that were named with it."""


def choose(wanted: Wanted, config: CompareConfig) -> list[Chosen]:
    """Return the studies with their layers.

    Raises
    ------
    SettingError
        When there are fewer than two, one is named twice, or their layers do not go together.
    StudyError
        When one is not finished, was made by another method, or lacks a layer.
    """
    if len(wanted) < 2:
        msg = f"compare needs two studies or more, got {len(wanted)}; one study's layers are STUDY@0 STUDY@1."
        raise SettingError(msg)
    summaries = [folder.summary() for folder, _ in wanted]
    for (folder, _), summary in zip(wanted, summaries, strict=True):
        check_finished(folder, summary["layers"])
        _check_methods(folder)
    layers = _layers(wanted, config, [summary["layers"] for summary in summaries])
    names = _names([folder for folder, _ in wanted], layers, [some is not None for _, some in wanted])
    _check_different(names)
    return [
        Chosen(folder, name, some, reference_of(summary))
        for (folder, _), name, some, summary in zip(wanted, names, layers, summaries, strict=True)
    ]


def _layers(wanted: Wanted, config: CompareConfig, there: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Return the layers of each study: named with it, of the option, or those that all have."""
    common = tuple(n for n in there[0] if all(n in some for some in there))
    if config.layers and all(own for _, own in wanted):
        asked = ",".join(map(str, config.layers))
        msg = (
            f"layers (--layers) {asked} is for studies without @LAYERS, and all of these name theirs. Leave one of the "
            "two out."
        )
        raise SettingError(msg)
    layers = [own or tuple(dict.fromkeys(config.layers or common)) for _, own in wanted]
    for (folder, _), some in zip(wanted, layers, strict=True):
        for layer in some:
            check_layer(folder, layer)
    if not all(layers):
        have = "; ".join(", ".join(map(str, some)) for some in there)
        msg = f"These studies have no layer in common ({have}). Name the layers of each: STUDY@0 OTHER@1."
        raise SettingError(msg)
    if len({len(some) for some in layers}) > 1:
        many = ", ".join(str(len(some)) for some in layers)
        msg = f"Every study needs equally many layers, the first is compared with the first, got {many}."
        raise SettingError(msg)
    return layers


def _check_different(names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        msg = f"{twice} is named twice; compare it with another study, or with other layers of it (STUDY@0 STUDY@1)."
        raise SettingError(msg)


def _names(folders: Sequence[StudyFolder], layers: Sequence[tuple[int, ...]], said: Sequence[bool]) -> list[str]:
    """Return what studies are called: their folder's name, with as many folders above it as tell them apart."""
    paths = [folder.path.resolve() for folder in folders]
    different = list(dict.fromkeys(paths))
    depth = 1
    while len({p.parts[-depth:] for p in different}) < len(different):
        depth += 1
    behind = ["@" + ",".join(map(str, some)) if own else "" for some, own in zip(layers, said, strict=True)]
    return ["/".join(p.parts[-depth:]) + end for p, end in zip(paths, behind, strict=True)]


READ = ("observe", "categorize", "segment", "compare", "intervals")
"""Stages whose tables are read here: the methods that made them must be this version's."""


def _check_methods(folder: StudyFolder) -> None:
    old = [name for name in READ if folder.manifest["stages"][name].get("method", 1) != METHODS[name]]
    if old:
        msg = (
            f"The study in {folder.path} was made by another version, whose numbers are made in another way "
            f"({', '.join(old)}). Run its study command again: it makes them anew."
        )
        raise StudyError(msg)


def check_unchanged(chosen: Sequence[Chosen]) -> None:
    """Raise StudyError when a run has changed a study meanwhile."""
    for one in chosen:
        if StudyFolder.open(one.folder.path).manifest != one.folder.manifest:
            msg = f"The study in {one.folder.path} was changed while it was compared. Run the same command again."
            raise StudyError(msg)


def said(chosen: Sequence[Chosen]) -> str:
    """Name the studies."""
    return " and ".join(one.name for one in chosen)


UNTOLD = ("settings.observe.layers", "settings.layers")
"""Settings in which studies differ that say nothing: the layers that are compared are told elsewhere."""


def differing(chosen: Sequence[Chosen]) -> list[dict[str, Any]]:
    """Return the facts and settings in which studies differ: ``name``, and ``values``, one a study."""
    told = ("identity", "settings", "run")
    found = [dict(_flat({name: one.folder.manifest.get(name, {}) for name in told})) for one in chosen]
    names = list(dict.fromkeys(name for facts in found for name in facts if name not in UNTOLD))
    rows = [{"name": name, "values": [facts.get(name) for facts in found]} for name in names]
    return [row for row in rows if len(set(map(str, row["values"]))) > 1]


def _flat(facts: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    out: list[tuple[str, Any]] = []
    for key, value in facts.items():
        name = f"{prefix}{key}"
        out += _flat(value, f"{name}.") if isinstance(value, Mapping) else [(name, _written(value))]
    return out


def _written(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else plain(value)
