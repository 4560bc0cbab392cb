r"""Tail of the sum of a few of m numbers, drawn without replacement: subsets are counted, not drawn.

Numbers are laid onto a grid, each onto the two cells beside it in the proportion that keeps its value, so that a sum
has its exact mean given the subset, and a variance of up to a quarter of a cell's square a number more. Subsets of
0..s numbers by cell follow token by token,

.. math:: f_k(b) \mathrel{+}= (1 - \phi_j) f_{k-1}(b - r_j) + \phi_j f_{k-1}(b - r_j - 1),

with number j at :math:`r_j + \phi_j` cells: the generating function :math:`\prod_j (1 + y x^{w_j})`, on a grid. What
the grid adds moves a smooth tail by its second derivative, which is looked at. Reference: Pagano and Tritchler (1983),
doi 10.1080/01621459.1983.10477990 (such counts without a grid).
"""

from __future__ import annotations

import math

import numpy as np

from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.subset_sums import log_choose

COARSE, FINE = 128, 512
"""Cells from the least possible sum to the observed one, or from there to the largest, whichever is nearer. The fine
grid is for where the coarse one is not enough."""

MOVED, HELD = 0.005, 0.2
"""A grid is too coarse where it moves p by more than this part of it, or where so much of the tail lies in one cell."""

CANCELLED = 1e-9
"""A tail that is 1 minus a sum of probabilities has digits down to here."""


@compiled()
def _by_cell(place, size, cells):  # type: ignore[no-untyped-def]
    """Return the subsets of ``size`` of the ascending places (in cells) by the cell of their sum, up to cells + 1."""
    last = cells + 1
    ways, reach = np.zeros((size + 1, last + 1)), np.full(size + 1, -1, np.int64)
    ways[0, 0], reach[0] = 1.0, 0
    for j in range(len(place)):
        if place[j] > cells:
            break
        at = np.int64(place[j])
        beyond = place[j] - at
        here = 1.0 - beyond
        for k in range(min(size, j + 1), 0, -1):
            filled = min(reach[k - 1], last - at) + 1
            if filled < 1:
                continue
            before, now = ways[k - 1, :filled], ways[k, at : at + filled]
            reach[k] = max(reach[k], min(at + filled, last))
            now[0] += here * before[0]
            for b in range(1, filled):
                now[b] += here * before[b] + beyond * before[b - 1]
            if at + filled <= last:
                ways[k, at + filled] += beyond * before[filled - 1]
    return ways[size]


@compiled()
def _counted(order, size, total, cells):  # type: ignore[no-untyped-def]
    """Return :func:`counted_upper` of ascending numbers on a grid of so many cells; NaN where it is too coarse."""
    m = len(order)
    above, below = total - size * order[0], size * order[m - 1] - total
    mirrored = below < above
    if mirrored:
        ways = _by_cell((order[m - 1] - order[::-1]) * (cells / below), size, cells)
    else:
        ways = _by_cell((order - order[0]) * (cells / above), size, cells)
    under = ways[cells] / 2
    for b in range(cells):
        under += ways[b]
    one = math.exp(-log_choose(m, size))
    p = (under if mirrored else 1.0 / one - under) * one
    moved, held = size / 24 * abs(ways[cells + 1] - ways[cells - 1]) * one, ways[cells] * one
    if not (p > CANCELLED and moved < MOVED * p and held < HELD * p):
        return math.nan
    return p + one / 2  # the observed subset lies on the edge, and was counted by half


@compiled()
def counted_upper(w, size, total):  # type: ignore[no-untyped-def]
    """Return P(sum of ``size`` of the numbers ``w`` >= ``total``); NaN where the grid is too coarse to tell.

    For a ``total`` that one subset has, and a small ``size``: operations are ``size * len(w)`` times the cells. NaN,
    too, where two numbers are equal: many subsets may then have just this sum, which a grid splits.
    """
    m = len(w)
    order = np.sort(w)
    if not size * order[0] < total < size * order[m - 1]:
        return math.nan
    for j in range(1, m):
        if order[j] == order[j - 1]:
            return math.nan
    p = math.nan
    for cells in (COARSE, FINE):
        if math.isnan(p):
            p = _counted(order, size, total, np.int64(cells))
    return p
