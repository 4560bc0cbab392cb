"""How a command ends: its exit code, and one sentence for what the user can put right."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from io import TextIOWrapper

from intraneuron.errors import IntraneuronError

DONE, FAILED, WRONG = 0, 1, 2


def outcome(command: Callable[[], bool | None]) -> int:
    """Run a command and return its exit code: 0, 1 when it returns False, or 2 for what the user can put right."""
    _write_every_character()
    passed: bool | None = None
    try:
        passed = command()
        if sys.stdout:
            sys.stdout.flush()
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
        if sys.stderr:  # without one, print would write among the results
            from intraneuron.data.display import plain  # with numpy

            print(f"intraneuron: {plain(message)}", file=sys.stderr)  # noqa: T201
    return WRONG
