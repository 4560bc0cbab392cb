"""intraneuron replicate: the paper's study on the paper's data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from intraneuron.commands.options import FLAT
from intraneuron.config import FetchConfig, ImportConfig, ReplicateConfig


def replicate(
    *,
    out: str | None = None,
    overwrite: bool = False,
    config: str | None = None,
    probe: bool = False,
    quiet: bool = False,
    json: bool = False,
    what: Annotated[ReplicateConfig, FLAT] = ReplicateConfig(),  # noqa: B008 - frozen
    fetch: Annotated[FetchConfig, FLAT] = FetchConfig(),  # noqa: B008 - frozen
    settings: Annotated[ImportConfig, FLAT] = ImportConfig(),  # noqa: B008 - frozen
) -> None:
    """Replicate the paper on its data: OpenAI's published lists of GPT-2 XL, with the paper's settings.

    Example: intraneuron replicate --layers 0,1

    Fetches one small file a neuron and, of the weights of GPT-2 XL, the token embeddings alone; what came is kept, and
    the same command goes on where it was stopped. Layers are 0 and 1 when not given. Then look at one neuron with:
    intraneuron show L0N0

    Parameters
    ----------
    out
        Folder of the study; intraneuron-studies/gpt2-xl-published when not given.
    overwrite
        Replace the study in that folder.
    config
        A TOML file of settings, such as a study's manifest.toml; options given beside it come first.
    probe
        Read five files of each published kind, say what they hold and what is not as documented, and write nothing.
    quiet
        No progress and no remarks: only results on stdout, and errors on stderr.
    json
        Print the study's folder and its summary (summary.json), or what the probe found, as JSON for programs.
    """
    from rich.console import Console

    from intraneuron.commands.printing import print_json
    from intraneuron.commands.progress import progress_on
    from intraneuron.commands.stopping import stop_if_pressed, when_stopped
    from intraneuron.settings import path_from

    del config  # its values are in the others already (commands/configured.py)
    to = None if out is None else Path(path_from("--out", out))
    bars = progress_on(Console(stderr=True), quiet=quiet)
    with bars.loading("gpt2-xl"):
        from intraneuron.api import run_planned
        from intraneuron.commands.words import conclude
        from intraneuron.replicating import layers_of_paper, plan_replication
        from intraneuron.report.replication import render_paper, render_probe
        from intraneuron.sources.probing import probe as probed

    if probe:
        rows = probed(layers_of_paper(settings)[0], fetch)
        stop_if_pressed()
        if json:
            print_json(rows)
        else:
            Console().print(render_probe(rows))
        return

    with when_stopped("What was fetched is kept. The same command goes on where it was."):
        made = plan_replication(what, fetch, settings, out=to, overwrite=overwrite, stage=bars.stage)
        finished = run_planned(made, to, overwrite=overwrite, progress=bars)
        if json:
            print_json({"study": str(finished.path), "summary": finished.summary})
            return
        console = Console()
        console.print(render_paper(finished.summary))
        conclude(console, finished)
