"""The command line: one file a command, each thin: parse, call, print."""

from intraneuron.commands.entry import main

__all__ = ["main"]
