"""What is left to do of a study: stages that never finished a layer, or whose files are gone or damaged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import cast

from intraneuron.config import LAYER_INPUT
from intraneuron.data import QUESTIONS
from intraneuron.intact import is_whole
from intraneuron.manifest import check_same
from intraneuron.pipeline.retest import RETESTED
from intraneuron.place import NORMED, has_study
from intraneuron.planned import Planned, Wanted, keeps_inputs, quotes, ranges
from intraneuron.planning import keys
from intraneuron.progress import Progress
from intraneuron.space_files import space_file
from intraneuron.spaces import named_for
from intraneuron.store import STAGES, StudyFolder, goes_on
from intraneuron.sum_tables import SUMMED, SUMS, sums_name
from intraneuron.work import Work

Layers = tuple[int, ...]


def _observed(work: Work, layer: int) -> Iterator[str]:
    for name in work.observed:
        yield from (f"{table}/{_file(layer)}" for table in (f"{name}/core_tokens", f"jackknife/{name}/core_tokens"))
        if work.plan.mode == "corpus":
            yield f"{name}/settling/{_file(layer)}"
            if name in RETESTED:
                yield f"halves/{name}/core_tokens/{_file(layer)}"
    if "tables" in work.plan.run.keep:
        yield from (sums_name(name, layer) for name in work.observed if name in SUMMED)
    yield from inputs_kept(work, layer)
    yield "vocabulary.parquet"


def inputs_kept(work: Work, layer: int) -> Iterator[str]:
    """Yield the files of what enters a layer: of the untrained twin where that is the study's space."""
    own = work.plan.config.space.space == LAYER_INPUT
    if keeps_inputs(work.plan):
        yield space_file(LAYER_INPUT, layer)
        if own and "untrained" in work.observed:
            yield space_file(named_for("untrained", LAYER_INPUT), layer)


def _quoted(work: Work, layer: int) -> Iterator[str]:
    if quotes(work.plan):
        yield f"neurons/contexts/{_file(layer)}"


def _categorized(work: Work, layer: int) -> Iterator[str]:
    yield from (f"{name}/categories/{_file(layer)}" for name in work.populations)
    yield from (f"{name}/core_tokens/{_file(layer)}" for name in work.populations)
    if work.plan.config.partition.norms is not None:
        yield NORMED
    if work.plan.config.space.space != LAYER_INPUT:
        yield from {space_file(work.space_name(name)): None for name in work.populations}


def _segmented(work: Work, layer: int) -> Iterator[str]:
    yield from (f"{name}/segments/{_file(layer)}" for name in work.populations)


def _compared(work: Work, layer: int) -> Iterator[str]:
    for name in work.populations:
        yield from (f"{name}/effects/{question}/{_file(layer)}" for question in QUESTIONS)
        yield f"{name}/profile/{_file(layer)}"


def _left_out(work: Work, layer: int) -> Iterator[str]:
    yield from (f"jackknife/{name}/parts/{_file(layer)}" for name in work.observed)


def _ranged(work: Work, layer: int) -> Iterator[str]:
    for name in work.observed:
        if name in SUMMED:
            yield from (f"{table}/{_file(layer)}" for table in (f"{name}/percentiles", f"jackknife/{name}/percentiles"))


def _summarized(work: Work, layer: int) -> Iterator[str]:
    del layer
    yield from (f"{name}/results.parquet" for name in work.populations)
    yield "summary.json"


def _reported(work: Work, layer: int) -> Iterator[str]:
    del work, layer
    yield "report.html"


OUTPUTS: dict[str, Callable[[Work, int], Iterator[str]]] = {
    "observe": _observed,
    "contexts": _quoted,
    "categorize": _categorized,
    "segment": _segmented,
    "compare": _compared,
    "intervals": _left_out,
    "full_range": _ranged,
    "summarize": _summarized,
    "report": _reported,
}
"""The files that a stage leaves for a layer."""

WHOLE = ("summarize", "report")
"""Stages that are over all layers of the study, or not done at all."""


