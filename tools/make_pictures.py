"""Draw the pictures of README and docs from a study of minilm.

Run: python tools/make_pictures.py STUDY
"""

from __future__ import annotations

import sys
from pathlib import Path

from intraneuron.api import open as open_study
from intraneuron.figures.theme import save

IMAGES = Path(__file__).parents[1] / "docs" / "images"


def main(study_folder: str) -> None:
    """Write ``docs/images``: the spectrum of the clearest neuron, and the profile with both twins."""
    study = open_study(Path(study_folder))
    clearest = study.card(study.summary["clearest"][0])
    for name, chart in (("spectrum", clearest.figure()), ("profile", study.profile())):
        save(chart, IMAGES / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1])
