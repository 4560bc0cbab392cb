"""What the parser refuses, in our words: what must it be, what was got, where to read on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args, get_origin

from cyclopts import CycloptsError
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from intraneuron.commands.lists import stray_text
from intraneuron.settings import must_be

_ONLY_ONE = {
    "study": "Only one MODEL can be studied",
    "calibrate": "Only one STUDY can be calibrated",
    "robustness": "Only one STUDY can be varied",
    "methods": "Only one STUDY can be described",
    "status": "Only one STUDY can be asked about",
    "export": "Only one STUDY can be exported",
    "table": "Only one FILE can be imported",
}
"""Commands that take one word, and what they say to a second."""


def refusal(error: CycloptsError, words: Sequence[str]) -> str:
    """Return one or two sentences for what the parser could not take."""
    command = " ".join(["intraneuron", *(error.command_chain or ())])
    return f"{_said(error, words)} Try: {command} --help"


def _said(error: CycloptsError, words: Sequence[str]) -> str:
    if isinstance(error, CoercionError) and error.argument and error.token:
        return must_be(_name(error), _one(error.argument.hint), error.token.value)
    if isinstance(error, MissingArgumentError) and error.argument:
        return f"{error.keyword or error.argument.name} needs a value, got none."
    if isinstance(error, RepeatArgumentError):
        return f"{error.token.keyword} may be given once, got it again."
    if isinstance(error, UnknownOptionError):
        return str(error).replace("Unknown option:", "There is no option", 1)
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        first = error.unused_tokens[0]
        only = _ONLY_ONE[next((name for name in error.command_chain or () if name in _ONLY_ONE), "study")]
        return stray_text(words, first) or f"{only} at a time, got {first!r} as well."
    return str(error)


def _name(error: CoercionError) -> str:
    keyword = error.token.keyword if error.token else None
    return keyword or (error.argument.name.lstrip("-").upper() if error.argument else "A word")


def _one(kind: object) -> object:
    """Return the type of one value of a list; of anything else, the type itself."""
    for part in (kind, *get_args(kind)):
        if get_origin(part) is tuple:
            return get_args(part)[0]
    return kind
