"""intraneuron robustness: the numbers of a study under every defensible choice."""

from __future__ import annotations

from typing import Annotated

from intraneuron.choices import RobustnessConfig
from intraneuron.commands.options import FLAT


def robustness(
    study: str | None = None,
    *,
    out: str | None = None,
    quiet: bool = False,
    json: bool = False,
    config: Annotated[RobustnessConfig, FLAT] = RobustnessConfig(),  # noqa: B008 - frozen
) -> None:
    """Compute a study's numbers under every defensible choice: what holds everywhere, and what turns on which.

    Example: intraneuron robustness intraneuron-studies/minilm-vocabulary

    Spaces, segments, categories, core tokens and others are combined, all from what the study keeps: no model is run.
    For other selections of core tokens it has to keep its sums: intraneuron study --keep tables,inputs. A page, a
    figure and tables go into the study's folder robustness.

    Parameters
    ----------
    study
        The study's folder; the last study when not given.
    out
        Folder of the tables, the figure and the page; the study's folder robustness when not given.
    quiet
        No progress: only results on stdout, and errors on stderr.
    json
        Print the tables as JSON for programs.
    """
    from dataclasses import asdict

    from rich.console import Console

    from intraneuron.api import open as opened
    from intraneuron.api import robustness as varied
    from intraneuron.chosen import whole_study
    from intraneuron.commands.printing import print_json
    from intraneuron.commands.progress import progress_on
    from intraneuron.commands.stopping import stop_if_pressed, when_stopped
    from intraneuron.report.robustness import headings, render_robustness
    from intraneuron.settings import path_from

    of = opened(None if study is None else whole_study(path_from("The study's folder", study)))
    to = None if out is None else path_from("--out", out)
    stop_if_pressed()
    with when_stopped("Tables of an earlier run, if any, are as they were."):
        bars = progress_on(Console(stderr=True), quiet=quiet)
        found = varied(of, out=to, progress=bars, **asdict(config))
        if json:
            print_json(found.tables() | {"conclude": headings(found.conclusions, found.facts["twin"])})
            return
        console = Console()
        console.print(f"{found.said}\n", highlight=False)
        console.print(render_robustness(found.conclusions, found.choices, found.facts), highlight=False)
        for remark in found.remarks:
            console.print(f"\n{remark}", highlight=False, soft_wrap=True, markup=False)
        where = to or of.path / "robustness"
        console.print(f"\nPage: {where}/robustness.html", highlight=False, soft_wrap=True, markup=False)
        console.print(f"Tables: {where}/specifications.csv and others", highlight=False, soft_wrap=True, markup=False)
