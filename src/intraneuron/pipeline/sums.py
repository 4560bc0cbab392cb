"""Sums of activation a token and neuron, while the model runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from intraneuron.kernels.blocks import in_parts
from intraneuron.kernels.scatter import Rows, add_columns, add_rows, add_short_rows
from intraneuron.models.feeding import at_tokens
from intraneuron.models.twins import RotatedTwin
from intraneuron.pipeline.task import Piece, Task


@dataclass(frozen=True)
class Sums:
    """One table of sums, R rows by n columns, and what the last addition to each frequent row put too much on it.

    Attributes
    ----------
    source : str
        What is summed: the activations of ``neurons`` or ``rotated``, or the layer's ``input``.
    rows : Rows
    column : int64 (n,)
        Which columns of the source.
    total : float32 (R, n)
    lost : float32 (F, n)
    """

    source: str
    rows: Rows
    column: np.ndarray
    total: np.ndarray
    lost: np.ndarray

    @classmethod
    def start(cls, source: str, rows: Rows, column: np.ndarray) -> Sums:
        """Start with zeros."""
        n = len(column)
        return cls(
            source,
            rows,
            column,
            np.zeros((len(rows.seen), n), dtype=np.float32),
            np.zeros((rows.n_frequent, n), dtype=np.float32),
        )

    def add(self, values: np.ndarray, batch: Batch, index: np.ndarray) -> None:
        """Add the source's values at a batch's positions, (P, all its columns); ``index`` are their rows.

        Values are float32, or the bits of bfloat16 as uint16.
        """
        into, first = (self.total, self.rows.frequent, self.lost), int(self.column[0])
        if self.column[-1] - first == len(self.column) - 1:
            core = add_rows if values.dtype == np.float32 else add_short_rows
            in_parts(core, batch.parts, (values, first, batch.order, index), into)
        else:
            bits = values.view(np.uint32) if values.dtype == np.float32 else values
            in_parts(add_columns, batch.parts, (bits, self.column, batch.order, index), into)


def sums_bytes(rows: Rows, width: int) -> int:
    """Return the size of a table of so many columns."""
    return 4 * width * (len(rows.seen) + rows.n_frequent)


@dataclass(frozen=True)
class Batch:
    """Which rows of the tables the positions of some windows add to.

    Attributes
    ----------
    order : int64 (P',)
        The counted positions, those of one row of ``halves`` together, and so those of one row of ``shards``, which are
        in one half.
    parts : list of int
        Where threads begin in it.
    halves, shards : int64 (P,)
        A row for each position; shards only in corpus mode.
    """

    order: np.ndarray
    parts: list[int]
    halves: np.ndarray
    shards: np.ndarray | None


class PieceSums:
    """The tables of one piece, filled during a pass."""

    def __init__(self, task: Task, piece: Piece, twin: RotatedTwin | None) -> None:
        """Start with zeros; ``twin`` only where it is observed in the pass (corpus mode)."""
        self.piece = piece
        self.twin = twin
        self.vocabulary_size = len(task.model.vocabulary)
        sizes = task.sizes(piece.site)
        self.sizes = sizes
        self.halves = {
            name: Sums.start(name, task.halves, column) for name, column in _columns(task, piece, sizes).items()
        }
        sample = piece.sample(sizes["neurons"]) if task.corpus else None
        self.sample = None if sample is None else Sums.start("neurons", task.halves, sample)
        whole = task.corpus and piece.index == 0
        self.shards = {
            name: Sums.start(name, task.shards, task.subset(piece.site, name)) for name in (sizes if whole else ())
        }

    def tables(self) -> Iterator[tuple[str, Sums]]:
        """Yield all tables with their names."""
        yield from ((f"halves/{name}", table) for name, table in self.halves.items())
        yield from ((f"shards/{name}", table) for name, table in self.shards.items())
        if self.sample is not None:
            yield "sample", self.sample

    def state(self) -> dict[str, np.ndarray]:
        """Return all that is filled, by names that no other piece of the study has."""
        own = f"{self.piece.layer}/{self.piece.index}/{self.piece.of}"
        return {
            f"{own}/{name}/{part}": array
            for name, table in self.tables()
            for part, array in (("total", table.total), ("lost", table.lost))
        }

    def add(self, batch: Batch, x: torch.Tensor | None, activation: torch.Tensor) -> None:
        """Add a batch, position by position: there is one result, whatever the threads do."""
        decoder = self.piece.site.decoder
        values = {"neurons": at_tokens(activation, decoder=decoder)}
        if x is not None:
            x = at_tokens(x, decoder=decoder).reshape(-1, x.shape[-1])
            values |= {} if self.twin is None else {"rotated": self.twin.activations(x)}
            values |= {"input": x} if "input" in self.halves else {}
        rows = {name: _rows(value) for name, value in values.items()}
        for name, table in self.tables():
            index = batch.shards if name.startswith("shards") else batch.halves
            if index is not None:
                table.add(rows[table.source], batch, index)


def _columns(task: Task, piece: Piece, sizes: dict[str, int]) -> dict[str, np.ndarray]:
    """Return the columns that a piece sums by half and token.

    The rotated twin needs the moments of x. In vocabulary mode x itself is kept, a row a token, and the twin is made
    after the pass; in corpus mode a pilot comes before the pass. x is also kept where it is wanted itself.
    """
    found = {name: np.arange(size)[piece.columns(size)] for name, size in sizes.items()}
    made_later = task.rotated and not task.corpus
    if made_later:
        found.pop("rotated")
    if made_later or task.sums_inputs(piece):
        found["input"] = np.arange(piece.site.width)
    return {name: column for name, column in found.items() if len(column)}


def piece_bytes(task: Task, piece: Piece) -> int:
    """Return the size of a piece's tables during its pass."""
    sizes = task.sizes(piece.site)
    size = sum(sums_bytes(task.halves, len(column)) for column in _columns(task, piece, sizes).values())
    if task.corpus and piece.index == 0:
        sample = piece.sample(sizes["neurons"])
        size += sum(sums_bytes(task.shards, len(task.subset(piece.site, name))) for name in sizes)
        size += 0 if sample is None else sums_bytes(task.halves, len(sample))
    return size


def _rows(value: torch.Tensor) -> np.ndarray:
    """Return values as a row a position: float32, or the bits of bfloat16, which adding widens."""
    rows = value.reshape(-1, value.shape[-1]).cpu().contiguous()
    if rows.dtype == torch.bfloat16:
        return rows.view(torch.int16).numpy().view(np.uint16)
    found: np.ndarray = rows.float().numpy()
    return found
