"""card_html: a neuron's card as a piece of HTML for notebooks, drawn once, without scripts."""

from __future__ import annotations

from intraneuron.data.card import Card
from intraneuron.figures.reference import reference_of_card
from intraneuron.figures.spectrum import spectrum
from intraneuron.figures.theme import to_svg
from intraneuron.report.contexts import contexts_html
from intraneuron.report.markup import Html, element
from intraneuron.report.tables import categories_table, numbers_table, segments_table
from intraneuron.report.wording import WEAK, needed, pattern_sentence

WIDTH = 760
STYLE = """
.intraneuron-card { background: #fff; color: #1b1f24; max-width: 800px; padding: 12px 16px; border-radius: 8px;
  border: 1px solid #d0d7de; font: 14px/1.5 "Helvetica Neue", Helvetica, Arial, "DejaVu Sans", sans-serif; }
.intraneuron-card svg { max-width: 100%; height: auto; }
.intraneuron-card .scroll { overflow-x: auto; }
.intraneuron-card table { border-collapse: collapse; color: inherit; font-size: 12.5px; margin: 10px 0; }
.intraneuron-card caption { text-align: left; color: #57606a; padding: 4px 0; }
.intraneuron-card th, .intraneuron-card td { text-align: left; padding: 3px 12px 3px 0; color: inherit;
  background: #fff; border-bottom: 1px solid #d0d7de; }
.intraneuron-card tbody th { font-weight: 400; }
.intraneuron-card .n { white-space: nowrap; }
.intraneuron-card .own { font-weight: 700; }
.intraneuron-card .token { font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.intraneuron-card .soft { color: #57606a; }
.intraneuron-card .contexts { list-style: none; padding: 0; margin: 4px 0 12px; font-size: 12.5px; }
.intraneuron-card .contexts li { margin: 3px 0; }
"""


def card_html(card: Card) -> str:
    """Show a neuron: its spectrum and its tables, in light colours whatever the notebook's theme.

    The piece loads nothing and runs nothing; its styles end at its own class.
    """
    picture = Html(to_svg(spectrum(card, WIDTH)))
    where = f"{card.model}, {card.mode} mode, {card.space} space"
    twin = reference_of_card(card)
    pattern = pattern_sentence(card.pattern, twin)
    return element(
        "div",
        element("style", Html(STYLE)),
        element("p", element("strong", card.name), f" of {where}. {pattern} ", needed(card)),
        element("div", picture, role="img", aria_label=f"Core tokens of {card.name} along its activation"),
        *(categories_table(card), segments_table(card), numbers_table(card)),
        *contexts_html(card),
        element("p", WEAK, class_="soft"),
        *(element("p", note, class_="soft") for note in (*card.notes, *([twin.note] if twin.note else []))),
        class_="intraneuron-card",
    )
