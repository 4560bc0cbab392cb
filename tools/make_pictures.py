"""Draw the pictures of README and docs from studies of minilm and docs-lm.

Run: python tools/make_pictures.py MINILM L0N301 DOCS [CHECKPOINT ...]

MINILM is a study of minilm with the twins shuffled, rotated, untrained and readout; DOCS one of docs-lm on the texts
``docs`` with these and frequency; CHECKPOINT studies of docs-lm's checkpoints in the order of training.
"""

from __future__ import annotations

import sys
from pathlib import Path

import altair as alt

from intraneuron.api import open as open_study
from intraneuron.figures.theme import save
from intraneuron.studies import compare_studies

IMAGES = Path(__file__).parents[1] / "docs" / "images"


def main(minilm: str, neuron: str, docs_lm: str, *checkpoints: str) -> None:
    """Write ``docs/images``: the spectrum of one neuron, profiles beside the twins, and growth in training."""
    first, second = open_study(Path(minilm)), open_study(Path(docs_lm))
    pictures: dict[str, alt.TopLevelMixin] = {
        "spectrum": first.card(neuron).figure(),
        "profile": first.profile(),
        "profile-docs-lm": second.profile(),
    }
    if checkpoints:
        training = compare_studies(*checkpoints, match="none")
        pictures |= {"training-means": training.means_figure(), "training-own": training.own_figure()}
    for name, chart in pictures.items():
        save(chart, IMAGES / f"{name}.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
