"""The tables of a page: claims, and what is known of one neuron."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from intraneuron.config import OWN_TWINS
from intraneuron.data.card import Card
from intraneuron.data.display import UNDEFINED, is_defined, measure, number, p_value, percent, sentence
from intraneuron.figures.claim_rows import interval, other_twins, written
from intraneuron.figures.layout import layer_name
from intraneuron.figures.palette import category_color, category_glyph
from intraneuron.pipeline.numbers import REFERENCE, difference_name, reference_of
from intraneuron.report.markup import Html, element, join, numeric, table, token
from intraneuron.report.wording import is_clear, said_briefly, short_name

ALPHA = 0.05


def claims_table(rows: Sequence[Mapping[str, Any]], caption: str, with_layer: bool = False) -> Html:
    """Show numbers beside shuffled twins and those of reference, and what is left when the latter are taken away.

    Where the study has further twins, a second table shows the numbers beside them.
    """
    twin = next((reference_of(row) for row in rows), REFERENCE)
    columns = (
        *(["layer"] if with_layer else []),
        *("claim and number", "neurons [95 %]", twin, "shuffled", "difference [95 %]", f"beside {twin}"),
        *(f"{who} with p < 0.05" for who in ("neurons", twin, "shuffled")),
    )
    usual = table(caption, columns, [_claim(row, with_layer) for row in rows])
    others = other_twins(rows)
    return join([usual, _others_table(rows, others, caption, with_layer)], "") if others else usual


def _others_table(rows: Sequence[Mapping[str, Any]], twins: Sequence[str], caption: str, with_layer: bool) -> Html:
    """Show numbers beside further twins: their mean, what is left, the share of them with p < 0.05."""
    columns = ["layer"] if with_layer else []
    columns += ["claim and number", "neurons [95 %]"]
    for twin in twins:
        left = [f"difference from {twin} [95 %]"] if twin in OWN_TWINS else []
        columns += [twin, *left, f"{twin} with p < 0.05"]
    cells = [_beside(row, twins, with_layer) for row in rows]
    return table(f"{caption}, beside the other twins", tuple(columns), cells)


def _beside(row: Mapping[str, Any], twins: Sequence[str], with_layer: bool) -> list[object]:
    cells: list[object] = [layer_name(row.get("layer"))] if with_layer else []
    cells += [_claim_name(row), numeric(interval(row, "neurons"))]
    for twin in twins:
        left = [numeric(interval(row, difference_name(twin, reference_of(row))))] if twin in OWN_TWINS else []
        cells += [numeric(written(row, twin)), *left, numeric(percent(row.get(f"share_{twin}")))]
    return cells


def _claim_name(row: Mapping[str, Any]) -> str:
    return f"{row['claim']}: {sentence(str(row['title']))}"


def _claim(row: Mapping[str, Any], with_layer: bool) -> list[object]:
    return [
        *([layer_name(row.get("layer"))] if with_layer else []),
        _claim_name(row),
        numeric(interval(row, "neurons")),
        numeric(written(row, reference_of(row))),
        numeric(written(row, "shuffled")),
        numeric(interval(row, "difference"), own=is_clear(row)),
        numeric(said_briefly(row)),
        *(numeric(percent(row.get(f"share_{who}"))) for who in ("neurons", reference_of(row), "shuffled")),
    ]


def detectable_table(detectable: Mapping[str, Mapping[str, float]]) -> list[Html]:
    """Say by layer which effects a neuron would have needed not to be called none; no table without any."""
    names = list(dict.fromkeys(name for found in detectable.values() for name in found))
    if not names:
        return []
    rows = [
        [layer_name(int(layer)), *(numeric(number(found.get(name))) for name in names)]
        for layer, found in detectable.items()
    ]
    caption = "What “none” leaves open: the effect at which a neuron would be given a pattern with about 80 % power"
    return [table(caption, ("layer", *map(short_name, names)), rows)]


def categories_table(card: Card) -> Html:
    """List a neuron's categories, the most active first."""
    rows = [
        [
            join(
                [
                    element("span", category_glyph(one.category), style=f"color:{category_color(one.category)}"),
                    join([token(word) for word in one.words], ", ") if one.words else "no words",
                ],
                " ",
            ),
            one.size,
            numeric(measure(one.mean_activation)),
            numeric(number(one.cliffs_delta, 2, signed=True)),
            numeric(p_value(one.p)),
            numeric(number(one.selectivity, 2, signed=True)),
        ]
        for one in card.categories
    ]
    columns = ("category", "tokens", "mean activation", "Cliff’s δ", "p", "selectivity")
    return table("Categories of meaning, each tested against the neuron’s other tokens", columns, rows)


def segments_table(card: Card) -> Html:
    """List a neuron's zones of activation, the most active first."""
    rows = [
        [
            f"{one.segment + 1}: {measure(one.high)} to {measure(one.low)}",
            one.size,
            numeric(number(one.homogeneity), own=is_defined(one.q) and one.q < ALPHA),
            numeric(number(one.null)),
            numeric(number(one.twin)),
            numeric(p_value(one.p)),
            numeric(p_value(one.q)),
            numeric(number(one.purity, 2)),
            numeric(number(one.purity_null, 2)),
        ]
        for one in card.segments
    ]
    columns = (
        *("zone, from high to low", "tokens", "homogeneity", "random tokens", f"{card.reference} twins", "p", "q"),
        *("purity", "purity of random tokens"),
    )
    return table("Zones of activation: how alike their tokens are (bold: q < 0.05)", columns, rows)


def numbers_table(card: Card) -> Html:
    """List a neuron's numbers beside the means of the layer's twins."""
    rows = [
        [
            f"{one.claim}: {short_name(one.name)}",
            numeric(number(one.value), own=is_defined(one.q) and one.q < ALPHA),
            numeric(number(one.twin)),
            numeric(number(one.twin95)),
            numeric(number(one.shuffled)),
            numeric(p_value(one.p)),
            numeric(p_value(one.q)),
        ]
        for one in card.numbers
    ]
    twin = card.reference
    columns = ("number", "this neuron", f"{twin}, mean", f"{twin}, 95 %", "shuffled, mean", "p", "q")
    return table("This neuron beside the twins of its layer (bold: q < 0.05)", columns, rows)


def facts_table(caption: str, facts: Mapping[str, Any]) -> Html:
    """List settings or other facts, nested ones with dotted names."""
    return table(caption, ("name", "value"), [[name, value] for name, value in flatten(facts)])


def flatten(facts: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Turn nested facts into pairs of dotted name and text.

    >>> flatten({"twin": {"twins": ["shuffled", "rotated"]}, "seed": None})
    [('twin.twins', 'shuffled, rotated'), ('seed', '–')]
    """
    pairs: list[tuple[str, str]] = []
    for key, value in facts.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            pairs += flatten(value, f"{name}.")
        elif isinstance(value, (list, tuple)) and any(isinstance(one, Mapping) for one in value):
            pairs += flatten({str(index + 1): one for index, one in enumerate(value)}, f"{name}.")
        elif isinstance(value, (list, tuple)):
            pairs.append((name, ", ".join(map(str, value)) or UNDEFINED))
        elif isinstance(value, float):
            pairs.append((name, f"{value:g}" if is_defined(value) else UNDEFINED))
        else:
            pairs.append((name, UNDEFINED if value is None else str(value)))
    return pairs
