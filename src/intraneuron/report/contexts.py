"""Contexts of a neuron: stretches of text, each token shaded by the neuron's activation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from rich.text import Text

from intraneuron.data.card import Card, CardContext
from intraneuron.data.display import is_defined, measure, plain
from intraneuron.report.markup import Html, element, join

TOP = -1
"""Segment of the contexts of highest activation."""

STRONGEST = 0.5
"""Opacity of the shade of the neuron's highest activation: what stands on it can still be read."""

SHADE = "230,159,0"
"""Orange of Okabe and Ito, red, green, blue."""

EXPLAINED = (
    "Each token is shaded by the neuron’s activation there, from none at 0 to the fullest at the highest that is "
    "shown; the token that the place was kept for is underlined. A core token has its zone by its mean: at a single "
    "place its activation may be another one’s."
)


def groups(card: Card) -> Iterator[tuple[int, list[CardContext]]]:
    """Yield a card's contexts, the top ones first, then those of each segment."""
    for segment in (TOP, *(one.segment for one in card.segments)):
        own = [context for context in card.contexts if context.segment == segment]
        if own:
            yield segment, own


def group_name(segment: int) -> str:
    """Return what contexts are of.

    >>> group_name(-1), group_name(0)
    ('Most active', 'Zone 1, drawn')
    """
    return "Most active" if segment == TOP else f"Zone {segment + 1}, drawn"


def spaced(tokens: Sequence[str]) -> list[str]:
    """Return tokens so that, put one after another, they are the text.

    Tokens of WordPiece (``##ing``) have no spaces of their own: those that begin a word get one.

    >>> "".join(spaced([" a", " cat", "s"])), "".join(spaced(["a", "cat", "##s"]))
    (' a cats', ' a cats')
    """
    if any(token.startswith(" ") for token in tokens):
        return list(tokens)
    return [token[2:] if token.startswith("##") and len(token) > 2 else f" {token}" for token in tokens]


def highest(card: Card) -> float:
    """Return the highest activation in a card's contexts; 0 when none is above."""
    values = [value for context in card.contexts for value in context.activations if is_defined(value)]
    return max([0.0, *values])


def contexts_html(card: Card) -> list[Html]:
    """Show a card's contexts; nothing when it has none."""
    if not card.contexts:
        return []
    top = highest(card)
    parts = [element("p", EXPLAINED, class_="soft")]
    for segment, own in groups(card):
        parts.append(element("h4", group_name(segment)))
        parts.append(element("ul", *(_line(context, top) for context in own), class_="contexts"))
    return [element("details", element("summary", "In the texts"), *parts)]


def _line(context: CardContext, top: float) -> Html:
    value = element("span", measure(context.activations[context.at]), class_="n soft")
    pieces = zip(spaced(context.tokens), context.activations, strict=True)
    shaded = [_shaded(piece, value, top, kept=i == context.at) for i, (piece, value) in enumerate(pieces)]
    return element("li", value, " ", element("bdi", join(shaded), class_="token"))


def _shaded(piece: str, value: float, top: float, *, kept: bool) -> Html:
    """Show one token; spaces stay, so that lines break between words."""
    share = min(1.0, max(0.0, value / top)) if top > 0 and is_defined(value) else 0.0
    shown = escape(plain(piece), quote=True)
    style = f"background:rgba({SHADE},{STRONGEST * share:.2f})" + (";text-decoration:underline" if kept else "")
    return Html(f'<span style="{style}" title="{measure(value)}">{shown}</span>')


def contexts_text(card: Card, width: int, most: int = 3) -> list[Text]:
    """Return a few contexts as lines of a terminal, the token in brackets and bold; nothing when there are none."""
    lines: list[Text] = []
    for segment, own in groups(card):
        for context in own[: most if segment == TOP else 1]:
            name = f"{group_name(segment).partition(',')[0]:<12}"
            lines.append(Text(name, style="dim").append_text(_centred(context, width - len(name))))
    return [Text("In the texts (--json has all)"), *lines] if lines else []


def _centred(context: CardContext, width: int) -> Text:
    """Return a context cut to a width, with its activation, the token near the middle."""
    value = f"{measure(context.activations[context.at]):>8}  "
    pieces = [plain(piece) for piece in spaced(context.tokens)]
    token = pieces[context.at]
    lead, token = (" " if token.startswith(" ") else ""), token.strip(" ")
    room = max(10, width - len(value) - len(token) - len(lead) - 2)
    before = "".join(pieces[: context.at])[-(room // 2) :].lstrip(" ")
    after = "".join(pieces[context.at + 1 :])[: room - len(before)]
    line = Text(f"{value}{before}{lead}", no_wrap=True, overflow="crop")
    return line.append(f"[{token}]", style="bold").append(after)
