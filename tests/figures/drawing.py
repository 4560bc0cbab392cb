"""How the tests look at a chart: as the specification, and as the SVG that vl-convert draws from it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from intraneuron.figures.theme import spec, to_svg


def units(chart: Any) -> Iterator[dict[str, Any]]:
    """Yield every part of a chart that has a mark."""
    yield from _units(spec(chart))


def _units(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "mark" in part:
        yield part
    for name in ("layer", "concat", "vconcat", "hconcat"):
        for child in part.get(name, []):
            yield from _units(child)
    if "spec" in part:
        yield from _units(part["spec"])


def rows(chart: Any) -> list[dict[str, Any]]:
    """Return all rows of data of a chart."""
    return [row for data in spec(chart).get("datasets", {}).values() for row in data]


def texts(chart: Any) -> list[str]:
    """Return all texts that the drawn picture shows."""
    found = re.findall(r"<text[^>]*>(.*?)</text>", to_svg(chart), re.DOTALL)
    return [unescape(re.sub(r"<[^>]+>", " ", text)).strip() for text in found]


def width(chart: Any) -> float:
    """Return the width of the drawn picture in px."""
    match = re.search(r'<svg[^>]* width="([\d.]+)"', to_svg(chart))
    assert match is not None
    return float(match[1])


def is_json(chart: Any) -> bool:
    """Tell whether the specification holds no NaN."""
    return bool(json.dumps(spec(chart), allow_nan=False))
