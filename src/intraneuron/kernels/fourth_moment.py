r"""Exact fourth moment of ``U = sum_{a<b} D_ab S_{pi(a) pi(b)}``; the first three: :mod:`intraneuron.kernels.moments`.

A product of four entries of a symmetric matrix touches one of 23 graphs. Sums over *all* ways to lay a graph into the
tokens (``walks``) are cheap: O(n^2), given the squared matrix. Those in which different nodes are different tokens
follow by inclusion and exclusion over the ways to merge nodes. With V_p the nodes of graph p, of which w_p / 16
products of four pairs are made,

.. math:: E[U^4] = \frac{1}{16} \sum_{p=1}^{23} w_p \frac{laid_p(D)\, laid_p(S)}{n (n-1) \cdots (n - V_p + 1)}.

References: Mantel (1967); Rota (1964), doi 10.1007/BF00531932 (inclusion and exclusion over partitions).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.moments import powers_by_column, products_by_column, times_vector

GRAPHS = (
    *("ab ab ab ab", "ab ab ab bc", "ab ab bc bc", "ab ab bc bd", "ab bc bc cd", "ab ab bc cd"),
    *("ab ab bc ca", "ab ac ad ae", "ab ac ad de", "ab bc cd de", "ab bc cd da", "ab bc ca ad"),
    *("ab ab ab cd", "ab ab bc de", "ab bc ca de", "ab ac ad ef", "ab bc cd ef"),
    *("ab ab cd cd", "ab ab cd de", "ab bc de ef", "ab ab cd ef", "ab bc de fg", "ab cd ef gh"),
)
"""All graphs of four edges, two letters an edge: twelve connected ones, then those of several parts."""

Edges = Sequence[tuple[int, int]]


class FourEdges(NamedTuple):
    """What turns walks into the fourth moment.

    Attributes
    ----------
    laid : float64 (23, 23)
        ``laid @ walks`` are the sums over different tokens.
    weight : float64 (23,)
        w_p / 16.
    nodes : int64 (23,)
    """

    laid: np.ndarray
    weight: np.ndarray
    nodes: np.ndarray


def _partitions(count: int) -> Iterator[list[int]]:
    """Yield the block of each of ``count`` things, for every way to put them into blocks."""
    if count == 0:
        yield []
        return
    for rest in _partitions(count - 1):
        for block in range(max(rest, default=-1) + 2):
            yield [*rest, block]


def _kind(edges: Edges) -> tuple[tuple[int, ...], ...]:
    """Return how often each edge is there, and the degrees of its ends: different for all graphs of four edges."""
    degree = Counter(node for edge in edges for node in edge)
    often = Counter((min(edge), max(edge)) for edge in edges)
    return tuple(sorted((count, *sorted((degree[a], degree[b]))) for (a, b), count in often.items()))


def _merged(edges: Edges, block: Sequence[int]) -> Edges | None:
    """Return the edges after nodes of one block became one, or None when an edge then has one end."""
    after = [(block[a], block[b]) for a, b in edges]
    return None if any(a == b for a, b in after) else after


@cache
def four_edges() -> FourEdges:
    """Return the table of all graphs."""
    graphs: list[Edges] = [
        [(ord(edge[0]) - ord("a"), ord(edge[1]) - ord("a")) for edge in name.split()] for name in GRAPHS
    ]
    place = {_kind(edges): p for p, edges in enumerate(graphs)}
    nodes = np.array([1 + max(max(edge) for edge in edges) for edges in graphs])
    laid, weight = np.zeros((len(graphs), len(graphs))), np.zeros(len(graphs))
    for p, edges in enumerate(graphs):
        for block in _partitions(int(nodes[p])):
            after = _merged(edges, block)
            if after is not None:
                signs = [(-1) ** (size - 1) * math.factorial(size - 1) for size in Counter(block).values()]
                laid[p, place[_kind(after)]] += math.prod(signs)
    apart = [(0, 1), (2, 3), (4, 5), (6, 7)]
    for block in _partitions(8):
        after = _merged(apart, block)
        if after is not None:
            weight[place[_kind(after)]] += 1 / 16
    return FourEdges(laid, weight, nodes)


@compiled()
def _by_column(M, square, r, n):  # type: ignore[no-untyped-def]
    """Return sums over columns: of M^4 (by entry), of M^2 times ``square``, of its squares, of M^2 times r: (4, n)."""
    sums = np.zeros((4, n))
    fourth, double, cycle, twice = sums[0], sums[1], sums[2], sums[3]
    for i in range(n):
        for j in range(n):
            fourth[j] += (M[i, j] * M[i, j]) * (M[i, j] * M[i, j])
            twice[j] += M[i, j] * M[i, j] * r[i]
        for j in range(n):
            double[j] += M[i, j] * M[i, j] * square[i, j]
        for j in range(n):
            cycle[j] += square[i, j] * square[i, j]
    return sums


@compiled()
def walks(M, square, n, out):  # type: ignore[no-untyped-def]
    """Write the sum over all maps of each graph's nodes to tokens; M has a zero diagonal, ``square`` is M M."""
    r, q, c = powers_by_column(M, n)
    triangle, along = products_by_column(M, square, n), times_vector(M, r, n)
    fourth, double, cycle, twice = _by_column(M, square, r, n)
    out[:] = 0.0
    cubes = edge = doubled = path = doubled_path = triangles = star = long = 0.0
    for i in range(n):
        out[0] += fourth[i]
        out[1] += c[i] * r[i]
        out[2] += q[i] * q[i]
        out[3] += q[i] * r[i] * r[i]
        out[4] += r[i] * twice[i]
        out[5] += q[i] * along[i]
        out[6] += double[i]
        out[7] += r[i] ** 4
        out[8] += r[i] * r[i] * along[i]
        out[9] += along[i] * along[i]
        out[10] += cycle[i]
        out[11] += triangle[i] * r[i]
        cubes += c[i]
        edge += r[i]
        doubled += q[i]
        path += r[i] * r[i]
        doubled_path += q[i] * r[i]
        triangles += triangle[i]
        star += r[i] ** 3
        long += r[i] * along[i]
    out[12], out[13], out[14] = cubes * edge, doubled_path * edge, triangles * edge
    out[15], out[16] = star * edge, long * edge
    out[17], out[18], out[19] = doubled * doubled, doubled * path, path * path
    out[20], out[21], out[22] = doubled * edge * edge, path * edge * edge, edge**4


@compiled()
def laid_out(walked, table, out):  # type: ignore[no-untyped-def]
    """Write the sums over different tokens that follow from ``walks``."""
    for p in range(len(out)):
        total = 0.0
        for k in range(len(out)):
            total += table.laid[p, k] * walked[k]
        out[p] = total


@compiled()
def fourth_moment(D, S, n, table):  # type: ignore[no-untyped-def]
    """Return E[U^4] for two matrices' sums over different tokens, of order n."""
    total = 0.0
    for p in range(len(D)):
        ways = 1.0
        for k in range(table.nodes[p]):
            ways *= n - k
        if ways > 0:
            total += table.weight[p] * D[p] * S[p] / ways
    return total
