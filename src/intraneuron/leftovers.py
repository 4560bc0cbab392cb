"""Files of other settings: removed when those that replace them are complete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from intraneuron.calibrating import remove_outdated
from intraneuron.config import LAYER_INPUT
from intraneuron.exporting.place import remove_outdated_export
from intraneuron.files import writing
from intraneuron.missing import OUTPUTS
from intraneuron.place import OWN, ROBUSTNESS, TABLES
from intraneuron.planned import Planned
from intraneuron.planning import keys
from intraneuron.progress import Progress
from intraneuron.space_files import space_file
from intraneuron.stages import FURTHER
from intraneuron.store import STAGES, StudyFolder
from intraneuron.sum_tables import sums_name
from intraneuron.varying import FOLDER as VARIED
from intraneuron.work import Work


def remove_leftovers(planned: Planned, folder: StudyFolder) -> None:
    """Remove tables of layers and populations, spaces and what is made of a study, of other settings than these.

    Layers that were made with the present settings by an earlier command stay, and are not made again when they are
    asked for.
    """
    belong = set(_belonging(planned, folder))
    with writing(folder.path):
        for file in _written(folder.path):
            if file.relative_to(folder.path).as_posix() not in belong:
                file.unlink()
                _remove_empty(file.parent, folder.path)
    remove_outdated(folder)
    remove_outdated_export(folder)
    remove_outdated(folder, VARIED, ROBUSTNESS)
    observed = folder.done("observe", keys(planned)["observe"])
    notes = folder.manifest["observation"]
    folder.manifest["observation"] = {layer: of for layer, of in notes.items() if int(layer) in observed}


def _belonging(planned: Planned, folder: StudyFolder) -> Iterator[str]:
    key = keys(planned)
    for stage in STAGES:
        work = Work(folder, planned, planned.layers, Progress(), stage.name, key)
        for layer in folder.done(stage.name, key[stage.name]):
            yield from OUTPUTS[stage.name](work, layer)
            if stage.name == "observe":  # tables that an earlier command kept of the same observation
                yield from (sums_name(name, layer) for name in work.observed)
                yield space_file(LAYER_INPUT, layer)
            if stage.name == "categorize":
                yield from (space_file(name) for name in FURTHER)


def _written(path: Path) -> list[Path]:
    folders = [path / name for name in OWN if (path / name).is_dir()]
    return [file for folder in folders for pattern in TABLES for file in folder.rglob(pattern)]


def _remove_empty(folder: Path, root: Path) -> None:
    with suppress(OSError):  # not empty
        while folder != root:
            folder.rmdir()
            folder = folder.parent
