"""What the study command says before and after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from intraneuron.data import parse_neuron
from intraneuron.data.display import visible
from intraneuron.estimate import estimate
from intraneuron.report.terminal import render_claims

if TYPE_CHECKING:
    from intraneuron.api import Study
    from intraneuron.planning import Plan


def announce(console: Console, plan: Plan, out: Path) -> None:
    """Say what will be done, and what it will roughly cost."""
    cost = estimate(plan)
    neurons = sum(plan.model.sites[layer].n_neurons for layer in plan.layers)
    layers = f"{len(plan.layers)} of {len(plan.model.sites)} layers"
    if plan.texts is None:
        reads = f"every one of {len(plan.model.vocabulary):,} tokens alone (vocabulary mode)"
    else:
        reads = f"{int(plan.texts.counted.sum()):,} tokens of text (corpus mode)"
    twins = ", ".join(plan.config.twin.twins) or "none"
    lines = (
        f"{plan.name}: {neurons:,} neurons in {layers}; reads {reads}.",
        f"Core tokens {plan.config.observe.core_tokens}, categories {plan.config.partition.categories}, "
        f"segments {plan.config.partition.segments}, space {plan.config.space.space}, twins {twins}.",
        f"About {_duration(cost.seconds)}, {cost.memory / 1e9:.1f} GB of memory, {cost.disk / 1e6:.0f} MB in {out}.",
    )
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def conclude(console: Console, study: Study) -> None:
    """Print claims, reliability, the clearest neurons, where the files are, and what to type next."""
    summary = study.summary
    console.print(render_claims(summary))
    for line in _remarks(summary):
        console.print(line, highlight=False, soft_wrap=True)
    console.print("\nThe most structured neurons (one neuron's pattern is weak evidence):", highlight=False)
    for name in summary["clearest"]:
        console.print("  " + _one_line(study, name), highlight=False, soft_wrap=True, markup=False)
    first = summary["clearest"][0] if summary["clearest"] else "L0N0"
    console.print(f"\nReport: {study.path / 'report.html'}", highlight=False, soft_wrap=True)
    console.print(f"Tables: {study.path / 'neurons' / 'results.parquet'} (one row a neuron)", highlight=False)
    console.print(f"Next:   intraneuron show {first}", highlight=False)


def _remarks(summary: dict) -> list[str]:
    reliability, lines = summary["reliability"], []
    if reliability["median"] is not None:
        counts = ", ".join(map(str, reliability["min_count"]))
        lines.append(
            f"Reliability {reliability['median']:.2f} (median over neurons of the two halves' correlation, stepped "
            f"up); core tokens in common between halves {reliability['overlap']:.0%}; minimum count {counts}."
        )
    own, twin = summary["clusters"].get("neurons"), summary["clusters"].get("rotated")
    if own and own["at_bound"] is not None:
        beside = f" (rotated twin {twin['at_bound']:.0%})" if twin and twin["at_bound"] is not None else ""
        lines.append(f"{own['at_bound']:.0%} of the neurons are cut into the most categories tried{beside}.")
    return lines + list(summary["notes"])


def _one_line(study: Study, name: str) -> str:
    layer, neuron = parse_neuron(name)
    table = study.folder.read(study.folder.layer_file("neurons/categories", layer))
    words = table["words"][neuron].to_list()
    groups = " | ".join(" ".join(visible(w) for w in some) for some in words)
    row = study.neurons().row(by_predicate=_is(layer, neuron), named=True)
    return f"{name:<9} {row['pattern']:<8} AMI {row['ami']:.2f}  {groups}"


def _is(layer: int, neuron: int) -> object:
    import polars as pl

    return (pl.col("layer") == layer) & (pl.col("neuron") == neuron)
