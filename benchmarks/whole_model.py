"""A study of as many neurons as GPT-2 XL has: how long the stages after the observation take, and how much memory.

Run: python -m benchmarks.whole_model OUT [--layers 48] [--neurons 6400] [--dimensions 1600]

Neurons are made up to look real (``benchmarks/made_up.py``), and so are 2,000 twins a layer, in the place of random
directions, whose reading is no part of what is timed. They are studied as published lists are, by the stages of every
study: categories, zones, all tests, also of the shuffled twin, intervals, q, results, report. Prints the seconds of
each stage, and the most memory that the process ever held.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.made_up import made_core_tokens, made_space, made_words
from intraneuron import listing
from intraneuron.api import run_planned
from intraneuron.config import ImportConfig
from intraneuron.data import CoreTokens, Space
from intraneuron.importing import ImportPlan, plan_import, study_config
from intraneuron.keeping import JACKKNIFE_NEURONS
from intraneuron.pipeline.leave_out import leave_tokens_out
from intraneuron.progress import Progress, Report
from intraneuron.sources.published import Published


class Timed(Progress):
    """Prints how long each stage took, and what memory it took."""

    @contextmanager
    def stage(self, name: str, unit: str) -> Iterator[Report]:
        """Time one stage."""
        began, worked = time.perf_counter(), time.process_time()
        print(f"{name} ...", flush=True)
        yield lambda done, total: print(f"  {done:,} of {total:,} {unit}, {gigabytes():.2f} GB", flush=True)
        spent, cpu = time.perf_counter() - began, time.process_time() - worked
        print(f"{name}: {spent:.0f} s ({cpu:.0f} s of processors), up to {gigabytes():.2f} GB", flush=True)


def gigabytes() -> float:
    """Return the most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def made_twins(cluster: np.ndarray) -> Callable[..., tuple[CoreTokens, list[CoreTokens]]]:
    """Return what takes the place of :func:`intraneuron.listing.readouts`."""

    def readouts(
        core: CoreTokens, space: Space, eligible: np.ndarray, group: np.ndarray, *, rows: int, seed: int
    ) -> tuple[CoreTokens, list[CoreTokens]]:
        del space, eligible, seed
        twins = made_core_tokens(cluster, rows, layer=int(core.layer[0]), own=0.3)
        some = twins[:JACKKNIFE_NEURONS]
        return twins, [some, *leave_tokens_out(some, group, range(int(group.max()) + 1))]

    return readouts


def plan(layers: int, neurons: int, dimensions: int) -> ImportPlan:
    """Return the plan of a study of made-up neurons."""
    space, cluster = made_space(dimensions)
    listing.readouts = made_twins(cluster)
    cores = {layer: made_core_tokens(cluster, neurons, layer=layer) for layer in range(layers)}
    name = f"made-up-{layers}x{neurons}x{dimensions}"
    source = Published(name, made_words(), space, cores, lists=name, vectors=name)
    return plan_import(source, study_config(ImportConfig()))


def main() -> None:
    """Run the study and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--layers", type=int, default=48)
    parser.add_argument("--neurons", type=int, default=6400)
    parser.add_argument("--dimensions", type=int, default=1600)
    arguments = parser.parse_args()
    began = time.perf_counter()
    planned = plan(arguments.layers, arguments.neurons, arguments.dimensions)
    print(f"made up: {time.perf_counter() - began:.0f} s, up to {gigabytes():.2f} GB", flush=True)
    began = time.perf_counter()
    run_planned(planned, arguments.out, progress=Timed())
    print(f"the study: {time.perf_counter() - began:.0f} s, up to {gigabytes():.2f} GB")


if __name__ == "__main__":
    main()
