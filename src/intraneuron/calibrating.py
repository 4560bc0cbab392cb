"""calibrating: a study on disk -> its calibration, and that to disk."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import polars as pl
import tomli_w

from intraneuron.config import CalibrateConfig, PartitionConfig
from intraneuron.errors import SettingError, StudyError
from intraneuron.files import atomic, without_none, writing
from intraneuron.manifest import versions
from intraneuron.models.vocabulary import spelling_of
from intraneuron.models.words import eligible_tokens
from intraneuron.pipeline.calibrate import Calibration, Material, calibrate
from intraneuron.pipeline.numbers import reference_of
from intraneuron.pipeline.retest import RETESTED, Forms
from intraneuron.place import CALIBRATION, check_writable
from intraneuron.plain import plain
from intraneuron.progress import Progress
from intraneuron.settings import check_names, check_seed, check_types
from intraneuron.spaces import StudySpaces, read_norms
from intraneuron.store import StudyFolder

FOLDER = "calibration"
TABLES = ("size", "power", "patterns", "retest")
LEAST = {"shuffles": 1, "planted": 20}


def calibrate_config(given: Mapping[str, Any]) -> CalibrateConfig:
    """Return the settings of a calibration from keyword arguments.

    Raises
    ------
    SettingError
        For a name that there is not, or a value that cannot be used.
    """
    check_names(given, [f.name for f in fields(CalibrateConfig)])
    config = CalibrateConfig(**given)
    check_types(config, given)
    check_seed(config.seed)
    for name, least in LEAST.items():
        value = getattr(config, name)
        if value < least:
            msg = f"{name} (--{name}) must be at least {least}, got {value}."
            raise SettingError(msg)
    return config


def calibrate_study(
    folder: StudyFolder, out: Path, config: CalibrateConfig, progress: Progress | None = None
) -> Calibration:
    """Calibrate a finished study and write the tables, and how they were made, into a folder.

    Raises
    ------
    StudyError
        When the study is not finished, or the folder cannot be written.
    """
    check_writable(out)
    found = calibrate(material_of(folder), config, (progress or Progress()).stage)
    if study_key(StudyFolder.open(folder.path)) != study_key(folder):
        msg = f"The study in {folder.path} was changed while it was calibrated. Run the same command again."
        raise StudyError(msg)
    for name in TABLES:
        frame = pl.DataFrame(getattr(found, name), infer_schema_length=None)
        folder.write(out / f"{name}.parquet", frame)
    with atomic(out / "settings.toml") as file:
        file.write_bytes(tomli_w.dumps(_settings(folder, config, found)).encode())
    return found


def study_key(folder: StudyFolder) -> str:
    """Return the key of what is calibrated: another one when any of the study's numbers or layers are others."""
    return str(folder.manifest["stages"].get("summarize", {}).get("key", ""))


def remove_outdated(folder: StudyFolder, name: str = FOLDER, files: Sequence[str] = CALIBRATION) -> None:
    """Remove what was made of a study, its calibration or another, when it is of other settings than the present ones.

    Parameters
    ----------
    folder : StudyFolder
    name : str
        The folder in the study's; its ``settings.toml`` says of which study it is.
    files : list of str
        Those that may be removed.
    """
    own = folder.path / name
    made = own / "settings.toml"
    with writing(own):
        if not made.is_file():
            return
        with suppress(tomllib.TOMLDecodeError, UnicodeDecodeError):  # damaged: nobody can say what it is of
            if tomllib.loads(made.read_text(encoding="utf-8")).get("study", {}).get("key") == study_key(folder):
                return
        for file in files:
            (own / file).unlink(missing_ok=True)
        with suppress(OSError):  # somebody's own files are in it
            own.rmdir()


def material_of(folder: StudyFolder) -> Material:
    """Read what is calibrated: the layers and populations of the study's last command.

    Raises
    ------
    StudyError
        When a table is missing or damaged.
    """
    summary, settings = folder.summary(), folder.manifest["settings"]
    vocabulary = folder.vocabulary()
    spaces = StudySpaces.of_study(folder).in_layers(tuple(summary["layers"]))
    words = settings["observe"].get("words", False)
    return Material(
        layers={
            layer: {name: folder.population(name, layer) for name in summary["populations"]}
            for layer in summary["layers"]
        },
        spaces=spaces,
        spelling=spelling_of(vocabulary),
        eligible=eligible_tokens(vocabulary, spaces[summary["layers"][0]], words=words),
        partition=PartitionConfig(**settings["partition"]),
        core_tokens=settings["observe"]["core_tokens"],
        seed=settings["observe"]["seed"],
        halves=_halves(folder, summary),
        reference=reference_of(summary),
        norms=read_norms(folder),
    )


def _halves(folder: StudyFolder, summary: Mapping[str, Any]) -> dict[int, dict[str, Forms]]:
    """Read what the halves of the text selected; empty in vocabulary mode, and without the rotated twin."""
    if summary["mode"] != "corpus" or not set(RETESTED) <= set(summary["populations"]):
        return {}
    return {layer: {name: folder.halves(name, layer) for name in RETESTED} for layer in summary["layers"]}


def _settings(folder: StudyFolder, config: CalibrateConfig, found: Calibration) -> dict[str, Any]:
    """Return what a later reader needs to know of where the numbers come from."""
    facts = found.facts | {"planted": asdict(found.facts["planted"])}
    made = {
        "calibrate": asdict(config),
        "facts": facts,
        "study": {"settings": folder.manifest["settings"], "key": study_key(folder)},
        "versions": versions(),
    }
    return dict(without_none(plain(made)))
