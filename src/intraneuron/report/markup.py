"""HTML, built so that no text from a model or a user can become anything but text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from intraneuron.data.display import needs_fonts, plain, visible, with_codes


class Html(str):
    """Text that is already markup; every other string is escaped when it is put into a page."""

    __slots__ = ()


def text(value: object) -> Html:
    """Escape a text; characters that hide or act are shown as escapes."""
    return value if isinstance(value, Html) else Html(escape(plain(str(value)), quote=True))


def token(value: str) -> Html:
    """Show a token, isolated so that its reading direction cannot turn what stands beside it.

    Letters that may lack a font have their code points in the element's title.
    """
    title = f' title="{escape(with_codes(value), quote=True)}"' if needs_fonts(value) else ""
    return Html(f'<bdi class="token"{title}>{escape(visible(value), quote=True)}</bdi>')


def element(name: str, *content: object, **attributes: str) -> Html:
    """Build an element; ``class_`` and ``for_`` lose their underscore, other underscores become hyphens."""
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(plain(value), quote=True)}"'
        for key, value in attributes.items()
    )
    return Html(f"<{name}{pairs}>{''.join(text(part) for part in content)}</{name}>")


def numeric(value: str, own: bool = False) -> Html:
    """Show a number that must not break over lines; ``own`` sets it off."""
    return element("span", value, class_="n own" if own else "n")


def join(parts: Iterable[object], between: str = "") -> Html:
    """Put parts one after another."""
    return Html(text(between).join(text(part) for part in parts))


def table(caption: str, columns: Sequence[object], rows: Iterable[Sequence[object]]) -> Html:
    """Build a table whose first column names its rows; it scrolls by itself where the screen is narrow."""
    head = element("tr", *(element("th", column, scope="col") for column in columns))
    body = [
        element("tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:])) for row in rows
    ]
    inner = element("table", element("caption", caption), element("thead", head), element("tbody", *body))
    return element("div", inner, class_="scroll", tabindex="0", role="region", aria_label=caption)


def section(name: str, title: str, *content: object) -> Html:
    """Build a section of the page with its heading."""
    heading = element("h2", title, id=f"{name}-title")
    return element("section", heading, *content, id=name, aria_labelledby=f"{name}-title")
