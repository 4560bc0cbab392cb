from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from intraneuron.store import StudyFolder
from intraneuron.summary import _reliability


def reliability(*layers: dict[str, float]) -> dict[str, Any]:
    notes = {str(n): {"min_count": 5, "testable": 7} | notes for n, notes in enumerate(layers)}
    return _reliability(StudyFolder(Path("study"), {"observation": notes}), list(range(len(layers))))


def test_reliability_is_the_mean_over_the_layers_where_it_is_defined() -> None:
    found = reliability(
        {"reliability": 0.5, "overlap": math.nan},
        {"reliability": math.nan, "overlap": 0.25},
        {"reliability": 0.75, "overlap": 0.75},
    )
    assert (found["median"], found["overlap"]) == (0.625, 0.5)
    assert (found["min_count"], found["testable"]) == ([5], 21)
    assert [layer["layer"] for layer in found["layers"]] == [0, 1, 2]


@pytest.mark.parametrize("notes", [{}, {"reliability": math.nan, "overlap": math.nan}])
def test_reliability_is_none_where_no_layer_has_any(notes: dict[str, float]) -> None:
    found = reliability(notes, notes)
    assert (found["median"], found["overlap"]) == (None, None)
