"""What each stage does: read nouns from the study, call the verbs, write nouns back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from intraneuron.config import LAYER_INPUT, PUBLISHED
from intraneuron.data import QUESTIONS, Background, Comparison, CoreTokens, Partition, Space, Spelling
from intraneuron.kernels.nearest import nearest_to_mean
from intraneuron.listing import list_stage
from intraneuron.observing import check_testable, observe_stage
from intraneuron.pipeline.analyse import Analysis, analyse
from intraneuron.pipeline.background import background
from intraneuron.pipeline.compare import compare, with_q
from intraneuron.pipeline.leave_out import compare_without
from intraneuron.pipeline.partition import bounds, category_names, segment
from intraneuron.pipeline.results import clustered, silhouette_bar
from intraneuron.pipeline.shuffle import deal
from intraneuron.pipeline.summarize import leave_out
from intraneuron.planned import Planned, eligible_of
from intraneuron.progress import Report
from intraneuron.quoting import contexts_stage
from intraneuron.ranging import full_range_stage
from intraneuron.spaces import StudySpaces, write_norms
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


FURTHER = ("input", "output")
"""Spaces of a model that are kept beside the study's own, so that they can be compared without the model."""


def _write_spaces(work: Work) -> StudySpaces:
    """Write the spaces of all observed populations, so that later stages need no model, and return them.

    Files of those names may be there, of the model in another number format. What enters a layer was written when it
    was observed.
    """
    config, own = work.plan.config, work.space_name()
    if config.space.space != LAYER_INPUT:
        for population in {work.space_name(name): name for name in reversed(work.observed)}.values():
            space = work.plan.space_of(population)
            work.folder.write_space(replace(space, name=work.space_name(population)))
    for space in work.plan.further_spaces():
        if space.name != own:
            work.folder.write_space(space, short=True)
    return _spaces(work)


def _spaces(work: Work) -> StudySpaces:
    config = work.plan.config
    return StudySpaces(work.folder, config.space, words=config.observe.words)


class Backgrounds:
    """What random tokens have in common that could have been core tokens, by population and layer."""

    def __init__(self, work: Work, spaces: StudySpaces) -> None:
        self._notes, self._spaces = work.folder.manifest["observation"], spaces
        self._seen = work.folder.read(work.folder.path / "vocabulary.parquet")["count"].to_numpy()
        self._eligible = eligible_of(work.plan)
        self._found: dict[tuple[str, int], Background] = {}

    def of(self, population: str, layer: int) -> Background:
        """Return what was found, once for each space and least count."""
        count = int(self._notes[str(layer)]["min_count"])
        key = self._spaces.name(population, layer), count
        if key not in self._found:
            space = self._spaces.of(population, layer)
            self._found[key] = background(space, self._eligible & (self._seen >= count))
        return self._found[key]


def _spelling(work: Work) -> Spelling:
    from intraneuron.models.vocabulary import spelling_of

    return spelling_of(work.plan.vocabulary)


def categorize_stage(work: Work) -> None:
    """Group core tokens by meaning, and compare with zones of activation while the cosines are at hand.

    Neurons and twins with core tokens of their own are grouped by themselves, dealt twins as their neurons.
    """
    check_testable(work)
    write_norms(work.folder, work.plan.norms)
    spaces, seed, spelling = _write_spaces(work), work.plan.config.observe.seed, _spelling(work)
    backgrounds = Backgrounds(work, spaces)
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
                    spaces.of(name, layer),
                    work.plan.config.partition,
                    seed=seed,
                    spelling=spelling,
                    background=backgrounds.of(name, layer),
                    norms=work.plan.norms,
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
    work: Work, layer: int, cores: dict[str, CoreTokens], found: dict[str, Partition], spaces: StudySpaces
) -> None:
    for twin in work.dealt:
        work.folder.write(work.folder.layer_file(f"{twin}/core_tokens", layer), core_tokens_table(cores[twin]))
    judged = work.reference in found and work.plan.norms is None  # categories that people named are no cut of a tree
    bar = silhouette_bar(found[work.reference].quality) if judged else None
    for name, core in cores.items():
        words = _words(core, found[name], spaces.of(name, layer), work.plan)
        frame = categories_table(core, found[name], clustered(found[name].quality, bar), words)
        work.folder.write(work.folder.layer_file(f"{name}/categories", layer), frame)


def _write_comparison(work: Work, layer: int, name: str, core: CoreTokens, comparison: Comparison) -> None:
    for question, effect in comparison.effects.items():
        work.folder.write(work.folder.layer_file(f"{name}/effects/{question}", layer), effect_table(core, effect))
    profile = profile_table(core, comparison.mean_similarity, comparison.profile)
    work.folder.write(work.folder.layer_file(f"{name}/profile", layer), profile)


def _words(core: CoreTokens, categories: Partition, space: Space, plan: Planned) -> list[list[list[str]]]:
    """Return the three tokens nearest to the mean vector of each category of each neuron, or the name it has."""
    vocabulary = plan.vocabulary
    if plan.norms is not None:
        return category_names(core, categories, plan.norms)
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
    spaces, spelling = _spaces(work), _spelling(work)
    seed, backgrounds = work.plan.config.observe.seed, Backgrounds(work, spaces)
    done, total = 0, work.n_rows(work.populations)
    with work.progress.stage("compare", "neurons") as report:
        for layer in work.layers:
            for name in work.populations:
                core = work.folder.core_tokens(name, layer)
                categories = work.folder.partition(name, layer, "meaning")
                segments = segment(core, work.plan.config.partition.segments)
                verb = partial(compare, seed=seed, spelling=spelling, background=backgrounds.of(name, layer))
                _write_comparison(work, layer, name, core, verb(core, spaces.of(name, layer), categories, segments))
                done += len(core)
                report(min(done, total), total)
            work.finish(layer)


def intervals_stage(work: Work) -> None:
    """Estimate everything again with each group of tokens or texts left out, for sampled neurons."""
    spaces, spelling = _spaces(work), _spelling(work)
    partition, backgrounds = work.plan.config.partition, Backgrounds(work, spaces)
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
                around = backgrounds.of(name, layer)
                verb = partial(compare_without, spelling=spelling, background=around, norms=work.plan.norms)
                every, again = verb(full, without, spaces.of(name, layer), partition)
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
    "full_range": full_range_stage,
    "summarize": summarize_stage,
}
