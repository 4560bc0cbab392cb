"""The sections of a report, one function each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from intraneuron.data.card import Card
from intraneuron.data.display import is_defined, needs_fonts, number, sentence
from intraneuron.figures.claims import claims
from intraneuron.figures.differentiation import differentiation
from intraneuron.figures.distributions import distributions
from intraneuron.figures.patterns import patterns
from intraneuron.figures.profile import profile
from intraneuron.figures.reference import reference, reference_of_card
from intraneuron.figures.spectrum import spectrum
from intraneuron.report import wording
from intraneuron.report.charts import Charts
from intraneuron.report.contexts import contexts_html
from intraneuron.report.definitions import definitions
from intraneuron.report.glance import claims_said
from intraneuron.report.markup import Html, element, join, section
from intraneuron.report.tables import (
    categories_table,
    claims_table,
    detectable_table,
    facts_table,
    numbers_table,
    segments_table,
)

Summary = Mapping[str, Any]
FONTS = (
    "Letters that show as empty boxes, if any, are of scripts for which this machine has no font: rest the pointer on "
    "such a token, and its code points appear."
)
COLUMNS = (
    "Bold: the interval excludes 0. Beside {name}: whether the relation is there more, no more or less than in random "
    "directions."
)


def claims_section(summary: Summary, charts: Charts) -> Html:
    """Show the claims as table and figure."""
    rows, twin = list(summary.get("claims") or ()), reference(summary)
    whole = wording.whole_model(rows)
    layered = [row for row in rows if row.get("layer") is not None]
    by_layer = element(
        "details",
        element("summary", "The same table for each layer"),
        claims_table(layered, "The paper’s claims, by layer", with_layer=True),
    )
    return section(
        "claims",
        "The claims",
        element("p", wording.twins_said(summary.get("populations") or ())),
        *([element("p", element("strong", twin.note))] if twin.note else []),
        element("p", COLUMNS.format(name=twin.name)),
        claims_table(whole, "The paper’s claims in this model, means over neurons"),
        charts.figure("claims", partial(claims, summary), "The claims by layer, neurons beside the twins"),
        *([by_layer] if layered and layered != whole else []),
    )


def profile_section(summary: Summary, charts: Charts) -> Html:
    """Show where along the activation tokens are alike (C2)."""
    return section(
        "profile",
        "Where along the activation?",
        claims_said(summary, "C2"),
        charts.figure("profile", partial(profile, summary), "Homogeneity by rank of activation, by layer"),
    )


def distributions_section(summary: Summary, charts: Charts) -> Html:
    """Show how the numbers spread over neurons (C1, C4)."""
    return section(
        "distributions",
        "How do neurons differ?",
        claims_said(summary, "C1", "C4"),
        element("p", "Means hide the spread: these are all neurons, over all twins."),
        charts.figure("distributions", partial(distributions, summary), "Distributions of agreement and interleaving"),
    )


def differentiation_section(summary: Summary, charts: Charts) -> Html:
    """Show whether categories differ in activation (C3)."""
    return section(
        "differentiation",
        "Do categories differ in activation?",
        claims_said(summary, "C3"),
        element("p", "Cliff’s delta is 0 for a category as active as the others, 1 for one above all others."),
        charts.figure("differentiation", partial(differentiation, summary), "Cliff’s delta by rank of category"),
    )


def patterns_section(summary: Summary, charts: Charts) -> Html:
    """Show how many neurons have which pattern."""
    names, twin = ("steps", "gradient", "peak", "mixed", "none"), reference(summary)
    meanings = [element("li", element("strong", name), f": {wording.pattern_meaning(name, twin)}.") for name in names]
    return section(
        "patterns",
        "Which patterns?",
        element("ul", *meanings),
        element("p", wording.WEAK),
        charts.figure("patterns", partial(patterns, summary), "Shares of patterns among neurons and twins"),
        *detectable_table(summary.get("detectable") or {}),
    )


def cards_section(cards: Sequence[Card], charts: Charts) -> Html:
    """Show single neurons."""
    links = [element("li", element("a", card.name, href=f"#card-{index}")) for index, card in enumerate(cards)]
    return section(
        "neurons",
        "Neurons with the clearest relation",
        element(
            "p",
            "These neurons were picked because they look clear, so they look clearer than neurons are. ",
            wording.WEAK,
        ),
        *([element("p", FONTS)] if any(needs_fonts(one.token) for card in cards for one in card.tokens) else []),
        element("nav", element("ul", *links), aria_label="Neurons"),
        *(_card(card, index, charts) for index, card in enumerate(cards)),
    )


def _card(card: Card, index: int, charts: Charts) -> Html:
    meaning = wording.pattern_meaning(card.pattern, reference_of_card(card))
    said = reference_of_card(card).note
    return element(
        "article",
        element("h3", card.name, id=f"card-{index}-title"),
        element(
            "p",
            "Pattern ",
            element("span", card.pattern, class_="pattern"),
            f": {meaning}. ",
            _quality(card),
            " ",
            wording.needed(card),
        ),
        charts.figure(f"card-{index}", partial(spectrum, card), f"Core tokens of {card.name} along its activation"),
        element(
            "details",
            element("summary", "Numbers of this neuron"),
            *(categories_table(card), segments_table(card), numbers_table(card)),
        ),
        *contexts_html(card),
        *(element("p", note, class_="soft") for note in card.notes),
        *([element("p", said, class_="soft")] if said else []),
        **{"class_": "card", "id": f"card-{index}", "aria_labelledby": f"card-{index}-title"},
    )


def _quality(card: Card) -> str:
    facts = []
    if is_defined(card.silhouette):
        facts.append(f"Silhouette of its categories: {number(card.silhouette, 2)}")
        if card.clustered is not None:
            facts[-1] += " (above most random directions)" if card.clustered else " (a cut, not a discovery)"
    if wording.halves_said(card):
        facts.append(sentence(wording.halves_said(card)))
    return ". ".join(facts) + "." if facts else ""


def method_section(summary: Summary) -> Html:
    """Define every number, as this study's settings make it."""
    entries = [
        join([element("dt", name), element("dd", meaning, *([element("code", formula)] if formula else []))])
        for name, meaning, formula in definitions(summary["settings"], str(summary.get("mode")), reference(summary))
    ]
    return section("method", "What each number is", element("dl", *entries))


FACTS = ("model", "mode", "space", "layers", "n_neurons", "populations")
PROVENANCE = ("identity", "versions", "reliability", "clusters", "other_mode")


def provenance_section(summary: Summary) -> Html:
    """Say what was studied and with which settings."""
    facts = {name: summary.get(name) for name in FACTS}
    details = {name: summary[name] for name in PROVENANCE if summary.get(name) is not None}
    if "reliability" in details:  # its tables stand in a section of their own
        details["reliability"] = {k: v for k, v in details["reliability"].items() if k not in ("curve", "settled")}
    notes = [element("li", note) for note in summary.get("notes") or ()]
    return section(
        "settings",
        "What was studied, and how",
        *([element("ul", *notes)] if notes else []),
        facts_table("The study", facts | {"intraneuron": software_version()}),
        facts_table("Settings that the numbers depend on", summary.get("settings") or {}),
        element("details", element("summary", "Where the numbers come from"), facts_table("Provenance", details)),
    )


def citation_section() -> Html:
    """Say how to cite."""
    return section("cite", "How to cite", element("p", wording.CITATION.format(version=software_version())))


def software_version() -> str:
    """Return the installed version of intraneuron."""
    try:
        return version("intraneuron")
    except PackageNotFoundError:
        return "unknown"
