"""What each stage does: read nouns from the study, call the verbs, write nouns back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from intraneuron.config import PUBLISHED
from intraneuron.data import QUESTIONS, Background, Comparison, CoreTokens, Partition, Space, Spelling
from intraneuron.kernels.nearest import nearest_to_mean
from intraneuron.listing import list_stage
from intraneuron.models.words import eligible_tokens
from intraneuron.observing import check_testable, observe_stage
from intraneuron.pipeline.analyse import Analysis, analyse
from intraneuron.pipeline.background import background
from intraneuron.pipeline.compare import compare, with_q
from intraneuron.pipeline.leave_out import compare_without
from intraneuron.pipeline.partition import bounds, segment
from intraneuron.pipeline.results import clustered, silhouette_bar
from intraneuron.pipeline.shuffle import deal
from intraneuron.pipeline.summarize import leave_out
from intraneuron.progress import Report
from intraneuron.quoting import contexts_stage
from intraneuron.summary import write_summary
from intraneuron.tables import (
    categories_table,
    core_tokens_table,
    effect_table,
    jackknife_table,
    profile_table,
    read_core_tokens_table,
    read_effect_table,
    segments_table,
    with_effect,
)
from intraneuron.work import Work

# categorize, segment ----------------------------------------------------------------------------------------


def _write_spaces(work: Work) -> dict[str, Space]:
    """Write the spaces of all observed populations, so that later stages need no model, and return them.

    Files of those names may be there, of the model in another number format.
    """
    found: dict[str, Space] = {}
    for population in work.observed:
        name = work.space_name(population)
        if name not in found:
            found[name] = replace(work.plan.space_of(population), name=name)
    for space in found.values():
        work.folder.write_space(space)
    return {population: found[work.space_name(population)] for population in work.observed}


def _read_spaces(work: Work) -> dict[str, Space]:
    names = {population: work.space_name(population) for population in work.populations}
    spaces = {name: work.folder.read_space(name) for name in set(names.values())}
    return {population: spaces[name] for population, name in names.items()}


def _backgrounds(work: Work, spaces: Mapping[str, Space]) -> dict[tuple[str, int], Background]:
    """Return, a population and layer, what random tokens have in common that could have been core tokens."""
    plan = work.plan
    seen = work.folder.read(work.folder.path / "vocabulary.parquet")["count"].to_numpy()
    at_least = {layer: int(work.folder.manifest["observation"][str(layer)]["min_count"]) for layer in work.layers}
    eligible = eligible_tokens(plan.vocabulary, plan.input_space(), words=plan.config.observe.words)
    found = {
        (space.name, count): background(space, eligible & (seen >= count))
        for space in {space.name: space for space in spaces.values()}.values()
        for count in set(at_least.values())
    }
    return {(name, layer): found[spaces[name].name, count] for name in spaces for layer, count in at_least.items()}


def _spelling(work: Work) -> Spelling:
    from intraneuron.models.vocabulary import spelling_of

    return spelling_of(work.plan.vocabulary)


def categorize_stage(work: Work) -> None:
    """Group core tokens by meaning, and compare with zones of activation while the cosines are at hand.

    Neurons and twins with core tokens of their own are grouped by themselves, dealt twins as their neurons.
    """
    check_testable(work)
    spaces, seed, spelling = _write_spaces(work), work.plan.config.observe.seed, _spelling(work)
    backgrounds = _backgrounds(work, spaces)
    done, total = 0, work.n_rows(work.observed)
    with work.progress.stage("categorize, compare", "neurons") as report:
        for layer in work.layers:
            cores: dict[str, CoreTokens] = {}
            found: dict[str, Analysis] = {}
            for name in work.observed:
                core = cores[name] = work.folder.core_tokens(name, layer)
                dealt = {twin: deal(core, twin, seed=seed) for twin in work.dealt} if name == "neurons" else {}
                told = partial(_report_from, report, done, total)
                analyses = analyse(
                    core,
                    spaces[name],
                    work.plan.config.partition,
                    seed=seed,
                    spelling=spelling,
                    background=backgrounds[name, layer],
                    dealt=list(dealt.values()),
                    progress=told,
                )
                cores |= {twin: tokens for twin, (tokens, _) in dealt.items()}
                found |= dict(zip((name, *dealt), analyses, strict=True))
                done += len(core)
            _write_categories(work, layer, cores, {name: one.categories for name, one in found.items()}, spaces)
            for name, one in found.items():
                _write_comparison(work, layer, name, cores[name], one.comparison)
            work.finish(layer, "categorize", "compare")


def _report_from(report: Report, start: int, total: int, done: int) -> None:
    report(start + done, total)


def _write_categories(
    work: Work, layer: int, cores: dict[str, CoreTokens], found: dict[str, Partition], spaces: dict[str, Space]
) -> None:
    for twin in work.dealt:
        work.folder.write(work.folder.layer_file(f"{twin}/core_tokens", layer), core_tokens_table(cores[twin]))
    bar = silhouette_bar(found[work.reference].quality) if work.reference in found else None
    for name, core in cores.items():
        words = _words(core, found[name], spaces.get(name, spaces["neurons"]), work.plan.vocabulary)
        frame = categories_table(core, found[name], clustered(found[name].quality, bar), words)
        work.folder.write(work.folder.layer_file(f"{name}/categories", layer), frame)


def _write_comparison(work: Work, layer: int, name: str, core: CoreTokens, comparison: Comparison) -> None:
    for question, effect in comparison.effects.items():
        work.folder.write(work.folder.layer_file(f"{name}/effects/{question}", layer), effect_table(core, effect))
    profile = profile_table(core, comparison.mean_similarity, comparison.profile)
    work.folder.write(work.folder.layer_file(f"{name}/profile", layer), profile)


def _words(core: CoreTokens, categories: Any, space: Space, vocabulary: Any) -> list[list[list[str]]]:
    """Return the three tokens nearest to the mean vector of each category of each neuron."""
    ids = nearest_to_mean(space.vector, core.token_id, categories.label, core.n, categories.n_groups)
    return [[vocabulary.words(ids[i, g]) for g in range(int(categories.n_groups[i]))] for i in range(len(core))]


def segment_stage(work: Work) -> None:
    """Cut every population's activation axis into zones."""
    method = work.plan.config.partition.segments
    with work.progress.stage("segment", "layers") as report:
        for done, layer in enumerate(work.layers, 1):
            neurons = work.folder.core_tokens("neurons", layer)
            for name in work.populations:
                core = neurons if name in work.dealt else work.folder.core_tokens(name, layer)
                segments = segment(core, method)
                frame = segments_table(core, segments, bounds(core, segments))
                work.folder.write(work.folder.layer_file(f"{name}/segments", layer), frame)
            work.finish(layer)
            report(done, len(work.layers))


