"""The robustness of a study as a notebook user holds it."""

from __future__ import annotations

from dataclasses import fields

import altair as alt

from intraneuron.errors import SettingError
from intraneuron.figures.specifications import robustness as robustness_figure
from intraneuron.figures.specifications import specifications as specifications_figure
from intraneuron.report.robustness import headings
from intraneuron.settings import nearest
from intraneuron.varying import Robustness


class StudyRobustness(Robustness):
    """The robustness of a study, with its figures; as text it says what holds under every choice."""

    @classmethod
    def of(cls, found: Robustness) -> StudyRobustness:
        """Wrap what was found."""
        return cls(**{f.name: getattr(found, f.name) for f in fields(found)})

    def figure(self, number: str | None = None) -> alt.VConcatChart | alt.LayerChart:
        """Return the specification curve of a number, e.g. ``figure("mrpp_a")``; of one a claim when not given."""
        if number is None:
            return robustness_figure(self.specifications, self.facts["twin"])
        known = [row["number"] for row in self.conclusions]
        if number not in known:
            msg = f"There is no number {number!r} among the specifications{nearest(number, known) or '.'}"
            raise SettingError(msg)
        return specifications_figure(self.specifications, number)

    def __str__(self) -> str:
        """Return what was computed, and what holds under every choice."""
        return "\n".join([self.said, *headings(self.conclusions, self.facts["twin"])])
