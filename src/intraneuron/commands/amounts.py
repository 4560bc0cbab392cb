"""Numbers of tokens on the command line: 5M for 5000000."""

from __future__ import annotations

from collections.abc import Sequence

from intraneuron.settings import amount_from

_AMOUNTS = ("--tokens",)


def write_out(words: Sequence[str]) -> list[str]:
    """Write ``--tokens 5M`` as ``--tokens 5000000``, which the parser understands.

    Raises
    ------
    SettingError
        When it is no number of tokens.

    >>> write_out(["study", "--tokens", "5M", "--tokens=200k"])
    ['study', '--tokens', '5000000', '--tokens', '200000']
    """
    out: list[str] = []
    rest = list(words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name not in _AMOUNTS or not (equals or (rest and not rest[0].startswith("--"))):
            out.append(name + equals + value)
            continue
        out += [name, str(amount_from(name, value if equals else rest.pop(0)))]
    return out
