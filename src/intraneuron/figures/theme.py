"""Light and dark looks, and saving a chart without a browser or a network."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

import altair as alt
import vl_convert

from intraneuron.errors import SettingError

Theme = Literal["light", "dark"]
FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"
PNG_SCALE = 2

_INKS: dict[Theme, dict[str, str]] = {
    "light": {"ink": "#1B1F24", "soft": "#57606A", "line": "#D0D7DE", "ground": "#FFFFFF"},
    "dark": {"ink": "#E6EDF3", "soft": "#9BA5B0", "line": "#3A424C", "ground": "#14181D"},
}


def config(theme: Theme = "light") -> dict[str, Any]:
    """Return the Vega-Lite config of a theme: only what depends on the ground; data colours are in the chart."""
    if theme not in _INKS:
        msg = f"theme must be light or dark, got {theme!r}."
        raise SettingError(msg)
    inks = _INKS[theme]
    ink, soft, line = inks["ink"], inks["soft"], inks["line"]
    return {
        "background": inks["ground"],
        "font": FONT,
        "view": {"stroke": None},
        "mark": {"aria": False},  # the chart's description speaks for it; tokens speak for themselves
        "title": {"color": ink, "subtitleColor": soft, "fontSize": 14, "subtitleFontSize": 11.5}
        | {"anchor": "start", "frame": "group", "offset": 12, "subtitlePadding": 5, "subtitleLineHeight": 15},
        "axis": {"labelColor": soft, "titleColor": soft, "gridColor": line, "domainColor": soft}
        | {"tickColor": soft, "titleFontWeight": "normal", "titleFontSize": 11, "labelFontSize": 10.5}
        | {"gridOpacity": 0.6, "tickSize": 4},
        "legend": {"labelColor": ink, "titleColor": soft, "labelFontSize": 11, "titleFontWeight": "normal"}
        | {"symbolStrokeWidth": 2.5, "symbolOpacity": 1, "labelLimit": 260},
        "header": {"labelColor": ink, "titleColor": soft, "labelFontWeight": "bold", "labelFontSize": 11},
        "text": {"color": ink},
        "rule": {"color": soft},
        "tick": {"color": soft},
        "point": {"stroke": ink},
        "style": {"soft-text": {"color": soft}, "line-rule": {"color": line}},
    }


def spec(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """Return a chart as a Vega-Lite specification without a look of its own."""
    plain: dict[str, Any] = chart.to_dict(validate=False)
    plain.pop("config", None)
    return plain


def vegalite_version() -> str:
    """Return the Vega-Lite version that the installed Altair writes, as vl-convert names it."""
    major, minor = alt.SCHEMA_VERSION.lstrip("v").split(".")[:2]
    wanted = f"{major}.{minor}"
    known = vl_convert.get_vegalite_versions()
    return wanted if wanted in known else str(known[-1])


def to_svg(chart: alt.TopLevelMixin, theme: Theme = "light") -> str:
    """Draw a chart as SVG text."""
    return str(vl_convert.vegalite_to_svg(spec(chart), **_options(theme)))


def save(chart: alt.TopLevelMixin, path: str | Path, theme: Theme = "light", scale: float = PNG_SCALE) -> Path:
    """Write a chart to a file; the suffix says how: .png, .svg, .pdf or .html.

    Nothing is fetched: the drawing happens in this process, and an HTML file carries all its code.

    Raises
    ------
    SettingError
        When the suffix is another one.
    """
    path = Path(path)
    writers = {".png": _png, ".svg": _svg, ".pdf": _pdf, ".html": _html}
    if path.suffix.lower() not in writers:
        msg = f"A figure is saved as .png, .svg, .pdf or .html, got {path.name!r}. Give it one of these suffixes."
        raise SettingError(msg)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(writers[path.suffix.lower()](chart, theme, scale))
    return path


def _options(theme: Theme) -> dict[str, Any]:
    return {"vl_version": vegalite_version(), "config": config(theme), "allowed_base_urls": []}


def _png(chart: alt.TopLevelMixin, theme: Theme, scale: float) -> bytes:
    return bytes(vl_convert.vegalite_to_png(spec(chart), scale=scale, **_options(theme)))


def _svg(chart: alt.TopLevelMixin, theme: Theme, _scale: float) -> bytes:
    return to_svg(chart, theme).encode()


def _pdf(chart: alt.TopLevelMixin, theme: Theme, _scale: float) -> bytes:
    return bytes(vl_convert.vegalite_to_pdf(spec(chart), **_options(theme)))


def _html(chart: alt.TopLevelMixin, theme: Theme, _scale: float) -> bytes:
    drawn = script_json({"spec": spec(chart), "config": config(theme)})
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>intraneuron figure</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_page_style(theme)}</style>\n"
        f'</head>\n<body>\n<div id="figure"></div>\n<script>{vega_code()}</script>\n'
        f"<script>const drawn = {drawn};\n"
        'vegaEmbed("#figure", drawn.spec, {config: drawn.config, renderer: "svg",'
        " actions: {export: true, source: false, compiled: false, editor: false}});</script>\n"
        "</body>\n</html>\n"
    ).encode()


def _page_style(theme: Theme) -> str:
    """Return the look of a page with one figure, and of the menu that Vega would make light in any theme."""
    inks = _INKS[theme]
    box = f"background:{inks['ground']};border-color:{inks['line']};color:{inks['soft']};opacity:1"
    return (
        f"body{{margin:16px;background:{inks['ground']}}} #figure summary,#figure .vega-actions{{{box}}} "
        f"#figure .vega-actions a{{background:{inks['ground']};color:{inks['ink']}}} "
        f"#figure .vega-actions::after{{border-bottom-color:{inks['ground']}}} "
        f"#figure .vega-actions::before{{border-bottom-color:{inks['line']}}}"
    )


@cache
def vega_code() -> str:
    """Return the JavaScript that draws charts (about 0.9 MB); it sets ``window.vegaEmbed``."""
    code = str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vegalite_version()))
    return code.replace("</script", r"<\/script").replace("<!--", r"<\!--")


def script_json(value: object) -> str:
    r"""Write JSON that may stand inside a ``<script>``: nothing in it can end the element.

    NaN is refused, since it is no JSON: what is undefined must have been left out before.

    >>> script_json({"token": "</script>"})
    '{"token":"\\u003c/script>"}'
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", r"\u003c")
