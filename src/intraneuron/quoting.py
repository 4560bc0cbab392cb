"""The stage that quotes the texts: stretches in which a neuron is most active, and some from each of its segments."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from intraneuron.config import StudyConfig
from intraneuron.pipeline.partition import most_segments, segment
from intraneuron.planning import Plan
from intraneuron.progress import Report
from intraneuron.samples import with_samples
from intraneuron.settings import bytes_of
from intraneuron.tables import contexts_table
from intraneuron.work import Work

BYTES = 120
"""Memory that one context takes while the model runs: 21 activations, and where it is."""


def most_contexts(config: StudyConfig) -> int:
    """Return how many contexts a neuron can have: those of highest activation, and some from each segment."""
    from intraneuron.pipeline.contexts import PER_SEGMENT

    return config.observe.contexts + PER_SEGMENT * most_segments(config.partition.segments)


def contexts_stage(work: Work[Plan]) -> None:
    """Run the model once more over the texts, and keep contexts of every neuron."""
    from intraneuron.pipeline.contexts import contexts
    from intraneuron.pipeline.observe import task_of

    work = with_samples(work)
    plan, folder = work.plan, work.folder
    observe = plan.config.observe
    task = task_of(plan.model, observe, texts=plan.texts)
    groups = list(_groups(work))
    with work.progress.stage("contexts", "positions") as report:
        for i, layers in enumerate(groups):
            parts = {}
            for layer in layers:
                core = folder.core_tokens("neurons", layer)
                parts[layer] = core, segment(core, plan.config.partition.segments)
            told = partial(_report_from, report, i, len(groups), task.windows.positions)
            for found in contexts(task, parts, top=observe.contexts, sign=observe.sign, progress=told):
                file = folder.layer_file("neurons/contexts", found.layer)
                folder.write(file, contexts_table(found, len(parts[found.layer][0])))
                work.finish(found.layer)


def _report_from(report: Report, group: int, groups: int, positions: int, done: int) -> None:
    report(group * positions + done, groups * positions)


def _groups(work: Work[Plan]) -> Iterator[list[int]]:
    """Yield layers that are read in one pass, as many as fit into memory, at least one."""
    each = BYTES * most_contexts(work.plan.config)
    room, group = bytes_of(work.plan.run.memory), list[int]()
    for layer in work.layers:
        needed = each * work.plan.model.site(layer).n_neurons
        if group and needed > room:
            yield group
            room, group = bytes_of(work.plan.run.memory), []
        group.append(layer)
        room -= needed
    yield group
