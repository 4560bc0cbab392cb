"""The samples of a study whose texts its model writes itself: drawn once, and kept in its folder."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from intraneuron.errors import StudyError
from intraneuron.models.documents import own_tokens
from intraneuron.place import SAMPLES
from intraneuron.planning import Plan
from intraneuron.store import StudyFolder
from intraneuron.work import Work

WRITTEN_EVERY = 30
"""Seconds after which what was drawn is written, so that a run that is stopped loses no more."""


def with_samples(work: Work[Plan]) -> Work[Plan]:
    """Return work with its texts: those that it has, or the samples that the model writes, drawn or read.

    Samples that are in the folder are not drawn again.

    Raises
    ------
    StudyError
        When samples are drawn again, for further layers, and are others than those that were observed.
    """
    from intraneuron.models.sampling import deal, hash_of
    from intraneuron.models.texts import windows

    plan = work.plan
    tokens = own_tokens(plan.config.observe.texts)
    if tokens is None:
        return work
    samples = _drawn(work, tokens)
    found, known = hash_of(samples), work.folder.manifest["texts"].get("samples")
    if known not in (None, found) and work.folder.manifest["stages"].get("observe", {}).get("layers"):
        msg = (
            f"The samples of the study in {work.folder.path} are others than those that its layers were observed with: "
            f"{SAMPLES} is gone or changed, and another machine or version draws others. Make the study anew "
            "(--overwrite)."
        )
        raise StudyError(msg)
    work.folder.manifest["texts"]["samples"] = found
    work.folder.write_manifest()
    return replace(work, plan=replace(plan, texts=windows(deal(samples), plan.model)))


def _drawn(work: Work[Plan], tokens: int) -> list[np.ndarray]:
    """Return all samples: those in the folder, and those that are left to draw."""
    from intraneuron.models.loading import quiet
    from intraneuron.models.sampling import draw, rows_of, samples_of

    model, seed = work.plan.model, work.plan.config.observe.seed
    samples = _kept(work, tokens)
    wanted = samples_of(model, tokens)
    if len(samples) == wanted:
        return samples
    del samples[len(samples) // rows_of(model) * rows_of(model) :]
    written = time.monotonic()
    with work.progress.stage("sample", "tokens") as report, quiet():
        groups = draw(model, seed, tokens, first=len(samples), progress=lambda done: report(done, tokens))
        for group in groups:
            samples += list(group[: wanted - len(samples)])
            if len(samples) == wanted:
                samples[-1] = samples[-1][: tokens - (wanted - 1) * group.shape[1]]
            if len(samples) == wanted or time.monotonic() - written > WRITTEN_EVERY:
                _keep(work.folder, samples)
                written = time.monotonic()
    return samples


def _keep(folder: StudyFolder, samples: list[np.ndarray]) -> None:
    ids = pl.Series("token_id", [pl.Series(sample, dtype=pl.Int32) for sample in samples], dtype=pl.List(pl.Int32))
    folder.write(folder.path / SAMPLES, pl.DataFrame([pl.Series("sample", range(len(samples)), dtype=pl.Int32), ids]))


def _kept(work: Work[Plan], tokens: int) -> list[np.ndarray]:
    """Return the samples that an earlier run has drawn and kept; none when their file is damaged."""
    from intraneuron.models.sampling import samples_of

    file = work.folder.path / SAMPLES
    if not file.is_file():
        return []
    try:
        samples = [ids.to_numpy() for ids in work.folder.read(file)["token_id"]]
    except (StudyError, pl.exceptions.PolarsError):
        samples = []
    model = work.plan.model
    length, wanted = model.context - 1, samples_of(model, tokens)
    sizes = [min(length, tokens - i * length) for i in range(min(len(samples), wanted))]
    if not samples or [len(ids) for ids in samples] != sizes:
        work.progress.say(f"Damaged in {work.folder.path}, and made again: {SAMPLES}.")
        return []
    return samples


def tokens_kept(path: Path) -> int:
    """Return how many tokens of a study's samples are in its folder; 0 of a file that cannot be read."""
    try:
        size = pl.scan_parquet(path / SAMPLES, glob=False).select(pl.col("token_id").list.len().sum()).collect()
    except (OSError, pl.exceptions.PolarsError):
        return 0
    return int(size.item() or 0)
