"""What needs no parser: intraneuron alone, and intraneuron show with one word or two, which is how it is typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def quick_show(words: Sequence[str]) -> Callable[[], None] | None:
    """Return what shows a neuron, when the words ask for that and for nothing that takes a parser; else None.

    >>> quick_show(["show", "--help"]) is quick_show(["study"]) is None
    True
    """
    if not words or words[0] != "show":
        return None
    where = [word for word in words[1:] if word != "--json"]
    if len(where) not in (1, 2) or any(word.startswith("-") for word in where) or words.count("--json") > 1:
        return None

    def call() -> None:
        from intraneuron.commands.show import show

        show(*where, json="--json" in words)

    return call


WELCOME = """\
intraneuron looks inside one neuron of a language model: do zones of its activation pick out zones of meaning?

  intraneuron study minilm    study every neuron of a model
  intraneuron show L1N204     look at one of them
  intraneuron status          see what is done, and what the next command would do

All commands: intraneuron --help"""


def welcome() -> None:
    """Print the three commands that a newcomer needs."""
    print(WELCOME)  # noqa: T201
