"""Random numbers from a key, so that a draw depends on nothing but what it is for.

The stream is SplitMix64 (Steele, Lea and Flood 2014, doi 10.1145/2660193.2660195): a counter passed through a
mixing function. A key of several numbers is mixed one by one.
"""

from __future__ import annotations

import numpy as np

from intraneuron.kernels.compiled import compiled

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)


@compiled()
def mix(state):  # type: ignore[no-untyped-def]
    """Scramble 64 bits."""
    state = (state ^ (state >> _S30)) * _MIX1
    state = (state ^ (state >> _S27)) * _MIX2
    return state ^ (state >> _S31)


@compiled()
def key_of(seed, layer, neuron, purpose):  # type: ignore[no-untyped-def]
    """Return the start of the stream for one purpose of one neuron."""
    state = mix(np.uint64(seed) + _STEP)
    state = mix((state ^ np.uint64(layer)) + _STEP)
    state = mix((state ^ np.uint64(neuron)) + _STEP)
    return mix((state ^ np.uint64(purpose)) + _STEP)


@compiled()
def advance(state):  # type: ignore[no-untyped-def]
    """Return the next state of a stream; ``mix`` of it is the next number."""
    return state + _STEP


@compiled()
def below(bits, bound):  # type: ignore[no-untyped-def]
    """Return a number in 0..bound-1 from 64 random bits (bias below bound / 2^32)."""
    return np.int64(((bits >> _S32) * np.uint64(bound)) >> _S32)


AT_ONCE = 64
"""Subsets that are drawn together, side by side in vector registers.

Loops over them ask an array for its length: one of so few rounds as a constant is unrolled, and then not vectorised.
"""


@compiled()
def subsets(state, n, taken):  # type: ignore[no-untyped-def]
    """Draw AT_ONCE random subsets of 0..n-1, a column of ``taken`` each; return the state after them.

    ``taken`` is int32 of (size of a subset, AT_ONCE). Member j is a random number up to n - size + j, or, where that is
    a member already, n - size + j itself (Floyd; Bentley and Floyd 1987, doi 10.1145/30401.315746): every subset is as
    likely as any other.
    """
    size, many = taken.shape
    for j in range(size):
        now, last, first = taken[j], np.int32(n - size + j), state + np.uint64(j * many + 1) * _STEP
        for d in range(many):
            now[d] = below(mix(first + np.uint64(d) * _STEP), last + 1)
        for i in range(j):
            before = taken[i]
            for d in range(many):
                now[d] = last if before[d] == now[d] else now[d]
    return state + np.uint64(size * many) * _STEP


@compiled()
def _shuffle_rows(key_rows, n, rank):  # type: ignore[no-untyped-def]
    for i in range(len(n)):
        state = key_rows[i]
        for j in range(n[i]):
            rank[i, j] = j
        for j in range(n[i] - 1, 0, -1):
            state = advance(state)
            other = below(mix(state), j + 1)
            rank[i, j], rank[i, other] = rank[i, other], rank[i, j]


@compiled()
def _keys(seed, layer, neuron, purpose, out):  # type: ignore[no-untyped-def]
    for i in range(len(out)):
        out[i] = key_of(seed, layer[i], neuron[i], purpose)


def shuffles(
    n: np.ndarray, width: int, *, seed: int, layer: np.ndarray, neuron: np.ndarray, purpose: int = 0
) -> np.ndarray:
    """Return a uniformly random order of 0..n-1 for each neuron, keyed by (seed, layer, neuron, purpose).

    Parameters
    ----------
    n, layer, neuron : int arrays, (N,)
    width : int
        K; entries from n on are -1.

    Returns
    -------
    int64 (N, K)
    """
    keys = np.empty(len(n), dtype=np.uint64)
    _keys(seed, np.asarray(layer, np.int64), np.asarray(neuron, np.int64), purpose, keys)
    rank = np.full((len(n), width), -1, dtype=np.int64)
    _shuffle_rows(keys, np.asarray(n, np.int64), rank)
    return rank
