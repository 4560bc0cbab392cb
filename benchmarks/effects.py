"""From core tokens to q values: our verbs against the plain script, in one paired run.

Run: python -m benchmarks.effects [--neurons 512] [--plain 10] [--dimensions 1600]

The plain script (``benchmarks/plain.py``) is what a competent user of scipy and scikit-learn writes today, with 999
permutations vectorised in numpy. Both get the same neurons: 100 core tokens of clustered random vectors. Rounds
alternate, so that both meet the same machine; medians are compared. Numbers that do not depend on draws must be equal.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import numpy as np

from benchmarks.plain import analyse_plain
from intraneuron.data import Comparison, CoreTokens, Space
from intraneuron.pipeline.analyse import analyse
from intraneuron.pipeline.compare import with_q

EQUAL = {
    "top_down_h": ("top_down", "observed"),
    "ami": ("agreement", "effect_size"),
    "mrpp_a": ("mrpp", "effect_size"),
    "distance_r": ("distance", "effect_size"),
    "interleaving": ("interleaving", "effect_size"),
}
"""Numbers that both compute without draws."""


def neurons(count: int, dimensions: int, seed: int) -> tuple[CoreTokens, Space]:
    """Return neurons with 100 core tokens each, out of 30,000 tokens in 300 loose clusters."""
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=(300, dimensions))
    vectors = centre[rng.integers(0, 300, 30_000)] + 1.5 * rng.normal(size=(30_000, dimensions))
    token_id = np.stack([rng.choice(30_000, 100, replace=False) for _ in range(count)]).astype(np.int32)
    activation = -np.sort(-rng.gamma(2.0, size=(count, 100)), axis=1)
    zero, full = np.zeros(count, dtype=np.int32), np.full(count, 100, dtype=np.int32)
    ones, undefined = np.ones((count, 100), dtype=np.int64), np.full(count, np.nan)
    core = CoreTokens(zero, np.arange(count, dtype=np.int32), full, token_id, activation, ones, undefined)
    return core, Space.from_vectors("made", vectors)


def ours(core: CoreTokens, space: Space) -> Comparison:
    """Run the verbs, q included."""
    comparison = analyse(core, space)[0].comparison
    comparison.effects.update({q: with_q([e])[0] for q, e in comparison.effects.items()})
    return comparison


def main() -> None:
    """Print milliseconds a neuron of both, their ratio, and the largest difference of equal numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--neurons", type=int, default=1024)
    parser.add_argument("--plain", type=int, default=10, help="neurons that the plain script does a round")
    parser.add_argument("--dimensions", type=int, default=1600)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    core, space = neurons(arguments.neurons, arguments.dimensions, 0)
    ours(core[:64], space)  # compiles
    fast, slow, worst = [], [], dict.fromkeys(EQUAL, 0.0)
    for round_ in range(arguments.rounds):
        began = time.perf_counter()
        comparison = ours(core, space)
        fast.append((time.perf_counter() - began) / len(core))
        began = time.perf_counter()
        some = range(round_ * arguments.plain, (round_ + 1) * arguments.plain)
        plain = [
            analyse_plain(space.vector[core.token_id[i]], core.activation[i], np.random.default_rng(i)) for i in some
        ]
        slow.append((time.perf_counter() - began) / arguments.plain)
        for i, numbers in zip(some, plain, strict=True):
            for name, (question, field) in EQUAL.items():
                own = float(getattr(comparison.effects[question], field)[i])
                worst[name] = max(worst[name], abs(own - float(numbers[name])))
    print(f"K = 100, D = {arguments.dimensions}, medians of {arguments.rounds} alternating rounds")
    print(f"  plain scipy and scikit-learn: {median(slow) * 1e3:8.2f} ms a neuron")
    print(f"  intraneuron:                  {median(fast) * 1e3:8.3f} ms a neuron")
    print(f"  ratio of medians:             {median(slow) / median(fast):8.0f}")
    print("  ratio a round:               ", ", ".join(f"{s / f:.0f}" for s, f in zip(slow, fast, strict=True)))
    for name, difference in worst.items():
        print(f"  largest difference in {name:<13} {difference:.1e}")


if __name__ == "__main__":
    main()
