"""export: a finished study on disk -> a folder of long tables, and the codebook that says what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import tomli_w

from intraneuron.calibrating import study_key
from intraneuron.config import ExportConfig
from intraneuron.errors import StudyError
from intraneuron.exporting.choice import Choice, choose, no_rows
from intraneuron.exporting.column import Column, typed
from intraneuron.exporting.columns import LONG, vector_columns
from intraneuron.exporting.formats import table_file
from intraneuron.exporting.place import MARK, staged
from intraneuron.exporting.rows import ROWS, Part
from intraneuron.files import without_none
from intraneuron.manifest import versions
from intraneuron.models.words import eligible_tokens
from intraneuron.plain import plain
from intraneuron.progress import Progress
from intraneuron.spaces import StudySpaces
from intraneuron.store import StudyFolder


@dataclass(frozen=True)
class Export:
    """A study as long tables.

    Attributes
    ----------
    path : Path
        The folder.
    rows : dict
        How many rows each table has.
    files : tuple of str
        The tables and the codebook.
    """

    path: Path
    rows: dict[str, int]
    files: tuple[str, ...]


def export_study(folder: StudyFolder, out: Path, config: ExportConfig, progress: Progress | None = None) -> Export:
    """Write the long tables of a finished study into a folder, all of them or, when something fails, nothing.

    Raises
    ------
    StudyError
        When the study is not finished or lacks what is wanted, or the folder holds other files or cannot be written.
    """
    folder = StudyFolder.open(folder.path)  # as it is now: a run may have changed it since the caller opened it
    choice = choose(folder, config)
    files = _files(config)
    with staged(out, files) as new:
        columns: dict[str, tuple[Column, ...]] = {table: LONG[table] for table in config.tables}
        rows = _write_tables(folder, choice, config, new, progress or Progress())
        if not any(rows.values()):
            why = f"{', '.join(choice.populations)} have no such rows, or rows without core tokens only"
            raise no_rows(why)
        if _has_vectors(config):
            rows["vectors"], columns["vectors"] = _write_vectors(folder, choice, config, new)
        _check_unchanged(folder)
        _write_codebook(new, config, columns)
        (new / MARK).write_bytes(tomli_w.dumps(_said(folder, choice, config, rows)).encode())
    return Export(out, rows, files)


def _check_unchanged(folder: StudyFolder) -> None:
    """Raise StudyError when a run has changed the study meanwhile; it says so in the manifest before it begins."""
    if StudyFolder.open(folder.path).manifest != folder.manifest:
        msg = f"The study in {folder.path} was changed while it was exported. Run the same command again."
        raise StudyError(msg)


def codebook(columns: Mapping[str, tuple[Column, ...]]) -> pl.DataFrame:
    """Return a row a column of some tables: what it is called, what it holds, and where that is explained."""
    return pl.DataFrame(
        [
            {
                "table": table,
                "name": one.name,
                "type": one.kind,
                "unit": one.unit,
                "range": one.range,
                "formula": one.formula,
                "reference": one.references,
            }
            for table, own in columns.items()
            for one in own
        ]
    )


def _files(config: ExportConfig) -> tuple[str, ...]:
    """Return the files of an export; its codebook can always be read as CSV."""
    tables = [*dict.fromkeys(config.tables), *(["vectors"] if _has_vectors(config) else []), "codebook"]
    return tuple(dict.fromkeys([*(f"{table}.{config.format}" for table in tables), "codebook.csv"]))


def _has_vectors(config: ExportConfig) -> bool:
    return config.vectors or config.all_vectors


def _parts(folder: StudyFolder, choice: Choice) -> Iterator[Part]:
    token = pl.Series([str(one) for one in folder.vocabulary().token], dtype=pl.String)
    for population in choice.populations:
        for layer, neurons in choice.neurons.items():
            yield Part(folder, population, layer, neurons, token)


def _write_tables(
    folder: StudyFolder, choice: Choice, config: ExportConfig, new: Path, progress: Progress
) -> dict[str, int]:
    """Write the long tables side by side, a population and layer at a time; return how many rows each has."""
    tables = tuple(dict.fromkeys(config.tables))
    rows: dict[str, int] = dict.fromkeys(tables, 0)
    total = len(choice.populations) * len(choice.neurons)
    with ExitStack() as files, progress.stage("export", "populations") as report:
        add = {table: files.enter_context(table_file(new / f"{table}.{config.format}", config)) for table in tables}
        for done, part in enumerate(_parts(folder, choice), 1):
            for table in tables:
                frame = typed(ROWS[table](part), LONG[table])
                add[table](frame)
                rows[table] += len(frame)
            report(done, total)
    return rows


def _write_vectors(
    folder: StudyFolder, choice: Choice, config: ExportConfig, new: Path
) -> tuple[int, tuple[Column, ...]]:
    """Write the vectors of tokens; return how many there are, and their columns."""
    rows, columns, vocabulary = 0, vector_columns(0), folder.vocabulary()
    count = folder.read(folder.path / "vocabulary.parquet")["count"].to_numpy()
    with table_file(new / f"vectors.{config.format}", config) as add:
        spaces = StudySpaces.of_study(folder)
        for name, (population, layer, used) in _used(folder, choice, spaces).items():
            space = spaces.of(population, layer)
            if config.all_vectors:
                words = folder.manifest["settings"]["observe"].get("words", False)
                used = np.flatnonzero(eligible_tokens(vocabulary, space, words=words) & (count > 0))
            vector = space.vector[used]
            columns = vector_columns(vector.shape[1])
            texts = [str(one) for one in vocabulary.token[used]]
            frame = pl.DataFrame({"space": [name] * len(used), "token_id": used, "token": texts, "count": count[used]})
            numbers = pl.DataFrame(vector, schema=[f"v{d}" for d in range(1, vector.shape[1] + 1)])
            add(typed(pl.concat([frame, numbers], how="horizontal"), columns))
            rows += len(used)
    return rows, columns


def _used(folder: StudyFolder, choice: Choice, spaces: StudySpaces) -> dict[str, tuple[str, int, np.ndarray]]:
    """Return, by space, whose it is, and the token ids that are core tokens of an exported row, ascending."""
    used: dict[str, set[int]] = {}
    whose: dict[str, tuple[str, int]] = {}
    for part in _parts(folder, choice):
        ids, name = part.core().token_id, spaces.name(part.population, part.layer)
        used.setdefault(name, set()).update(ids[ids >= 0])
        whose.setdefault(name, (part.population, part.layer))
    return {name: (*whose[name], np.array(sorted(ids), dtype=np.int64)) for name, ids in used.items()}


def _write_codebook(new: Path, config: ExportConfig, columns: Mapping[str, tuple[Column, ...]]) -> None:
    frame = codebook(columns)
    for name in {f"codebook.{config.format}", "codebook.csv"}:
        as_named = config if name.endswith(config.format) else ExportConfig()
        with table_file(new / name, as_named) as add:
            add(frame)


def _said(folder: StudyFolder, choice: Choice, config: ExportConfig, rows: dict[str, int]) -> dict[str, Any]:
    """Return what an export says of itself: what it is of, how it was made, and which files are its own."""
    of = {key: folder.manifest[key] for key in ("identity", "settings")}
    made = {
        "files": [*_files(config)],
        "export": asdict(config) | {"populations": choice.populations, "layers": [*choice.neurons]},
        "rows": rows,
        "study": of | {"key": study_key(folder)},
        "versions": versions(),
    }
    return dict(without_none(plain(made)))
