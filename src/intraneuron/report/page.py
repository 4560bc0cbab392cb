"""write_report: a study as one HTML file that opens from disk, without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from intraneuron.data.card import Card
from intraneuron.figures.reference import reference
from intraneuron.figures.theme import vega_code
from intraneuron.report import sections, wording
from intraneuron.report.charts import Charts
from intraneuron.report.full_range import full_range_section
from intraneuron.report.glance import glance
from intraneuron.report.markup import Html, element, join
from intraneuron.report.reliability import reliability_section

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)
NAVIGATION = (
    *(("claims", "Claims"), ("profile", "Profile"), ("full-range", "Full range"), ("distributions", "Distributions")),
    *(("differentiation", "Differentiation"), ("patterns", "Patterns"), ("neurons", "Neurons")),
    ("reliability", "Reliability"),
    *(("method", "Method"), ("settings", "Settings"), ("cite", "Cite")),
)

THEME_BUTTON = Html('<button id="theme" type="button" aria-pressed="false" hidden>Light or dark</button>')
UNSEEN = Html(
    "<noscript><p>The charts need JavaScript, all of which is in this file; the tables do not.</p></noscript>"
)


def write_report(summary: Mapping[str, Any], cards: Sequence[Card], path: str | Path) -> Path:
    """Write the report of a study.

    The file carries its code, styles and data, and forbids itself any request. Figures follow the reader's light or
    dark setting, and every number that they show of the claims and of single neurons is in a table as well.
    """
    charts = Charts()
    body = [
        sections.claims_section(summary, charts),
        sections.profile_section(summary, charts),
        *full_range_section(summary, charts),
        sections.distributions_section(summary, charts),
        sections.differentiation_section(summary, charts),
        sections.patterns_section(summary, charts),
        sections.cards_section(cards, charts),
        reliability_section(summary, charts),
        sections.method_section(summary),
        sections.provenance_section(summary),
        sections.citation_section(),
    ]
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_page(summary, body, charts), encoding="utf-8")
    return path


def _page(summary: Mapping[str, Any], body: Sequence[Html], charts: Charts) -> str:
    title = f"Zones of activation and of meaning in {summary.get('model', 'a model')}"
    return document(title, _header(summary), body, charts)


def document(title: str, header: Sequence[Html], body: Sequence[Html], charts: Charts) -> str:
    """Return a whole page with all its code, styles and data."""
    top = element("header", THEME_BUTTON, *header)
    footer = element("footer", element("p", "Made with intraneuron. This page makes no request.", class_="soft"))
    page = join([top, element("main", *body), footer, *_scripts(charts)], Html("\n"))
    return f'<!doctype html>\n<html lang="en">\n{_head(title)}\n<body>\n{page}\n</body>\n</html>\n'


def navigation(links: Sequence[tuple[str, str]]) -> Html:
    """Return links to the sections of a page: anchors and names."""
    every = [element("li", element("a", name, href=f"#{anchor}")) for anchor, name in links]
    return element("nav", element("ul", *every), aria_label="Sections")


def _head(title: str) -> Html:
    return join(
        [
            Html('<head>\n<meta charset="utf-8">'),
            Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
            Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            Html('<meta name="color-scheme" content="light dark">'),
            element("title", title),
            element("style", Html(_asset("page.css"))),
            Html("</head>"),
        ],
        Html("\n"),
    )


def _header(summary: Mapping[str, Any]) -> list[Html]:
    layers = summary.get("layers") or []
    where = f"{len(layers)} layer{'' if len(layers) == 1 else 's'}" if layers else "no layer"
    count = summary.get("n_neurons")
    kind = "latents of sparse autoencoders" if "sae" in (summary.get("identity") or {}) else "neurons"
    facts = f"{summary.get('model', 'a model')}: {count:,} {kind}, {where}" if count else str(summary.get("model"))
    there = [one for one in NAVIGATION if one[0] != "full-range" or summary.get("full_range")]
    return [
        element("h1", "Do zones of activation pick out zones of meaning?"),
        element("p", facts, f"; {summary.get('mode')} mode, {summary.get('space')} space", class_="soft"),
        element("p", wording.question(reference(summary)), class_="lead"),
        glance(summary),
        navigation(there),
        UNSEEN,
    ]


def _scripts(charts: Charts) -> list[Html]:
    return [
        Html(f'<script type="application/json" id="charts">{charts.to_json()}</script>'),
        Html(f"<script>{vega_code()}</script>"),
        Html(f"<script>{_asset('page.js')}</script>"),
    ]


def _asset(name: str) -> str:
    return files("intraneuron.report").joinpath(name).read_text(encoding="utf-8")
