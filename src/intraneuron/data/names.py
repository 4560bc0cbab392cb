"""How a neuron is written: ``L3N204`` is neuron 204 of layer 3."""

from __future__ import annotations

import re

from intraneuron.errors import SettingError

_NAME = re.compile(r"[Ll]([0-9]{1,9})[Nn]([0-9]{1,9})")


def neuron_name(layer: int, neuron: int) -> str:
    """Write a neuron's name.

    >>> neuron_name(3, 204)
    'L3N204'
    """
    return f"L{layer}N{neuron}"


def parse_neuron(name: str) -> tuple[int, int]:
    """Read a neuron's name into (layer, neuron).

    Raises
    ------
    SettingError
        When the name is not of the form ``L3N204``.

    >>> parse_neuron("L3N204")
    (3, 204)
    """
    match = _NAME.fullmatch(name.strip()) if isinstance(name, str) else None
    if match is None:
        msg = f"A neuron is written like L3N204 (layer 3, neuron 204), got {name!r}."
        raise SettingError(msg)
    return int(match[1]), int(match[2])
