"""Draw the pictures of README and docs from studies of minilm and docs-lm.

Run: python tools/make_pictures.py MINILM L0N301 DOCS

MINILM is a study of minilm with the twins shuffled, rotated, untrained and readout; DOCS one of docs-lm on the texts
``docs`` with these and frequency.
"""

from __future__ import annotations

import sys
from pathlib import Path

from intraneuron.api import open as open_study
from intraneuron.figures.theme import save

IMAGES = Path(__file__).parents[1] / "docs" / "images"


def main(minilm: str, neuron: str, docs_lm: str) -> None:
    """Write ``docs/images``: the spectrum of one neuron, and profiles beside the twins."""
    first, second = open_study(Path(minilm)), open_study(Path(docs_lm))
    pictures = {
        "spectrum": first.card(neuron).figure(),
        "profile": first.profile(),
        "profile-docs-lm": second.profile(),
    }
    for name, chart in pictures.items():
        save(chart, IMAGES / f"{name}.png")


if __name__ == "__main__":
    main(*sys.argv[1:4])
