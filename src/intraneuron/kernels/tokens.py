"""Tokens of one neuron, or those of its lower segments, with all that the nulls of their zones need."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.kinds import Kinds, unknown
from intraneuron.kernels.moments import N_GRAPHS, matrix_sums, ones_sums
from intraneuron.kernels.similarity import tile_length


class Tokens(NamedTuple):
    """Room for the tokens that are tested, filled by :func:`take`.

    Attributes
    ----------
    M : float64
        Their similarities, centred off the diagonal.
    square : float64
        M M.
    sums, ones : float64 (11,)
        Graph sums of M, and of ones off the diagonal.
    kinds : Kinds
        Not known before a test needs them.
    """

    M: np.ndarray
    square: np.ndarray
    sums: np.ndarray
    ones: np.ndarray
    kinds: Kinds


@compiled()
def room_for(n_tokens):  # type: ignore[no-untyped-def]
    """Return room for up to so many tokens."""
    size = tile_length(n_tokens)
    return Tokens(np.zeros((size, size)), np.zeros((size, size)), np.zeros(N_GRAPHS), np.zeros(N_GRAPHS), unknown())


@compiled()
def take(S, lo, n, tokens, estimates_only):  # type: ignore[no-untyped-def]
    """Take the tokens of ranks lo..n-1; return their mean similarity."""
    mean = center(S, lo, n, tokens.M)
    if not estimates_only:
        matrix_sums(tokens.M, n - lo, tokens.square, tokens.sums)
        ones_sums(n - lo, tokens.ones)
    tokens.kinds.size[:] = 0
    return mean


@compiled()
def inside(M, lo, hi):  # type: ignore[no-untyped-def]
    """Return the sum of M over the pairs of ranks lo..hi-1: columns side by side, then over them."""
    sums = np.zeros(hi - lo)
    for i in range(lo, hi):
        for j in range(i - lo):
            sums[j] += M[i, lo + j]
    total = 0.0
    for j in range(hi - lo):
        total += sums[j]
    return total


@compiled()
def center(S, lo, n, M):  # type: ignore[no-untyped-def]
    """Write S[lo:n, lo:n] minus its mean off the diagonal into M; return that mean."""
    m = n - lo
    mean = inside(S, lo, n) / (m * (m - 1) / 2)
    for i in range(m):
        for j in range(m):
            M[i, j] = S[lo + i, lo + j] - mean
        M[i, i] = 0.0
    for i in range(m, tile_length(m)):
        for j in range(m):
            M[i, j] = 0.0
    return mean
