"""Choice: which rows of a study are exported, sorted out before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from intraneuron.cards import check_layer, check_neuron
from intraneuron.config import ExportConfig
from intraneuron.data import parse_neuron
from intraneuron.errors import SettingError, StudyError
from intraneuron.settings import check_names, check_types, listed, nearest
from intraneuron.store import STAGES, StudyFolder

_LISTS = ("tables", "populations", "layers", "neurons")


@dataclass(frozen=True)
class Choice:
    """Populations and layers, in the order in which they are written, and of each layer all neurons (None) or some."""

    populations: tuple[str, ...]
    neurons: dict[int, tuple[int, ...] | None]


def export_config(given: Mapping[str, Any]) -> ExportConfig:
    """Return the settings of an export from keyword arguments.

    Raises
    ------
    SettingError
        For a name that there is not, or a value that cannot be used.

    >>> export_config({"format": "json", "layers": [0, 1]}).layers
    (0, 1)
    """
    check_names(given, [f.name for f in fields(ExportConfig)])
    told = {name: listed(value) if name in _LISTS and value is not None else value for name, value in given.items()}
    config = ExportConfig(**told)
    check_types(config, given)
    for name in _LISTS:
        if getattr(config, name) == ():
            msg = f"{name} (--{name}) must name at least one, got none; leave it out for all."
            raise SettingError(msg)
    if config.excel_safe and config.format != "csv":
        msg = f"excel_safe (--excel-safe) is for csv only, got format {config.format}; leave one of them out."
        raise SettingError(msg)
    return config


def choose(folder: StudyFolder, config: ExportConfig) -> Choice:
    """Return the rows that are wanted of a finished study.

    Raises
    ------
    StudyError
        When the study is not finished, lacks one of the populations, layers or neurons, or no row is left.
    """
    summary = folder.summary()
    check_finished(folder, summary["layers"])
    for name in config.populations or ():
        if name not in summary["populations"]:
            raise no_population(name, summary["populations"])
    for layer in config.layers or ():
        check_layer(folder, layer)
    layers = [layer for layer in summary["layers"] if config.layers is None or layer in config.layers]
    populations = [p for p in summary["populations"] if config.populations is None or p in config.populations]
    return Choice(tuple(populations), _neurons(folder, config, layers))


def no_population(name: object, have: list[str]) -> StudyError:
    """Return the error for a population that a study does not have."""
    end = nearest(name, have) or "."
    return StudyError(f"This study has no population {name!r}; it has {', '.join(have)}{end}")


def no_rows(why: str) -> StudyError:
    """Return the error for an export that would be empty."""
    return StudyError(f"No rows are left to export: {why}. Choose others, or leave one of the options out.")


def _neurons(folder: StudyFolder, config: ExportConfig, layers: list[int]) -> dict[int, tuple[int, ...] | None]:
    if config.neurons is None:
        return dict.fromkeys(layers)
    wanted: dict[int, list[int]] = {}
    for name in config.neurons:
        layer, neuron = parse_neuron(name)
        check_neuron(folder, layer, neuron)
        wanted.setdefault(layer, []).append(neuron)
    found = {layer: tuple(sorted({*wanted[layer]})) for layer in layers if layer in wanted}
    if not found:
        own = ", ".join(map(str, layers))
        why = f"layers (--layers) {own} hold none of the neurons (--neurons) {', '.join(config.neurons)}"
        raise no_rows(why)
    return dict(found)


UNEXPORTED = ("contexts", "full_range", "report")
"""Stages that no table of an export is made from."""


def check_finished(folder: StudyFolder, layers: list[int]) -> None:
    """Raise StudyError when a stage is still to do for some layer: the study's tables may be half old, half new."""
    stages = folder.manifest["stages"]
    needed = [s.name for s in STAGES if s.name not in UNEXPORTED]
    lacking = [name for name in needed if {*layers} - {*stages.get(name, {}).get("layers", ())}]
    if lacking:
        msg = f"The study in {folder.path} is not finished ({', '.join(lacking)} to do). Run its study command again."
        raise StudyError(msg)
