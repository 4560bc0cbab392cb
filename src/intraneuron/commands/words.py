"""What the study command says before and after."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from intraneuron.cards import place_of
from intraneuron.data import parse_neuron
from intraneuron.data.display import plain, visible
from intraneuron.estimate import estimate, passes_said, planned_passes
from intraneuron.missing import every_stage, left_to_do, lost_files
from intraneuron.pipeline.memory import pass_bytes
from intraneuron.pipeline.numbers import reference_of
from intraneuron.place import has_study
from intraneuron.reasons import reasons
from intraneuron.report.reliability import check_sentence, min_count_sentence, settled_sentence
from intraneuron.report.terminal import render_claims, render_other_twins
from intraneuron.store import STAGES, StudyFolder, goes_on

if TYPE_CHECKING:
    from intraneuron.api import Study
    from intraneuron.planned import Planned


SHOWN = 10
"""Neurons that are named at the end."""

CLEAREST = (
    "The most structured neurons: first those with a pattern, then by p of agreement\n"
    "(one neuron's pattern is weak evidence):"
)
"""The order is that of :func:`intraneuron.summary.clearest`."""


def announce(console: Console, plan: Planned, out: Path, todo: Mapping[str, tuple[int, ...]]) -> None:
    """Say what will be done, and what it will roughly cost."""
    cost = estimate(plan, todo, out)
    neurons = sum(plan.n_neurons(layer) for layer in plan.layers)
    layers = f"{len(plan.layers)} of {_count(plan.n_layers, 'layer')}"
    twins = ", ".join(plan.config.twin.twins) or "none"
    observe = plan.config.observe
    how = ["whole words"] * observe.words + ["distinct forms"] * (observe.forms == "distinct")
    how += {"negative": ["activations below 0"], "magnitude": ["on either side of 0"]}.get(observe.sign, [])
    how += ["cross-fit"] * observe.cross_fit
    of = f" ({', '.join(how)})" if how else ""
    lines = [
        f"{plan.name}: {_count(neurons, 'neuron')} in {layers}; reads {plan.reads}.",
        f"Core tokens {observe.core_tokens}{of}, categories {plan.config.partition.categories}, "
        f"segments {plan.config.partition.segments}, space {plan.config.space.full_name}, twins {twins}.",
    ]
    if todo != every_stage(plan):
        lines.append(f"In {out}; still to do: {_said(plan, todo) or 'nothing, it is finished'}.")
    passes = passes_said(plan, todo.get("observe", ()))
    if passes:
        lines.append(f"Runs the model in {passes}.")
    if todo:
        lines.append(
            f"About {_duration(cost.seconds)}, {cost.memory / 1e9:.1f} GB of memory, {cost.disk / 1e6:.0f} MB in {out}."
        )
    for line in (*lines, *(plan.remarks if todo else ())):
        console.print(plain(line), highlight=False, soft_wrap=True, markup=False)


def planned_work(plan: Planned, out: Path, *, overwrite: bool) -> dict[str, Any]:
    """Return what a study would do, and what that costs, as plain data."""
    todo = left_to_do(plan, out, overwrite=overwrite)
    texts = plan.manifest().get("texts")
    why, cost = _reasons(plan, out, todo, overwrite=overwrite), estimate(plan, todo, None if overwrite else out)
    return {
        **{"study": str(out), "model": plan.name, "mode": plan.mode},
        **({"texts": texts} if texts else {}),
        **{"seconds": cost.seconds, "memory": cost.memory, "disk": cost.disk},
        "passes": [
            {"model": one.population, "layers": [piece.layer for piece in pieces], "slice": pieces[0].index}
            | {"slices": pieces[0].of, "bytes": pass_bytes(one.task, pieces)}
            for one in planned_passes(plan, todo.get("observe", ()))
            for pieces in one.passes
        ],
        "stages": [
            {
                **{"stage": stage.name, "sentence": stage.sentence, "todo": list(todo.get(stage.name, ()))},
                "why": why.get(stage.name, "not done yet") if stage.name in todo else None,
            }
            for stage in STAGES
            if stage.name in every_stage(plan)
        ],
    }


def show_plan(console: Console, plan: Planned, out: Path, *, overwrite: bool) -> None:
    """Say what a study would do: its stages with their layers and reasons, sizes, time; nothing is written."""
    work = planned_work(plan, out, overwrite=overwrite)
    announce(console, plan, out, {row["stage"]: tuple(row["todo"]) for row in work["stages"] if row["todo"]})
    for row in work["stages"]:
        layers = ", ".join(map(str, row["todo"]))
        what = f"{row['sentence']}; layers {layers}; {row['why']}" if row["todo"] else "nothing to do"
        console.print(f"  {row['stage']:<11}{plain(what)}", highlight=False, soft_wrap=True, markup=False)
    console.print("Nothing was written. Leave --plan out to run it.", highlight=False)


def _reasons(plan: Planned, out: Path, todo: Mapping[str, tuple[int, ...]], *, overwrite: bool) -> dict[str, str]:
    """Return why stages are to do in a folder where there may be no study."""
    if not has_study(out):
        return {}
    if overwrite and not goes_on(out, plan.manifest()):
        return dict.fromkeys(todo, "the study there is replaced")
    folder = StudyFolder.open(out)
    return reasons(plan, folder, todo, lost_files(plan, folder))


def _said(plan: Planned, todo: Mapping[str, tuple[int, ...]]) -> str:
    """Return stages, each with its layers when they are not all."""
    some = {
        n: "" if own == plan.layers else f" ({'layer' if len(own) == 1 else 'layers'} {', '.join(map(str, own))})"
        for n, own in todo.items()
    }
    return ", ".join(name + layers for name, layers in some.items())


def _count(amount: int, noun: str) -> str:
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def conclude(console: Console, study: Study) -> None:
    """Print claims, reliability, the clearest neurons, where the files are, and what to type next."""
    summary = study.summary
    console.print(render_claims(summary))
    for table in render_other_twins(summary):
        console.print(table)
    for line in _remarks(summary, cross_fit=study.folder.manifest["settings"]["observe"].get("cross_fit", False)):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    console.print(f"\n{CLEAREST}", highlight=False, soft_wrap=True)
    for name in summary["clearest"][:SHOWN]:
        console.print("  " + _one_line(study, name), highlight=False, soft_wrap=True, markup=False)
    first = summary["clearest"][0] if summary["clearest"] else "L0N0"
    console.print()
    for line in (
        f"Report: {study.path / 'report.html'}",
        f"Tables: {study.path / 'neurons' / 'results.parquet'} (one row a neuron)",
    ):
        console.print(plain(line), highlight=False, soft_wrap=True, markup=False)
    console.print(f"Next:   intraneuron show {first}", highlight=False)


def _remarks(summary: dict[str, Any], *, cross_fit: bool) -> list[str]:
    reliability, lines = summary["reliability"], []
    stepped = "" if cross_fit else ", stepped up"
    if reliability["median"] is not None:
        counts = ", ".join(map(str, reliability["min_count"]))
        overlap = "unknown" if reliability["overlap"] is None else f"{reliability['overlap']:.0%}"
        lines.append(
            f"Reliability {reliability['median']:.2f} (the two halves' correlation{stepped}, of a layer's median "
            f"neuron; mean over layers); core tokens in common between halves {overlap}; minimum count {counts}."
        )
    lines += [
        said for said in (min_count_sentence(summary), settled_sentence(summary), check_sentence(summary)) if said
    ]
    own, twin = summary["clusters"].get("neurons"), summary["clusters"].get(reference_of(summary))
    if own and own["at_bound"] is not None:
        beside = (
            f" ({reference_of(summary)} twin {twin['at_bound']:.0%})" if twin and twin["at_bound"] is not None else ""
        )
        lines.append(f"{own['at_bound']:.0%} of the neurons are cut into the most categories tried{beside}.")
    return lines + list(summary["notes"])


def _one_line(study: Study, name: str) -> str:
    """Return a neuron's pattern, AMI and the words of its categories."""
    layer, neuron = parse_neuron(name)
    table = study.folder.read(study.folder.layer_file("neurons/categories", layer))
    words = table["words"][place_of(study.folder, layer, neuron)].to_list()
    groups = " | ".join(" ".join(visible(w) for w in some) for some in words)
    row = study.neurons().filter(layer=layer, neuron=neuron).row(0, named=True)
    return f"{name:<9} {row['pattern']:<8} AMI {row['ami']:.2f}  {groups}"
