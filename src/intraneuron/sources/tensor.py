"""One tensor out of a safetensors file: of a server by its byte range, of a folder here without the others."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from intraneuron.errors import DataError
from intraneuron.sources.fetching import Fetcher, Told, untold

LONGEST_HEADER = 100_000_000
"""Bytes of the longest header that the format allows."""

PIECE = 8_000_000
"""Bytes that are asked for at a time; each piece is kept, so a run that was stopped goes on."""

TYPES: dict[str, str] = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
"""Number formats, by the name that the header gives them, as numpy reads their bytes."""


def fetch_tensor(fetcher: Fetcher, url: str, names: Sequence[str], *, told: Told = untold) -> np.ndarray:
    """Return a tensor of a safetensors file on a server, float32; nothing else of the file is fetched.

    The file begins with the length of its header, 8 bytes, and the header, which says where each tensor's bytes are.

    Parameters
    ----------
    fetcher : Fetcher
    url : str
    names : list of str
        What the tensor may be called; the first that is there counts.
    told : callable
        Is told how many of how many pieces have been fetched.

    Raises
    ------
    DataError
        When the file is not there, is none, or has no such tensor.
    """
    length = int.from_bytes(fetcher.part(url, 0, 8), "little")
    if not 2 <= length <= LONGEST_HEADER:
        raise _no_safetensors(url, f"its header would be {length:,} bytes long")
    found = read_header(fetcher.part(url, 8, 8 + length), url)
    name, entry = tensor_of(found, names, url)
    start, stop = (8 + length + int(offset) for offset in entry["data_offsets"])
    bounds = [(at, min(at + PIECE, stop)) for at in range(start, stop, PIECE)]
    pieces: dict[int, bytes] = {}
    for at, piece in fetcher.parts(url, bounds):
        pieces[at] = piece
        told(len(pieces), len(bounds))
    return decoded(b"".join(pieces[at] for at, _ in bounds), entry, f"{name} of {url}")


def read_header(text: bytes, where: str) -> Mapping[str, Any]:
    """Return the header of a safetensors file.

    Raises
    ------
    DataError
        When it is none.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _no_safetensors(where, f"its header is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise _no_safetensors(where, "its header is no table")
    return found


def tensor_of(header: Mapping[str, Any], names: Sequence[str], where: str) -> tuple[str, Mapping[str, Any]]:
    """Return the name and the entry of a tensor in a header.

    Raises
    ------
    DataError
        When it is not there, or its entry does not hang together.
    """
    name = next((one for one in names if one in header), None)
    if name is None:
        have = [one for one in header if one != "__metadata__"]
        msg = (
            f"{where} has no tensor {' or '.join(names)}; it has {len(have):,}, first {', '.join(have[:3]) or 'none'}. "
            "Give the weights of the same model."
        )
        raise DataError(msg)
    entry = header[name]
    try:
        kind, shape, (start, stop) = entry["dtype"], [int(n) for n in entry["shape"]], entry["data_offsets"]
        size = np.dtype(TYPES[kind]).itemsize * math.prod(shape)
    except (KeyError, TypeError, ValueError) as error:
        raise _no_safetensors(where, f"{name} is described as {entry}") from error
    if stop - start != size or len(shape) != 2:
        raise _no_safetensors(where, f"{name} of shape {shape} and type {kind} would take {stop - start:,} bytes")
    return name, entry


def decoded(body: bytes, entry: Mapping[str, Any], where: str) -> np.ndarray:
    """Return the numbers of a tensor, float32.

    Raises
    ------
    DataError
        When one of them is NaN or infinite.
    """
    raw = np.frombuffer(body, dtype=TYPES[entry["dtype"]])
    if entry["dtype"] == "BF16":  # the upper half of a float32
        raw = (raw.astype(np.uint32) << 16).view(np.float32)
    table = raw.astype(np.float32).reshape(entry["shape"])
    if not np.isfinite(table).all():
        msg = f"{where} holds numbers that are NaN or infinite. Get the weights again."
        raise DataError(msg)
    return table


def read_tensor(file: Path, names: Sequence[str]) -> np.ndarray:
    """Return a tensor of a safetensors file here, float32; nothing else of it is read.

    Raises
    ------
    DataError
        When the file cannot be read, is none, or has no such tensor.
    """
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 2 <= length <= LONGEST_HEADER:
                raise _no_safetensors(str(file), f"its header would be {length:,} bytes long")
            found = read_header(stream.read(length), str(file))
            name, entry = tensor_of(found, names, str(file))
            start, stop = entry["data_offsets"]
            stream.seek(8 + length + start)
            body = stream.read(stop - start)
    except OSError as error:
        msg = f"The weights {file} cannot be read: {error.strerror}."
        raise DataError(msg) from error
    if len(body) != stop - start:
        raise _no_safetensors(str(file), f"it ends before {name} does")
    return decoded(body, entry, f"{name} of {file}")


def _no_safetensors(where: str, why: str) -> DataError:
    return DataError(f"{where} is no safetensors file, or a damaged one ({why}). Get the weights again.")
