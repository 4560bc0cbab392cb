"""Run a study: do the stages that are missing, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from intraneuron.errors import IntraneuronError, StudyError
from intraneuron.missing import Layers, lost_files, missing_stages, with_dependents
from intraneuron.place import has_aside, put_back, remove, to_make, unmake
from intraneuron.planning import Plan, Progress, keys
from intraneuron.stages import STAGE_VERBS
from intraneuron.store import STAGES, StudyFolder
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
    it; when nothing is missing, nothing is written. Another model, tokenizer, mode or text in the same folder is
    refused. ``last`` holds the verbs of stages that belong to higher rooms (the report). When a new study fails for
    a reason that the user can put right, nothing of it stays behind, and a study that it was to replace is put back;
    but one that only the disk stopped stays, to be gone on with.
    """
    path = out or planned.default_folder
    made = to_make(path)
    new = not (path / "manifest.toml").is_file()
    try:
        folder = StudyFolder.create(path, planned.manifest(), overwrite=overwrite)
    except StudyError:
        unmake(made)
        raise
    try:
        _run_stages(planned, folder, progress or Progress(), STAGE_VERBS | dict(last))
    except IntraneuronError as error:
        stopped = isinstance(error, StudyError) and folder.manifest["stages"]
        if folder.manifest.get("replaces") and has_aside(path):
            put_back(path)
        elif new and not stopped:
            remove(path)
            unmake(made)
        raise
    folder.settle()
    return folder


PAGES = {"summarize": "summary.json", "report": "report.html"}
"""Files that speak for the study as a whole, and the stages that make them."""

NAMED = 3
"""Damaged files that are named; more are counted."""


def _run_stages(
    planned: Plan, folder: StudyFolder, progress: Progress, verbs: Mapping[str, Callable[[Work], None]]
) -> None:
    lost = lost_files(planned, folder)
    missing = with_dependents(planned, missing_stages(planned, folder, lost))
    if missing:
        _withdraw(planned, folder, missing)
    progress.begin(planned, folder.path, missing)
    if lost:
        progress.say(f"Damaged or gone in {folder.path}, and made again: {_listed(lost)}.")
    if not missing:
        return
    for stage in STAGES:  # a stage may have done a later one in the same pass
        layers = missing_stages(planned, folder).get(stage.name)
        if layers:
            verbs[stage.name](Work(folder, planned, layers, progress, stage.name, keys(planned)))


def _withdraw(planned: Plan, folder: StudyFolder, missing: Mapping[str, Layers]) -> None:
    """Take back, in the folder, that the stages to do are done: what they made would speak of other settings."""
    key = keys(planned)
    folder.withdraw(*(file for stage, file in PAGES.items() if stage in missing))
    for name, layers in missing.items():
        folder.forget(name, key[name], layers)
    folder.write_manifest()


def _listed(names: Sequence[str]) -> str:
    """Return names, a few of them in full.

    >>> _listed(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
