"""Parse the command line, run a command, turn errors into one sentence and an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata

from cyclopts import App, CycloptsError, Parameter

from intraneuron.commands.amounts import write_out
from intraneuron.commands.calibrate import calibrate
from intraneuron.commands.compare import compare
from intraneuron.commands.configured import fill
from intraneuron.commands.export import export
from intraneuron.commands.imports import imports
from intraneuron.commands.lists import split_lists
from intraneuron.commands.methods import methods
from intraneuron.commands.outcome import outcome
from intraneuron.commands.refusals import refusal
from intraneuron.commands.replicate import replicate
from intraneuron.commands.robustness import robustness
from intraneuron.commands.show import show
from intraneuron.commands.status import status
from intraneuron.commands.study import study
from intraneuron.errors import SettingError

app = App(
    name="intraneuron",
    help="Look inside one neuron of a language model: do zones of its activation pick out zones of meaning?",
    help_epilogue="Start with: intraneuron study minilm   then: intraneuron show L1N204",
    default_parameter=Parameter(negative=()),
    version=lambda: metadata.version("intraneuron"),
    suppress_keyboard_interrupt=False,  # by default it would leave the process without a word
    config=fill,  # values that are not given, from the file of --config
    result_action="return_value",  # by default it would leave the process before stdout is flushed
)
app.command(study)
app.command(show)
app.command(calibrate)
app.command(compare)
app.command(robustness)
app.command(status)
app.command(methods)
app.register_install_completion_command(help="Write completion of this command for bash, zsh or fish, and exit.")
app.command(export)
app.command(imports)
app.command(replicate)


def run(words: Sequence[str]) -> int:
    """Run the command line; the exit code is 0, 1 for a check that failed, or 2 for what the user can put right."""

    def parsed() -> bool | None:
        try:
            passed: bool | None = app(split_lists(write_out(words)), exit_on_error=False, print_error=False)
            return passed
        except CycloptsError as error:
            raise SettingError(refusal(error, words)) from error

    return outcome(parsed)
