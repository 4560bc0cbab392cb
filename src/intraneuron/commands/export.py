"""intraneuron export: a study as long tables."""

from __future__ import annotations

from typing import Annotated

from intraneuron.commands.options import FLAT
from intraneuron.config import ExportConfig


def export(
    study: str | None = None,
    *,
    out: str | None = None,
    quiet: bool = False,
    json: bool = False,
    config: Annotated[ExportConfig, FLAT] = ExportConfig(),  # noqa: B008 - frozen
) -> None:
    """Export a study as long tables for pandas, Polars, R or a spreadsheet, with a codebook of every column.

    Example: intraneuron export intraneuron-studies/minilm-vocabulary --populations neurons,rotated

    Rows are the neurons and every twin, one after the other, as the column population says; ranks, categories and
    segments count from 1, and what is undefined is missing. An earlier export in the same folder is replaced when the
    new one is complete. Then read codebook.csv, or look at one neuron with: intraneuron show L1N204

    Parameters
    ----------
    study
        The study's folder; the last study when not given.
    out
        Folder of the tables; the study's folder export when not given.
    quiet
        No progress: only results on stdout, and errors on stderr.
    json
        Print folder and numbers of rows as JSON for programs.
    """
    from dataclasses import asdict

    from rich.console import Console

    from intraneuron.api import export as exported
    from intraneuron.api import open as opened
    from intraneuron.commands.printing import print_json
    from intraneuron.commands.progress import progress_on
    from intraneuron.commands.stopping import stop_if_pressed, when_stopped
    from intraneuron.settings import path_from

    of = opened(None if study is None else path_from("The study's folder", study))
    to = None if out is None else path_from("--out", out)
    stop_if_pressed()
    with when_stopped("An earlier export, if any, is as it was."):
        found = exported(of, out=to, progress=progress_on(Console(stderr=True), quiet=quiet), **asdict(config))
    if json:
        print_json({"path": str(found.path), "rows": found.rows})
        return
    console = Console()
    for table, rows in found.rows.items():
        console.print(f"{table:<11}{rows:>12,} rows", highlight=False)
    for line in (
        f"\nTables: {found.path}",
        f"Next:   read {found.path / 'codebook.csv'}, one row a column of the tables",
    ):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
