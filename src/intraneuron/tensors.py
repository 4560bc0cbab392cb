"""Large arrays in the format of safetensors, written and read block by block: they never have to fit into memory."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

NAMES = {"float32": "F32", "int32": "I32", "int64": "I64"}
"""What safetensors calls number formats."""


@dataclass(frozen=True)
class Tensor:
    """An array that comes in blocks, in its own (C) order; each is read once.

    Attributes
    ----------
    dtype : float32, int32 or int64
    shape : tuple of int
    blocks : iterable of arrays
    """

    dtype: np.dtype
    shape: tuple[int, ...]
    blocks: Iterable[np.ndarray]

    @classmethod
    def of(cls, array: np.ndarray) -> Tensor:
        """Return an array that is there."""
        return cls(array.dtype, array.shape, [array])

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array."""
        return math.prod(self.shape) * self.dtype.itemsize


def write_tensors(file: Path, tensors: Mapping[str, Tensor], said: Mapping[str, str]) -> None:
    """Write arrays and some words about them; no copy of an array is made in memory."""
    header: dict[str, Any] = {"__metadata__": dict(said)}
    at = 0
    for name, tensor in tensors.items():
        offsets = [at, at + tensor.nbytes]
        header[name] = {"dtype": NAMES[tensor.dtype.name], "shape": list(tensor.shape), "data_offsets": offsets}
        at += tensor.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with file.open("wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors.values():
            for block in tensor.blocks:
                out.write(np.ascontiguousarray(block, dtype=tensor.dtype).data)  # tofile does not say why it failed


def mapped(file: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a file that :func:`write_tensors` wrote, as they lie on disk: only what is used is read.

    Raises
    ------
    OSError, ValueError, LookupError, TypeError
        When the file cannot be read, or is none.
    """
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        header = json.loads(opened.read(length))
    formats = {name: np.dtype(dtype) for dtype, name in NAMES.items()}
    return {
        name: np.memmap(
            file, formats[one["dtype"]], "r", 8 + length + int(one["data_offsets"][0]), tuple(map(int, one["shape"]))
        )
        if math.prod(one["shape"])
        else np.empty(one["shape"], formats[one["dtype"]])
        for name, one in header.items()
        if name != "__metadata__"
    }


def blocks_of(n: int, size: int) -> Iterator[slice]:
    """Yield slices of n things, so many at a time.

    >>> list(blocks_of(5, 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    yield from (slice(start, min(start + size, n)) for start in range(0, n, size))
