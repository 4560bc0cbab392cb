"""intraneuron compare: finished studies side by side."""

from __future__ import annotations

from typing import Annotated

from intraneuron.commands.options import FLAT
from intraneuron.config import CompareConfig


def compare(
    *studies: str,
    out: str | None = None,
    quiet: bool = False,
    json: bool = False,
    config: Annotated[CompareConfig, FLAT] = CompareConfig(),  # noqa: B008 - frozen
) -> None:
    """Compare two or more finished studies: models, layers, checkpoints or spaces. No model is run.

    Example: intraneuron compare before-training after-training --match index --out compared

    Shows what is the neurons' own in each (neurons minus twins), the differences with intervals, and how alike paired
    neurons are beside pairs with random directions. Layers of one study: intraneuron compare STUDY@0 STUDY@1. With
    --out, then open comparison.html in that folder, and look at a pair with: intraneuron show STUDY L1N204

    Parameters
    ----------
    studies
        Folders of studies, two or more, the last minus the first; STUDY@0,1 compares these layers of it.
    out
        Folder for tables, figures and a page; nothing is written when not given.
    quiet
        No progress: only results on stdout, and errors on stderr.
    json
        Print the tables but for the pairs of neurons as JSON for programs.
    """
    from dataclasses import asdict

    from rich.console import Console

    from intraneuron.commands.printing import print_json
    from intraneuron.commands.progress import progress_on
    from intraneuron.commands.stopping import stop_if_pressed, when_stopped
    from intraneuron.report.changes_terminal import render_changes
    from intraneuron.settings import path_from
    from intraneuron.studies import compare_studies

    to = None if out is None else path_from("--out", out)
    stop_if_pressed()
    with when_stopped("An earlier comparison, if any, may be half old, half new; the same command makes it whole."):
        bars = progress_on(Console(stderr=True), quiet=quiet)
        found = compare_studies(*studies, out=to, progress=bars, **asdict(config))
    if json:
        print_json(found.tables() | {"notes": found.notes})
        return
    console = Console()
    console.print(render_changes(found.tables(), found.notes))
    if to is not None:
        console.print(f"\nPage:   {to}/comparison.html", highlight=False, soft_wrap=True, markup=False)
        console.print(f"Tables: {to}/pairs.csv and others", highlight=False, soft_wrap=True, markup=False)
