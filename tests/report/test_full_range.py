"""The full range in words: where homogeneity rises, and how much of it the twins have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.samples import NAN, make_full_range, make_summary

from intraneuron.report.full_range import full_range_sentence
from intraneuron.report.page import write_report


def summary(**changes: Any) -> dict[str, Any]:
    found = make_full_range()
    found["shape"][0] |= changes
    return make_summary() | {"full_range": found}


def test_the_sentence_says_how_high_how_steadily_and_how_much_of_it_is_the_twins() -> None:
    assert full_range_sentence(summary()) == (
        "Full range: homogeneity above that of random tokens is 0.200 [0.180, 0.220] in the most active percentile, "
        "0.140 in rotated twins. It rises all along the axis (rank correlation 0.99), and half of that is reached from "
        "percentile 85 on. Over the whole axis, tokens are more alike than those of rotated twins in 12 of 100 "
        "percentiles (50 in the upper half), and less in 3 (95 % intervals)."
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"half_from": 98}, "It rises only at the very top: half of that is reached from percentile 98 on."),
        ({"rank_correlation": 0.3}, "from percentile 85 on; below, it does not rise steadily."),
        (
            {"half_from": None, "highest": 86, "highest_above": 0.21},
            "does not rise to the top: tokens are most alike in",
        ),
        ({"highest": 86, "highest_above": 0.21}, "But tokens are most alike in percentile 86 (0.210)."),
        ({"beyond": None, "below": None, "top_twin": None}, "Without rotated twins nobody can say how much of it is"),
        ({"top": None, "half_from": None}, "the most active percentile has no homogeneity"),
        ({"highest": None, "highest_above": NAN}, "Full range: no percentile of activation has a homogeneity."),
        ({"top_low": None, "top_high": NAN}, "is 0.200 in the most active percentile"),
    ],
)
def test_other_profiles_are_said_otherwise(changes: dict[str, Any], said: str) -> None:
    assert said in full_range_sentence(summary(**changes))


def test_the_sentence_says_in_which_half_they_lie() -> None:
    found = summary()
    for row in found["full_range"]["profile"]:
        if row["population"] == "rotated" and row["layer"] is None:
            low = {12: 0.01, 80: 0.01, 90: 0.02}.get(row["percentile"], -0.1)
            row |= {"difference_low": low, "difference_high": -0.01 if row["percentile"] < 4 else 0.1}
    said = full_range_sentence(found)
    assert "percentiles (2 in the upper half), and less in 3 (all in the lower half) (95 % intervals)" in said


def test_nothing_is_said_where_it_was_not_asked_for(tmp_path: Path) -> None:
    assert full_range_sentence(make_summary()) == ""
    text = write_report(make_summary(), [], tmp_path / "report.html").read_text()
    assert "full-range" not in text


def test_the_section_has_figure_shape_and_every_point(tmp_path: Path) -> None:
    text = write_report(summary(), [], tmp_path / "report.html").read_text()
    assert 'id="full-range"' in text
    assert 'href="#full-range"' in text
    assert 'data-chart="full-range"' in text
    assert "The points of the figure" in text
    section = text[text.index('id="full-range"') :]
    section = section[: section.index("</section>")]
    assert section.count("<tr>") == (1 + 3) + (1 + 200)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"half_from": None, "highest": 100, "top_low": -0.01, "top_high": 0.4}, "there, but not clearly more than"),
        ({"half_from": None, "highest": 100, "top": -0.1, "top_low": -0.2, "top_high": -0.05}, "and still less than"),
        ({"half_from": 1, "highest": 3, "rank_correlation": -0.97}, "No percentile is below half of that. But"),
    ],
)
def test_the_sentence_does_not_contradict_itself(change: dict[str, Any], said: str) -> None:
    found = full_range_sentence(summary(**change))
    assert said in found
    assert "does not rise to the top" not in found
    assert "below, it" not in found
