"""Plain data for JSON and TOML, and lists in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

NAMED = 3
"""Names that are written; more are counted."""


def plain(value: Any) -> Any:
    """Return nested data with tuples as lists and undefined numbers (NaN, infinite) as None.

    >>> plain({"p": float("nan"), "layers": (0, 1)})
    {'p': None, 'layers': [0, 1]}
    """
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    if isinstance(value, (np.integer, np.bool_)):
        return value.item()
    return value


def listed(names: Sequence[str]) -> str:
    """Return names, a few of them in full.

    >>> listed(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
