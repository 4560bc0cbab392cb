"""The charts of a page: each in several widths, their data stored once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import altair as alt
from altair.utils.schemapi import debug_mode

from intraneuron.figures import theme
from intraneuron.report.markup import Html, element

WIDTHS = (340, 680, 920)


@dataclass
class Charts:
    """Collects the charts of one page while its sections are written."""

    datasets: dict[str, Any] = field(default_factory=dict)
    specs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def figure(self, name: str, draw: Callable[[int], alt.TopLevelMixin], label: str) -> Html:
        """Keep a chart in all widths and return the element it will be drawn in."""
        with debug_mode(False):  # Altair checks every part of a chart again and again: half the time of a report
            self.specs[name] = {str(width): self._stored(draw(width)) for width in WIDTHS}
        place = element("div", class_="chart", data_chart=name, role="img", aria_label=label, tabindex="0")
        return element("figure", place)

    def to_json(self) -> str:
        """Return everything the page's script needs, fit for a ``<script>`` element."""
        configs = {"light": theme.config("light"), "dark": theme.config("dark")}
        return theme.script_json({"datasets": self.datasets, "specs": self.specs, "configs": configs})

    def _stored(self, chart: alt.TopLevelMixin) -> dict[str, Any]:
        spec = theme.spec(chart)
        data = spec.pop("datasets", {})
        self.datasets.update(data)
        return {"spec": spec, "data": list(data)}
