"""Parse the command line, run a command, turn errors into one sentence and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from io import TextIOWrapper

from cyclopts import App, CycloptsError, Parameter

from intraneuron.commands.calibrate import calibrate
from intraneuron.commands.configured import fill
from intraneuron.commands.export import export
from intraneuron.commands.lists import split_lists
from intraneuron.commands.methods import methods
from intraneuron.commands.refusals import refusal
from intraneuron.commands.show import show
from intraneuron.commands.status import status
from intraneuron.commands.study import study
from intraneuron.errors import IntraneuronError

DONE, FAILED, WRONG = 0, 1, 2

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
app.command(status)
app.command(methods)
app.command(export)


def run(words: Sequence[str]) -> int:
    """Run the command line; the exit code is 0, 1 for a check that failed, or 2 for what the user can put right."""
    _write_every_character()
    passed: bool | None = None
    try:
        passed = app(split_lists(words), exit_on_error=False, print_error=False)
        if sys.stdout:
            sys.stdout.flush()
    except CycloptsError as error:
        return _complain(refusal(error, words))
    except IntraneuronError as error:
        return _complain(str(error))
    except BrokenPipeError:  # the reader, such as head, has seen enough
        _silence()
    except OSError as error:
        _silence()
        where = error.filename or "The output"
        return _complain(f"{where} cannot be read or written: {error.strerror or error}.")
    return FAILED if passed is False else DONE


def _write_every_character() -> None:
    """Let an output that is not UTF-8 write what it lacks as an escape, where it would fail after a whole study."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict" and not stream.closed:
            stream.reconfigure(errors="backslashreplace")


def _silence() -> None:
    """Send what is still to be printed nowhere, so that leaving does not fail on it again."""
    with suppress(OSError, ValueError, AttributeError):  # an output that is closed, or none of a terminal
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str) -> int:
    with suppress(OSError):  # nobody can read it
        print(f"intraneuron: {message}", file=sys.stderr)  # noqa: T201
    return WRONG
