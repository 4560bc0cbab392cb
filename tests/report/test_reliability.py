"""Whether the text is enough: the sentences of terminal and page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.report.reading import Page
from tests.samples import NAN, make_card, make_reliability, make_summary

from intraneuron.report.page import write_report
from intraneuron.report.reliability import check_sentence, min_count_sentence, settled_sentence
from intraneuron.report.wording import halves_said


def summary(settled_at: float = 0.4, **changes: Any) -> dict[str, Any]:
    made = make_summary((0, 1))
    made["reliability"] = make_reliability(settled_at=settled_at) | changes
    return made


def test_it_is_said_after_how_much_text_the_slowest_layer_is_settled() -> None:
    assert settled_sentence(summary(0.3)) == (
        "Core tokens are settled after about 1.1 million tokens in the slowest layer (1); "
        "this study read 0.96 million tokens. Give more text, and with it --min-count 13: rarer tokens take longer."
    )
    assert settled_sentence(summary(0.2)).endswith("(1); this study read 0.96 million tokens.")


def test_what_lies_too_far_or_cannot_be_said_is_said_to() -> None:
    far = settled_sentence(summary(60.0))
    assert far == (
        "Core tokens are not settled after 20 times this text (19 million tokens); this study read 0.96 million tokens."
    )
    unknown = summary()
    for row in unknown["reliability"]["settled"]:
        row["tokens"] = None
    assert settled_sentence(unknown).startswith("After how much text core tokens would be settled cannot be said")
    assert settled_sentence({"reliability": {}}) == check_sentence({"reliability": None}) == ""


def test_the_worst_prediction_is_told() -> None:
    made = summary()
    made["reliability"]["settled"][4] |= {"predicted": 0.5, "observed": 0.61, "layer": 1, "number": "correlation"}
    assert check_sentence(made) == (
        "Check: for 0.48 million tokens the shorter texts predict 0.500 at worst (correlation of activations, layer "
        "1), where 0.610 was observed."
    )


def test_the_minimum_count_of_each_layer_is_told_with_its_reason() -> None:
    layers = [
        {"layer": 0, "chosen": True, "min_count": 5, "min_count_reliability": 0.83},
        {"layer": 1, "chosen": True, "min_count": 30, "min_count_reliability": 0.61},
        {"layer": 2, "chosen": True, "min_count": 5, "min_count_reliability": None},
    ]
    assert min_count_sentence(summary(layers=layers)) == (
        "Minimum count, the least at which the median neuron's reliability reaches 0.8: layer 0: 5 (0.83), "
        "layer 1: 30 (0.61, no count is enough: more text would help), "
        "layer 2: 5 (too little text to say how reliable)."
    )
    assert min_count_sentence(summary(layers=[{"layer": 0, "chosen": False, "min_count": 7}])) == ""


@pytest.mark.parametrize("cross_fit", [False, True])
def test_the_page_has_the_sentences_the_reasons_and_every_point(tmp_path: Path, cross_fit: bool) -> None:
    made = summary()
    made["reliability"]["layers"][1] |= {"chosen": False}
    made["settings"]["observe"]["cross_fit"] = cross_fit
    page = Page(write_report(made, [], tmp_path / "r.html").read_text(encoding="utf-8"))
    shown = " ".join(element.text for element in page.all("p"))
    assert settled_sentence(made) in shown
    assert check_sentence(made) in shown
    assert ("Cross-fit: the even documents" in shown) == cross_fit
    cells = [element.text for element in page.all("td")]
    assert "the least tried with a reliability of 0.8 or more" in cells
    assert "as given" in cells
    points = [element for element in page.all("td") if element.text in ("observed", "law")]
    assert len(points) == len(made["reliability"]["curve"])


def test_a_study_without_texts_has_nothing_to_compare(tmp_path: Path) -> None:
    made = summary(curve=[], settled=[])
    page = Page(write_report(made, [], tmp_path / "r.html").read_text(encoding="utf-8"))
    assert any(element.text == "No text was read, or no two halves of one." for element in page.all("p"))


def test_a_card_says_in_one_line_what_halves_of_the_text_agree_on() -> None:
    card = make_card()
    assert halves_said(card) == "two halves of the text: reliability 0.91, of ranks 0.88, 79% of core tokens in common"
    fields = vars(card)
    only = type(card)(**(fields | {"reliability": NAN, "rank_correlation": NAN}))
    assert halves_said(only) == "two halves of the text: 79% of core tokens in common"
    assert halves_said(type(card)(**(fields | {"reliability": NAN, "rank_correlation": NAN, "overlap": NAN}))) == ""