# compare, intervals -----------------------------------------------------------------------------------------


def compare_stage(work: Work) -> None:
    """Test zones against meaning where categories are those of an earlier run."""
    spaces, spelling = _read_spaces(work), _spelling(work)
    seed, backgrounds = work.plan.config.observe.seed, _backgrounds(work, spaces)
    done, total = 0, work.n_rows(work.populations)
    with work.progress.stage("compare", "neurons") as report:
        for layer in work.layers:
            for name in work.populations:
                core = work.folder.core_tokens(name, layer)
                categories = work.folder.partition(name, layer, "meaning")
                segments = segment(core, work.plan.config.partition.segments)
                verb = partial(compare, seed=seed, spelling=spelling, background=backgrounds[name, layer])
                _write_comparison(work, layer, name, core, verb(core, spaces[name], categories, segments))
                done += len(core)
                report(min(done, total), total)
            work.finish(layer)


def intervals_stage(work: Work) -> None:
    """Estimate everything again with each group of tokens or texts left out, for sampled neurons."""
    spaces, spelling = _read_spaces(work), _spelling(work)
    partition, backgrounds = work.plan.config.partition, _backgrounds(work, spaces)
    done, total = 0, len(work.layers) * len(work.observed)
    with work.progress.stage("intervals", "populations") as report:
        for layer in work.layers:
            notes = work.folder.manifest["observation"][str(layer)]
            for name in work.observed:
                share = np.array(notes.get("shares", {}).get(name, notes["share"]))
                frame = work.folder.read(work.folder.layer_file(f"jackknife/{name}/core_tokens", layer))
                group = frame["group"].to_numpy()
                core = read_core_tokens_table(frame)
                full, *without = [core[group == g] for g in np.unique(group)]
                verb = partial(compare_without, spelling=spelling, background=backgrounds[name, layer])
                every, again = verb(full, without, spaces[name], partition)
                refilled, size = work.plan.mode != PUBLISHED, len(work.folder.core_tokens(name, layer))
                jackknife = leave_out(every, again, share, size, refilled=refilled)
                file = work.folder.layer_file(f"jackknife/{name}/parts", layer)
                work.folder.write(file, jackknife_table(jackknife))
                done += 1
                report(done, total)
            work.finish(layer)


# summarize ------------------------------------------------------------------------------------------


def summarize_stage(work: Work) -> None:
    """Give every p its q over the whole study, and set all numbers side by side."""
    layers = work.plan.layers
    total = len(work.populations) + 1
    with work.progress.stage("summarize", "tables") as report:
        for done, name in enumerate(work.populations, 1):
            for question in QUESTIONS:
                _give_q(work, name, question)
            report(done, total)
        write_summary(work.folder, layers, work.populations)
        report(total, total)
    for layer in layers:
        work.finish(layer)


def _give_q(work: Work, name: str, question: str) -> None:
    """Write one question's effects again, with q over all layers."""
    files = [work.folder.layer_file(f"{name}/effects/{question}", layer) for layer in work.plan.layers]
    frames = [work.folder.read(file) for file in files]
    effects = with_q([read_effect_table(frame, question) for frame in frames])
    for file, frame, effect in zip(files, frames, effects, strict=True):
        work.folder.write(file, with_effect(frame, effect))


FIRST: dict[str, Callable[[Work[Any]], None]] = {
    "vocabulary": observe_stage,
    "corpus": observe_stage,
    PUBLISHED: list_stage,
}
"""By mode: where core tokens come from."""


def first_stage(work: Work) -> None:
    """Make the core tokens of a study, as its mode does."""
    FIRST[work.plan.mode](work)


STAGE_VERBS: dict[str, Callable[[Work], None]] = {
    "observe": first_stage,
    "contexts": contexts_stage,
    "categorize": categorize_stage,
    "segment": segment_stage,
    "compare": compare_stage,
    "intervals": intervals_stage,
    "summarize": summarize_stage,
}
