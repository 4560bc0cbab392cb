"""Run a study: do the stages that are missing, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from intraneuron.errors import IntraneuronError
from intraneuron.planning import Plan, Progress, keys
from intraneuron.stages import STAGE_VERBS
from intraneuron.store import STAGES, StudyFolder, settle
from intraneuron.work import Work


def run_study(
    planned: Plan,
    out: Path | None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    last: Mapping[str, Callable[[Work], None]],
) -> StudyFolder:
    """Do what is missing of a study and return its folder.

    Stages that finished with the same settings are not repeated; a changed setting redoes the stages that depend on
    it. Another model, mode or text in the same folder is refused. ``last`` holds the verbs of stages that belong to
    higher rooms (the report). When a new study fails for a reason that the user can put right, nothing of it stays
    behind, and a study that it was to replace is put back.
    """
    progress = progress or Progress()
    path = out or planned.default_folder
    new = overwrite or not path.exists() or not any(path.iterdir() if path.is_dir() else ["a file"])
    folder = StudyFolder.create(path, planned.manifest(), overwrite=overwrite)
    try:
        _run_stages(planned, folder, progress, STAGE_VERBS | dict(last))
    except IntraneuronError:
        if new:
            settle(path, keep_new=False)
        raise
    if overwrite:
        settle(path, keep_new=True)
    return folder


PAGES = {"summarize": "summary.json", "report": "report.html"}
"""Files that speak for the study as a whole, and the stages that make them."""


def missing_stages(planned: Plan, folder: StudyFolder) -> dict[str, tuple[int, ...]]:
    """Return the stages that are to do, and for which layers."""
    key = keys(planned)
    missing = {
        stage.name: tuple(n for n in planned.layers if n not in folder.done(stage.name, key[stage.name]))
        for stage in STAGES
    }
    return {name: layers for name, layers in missing.items() if layers}


def _run_stages(
    planned: Plan, folder: StudyFolder, progress: Progress, verbs: Mapping[str, Callable[[Work], None]]
) -> None:
    key = keys(planned)
    missing = missing_stages(planned, folder)
    # What is about to be made again would speak of other settings than the manifest.
    folder.withdraw(*(file for stage, file in PAGES.items() if stage in missing))
    folder.write_manifest()
    for stage in STAGES:  # a stage may have done a later one in the same pass
        layers = missing_stages(planned, folder).get(stage.name)
        if layers:
            verbs[stage.name](Work(folder, planned, layers, progress, stage.name, key))
