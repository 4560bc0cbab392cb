"""Ctrl-C: heard even when a library swallows it, and told with what holds then."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_pressed = False
"""Whether Ctrl-C was pressed in this run; a signal has no other place to leave word."""


def listen() -> None:
    """Remember that Ctrl-C was pressed, and raise KeyboardInterrupt as Python does."""
    global _pressed
    _pressed = False

    def note(number: int, frame: FrameType | None) -> None:
        global _pressed
        _pressed = True
        signal.default_int_handler(number, frame)

    with suppress(ValueError):  # only the main thread hears signals
        signal.signal(signal.SIGINT, note)


@contextmanager
def silent_where_lost() -> Iterator[None]:
    """Say nothing of a Ctrl-C that Python cannot pass on, as in callbacks of its imports: it is remembered."""
    tell = sys.unraisablehook

    def tell_others(lost: sys.UnraisableHookArgs) -> None:
        if not (_pressed and isinstance(lost.exc_value, KeyboardInterrupt)):
            tell(lost)

    sys.unraisablehook = tell_others
    try:
        yield
    finally:
        sys.unraisablehook = tell


def stop_if_pressed() -> None:
    """Raise KeyboardInterrupt again when a library has swallowed it, as happens in imports and callbacks."""
    if _pressed:
        raise KeyboardInterrupt


@contextmanager
def when_stopped(then: str) -> Iterator[None]:
    """Say what holds when the block is interrupted; outside such a block nothing was written."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(then) from None
