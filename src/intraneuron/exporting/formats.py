"""How a long table becomes a file: rows are added block by block, so that no table need fit into memory."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import polars as pl

from intraneuron.config import ExportConfig, ExportFormat
from intraneuron.exporting.cells import UTF8_MARK, harmless

BLOCK = 50_000
"""Rows that are turned into text at a time."""

Add = Callable[[pl.DataFrame], None]


@contextmanager
def csv_file(path: Path, *, excel_safe: bool = False) -> Iterator[Add]:
    """Add rows to a CSV file: texts in quotes, the missing without, lines that end with a line feed alone."""
    mark = UTF8_MARK if excel_safe else b""
    with path.open("wb") as file:
        file.write(mark)

        def add(frame: pl.DataFrame) -> None:
            for block in _blocks(harmless(frame) if excel_safe else frame):
                text = block.write_csv(include_header=file.tell() == len(mark), quote_style="non_numeric")
                file.write(text.encode())

        yield add


@contextmanager
def json_file(path: Path) -> Iterator[Add]:
    """Add rows to a JSON file: one list, a row an object and a line."""
    with path.open("wb") as file:
        file.write(b"[")

        def add(frame: pl.DataFrame) -> None:
            for block in _blocks(frame):
                if len(block):
                    comma = b"\n" if file.tell() == 1 else b",\n"
                    file.write(comma + block.write_ndjson().rstrip("\n").replace("\n", ",\n").encode())

        yield add
        file.write(b"\n]\n")


@contextmanager
def parquet_file(path: Path) -> Iterator[Add]:
    """Add rows to a Parquet file: blocks are kept in files of their own, and joined without reading them all."""
    blocks = path.with_name(f"{path.name}.blocks")
    blocks.mkdir()
    files: list[Path] = []

    def add(frame: pl.DataFrame) -> None:
        files.append(blocks / f"{len(files):06d}.parquet")
        frame.write_parquet(files[-1], compression="lz4")

    yield add
    pl.scan_parquet(files, glob=False).sink_parquet(path, compression="zstd")
    shutil.rmtree(blocks)


FORMATS: dict[ExportFormat, Callable[[Path], AbstractContextManager[Add]]] = {
    "csv": csv_file,
    "parquet": parquet_file,
    "json": json_file,
}
"""How a file of each format is written; its suffix is the format's name."""


@contextmanager
def table_file(path: Path, config: ExportConfig) -> Iterator[Add]:
    """Add rows to a file of the format that is wanted.

    Raises
    ------
    OSError
        When the disk refuses it, whichever library writes.
    """
    to = csv_file(path, excel_safe=True) if config.excel_safe else FORMATS[config.format](path)
    try:
        with to as add:
            yield add
    except pl.exceptions.PolarsError as error:
        raise OSError(str(error)) from error


def _blocks(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Return a table in blocks; an empty one as it is, for its header."""
    return frame.iter_slices(BLOCK) if len(frame) else iter([frame])
