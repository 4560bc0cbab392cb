"""Draw the pictures of README and docs from a study of minilm.

Run: python tools/make_pictures.py STUDY L0N301
"""

from __future__ import annotations

import sys
from pathlib import Path

from intraneuron.api import open as open_study
from intraneuron.figures.theme import save

IMAGES = Path(__file__).parents[1] / "docs" / "images"


def main(study_folder: str, neuron: str) -> None:
    """Write ``docs/images``: the spectrum of one neuron, and the profile with both twins."""
    study = open_study(Path(study_folder))
    card = study.card(neuron)
    for name, chart in (("spectrum", card.figure()), ("profile", study.profile())):
        save(chart, IMAGES / f"{name}.png")


if __name__ == "__main__":
    main(*sys.argv[1:3])
