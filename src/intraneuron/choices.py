"""Settings of a study's robustness: which choices its numbers are computed under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Center = Literal["both", "yes", "no"]
Further = Literal["forms", "sign", "cross-fit", "none"]


@dataclass(frozen=True)
class RobustnessConfig:
    """Which choices a study's numbers are computed under, all from what the study keeps; no model is run."""

    spaces: tuple[str, ...] | None = None
    """Spaces of meaning, with commas between them: input, output, layer-input, or the study's own (file, vectors); all
    that the study keeps when not given."""

    center: Center = "both"
    """both: every space as it is and with its mean unit vector taken off; yes, no: only one of the two."""

    segments: tuple[str, ...] | None = None
    """Groups by activation, with commas between them; when not given, the study's own and quantile:5, quantile:10,
    equal-width:5, natural."""

    categories: tuple[str, ...] | None = None
    """Groups by meaning, with commas between them; when not given, the study's own and ward with at most 3, 5, 10 and
    20 groups, and average."""

    core_tokens: tuple[int, ...] | None = None
    """Core tokens of a neuron (K), with commas between them; when not given, the study's own and 50, 100, 200. More
    than the study's own take its sums (--keep tables)."""

    further: tuple[Further, ...] = ("forms", "sign", "cross-fit")
    """What is changed one at a time in every space, from the study's other settings: forms, sign, cross-fit, or none of
    them. They take the study's sums (--keep tables)."""

    neurons: int = 128
    """Evenly spaced neurons and twins of each layer that means are taken over; 0: all. Fewer make wider intervals, and
    may say another thing than the study, which is then told."""
