"""Replicate the paper on its own data: OpenAI's lists of the neurons of GPT-2 XL, the paper's settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from intraneuron.config import FetchConfig, ImportConfig, ReplicateConfig
from intraneuron.data import CoreTokens
from intraneuron.errors import SettingError, StudyError
from intraneuron.importing import ImportPlan, import_folder, plan_import, study_config
from intraneuron.kernels.halves import in_common
from intraneuron.planning import check_place
from intraneuron.sources.fetching import Stage, silent
from intraneuron.sources.openai import LAYERS, NAME, NEURONS, read_openai
from intraneuron.sources.published import Published
from intraneuron.store import StudyFolder

PAPER = (0, 1)
"""The layers that the paper studies."""


def plan_replication(
    what: ReplicateConfig,
    fetch: FetchConfig,
    settings: ImportConfig,
    *,
    out: Path | None,
    overwrite: bool,
    stage: Stage = silent,
) -> ImportPlan:
    """Fetch the paper's data and plan its study; without settings, the paper's.

    Raises
    ------
    IntraneuronError
        For anything that the user can put right.
    """
    layers = layers_of_paper(settings)
    if not 1 <= what.neurons <= NEURONS:
        msg = f"neurons (--neurons) must be between 1 and {NEURONS}, got {what.neurons}."
        raise SettingError(msg)
    config = study_config(replace(settings, layers=layers), space="input")
    check_place(out or import_folder(NAME), overwrite=overwrite)
    observed = None if what.observed is None else StudyFolder.open(Path(what.observed))
    source = read_openai(layers, what.neurons, fetch, what.weights_url, stage=stage)
    if observed is not None:
        source = with_agreement(source, observed)
    return plan_import(source, config)


def layers_of_paper(settings: ImportConfig) -> tuple[int, ...]:
    """Return the layers that are wanted, the paper's when none are given.

    Raises
    ------
    SettingError
        When GPT-2 XL has no such layer.
    """
    layers = PAPER if settings.layers is None else tuple(sorted(set(settings.layers)))
    wrong = [layer for layer in layers if not 0 <= layer < LAYERS]
    if wrong or not layers:
        got = ", ".join(map(str, wrong)) or "none"
        msg = f"layers (--layers) must be between 0 and {LAYERS - 1} for {NAME}, got {got}."
        raise SettingError(msg)
    return layers


def with_agreement(source: Published, observed: StudyFolder) -> Published:
    """Add, for the manifest and the notes, how far published and observed core tokens agree.

    Raises
    ------
    StudyError
        When the study has another vocabulary, and so is of another model.
    """
    theirs = [str(token) for token in observed.vocabulary().token]
    ours = [str(token) for token in source.vocabulary.token]
    if theirs[: len(ours)] != ours[: len(theirs)] or abs(len(theirs) - len(ours)) > MOST_PADDING:
        msg = (
            f"The study in {observed.path} has another vocabulary ({len(theirs):,} tokens) than {source.name} "
            f"({len(ours):,}). Name a study of the same model (--observed)."
        )
        raise StudyError(msg)
    layers = [layer for layer in source.cores if observed.layer_file("neurons/core_tokens", layer).is_file()]
    if not layers:
        have = ", ".join(map(str, observed.manifest["settings"]["layers"]))
        msg = f"The study in {observed.path} has layers {have}, the lists {_listed(source.cores)}. Name another study."
        raise StudyError(msg)
    agreement = {str(n): agreement_of(source.cores[n], observed.core_tokens("neurons", n)) for n in layers}
    found: dict[str, Any] = {"study": str(observed.path), "layers": agreement}
    told = ", ".join(f"layer {n} {one['median']:.0%} (of {one['neurons']:,} neurons)" for n, one in agreement.items())
    mode = observed.manifest["settings"]["mode"]
    note = (
        f"Core tokens in common with those observed in {observed.path} ({mode} mode), of the shorter list, median over "
        f"neurons: {told}."
    )
    return replace(source, facts={**source.facts, "observed": found}, notes=(*source.notes, note))


MOST_PADDING = 1024
"""Rows by which one embedding of a model may be longer than another: some are padded."""


def agreement_of(published: CoreTokens, observed: CoreTokens) -> dict[str, Any]:
    """Return the median share of core tokens that a neuron's published and observed lists have in common.

    Of the neurons that both have: the share of the shorter list that is in the other one.
    """
    _, first, second = np.intersect1d(published.neuron, observed.neuron, return_indices=True)
    share = in_common(published.token_id[first], observed.token_id[second])
    share = share[np.isfinite(share)]
    return {"median": float(np.median(share)) if len(share) else float("nan"), "neurons": len(share)}


def _listed(layers: Sequence[int] | Any) -> str:
    return ", ".join(map(str, layers))
