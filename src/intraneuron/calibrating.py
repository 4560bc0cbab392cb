"""calibrating: a study on disk -> its calibration, and that to disk."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

import polars as pl
import tomli_w

from intraneuron.config import CalibrateConfig, PartitionConfig
from intraneuron.errors import SettingError
from intraneuron.files import atomic, without_none
from intraneuron.manifest import versions
from intraneuron.models.vocabulary import spelling_of
from intraneuron.pipeline.calibrate import Calibration, Material, calibrate
from intraneuron.plain import plain
from intraneuron.planning import Progress, Report
from intraneuron.settings import check_seed, check_types
from intraneuron.store import StudyFolder

FOLDER = "calibration"
TABLES = ("size", "power", "patterns", "retest")
LEAST = {"shuffles": 1, "planted": 1}


def calibrate_study(
    folder: StudyFolder, config: CalibrateConfig | None = None, progress: Progress | None = None
) -> Calibration:
    """Calibrate a finished study and write the tables into its folder.

    Raises
    ------
    SettingError
        For a number of shuffles or made-up neurons under 1, or a seed that there is not.
    StudyError
        When the study is not finished, or its folder cannot be written.
    """
    config = config or CalibrateConfig()
    check_config(config)
    shown = progress or Progress()

    def stage(name: str, unit: str) -> AbstractContextManager[Report]:
        return shown.stage(name, unit)

    found = calibrate(material_of(folder), config, stage)
    _write(folder, config, found)
    return found


def check_config(config: CalibrateConfig) -> None:
    """Raise SettingError for settings that cannot be used."""
    check_types(config, {})
    check_seed(config.seed)
    for name, least in LEAST.items():
        value = getattr(config, name)
        if value < least:
            msg = f"{name} (--{name}) must be at least {least}, got {value}."
            raise SettingError(msg)


def material_of(folder: StudyFolder) -> Material:
    """Read what is calibrated: the layers and populations of the study's last command.

    Raises
    ------
    StudyError
        When a table is missing or damaged.
    """
    summary, settings = folder.summary(), folder.manifest["settings"]
    vocabulary = folder.vocabulary()
    space = folder.read_space(summary["space"])
    return Material(
        layers={
            layer: {name: folder.population(name, layer) for name in summary["populations"]}
            for layer in summary["layers"]
        },
        space=space,
        spelling=spelling_of(vocabulary),
        eligible=~vocabulary.special & space.defined,
        partition=PartitionConfig(**settings["partition"]),
        core_tokens=settings["observe"]["core_tokens"],
        seed=settings["observe"]["seed"],
    )


def _write(folder: StudyFolder, config: CalibrateConfig, found: Calibration) -> None:
    for name in TABLES:
        folder.write(
            folder.path / FOLDER / f"{name}.parquet", pl.DataFrame(getattr(found, name), infer_schema_length=None)
        )
    with atomic(folder.path / FOLDER / "settings.toml") as file:
        file.write_bytes(tomli_w.dumps(_settings(folder, config, found)).encode())


def _settings(folder: StudyFolder, config: CalibrateConfig, found: Calibration) -> dict[str, Any]:
    """Return what a later reader needs to know of where the numbers come from."""
    facts = found.facts | {"planted": asdict(found.facts["planted"])}
    made = {
        "calibrate": asdict(config),
        "facts": facts,
        "study": {"settings": folder.manifest["settings"], "compare": folder.manifest["stages"]["compare"]["key"]},
        "versions": versions(),
    }
    return dict(without_none(plain(made)))
