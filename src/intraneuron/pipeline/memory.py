"""plan_passes: which neurons are observed together, so that their sums fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from intraneuron.kernels.scatter import spread_bytes
from intraneuron.pipeline.sums import piece_bytes
from intraneuron.pipeline.task import Piece, Task

if TYPE_CHECKING:
    from intraneuron.models.sites import Site

NARROWEST = 64
"""Neurons of a slice, at least: narrower ones would cost more passes than anyone waits for."""


def plan_passes(task: Task, sites: Sequence[Site], memory: int) -> list[list[Piece]]:
    """Return the pieces of each pass: as few passes as fit into so many bytes, in ascending order of layers.

    A pass costs as much as its last layer is deep, so what does not fill a pass stands first. A layer that does not fit
    by itself is cut into slices of neurons, a pass each.

    Parameters
    ----------
    task : Task
    sites : list of Site
    memory : int
        Bytes for sums of activation, and for the full tables that are made of one piece when its pass is over.
    """
    out = max((bytes_handed_out(task, Piece(site)) for site in sites if _fits(task, Piece(site), memory)), default=0)
    passes: list[list[Piece]] = []
    room = 0
    for site in reversed(sites):
        pieces = _pieces(task, site, memory)
        held = piece_bytes(task, pieces[0])
        if len(pieces) > 1:
            passes += [[piece] for piece in reversed(pieces)]
            room = 0
        elif held <= room:
            passes[-1].append(pieces[0])
            room -= held
        else:
            passes.append(pieces)
            room = memory - out - held
    return [one[::-1] for one in passes[::-1]]


def pass_bytes(task: Task, pieces: Sequence[Piece]) -> int:
    """Return the memory of a pass: its tables, and what is made of one piece of them at a time."""
    return sum(piece_bytes(task, piece) for piece in pieces) + max(bytes_handed_out(task, piece) for piece in pieces)


def bytes_handed_out(task: Task, piece: Piece) -> int:
    """Return the size of what is made of a piece's tables when it is handed out."""
    widths = {name: len(range(size)[piece.columns(size)]) for name, size in task.sizes(piece.site).items()}
    entering = spread_bytes(task.halves, piece.site.width) if task.sums_inputs(piece) else 0
    if not task.corpus:
        return 4 * len(task.model.vocabulary) * widths.get("rotated", 0) + entering
    size = entering + sum(spread_bytes(task.halves, width) for width in widths.values())
    if piece.index == 0:
        size += sum(spread_bytes(task.shards, len(task.subset(piece.site, name))) for name in widths)
        sample = piece.sample(task.sizes(piece.site)["neurons"])
        size += 0 if sample is None else spread_bytes(task.halves, len(sample))
    return size


def _fits(task: Task, piece: Piece, memory: int) -> bool:
    return pass_bytes(task, [piece]) <= memory


def _pieces(task: Task, site: Site, memory: int) -> list[Piece]:
    """Return a layer whole, or in as few slices as fit.

    The first also holds what is never cut. Where that alone takes more than half of the memory, slices are cut as if it
    took half: narrower ones would save nothing.
    """
    if _fits(task, Piece(site), memory):
        return [Piece(site)]
    most = max(1, task.sizes(site)["neurons"] // NARROWEST)
    of = next((of for of in range(2, most) if _slices_fit(task, site, of, memory)), most)
    return [Piece(site, index, of) for index in range(of)]


def _slices_fit(task: Task, site: Site, of: int, memory: int) -> bool:
    first, last = (pass_bytes(task, [Piece(site, index, of)]) for index in (0, of - 1))
    return last <= max(memory - (first - last), memory // 2)
