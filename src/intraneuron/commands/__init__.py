"""The command line: one file a command, each thin: parse, call, print."""

from intraneuron.commands.app import main

__all__ = ["main"]
