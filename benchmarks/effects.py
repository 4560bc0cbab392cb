"""From core tokens to q values: our verbs against the plain script and against the floor, in one paired run.

Run: python -m benchmarks.effects [--neurons 512] [--plain 4] [--dimensions 1600] [--rounds 9] [--threads 2]

The plain script (``benchmarks/plain.py``) is what a competent user of scipy and scikit-learn writes today, with 999
permutations vectorised in numpy. The floor is what nobody can do without: the vectors of the same rows gathered and
their cosines computed by ``index_select`` and ``torch.bmm`` in float32, into memory that is there already, in the
blocks that suit torch best. Ours is all: cosines, categories with silhouettes for every k, all tests, q, of the
neurons, their shuffled twins, and as many twins with core tokens of their own.

All get the same made-up neurons (``benchmarks/made_up.py``). Rounds alternate, so that all meet the same machine;
ratios are of one round. Times are of processors, divided by the threads, so that a machine that is shared counts less;
``--wall`` takes the clock. Numbers that do not depend on draws must be equal.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import numba
import numpy as np
import torch

from benchmarks.made_up import made_core_tokens, made_space, made_words
from benchmarks.plain import analyse_plain
from intraneuron.data import Comparison, CoreTokens, Space, Spelling
from intraneuron.pipeline.analyse import analyse
from intraneuron.pipeline.compare import give_q
from intraneuron.pipeline.shuffle import shuffle

EQUAL = {
    "top_down_h": ("top_down", "observed"),
    "ami": ("agreement", "effect_size"),
    "mrpp_a": ("mrpp", "effect_size"),
    "distance_r": ("distance", "effect_size"),
    "interleaving": ("interleaving", "effect_size"),
}
"""Numbers that both compute without draws."""

CLOSE = 2e-5
"""Cosines are of float32 in both, rounded in another order."""

BLOCK = 8
"""Rows whose cosines torch makes together: of 1 to 128, as fast as any."""


def ours(core: CoreTokens, own: CoreTokens, space: Space, spelling: Spelling) -> Comparison:
    """Analyse neurons, shuffled twins and twins of their own, q included; return what is found of the neurons."""
    found = analyse(core, space, spelling=spelling, dealt=[shuffle(core)]) + analyse(own, space, spelling=spelling)
    for one in found:
        give_q([one.comparison])
    return found[0].comparison


def floor(token_id: torch.Tensor, vectors: torch.Tensor, E: torch.Tensor, S: torch.Tensor) -> None:
    """Gather the vectors of every row's tokens and multiply them."""
    for start in range(0, len(token_id) - BLOCK + 1, BLOCK):
        torch.index_select(vectors, 0, token_id[start : start + BLOCK].reshape(-1), out=E)
        some = E.view(BLOCK, -1, vectors.shape[1])
        torch.bmm(some, some.transpose(1, 2), out=S)


def timed(call: Callable[[], object], rows: int, threads: int, *, wall: bool) -> tuple[float, object]:
    """Return milliseconds a row, and what the call returns."""
    clock, parts = (time.perf_counter, 1) if wall else (time.process_time, threads)
    began = clock()
    found = call()
    return (clock() - began) / rows / parts * 1e3, found


def ratio(name: str, above: list[float], below: list[float]) -> str:
    """Return the median ratio of paired rounds, with its range."""
    each = sorted(a / b for a, b in zip(above, below, strict=True))
    return f"  {name:<28} {median(each):8.2f} ({each[0]:.2f} to {each[-1]:.2f})"


def main() -> None:
    """Print milliseconds a row of all three, their ratios, and the largest difference of equal numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--neurons", type=int, default=512)
    parser.add_argument("--plain", type=int, default=4, help="neurons that the plain script does a round")
    parser.add_argument("--dimensions", type=int, default=1600)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--wall", action="store_true", help="time by the clock")
    arguments = parser.parse_args()
    threads, wall, rounds = arguments.threads, arguments.wall, arguments.rounds
    numba.config.NUMBA_NUM_THREADS = threads
    torch.set_num_threads(threads)
    space, cluster = made_space(arguments.dimensions)
    core, own = (made_core_tokens(cluster, arguments.neurons, own=own) for own in (1.0, 0.3))
    spelling, vectors = Spelling.from_tokens(list(made_words().token)), torch.from_numpy(space.vector)
    rows = torch.from_numpy(np.concatenate([core.token_id, core.token_id, own.token_id]).astype(np.int64))
    room = torch.empty(BLOCK * core.width, arguments.dimensions), torch.empty(BLOCK, core.width, core.width)
    ours(core[:64], own[:64], space, spelling)  # compiles
    floor(rows[:64], vectors, *room)
    fast: list[float] = []
    least: list[float] = []
    slow: list[float] = []
    worst = dict.fromkeys(EQUAL, 0.0)
    for number in range(rounds):
        spent, comparison = timed(lambda: ours(core, own, space, spelling), len(rows), threads, wall=wall)
        fast.append(spent)
        least.append(timed(lambda: floor(rows, vectors, *room), len(rows), threads, wall=wall)[0])
        some = [i % len(core) for i in range(number * arguments.plain, (number + 1) * arguments.plain)]
        alone = [(space.vector[core.token_id[i]], core.activation[i], np.random.default_rng(i)) for i in some]
        spent, plain = timed(partial(_plainly, alone), len(some), 1, wall=wall)
        slow.append(spent)
        _compare(worst, some, comparison, plain)
    print(f"K = 100, D = {arguments.dimensions}, {threads} threads, medians of {rounds} alternating rounds, a row")
    for name, found in (("plain scipy and scikit-learn", slow), ("floor", least), ("intraneuron", fast)):
        print(f"  {name:<28} {median(found):8.3f} ms ({min(found):.3f} to {max(found):.3f})")
    print(ratio("plain / intraneuron", slow, fast))
    print(ratio("intraneuron / floor", fast, least))
    for name, difference in worst.items():
        print(f"  largest difference in {name:<13} {difference:.1e}")


def _plainly(alone: list[tuple[np.ndarray, np.ndarray, np.random.Generator]]) -> list[dict[str, object]]:
    """Run the plain script on neurons one by one."""
    return [analyse_plain(*one) for one in alone]


def _compare(worst: dict[str, float], some: list[int], comparison: object, plain: object) -> None:
    """Note the largest differences; stop where a number differs by more than rounding."""
    for i, numbers in zip(some, plain, strict=True):  # type: ignore[call-overload]
        for name, (question, field) in EQUAL.items():
            own = float(getattr(comparison.effects[question], field)[i])  # type: ignore[attr-defined]
            worst[name] = max(worst[name], abs(own - float(numbers[name])))
            if not worst[name] < CLOSE:
                msg = f"{name} of neuron {i} is {own}, plainly {numbers[name]}"
                raise SystemExit(msg)


if __name__ == "__main__":
    main()
