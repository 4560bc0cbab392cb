"""The stage that runs the model, layer by layer."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from intraneuron.config import MIN_TOKENS
from intraneuron.errors import DataError
from intraneuron.files import fingerprint
from intraneuron.keeping import KeptLayer
from intraneuron.kernels.orthants import orthants
from intraneuron.manifest import versions
from intraneuron.models.words import eligible_tokens, forms_of
from intraneuron.planning import Plan
from intraneuron.samples import with_samples
from intraneuron.sum_tables import SumTables
from intraneuron.tables import vocabulary_table
from intraneuron.twinning import WithTwins
from intraneuron.unfinished import Unfinished
from intraneuron.work import Work


def observe_stage(work: Work[Plan]) -> None:
    """Run the model over tokens or texts; keep core tokens of neurons and twins, and those of the jackknife.

    Slices of a layer are kept on disk as they come, and so are, from time to time, the sums of the pass that runs: a
    run that was killed goes on there.
    """
    work = with_samples(work)
    plan, folder = work.plan, work.folder
    space = plan.input_space()
    eligible = eligible_tokens(plan.vocabulary, space, words=plan.config.observe.words)
    group = orthants(space.vector, eligible)
    precise = _precision(work, eligible)
    unfinished = Unfinished(folder, _key(work), work.progress.say)
    unfinished.claim()
    with work.progress.stage("observe", "positions") as report:
        observed = WithTwins(work, space, eligible, unfinished, report)
        folder.write(folder.path / "vocabulary.parquet", vocabulary_table(plan.vocabulary, observed.seen))
        for layer in work.layers:
            kept = KeptLayer(work, layer, eligible, group)
            kept.note(precise.get(layer, {}))
            sums = SumTables(unfinished, layer)
            for index, name in observed.kept(layer):
                kept.take(index, unfinished.tables(name), unfinished.notes(name) or {})
                sums.take(index, name)
            for observation in observed.of(layer):
                frames = kept.add(observation)
                if "readout" in observation.populations:  # made in no time, and not summed
                    continue
                name = observed.name_of(observation)
                summed = sums.add(observation, name) if "tables" in plan.run.keep else sums.drop(observation)
                if observation.of > 1:
                    unfinished.save(name, frames, kept.notes, summed)
            sums.write()
            kept.write()
            work.finish(layer)
        unfinished.clear()


def _precision(work: Work[Plan], eligible: np.ndarray) -> dict[int, dict[str, Any]]:
    """Return, by layer, what a shorter number format than float32 costs in core tokens, and on how many positions.

    The model in float32 stands in memory beside the one that is studied; where there is no room for it, or where the
    model was handed in and cannot be loaded again, the cost is unknown (NaN).
    """
    plan = work.plan
    if plan.run.dtype == "float32":
        return {}
    from intraneuron.models.lens import LensModel
    from intraneuron.models.loading import load_model
    from intraneuron.models.texts import vocabulary_windows
    from intraneuron.pipeline.precision import has_room, precision
    from intraneuron.pipeline.select import select

    if isinstance(plan.model.model, LensModel) or not has_room(plan.model):
        return {layer: {"precision_positions": 0, "precision_overlap": math.nan} for layer in work.layers}
    with work.progress.stage(f"{plan.run.dtype} against float32", "positions") as report:
        found = precision(
            plan.model,
            load_model(plan.name, device=plan.run.device, dtype="float32"),
            plan.texts or vocabulary_windows(plan.model),
            work.layers,
            choose=partial(
                select,
                eligible=eligible,
                core_tokens=plan.config.observe.core_tokens,
                form=forms_of(plan.vocabulary, plan.config.observe.forms),
                sign=plan.config.observe.sign,
            ),
            progress=report,
        )
    return {
        layer: {"precision_positions": found.positions, "precision_overlap": overlap}
        for layer, overlap in found.overlap.items()
    }


def _key(work: Work[Plan]) -> str:
    """Return the fingerprint of all that sums depend on, the machine's way to add included."""
    from intraneuron.pipeline.passes import BATCH_POSITIONS

    device = work.plan.model.device.type
    samples = work.folder.manifest.get("texts", {}).get("samples")  # what a model writes is not known before it is
    own = [device, BATCH_POSITIONS[device], work.plan.run.keep, samples]
    return fingerprint([work.keys["observe"], versions(), *own])


def check_testable(work: Work) -> None:
    """Raise DataError when no neuron of the study has enough core tokens to be tested."""
    seen = [work.folder.manifest["observation"][str(layer)] for layer in work.plan.layers]
    if any(notes["testable"] for notes in seen):
        return
    most = max(notes["most_core_tokens"] for notes in seen)
    if work.plan.config.observe.cross_fit:
        msg = (
            f"Too few eligible tokens in both halves of the text: no neuron has {MIN_TOKENS} core tokens of the even "
            f"documents that the odd ones hold, the most is {most}. Give more text, or leave --cross-fit out."
        )
        raise DataError(msg)
    msg = (
        f"Too few eligible tokens: no neuron has {MIN_TOKENS} core tokens, the most is {most}. "
        "Give more text, or a lower --min-count."
    )
    raise DataError(msg)
