"""Size of every p under its null: how often it is below 0.05, 0.01 and 0.001, divided by what it should be.

Run: python -m benchmarks.tails [--neurons 250] [--shuffles 400] [--segments quantile:5] [--core-tokens 100]

Real neurons of one layer of a real model keep their tokens, their cosines and the sizes of their categories and
segments; only which token has which activation is dealt again, as the null says. 1.00 is right, above 1 there are too
many small p. Each p is one column; where there are groups, ``homogeneity[3]`` is that of group 3. ``tested`` counts p
that are defined: with 100,000 of them, one standard error at 0.001 is 0.10.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np

from intraneuron.config import ObserveConfig, RunConfig, SpaceConfig
from intraneuron.data import QUESTIONS, CoreTokens, Partition, Space, Spelling
from intraneuron.models.loading import load_model
from intraneuron.models.spaces import read_space
from intraneuron.models.vocabulary import spelling_of
from intraneuron.pipeline.compare import compare
from intraneuron.pipeline.observe import observe
from intraneuron.pipeline.partition import categorize, segment
from intraneuron.pipeline.select import select
from intraneuron.pipeline.shuffle import shuffle
from intraneuron.pipeline.similarity import similarity

LEVELS = (0.05, 0.01, 0.001)
WITHOUT_NULL = ("information", "segment_entropy", "tightness")
"""Questions without a p, or whose null is not that of shuffled activations."""


def neurons_of(name: str, layer: int, count: int, core_tokens: int) -> tuple[CoreTokens, Space, Spelling]:
    """Return evenly spaced neurons of a layer that have all their core tokens, observed token by token."""
    model = load_model(name, device="cpu")
    space = read_space(model, SpaceConfig())
    config = ObserveConfig(layers=(layer,), mode="vocabulary")
    [seen] = observe(model, config, run=RunConfig(device="cpu"))
    eligible = ~model.vocabulary.special & space.defined
    core = select(seen.populations["neurons"], eligible, core_tokens=core_tokens)
    full = np.flatnonzero(core.n == core_tokens)
    chosen = full[np.linspace(0, len(full) - 1, min(count, len(full))).astype(int)]
    return core[chosen], space, spelling_of(model.vocabulary)


def hits(
    core: CoreTokens, space: Space, spelling: Spelling, segments: str, shuffles: int
) -> tuple[dict[str, int], dict[str, np.ndarray]]:
    """Return how many p of each column are defined, and how many are at or below each level."""
    categories, known = categorize(core, space), similarity(core.token_id, core.n, space, spelling)
    zones = segment(core, segments)
    tested: dict[str, int] = {}
    found: dict[str, np.ndarray] = {}
    for seed in range(shuffles):
        twin, order = shuffle(core, seed=seed)
        twin = replace(twin, neuron=core.neuron + 100_000 * seed)  # other draws for every shuffle
        # Not renumbered by activation: that would sort categories by the very number that is tested.
        moved: Partition = replace(categories, label=np.take_along_axis(categories.label, order, axis=1))
        comparison = compare(twin, space, moved, zones, seed=seed, similarity=known.rearranged(order))
        for question in (q for q in QUESTIONS if q not in WITHOUT_NULL):
            p = comparison.effects[question].p
            for g, column in enumerate(p.reshape(len(p), -1).T):
                name = question if p.ndim == 1 else f"{question}[{g}]"
                p_known = column[np.isfinite(column)]
                tested[name] = tested.get(name, 0) + len(p_known)
                below = np.array([(p_known <= level).sum() for level in LEVELS])
                found[name] = found.get(name, np.zeros(len(LEVELS), dtype=int)) + below
    return tested, found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--layer", type=int, default=0)
    parser.add_argument("--neurons", type=int, default=250)
    parser.add_argument("--shuffles", type=int, default=400)
    parser.add_argument("--core-tokens", type=int, default=100)
    parser.add_argument("--segments", nargs="+", default=["quantile:5"])
    arguments = parser.parse_args()
    core, space, spelling = neurons_of(arguments.model, arguments.layer, arguments.neurons, arguments.core_tokens)
    for segments in arguments.segments:
        began = time.perf_counter()
        tested, found = hits(core, space, spelling, segments, arguments.shuffles)
        spent = (time.perf_counter() - began) / (len(core) * arguments.shuffles)
        print(
            f"{arguments.model}, layer {arguments.layer}, K = {arguments.core_tokens}, {segments}, {len(core)} neurons"
        )
        print(f"{len(core) * arguments.shuffles:,} shuffles, {spent * 1e3:.2f} ms each; size / level at", *LEVELS)
        for name, count in tested.items():
            if count:
                sizes = " / ".join(f"{n / count / level:.2f}" for n, level in zip(found[name], LEVELS, strict=True))
                print(f"  {name:<26} {sizes}   ({count:,} tested)", flush=True)


if __name__ == "__main__":
    main()
