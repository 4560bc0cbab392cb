"""intraneuron import: studies of core tokens that somebody else observed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App

from intraneuron.commands.options import FLAT
from intraneuron.config import FetchConfig, ImportConfig, VectorsConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from intraneuron.commands.progress import Bars
    from intraneuron.importing import ImportPlan

imports = App(
    name="import",
    help="Study core tokens that somebody else observed: no model is run. Example: intraneuron import table lists.csv "
    "--vectors glove.txt. Then look at one neuron with: intraneuron show L0N0",
)


@imports.command
def table(
    file: str,
    /,
    *,
    out: str | None = None,
    overwrite: bool = False,
    config: str | None = None,
    plan: bool = False,
    quiet: bool = False,
    json: bool = False,
    settings: Annotated[ImportConfig, FLAT] = ImportConfig(),  # noqa: B008 - frozen
    words: Annotated[VectorsConfig, FLAT],
) -> None:
    """Study core tokens from a table, with vectors of their words from a file.

    Example: intraneuron import table lists.csv --vectors glove.txt

    The result is a study like any other, but for what takes a model: neurons are compared with random directions of
    the vectors (readout), which is a lower bound. Then look at one neuron with: intraneuron show L0N0

    Parameters
    ----------
    file
        CSV, TSV or Parquet with the columns layer, neuron, token, activation, and perhaps count; a row a token.
    out
        Folder of the study; intraneuron-studies/FILE-published when not given.
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
    from intraneuron.settings import path_from

    del config  # its values are in the others already (commands/configured.py)
    to = None if out is None else Path(path_from("--out", out))

    def planned(bars: Bars) -> ImportPlan:
        with bars.loading(file):
            from intraneuron.importing import plan_table

            name = path_from("FILE", file)
            return plan_table(name, words, settings, out=to, overwrite=overwrite)

    run(planned, to, overwrite=overwrite, only_plan=plan, quiet=quiet, json=json)


@imports.command
def neuronpedia(
    *source: str,
    out: str | None = None,
    overwrite: bool = False,
    config: str | None = None,
    plan: bool = False,
    quiet: bool = False,
    json: bool = False,
    settings: Annotated[ImportConfig, FLAT] = ImportConfig(),  # noqa: B008 - frozen
    fetch: Annotated[FetchConfig, FLAT] = FetchConfig(),  # noqa: B008 - frozen
    words: Annotated[VectorsConfig, FLAT],
) -> None:
    """Study features of Neuronpedia, single ones or a bulk export, with vectors of their words from a file.

    Example: intraneuron import neuronpedia gpt2-small/6/0-99 --vectors glove.txt

    A neuron's core tokens are means over the contexts in which it was most active, which is a biased sample of text,
    and the study says so. Then look at one neuron with: intraneuron show L6N0

    Parameters
    ----------
    source
        Files (.json, .jsonl, either with .gz), folders of them, or MODEL/LAYER/INDEX to be fetched, in which INDEX may
        be a range such as 0-99.
    out
        Folder of the study; intraneuron-studies/SOURCE-published when not given.
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
    from intraneuron.settings import path_from

    del config  # its values are in the others already (commands/configured.py)
    to = None if out is None else Path(path_from("--out", out))

    def planned(bars: Bars) -> ImportPlan:
        named = [path_from("SOURCE", one) for one in source]
        with bars.loading(", ".join(named)):
            from intraneuron.importing import plan_neuronpedia

        return plan_neuronpedia(named, words, fetch, settings, out=to, overwrite=overwrite, stage=bars.stage)

    run(planned, to, overwrite=overwrite, only_plan=plan, quiet=quiet, json=json)


def run(
    planned: Callable[[Bars], ImportPlan],
    out: Path | None,
    *,
    overwrite: bool,
    only_plan: bool,
    quiet: bool,
    json: bool,
) -> None:
    """Plan a study of published lists, and run it unless only the plan is wanted."""
    from rich.console import Console

    from intraneuron.commands.printing import print_json
    from intraneuron.commands.progress import progress_on
    from intraneuron.commands.stopping import stop_if_pressed, when_stopped

    bars = progress_on(Console(stderr=True), quiet=quiet)
    made = planned(bars)
    from intraneuron.api import run_planned
    from intraneuron.commands.words import conclude, planned_work, show_plan

    stop_if_pressed()
    if only_plan:
        place = out or made.default_folder
        if json:
            print_json(planned_work(made, place, overwrite=overwrite))
        else:
            show_plan(Console(), made, place, overwrite=overwrite)
        return
    with when_stopped("The same command goes on where it was."):
        finished = run_planned(made, out, overwrite=overwrite, progress=bars)
        if json:
            print_json({"study": str(finished.path), "summary": finished.summary})
        else:
            conclude(Console(), finished)