def _file(layer: int) -> str:
    return f"layer-{layer:02d}.parquet"


def lost_files(planned: Wanted, folder: StudyFolder) -> tuple[str, ...]:
    """Return the files that stages have finished, and that are gone or damaged now."""
    lost: dict[str, bool] = {}
    for work in _works(planned, folder):
        for layer in _done(work):
            for name in OUTPUTS[work.stage](work, layer):
                if name not in lost:  # several stages and layers share files
                    lost[name] = not is_whole(folder.path / name)
    return tuple(name for name, is_lost in lost.items() if is_lost)


def not_kept_yet(folder: StudyFolder, lost: Collection[str]) -> set[str]:
    """Return those of lost files that were not asked for before (--keep)."""
    wanted = {name for name in lost if Path(name).parent.name == SUMS or Path(name).parent.parent.name == "spaces"}
    return {name for name in wanted if not (folder.path / name).exists()}


def every_stage(planned: Wanted) -> dict[str, Layers]:
    """Return all stages that a study has, each with all its layers: contexts and full range may not be wanted."""
    wanted = {"contexts": quotes(planned), "full_range": ranges(planned)}
    return {stage.name: planned.layers for stage in STAGES if wanted.get(stage.name, True)}


def missing_stages(planned: Wanted, folder: StudyFolder, lost: Collection[str] | None = None) -> dict[str, Layers]:
    """Return the stages that are to do, and for which layers.

    A layer of a stage is done when the manifest says so under the present key and none of its files is lost.
    """
    lost = {*(lost_files(planned, folder) if lost is None else lost)}
    every, missing = every_stage(planned), dict[str, Layers]()
    for work in _works(planned, folder):
        done = {n for n in _done(work) if not lost.intersection(OUTPUTS[work.stage](work, n))}
        layers = tuple(n for n in planned.layers if n not in done)
        if layers and work.stage in every:
            missing[work.stage] = planned.layers if work.stage in WHOLE else layers
    return missing


def with_dependents(planned: Wanted, missing: dict[str, Layers]) -> dict[str, Layers]:
    """Add, to stages that are to do, those that are made from what they make."""
    every, out = every_stage(planned), dict[str, Layers]()
    for stage in STAGES:
        layers = {*missing.get(stage.name, ())}.union(*(out.get(name, ()) for name in stage.inputs))
        if layers and stage.name in every:
            out[stage.name] = planned.layers if stage.name in WHOLE else tuple(sorted(layers))
    return out


def left_to_do(planned: Planned, path: Path, *, overwrite: bool) -> dict[str, Layers]:
    """Return what a run would do, without touching anything.

    Raises
    ------
    StudyError
        When the run would be refused: the study that is there is of something else, or damaged.
    """
    new = not has_study(path)
    if new or (overwrite and not goes_on(path, planned.manifest())):
        return every_stage(planned)
    folder = StudyFolder.open(path)
    check_same(path, folder.manifest["identity"], planned.identity)
    return with_dependents(planned, missing_stages(planned, folder))


def files_of(planned: Wanted, folder: StudyFolder, stage: str) -> Iterator[str]:
    """Return the names of the files that a stage has left for the layers it finished."""
    for work in _works(planned, folder):
        if work.stage == stage:
            for layer in _done(work):
                yield from OUTPUTS[stage](work, layer)


def _works(planned: Wanted, folder: StudyFolder) -> Iterator[Work]:
    """Return each stage with what it takes to name its files."""
    key = keys(planned)
    for stage in STAGES:
        # Names of files depend on settings alone, which is all that there may be.
        yield Work(folder, cast(Planned, planned), planned.layers, Progress(), stage.name, key)


def _done(work: Work) -> list[int]:
    """Return the layers that a stage has finished, as the manifest has it."""
    done = work.folder.done(work.stage, work.keys[work.stage])
    if work.stage == "observe":
        done = {layer for layer in done if str(layer) in work.folder.manifest["observation"]}
    return [layer for layer in work.plan.layers if layer in done]
