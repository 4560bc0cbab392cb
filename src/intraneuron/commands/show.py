"""intraneuron show: one neuron's card."""

from __future__ import annotations

from pathlib import Path


def show(*where: str, json: bool = False) -> None:
    """Show one neuron: its tokens along the activation axis, categories, segments, tests and twins.

    Example: intraneuron show L1N204

    For the tables behind it: intraneuron export --neurons L1N204

    Parameters
    ----------
    where
        The neuron, e.g. L1N204; before it, the study's folder when it is not the last study.
    json
        Print the card as JSON for programs.
    """
    from intraneuron.errors import SettingError

    if len(where) not in (1, 2):
        msg = f"show needs a neuron such as L1N204, after an optional study folder, got {len(where)} words."
        raise SettingError(msg)
    from intraneuron.cards import build_card
    from intraneuron.commands.printing import print_json
    from intraneuron.data import parse_neuron
    from intraneuron.last import last_study
    from intraneuron.settings import path_from
    from intraneuron.store import StudyFolder

    layer, neuron = parse_neuron(where[-1])
    folder = StudyFolder.open(Path(path_from("The study's folder", where[0])) if len(where) == 2 else last_study())
    card = build_card(folder, layer, neuron)
    if json:
        print_json(card.to_dict())
        return
    from rich.console import Console

    from intraneuron.report.terminal import render_card

    console = Console()
    console.print(render_card(card, console.width))
