"""What an observation that is not finished has done so far: sums of the pass that runs, and slices of layers.

All of it lies in the study's folder ``observing`` and goes when the stage ends. A run that was killed goes on there,
and the study comes out with the same bytes: batches are added in one order, and what was saved is what had been
added.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from intraneuron.errors import StudyError
from intraneuron.files import atomic, fingerprint
from intraneuron.intact import is_whole
from intraneuron.place import OBSERVING, remove_own
from intraneuron.store import StudyFolder
from intraneuron.tensors import Tensor, write_tensors

EVERY = 60.0
"""Seconds between two checkpoints, at least."""

SHARE = 0.05
"""Share of the time that checkpoints may take."""


@dataclass(frozen=True)
class Unfinished:
    """The folder of what is not finished.

    Attributes
    ----------
    folder : StudyFolder
    key : str
        Fingerprint of all that sums depend on, but for the model: what was made with another is of no use.
    say : callable
        Told what the user should know.
    """

    folder: StudyFolder
    key: str
    say: Callable[[str], None]

    @property
    def path(self) -> Path:
        """Where everything lies: a folder of its own for each key, so that nothing is taken for another's."""
        return self.folder.path / OBSERVING / self.key[:16]

    def checkpoints(self, model: str) -> SavedSums:
        """Return the checkpoints of one of several models that are observed."""
        return SavedSums(self.path / f"{model}.safetensors", fingerprint([self.key, model]), self.say)

    def save(
        self, name: str, frames: Mapping[str, pl.DataFrame], notes: Mapping[str, Any], summed: Sequence[str] = ()
    ) -> None:
        """Keep the tables of a slice; ``name`` says of which model and layer, and which of how many slices.

        ``summed`` are populations whose sums have been written already (:meth:`sums_file`).
        """
        for table, frame in frames.items():
            self.folder.write(self._file(table, name), frame)
        with atomic(self.path / f"{name}.json") as temporary:
            said = {"key": self.key, "tables": sorted(frames), "notes": dict(notes), "sums": list(summed)}
            temporary.write_text(json.dumps(said), encoding="utf-8")

    def notes(self, name: str) -> dict[str, Any] | None:
        """Return what was noted of a slice; None when it was not kept, or not with this key, or a table is lost."""
        try:
            said = json.loads((self.path / f"{name}.json").read_text(encoding="utf-8"))
            files = [self._file(table, name) for table in said["tables"]]
            files += [self.sums_file(population, name) for population in said["sums"]]
            return dict(said["notes"]) if said["key"] == self.key and all(map(is_whole, files)) else None
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def tables(self, name: str) -> dict[str, pl.DataFrame]:
        """Return the tables of a slice that was kept."""
        said = json.loads((self.path / f"{name}.json").read_text(encoding="utf-8"))
        return {table: self.folder.read(self._file(table, name)) for table in said["tables"]}

    def summed(self, name: str) -> list[str]:
        """Return the populations whose sums were kept of a slice."""
        said = json.loads((self.path / f"{name}.json").read_text(encoding="utf-8"))
        return list(said["sums"])

    def sums_file(self, population: str, name: str) -> Path:
        """Return where the sums of a slice are, until its layer is whole."""
        return self.path / population / "sums" / f"layer-{name}.safetensors"

    def claim(self) -> None:
        """Remove what was left by runs with other keys; it would only take room."""
        above = self.path.parent
        for other in sorted(above.iterdir()) if above.is_dir() else ():
            if other.is_dir() and other != self.path:
                remove_own(self.folder.path, f"{OBSERVING}/{other.name}")

    def clear(self) -> None:
        """Remove everything."""
        remove_own(self.folder.path, OBSERVING)

    def _file(self, table: str, name: str) -> Path:
        return self.path / table / f"layer-{name}.parquet"


@dataclass
class SavedSums:
    """Checkpoints of a pass: one file of tables, in the format of safetensors, replaced as a whole.

    Attributes
    ----------
    file : Path
    key : str
        What was saved with another is of no use.
    say : callable
    """

    file: Path
    key: str
    say: Callable[[str], None]
    _due: float = field(default_factory=lambda: time.monotonic() + EVERY)
    _failed: bool = False

    def restore(self, tables: Mapping[str, np.ndarray]) -> int:
        """Fill tables with what was saved of them, and return after how many windows that was; 0 when nothing was.

        The file may hold other tables as well: of layers that have been finished since.
        """
        from safetensors import SafetensorError, safe_open

        if not self.file.is_file():
            return 0
        try:
            with safe_open(self.file, framework="np") as saved:
                said = saved.metadata() or {}
                have = set(saved.keys())
                if said.get("key") != self.key or not have.issuperset(tables):
                    return 0
                if any(saved.get_slice(name).get_shape() != list(table.shape) for name, table in tables.items()):
                    return 0
                for name, table in tables.items():
                    table[:] = saved.get_tensor(name)
                return int(said["windows"])
        except (SafetensorError, OSError, ValueError, LookupError):  # damaged: the pass starts again
            for table in tables.values():
                table[:] = 0
            return 0

    def save(self, tables: Mapping[str, np.ndarray], done: int) -> None:
        """Save tables as they are after so many windows, if it is time to; a disk that is full is told once."""
        if self._failed or time.monotonic() < self._due:
            return
        began = time.monotonic()
        try:
            with atomic(self.file) as temporary:
                tensors = {name: Tensor.of(table) for name, table in tables.items()}
                write_tensors(temporary, tensors, {"key": self.key, "windows": str(done)})
        except StudyError as error:
            self._failed = True
            self.say(f"No checkpoint could be written, the observation goes on without: {error}")
        now = time.monotonic()
        self._due = now + max(EVERY, (now - began) / SHARE)
