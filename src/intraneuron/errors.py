"""Errors that a user can meet, and how they are worded.

A message is one sentence or two, in this order: what is wrong, what was got, what is allowed, and what to
do next. It names the option or the file as the user wrote it. No message says "invalid" without saying what
would be valid. ``docs/errors.md`` explains each kind.

The command line turns an :class:`IntraneuronError` into that sentence on stderr and exit code 2; a traceback
is for our mistakes only.
"""

from __future__ import annotations


class IntraneuronError(Exception):
    """Something the user can put right; the message says how."""


class SettingError(IntraneuronError, ValueError):
    """An option has a value that cannot be used."""


class DataError(IntraneuronError, ValueError):
    """Arrays, texts or tables that cannot be studied as they are."""


class ModelError(IntraneuronError):
    """A model that cannot be found, read or hooked."""


class StudyError(IntraneuronError):
    """A study folder that is missing, damaged, foreign, or that cannot be read or written."""
