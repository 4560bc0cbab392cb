"""intraneuron calibrate: check the tests of a study."""

from __future__ import annotations

from typing import Annotated

from intraneuron.commands.options import FLAT
from intraneuron.config import CalibrateConfig


def calibrate(
    study: str | None = None,
    *,
    out: str | None = None,
    quiet: bool = False,
    json: bool = False,
    config: Annotated[CalibrateConfig, FLAT] = CalibrateConfig(),  # noqa: B008 - frozen
) -> bool:
    """Check the tests of a study: size on shuffled neurons, power on planted ones, how firm patterns are.

    Example: intraneuron calibrate intraneuron-studies/minilm-vocabulary

    The exit code is 1 when a test rejects too often or too seldom; it is named. Tables and a figure go into the
    study's folder calibration. Then write it up with: intraneuron methods

    Parameters
    ----------
    study
        The study's folder; the last study when not given.
    out
        Folder of the tables and the figure; the study's folder calibration when not given.
    quiet
        No progress: only results on stdout, and errors on stderr.
    json
        Print the tables as JSON for programs.
    """
    from dataclasses import asdict

    from rich.console import Console

    from intraneuron.api import calibrate as calibrated
    from intraneuron.api import open as opened
    from intraneuron.commands.printing import print_json
    from intraneuron.commands.progress import progress_on
    from intraneuron.commands.stopping import stop_if_pressed, when_stopped
    from intraneuron.report.calibration import render_calibration
    from intraneuron.settings import path_from

    of = opened(None if study is None else path_from("The study's folder", study))
    to = None if out is None else path_from("--out", out)
    stop_if_pressed()
    with when_stopped("Tables of an earlier calibration, if any, are as they were."):
        bars = progress_on(Console(stderr=True), quiet=quiet)
        found = calibrated(of, out=to, progress=bars, **asdict(config))
        if json:
            print_json(found.tables() | {"out": [row["test"] for row in found.out]})
            return not found.out
        console = Console()
        console.print(render_calibration(found.tables()))
        where = to or of.path / "calibration"
        console.print(f"\nFigure: {where}/calibration.html", highlight=False, soft_wrap=True, markup=False)
        console.print(f"Tables: {where}/size.parquet and others", highlight=False, soft_wrap=True, markup=False)
    return not found.out
