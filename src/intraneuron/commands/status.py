"""intraneuron status: the state of a study, and what its next command would do."""

from __future__ import annotations

from intraneuron.commands.options import RUN, STUDY, Observe, Partition, Run, Space, Twin


def status(
    study: str | None = None,
    *,
    json: bool = False,
    observe: Observe = STUDY.observe,
    space: Space = STUDY.space,
    partition: Partition = STUDY.partition,
    twin: Twin = STUDY.twin,
    run: Run = RUN,
) -> None:
    """Show a study's stages, settings, age and size, and what the next command would redo, and why.

    Example: intraneuron status intraneuron-studies/minilm-vocabulary --segments quantile:10

    Settings that are not given are the study's own; one that is given is asked about, and nothing is changed. No model
    is loaded. Go on with: intraneuron study --config STUDY/manifest.toml --out STUDY

    Parameters
    ----------
    study
        The study's folder; the last study when not given.
    json
        Print it as JSON for programs.
    """
    from dataclasses import asdict
    from pathlib import Path

    from intraneuron.commands.printing import print_json
    from intraneuron.last import last_study
    from intraneuron.settings import path_from
    from intraneuron.status import status as status_of

    path = last_study() if study is None else Path(path_from("The study's folder", study))
    parts = (observe, space, partition, twin, run)
    found = status_of(path, {name: value for part in parts for name, value in asdict(part).items()})
    if json:
        print_json(found)
        return
    from rich.console import Console

    from intraneuron.report.status import next_step, render_status

    console = Console()
    console.print(render_status(found))
    console.print(next_step(found), highlight=False, soft_wrap=True, markup=False)
