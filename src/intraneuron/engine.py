"""Run a study: do the stages that are missing, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from intraneuron.errors import IntraneuronError, StudyError
from intraneuron.leftovers import remove_leftovers
from intraneuron.lock import locked
from intraneuron.missing import Layers, left_to_do, lost_files, missing_stages, not_kept_yet, with_dependents
from intraneuron.place import has_aside, has_study, is_interrupted, keep_aside, put_back, remove, to_make, unmake
from intraneuron.plain import listed
from intraneuron.planned import Planned
from intraneuron.planning import keys
from intraneuron.progress import Progress
from intraneuron.stages import STAGE_VERBS
from intraneuron.store import STAGES, StudyFolder
from intraneuron.warming import TESTING, compiling
from intraneuron.work import Work


def run_study(
    planned: Planned,
    out: Path | None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    last: Mapping[str, Callable[[Work], None]],
) -> StudyFolder:
    """Do what is missing of a study and return its folder.

    Stages that finished with the same settings are not repeated; a changed setting redoes the stages that depend on
    it; when nothing is missing, nothing is written. Another model, tokenizer, mode or text in the same folder is
    refused. ``last`` holds the verbs of stages that belong to higher rooms (the report). When a run fails for a
    reason that the user can put right, what was done before with other settings, or by a study that was to be
    replaced, is put back, and nothing of a new study stays behind; but a new one that only the disk stopped stays,
    to be gone on with.
    """
    path = out or planned.default_folder
    has_study(path)  # says what else is there before anything is made
    made = to_make(path)
    progress = progress or Progress()
    try:
        if is_interrupted(path) or left_to_do(planned, path, overwrite=overwrite):
            with locked(path):
                return _run(planned, path, progress, STAGE_VERBS | dict(last), overwrite=overwrite)
        progress.begin(planned, path, {})  # without a lock, which the run of another command may hold: only read
        return StudyFolder.open(path).adopt(planned.manifest())
    except IntraneuronError:
        unmake(made)
        raise


def _run(
    planned: Planned, path: Path, progress: Progress, verbs: Mapping[str, Callable[[Work], None]], *, overwrite: bool
) -> StudyFolder:
    """Do what is missing in a folder that no other run works on."""
    new = not (path / "manifest.toml").is_file()
    folder = StudyFolder.create(path, planned.manifest(), overwrite=overwrite)
    try:
        _run_stages(planned, folder, progress, verbs)
    except IntraneuronError as error:
        stopped = isinstance(error, StudyError) and folder.manifest["stages"]
        if folder.manifest.get("replaces") and has_aside(path):
            put_back(path)
        elif new and not stopped:
            remove(path)
        raise
    if folder.manifest.get("replaces"):
        remove_leftovers(planned, folder)
    folder.settle()
    return folder


PAGES = {"summarize": "summary.json", "report": "report.html"}
"""Files that speak for the study as a whole, and the stages that make them."""


def _run_stages(
    planned: Planned, folder: StudyFolder, progress: Progress, verbs: Mapping[str, Callable[[Work], None]]
) -> None:
    lost = lost_files(planned, folder)
    missing = with_dependents(planned, missing_stages(planned, folder, lost))
    if missing:
        _withdraw(planned, folder, missing)
    progress.begin(planned, folder.path, missing)
    gone = [name for name in lost if name not in not_kept_yet(folder, lost)]
    if gone:
        progress.say(f"Damaged or gone in {folder.path}, and made again: {listed(gone)}.")
    if not missing:
        return
    with compiling(missing) as compiled:
        for stage in STAGES:  # a stage may have done a later one in the same pass
            layers = missing_stages(planned, folder).get(stage.name)
            if layers:
                if stage.name in TESTING:
                    compiled()
                verbs[stage.name](Work(folder, planned, layers, progress, stage.name, keys(planned)))


def _withdraw(planned: Planned, folder: StudyFolder, missing: Mapping[str, Layers]) -> None:
    """Take back, in the folder, that the stages to do are done: what they made would speak of other settings.

    A study that would lose something waits as a copy until the new one is finished.
    """
    key = keys(planned)
    waits = folder.manifest.get("replaces") and has_aside(folder.path)
    if not waits and _loses(folder, key, missing):
        keep_aside(folder.path)
        folder.manifest["replaces"] = True
    for name, layers in missing.items():
        folder.forget(name, key[name], layers)
    folder.write_manifest()  # before anything is removed: from now on the study that waits is the one to keep
    folder.withdraw(*(file for stage, file in PAGES.items() if stage in missing))


def _loses(folder: StudyFolder, key: Mapping[str, str], missing: Mapping[str, Layers]) -> bool:
    """Tell whether something that is done would be made again, or is of other settings."""
    return any(
        state["key"] != key.get(name) or set(state["layers"]) & set(missing.get(name, ()))
        for name, state in folder.manifest["stages"].items()
    )
