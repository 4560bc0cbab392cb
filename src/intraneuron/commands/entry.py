"""Where the command begins, and how it ends when it is interrupted: from the first import on, with one sentence."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

from intraneuron.commands.outcome import outcome
from intraneuron.commands.quick import quick_show, welcome
from intraneuron.commands.stopping import listen, silent_where_lost

STOPPED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 0, 2 for what the user can put right, 130 when interrupted."""
    before = signal.getsignal(signal.SIGINT)
    try:
        listen()
        words = sys.argv[1:] if argv is None else argv
        with silent_where_lost():
            quick = quick_show(words) if words else welcome
            if quick:
                return outcome(quick) if argv is not None else _at_once(quick)
            from intraneuron.commands.app import run  # slow to import

            return run(words)
    except KeyboardInterrupt as stop:
        with suppress(ValueError):
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is ending: a second Ctrl-C would only cut the sentence
        with suppress(OSError, AttributeError):  # nobody can read it
            below = "\n" if sys.stderr.isatty() else ""  # the terminal has written ^C
            print(f"{below}Stopped. {str(stop) or 'Nothing was written.'}", file=sys.stderr, flush=True)  # noqa: T201
        return STOPPED
    finally:
        if argv is None:
            before = signal.SIG_IGN  # the process ends: a Ctrl-C now would only make a finished command look failed
        with suppress(ValueError, TypeError):  # not the main thread, or a handler that is none of Python's
            signal.signal(signal.SIGINT, before)


def _at_once(command: Callable[[], bool | None]) -> NoReturn:
    """Run a short command and leave the process with its exit code.

    A fifth of the time of ``intraneuron show`` went into looking for garbage, and into taking down libraries whose
    process ends anyway. What was printed has been flushed.
    """
    gc.disable()
    os._exit(outcome(command))
