"""Plain data for JSON and TOML."""

from __future__ import annotations

from typing import Any

import numpy as np


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
