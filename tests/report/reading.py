"""How the tests read a page: its elements, what they would load, and the texts in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "img", "link", "input", "hr", "base"}
LOADING = {"src", "srcset", "data", "poster", "action", "background", "formaction", "xlink:href"}


@dataclass
class Element:
    """One element: its name, attributes, and all text inside."""

    name: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """A page, parsed as a browser would."""

    source: str
    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[Element] = []
        self.unbalanced: list[str] = []
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1].name != tag:
            self.unbalanced.append(tag)
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, name: str) -> list[Element]:
        """Return all elements of a name."""
        return [element for element in self.elements if element.name == name]

    def names(self) -> set[str]:
        """Return the names of the elements that occur."""
        return {element.name for element in self.elements}

    def loads(self) -> list[str]:
        """Return the addresses that elements of the page would load."""
        found = [value for element in self.elements for name, value in element.attributes.items() if name in LOADING]
        return found + [element.attributes.get("href", "") for element in self.all("link")]

    def handlers(self) -> list[str]:
        """Return the attributes that would run code."""
        return [name for element in self.elements for name in element.attributes if name.startswith("on")]
