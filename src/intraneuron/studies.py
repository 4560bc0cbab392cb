"""Studies side by side: what a notebook user, and the command, hold of a comparison, and what is written of it."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from io import StringIO
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
from rich.console import Console

from intraneuron.api import Study
from intraneuron.chosen import split_layers
from intraneuron.comparing import Compared, compare_config, compare_folders
from intraneuron.errors import StudyError
from intraneuron.figures import changes as figures
from intraneuron.figures.theme import save
from intraneuron.files import atomic, reading, writing
from intraneuron.manifest import versions
from intraneuron.place import check_writable
from intraneuron.plain import plain
from intraneuron.progress import Progress
from intraneuron.report.changes_page import changes_page
from intraneuron.report.changes_terminal import render_changes
from intraneuron.report.changes_words import pair_of
from intraneuron.settings import path_from
from intraneuron.store import StudyFolder

MARK = "comparison.json"
"""Says that a folder is one of a comparison."""

TABLES = ("means", "changes", "matches", "correlations", "pairs")
"""Tables that are written as Parquet and as CSV."""


class StudyComparison(Compared):
    """Two or more studies side by side: text in a terminal, figures in a notebook, a page and tables on disk."""

    @classmethod
    def of(cls, found: Compared) -> StudyComparison:
        """Wrap a comparison."""
        return cls(**{f.name: getattr(found, f.name) for f in fields(found)})

    def frame(self, table: str) -> pl.DataFrame:
        """Return a table: means, changes, matches, correlations or pairs."""
        return pl.DataFrame(plain(getattr(self, table)), infer_schema_length=None)

    def figure(self) -> alt.ConcatChart | alt.LayerChart:
        """Return the figure of what changes from the first study to the last."""
        return figures.changes(self.tables(), *pair_of(self.tables()), width=920)

    def means_figure(self) -> alt.ConcatChart | alt.LayerChart:
        """Return the figure of neurons and twins in every study."""
        return figures.means(self.tables(), 920)

    def own_figure(self) -> alt.ConcatChart | alt.LayerChart:
        """Return the figure of what is the neurons' own in every study, a line a layer."""
        return figures.own(self.tables(), 920)

    def write(self, out: str | os.PathLike[str]) -> Path:
        """Write tables, figures and one page into a folder; an earlier comparison there is replaced.

        Raises
        ------
        StudyError
            When the folder holds other files, or cannot be written.
        """
        to = Path(path_from("out", out))
        check_place(to)
        for name in TABLES:
            frame = self.frame(name)
            with atomic(to / f"{name}.parquet") as file:
                frame.write_parquet(file, compression="zstd")
            with atomic(to / f"{name}.csv") as file:
                frame.write_csv(file)
        with atomic(to / MARK) as file:
            told = self.tables() | {"notes": self.notes, "versions": versions()}
            file.write_text(json.dumps(plain(told), indent=1, ensure_ascii=False), encoding="utf-8")
        with atomic(to / "comparison.html") as file:
            file.write_text(changes_page(self.tables(), self.notes), encoding="utf-8")
        for name, chart in (("means", self.means_figure()), ("own", self.own_figure()), ("changes", self.figure())):
            with writing(to):
                save(chart, to / f"{name}.png")
        return to

    def __str__(self) -> str:
        """Return the comparison as plain text."""
        console = Console(file=StringIO(), width=100, color_system=None, force_terminal=False, legacy_windows=False)
        with console.capture() as captured:
            console.print(render_changes(self.tables(), self.notes))
        return "\n".join(line.rstrip() for line in captured.get().splitlines())

    def __repr__(self) -> str:
        return f"StudyComparison({', '.join(str(row['study']) for row in self.studies)})"


def compare_studies(
    *studies: Study | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> StudyComparison:
    """Set two or more finished studies side by side: models, layers, checkpoints or spaces. No model is run.

    Parameters
    ----------
    *studies : Study or path
        A path may name the layers that are compared: ``"docs-lm-vocabulary@0,1"``; one study's layers are compared by
        naming it twice.
    out : path, optional
        A folder for tables, figures and a page; nothing is written when not given.
    progress : Progress, optional
        Is told how far the work is.
    **settings
        Any field of :class:`intraneuron.CompareConfig`: ``layers=[0, 1]``, ``match="tokens"``.

    Returns
    -------
    StudyComparison
        ``means``, ``changes``, ``matches``, ``correlations`` and ``pairs``, lists of rows.

    Raises
    ------
    IntraneuronError
        For anything that can be put right; the message says how.
    """
    config = compare_config(settings)
    wanted = [_opened(one) for one in studies]
    if out is not None:
        check_place(Path(path_from("out", out)))
    found = StudyComparison.of(compare_folders(wanted, config, progress))
    if out is not None:
        found.write(out)
    return found


def _opened(one: Study | str | os.PathLike[str]) -> tuple[StudyFolder, tuple[int, ...] | None]:
    """Open a study, with the layers that are named behind its path."""
    if isinstance(one, Study):
        return StudyFolder.open(one.path), None
    path, layers = split_layers(path_from("The study's folder", one))
    return StudyFolder.open(path), layers


def check_place(out: Path) -> None:
    """Say, before anything is read, that no comparison can be written into a folder.

    Raises
    ------
    StudyError
        When it is a file, holds other files, or cannot be written.
    """
    with reading(out):
        if out.exists() and not out.is_dir():
            msg = f"--out {out} is a file; give a folder that does not exist yet, or that of an earlier comparison."
            raise StudyError(msg)
        there = sorted(file.name for file in out.iterdir()) if out.is_dir() else []
    if there and MARK not in there:
        msg = f"--out {out} is a folder with other files in it ({there[0]}), not a comparison; give another folder."
        raise StudyError(msg)
    check_writable(out)
