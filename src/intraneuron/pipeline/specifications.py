"""Specifications: the choices under which a number can be computed from one observation, and which of them it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from intraneuron.config import Forms, PartitionConfig, Sign, SpaceConfig
from intraneuron.pipeline.numbers import NUMBERS, Number

VARIED: tuple[Number, ...] = tuple(number for number in NUMBERS if number.claim != "C0")
"""Numbers that are computed under every specification: those of the paper's claims."""

DEPENDS: dict[str, tuple[str, ...]] = {
    "agreement": ("segments", "categories"),
    "information": ("segments", "categories"),
    "segment_purity": ("segments", "categories"),
    "mrpp": ("segments",),
    "homogeneity": ("segments",),
    "abstraction": ("segments",),
    "top_down": ("categories",),
    "interleaving": ("categories",),
    "peak": (),
    "distance": (),
}
"""By question: which partitions its number depends on. Everything else, all numbers depend on."""

CHOICES = ("space", "center", "segments", "categories", "core_tokens", "forms", "sign", "cross_fit")
"""What a specification consists of, in the order of tables and figures."""


@dataclass(frozen=True)
class Selection:
    """How core tokens are chosen."""

    core_tokens: int
    forms: Forms = "all"
    sign: Sign = "positive"
    cross_fit: bool = False


@dataclass(frozen=True)
class Column:
    """A number under the partitions that it depends on; None: it depends on none."""

    number: Number
    segments: str | None = None
    categories: str | None = None


@dataclass(frozen=True)
class Specifications:
    """Which choices are combined.

    Attributes
    ----------
    spaces : tuple of SpaceConfig
    segments, categories : tuple of str
    selections : tuple of Selection
        Combined with all of these.
    further : tuple of Selection
        Combined with all spaces, and with the segments and categories of ``own`` alone.
    own : PartitionConfig
        Segments and categories of further selections.
    """

    spaces: tuple[SpaceConfig, ...]
    segments: tuple[str, ...]
    categories: tuple[str, ...]
    selections: tuple[Selection, ...]
    further: tuple[Selection, ...]
    own: PartitionConfig

    @property
    def every(self) -> tuple[Selection, ...]:
        """All selections."""
        return (*self.selections, *self.further)

    def partitions(self, selection: Selection) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the segments and the categories that a selection is combined with."""
        if selection in self.selections:
            return self.segments, self.categories
        return (self.own.segments,), (self.own.categories,)

    def columns(self, selection: Selection) -> tuple[Column, ...]:
        """Return every number of a selection in a space, none of them twice."""
        return columns(*self.partitions(selection))

    def __len__(self) -> int:
        """Return how many combinations there are."""
        sizes = [len(segments) * len(categories) for segments, categories in map(self.partitions, self.every)]
        return len(self.spaces) * sum(sizes)


def columns(segments: tuple[str, ...], categories: tuple[str, ...]) -> tuple[Column, ...]:
    """Return each number under the partitions that it depends on.

    >>> [len(columns(("quantile:5", "natural"), ("ward",) * n)) for n in (1, 3)]
    [20, 40]
    """
    found: list[Column] = []
    for number in VARIED:
        depends = DEPENDS[number.question]
        cuts = segments if "segments" in depends else (None,)
        trees = categories if "categories" in depends else (None,)
        found += [Column(number, cut, tree) for cut in cuts for tree in trees]
    return tuple(found)


def choices_of(space: SpaceConfig, selection: Selection, column: Column) -> dict[str, Any]:
    """Return a specification as the table has it; None for a choice that the number does not depend on."""
    found = {"space": "file" if space.file else space.space, "center": space.center}
    found |= {"segments": column.segments, "categories": column.categories} | asdict(selection)
    return {name: found[name] for name in CHOICES}


def varied(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return the choices that differ between specifications of a number, each with its values in their order.

    >>> varied([{"space": "input", "center": False}, {"space": "input", "center": True}])
    {'center': [False, True]}
    """
    values = {name: list(dict.fromkeys(row[name] for row in rows if name in row)) for name in CHOICES}
    return {name: some for name, some in values.items() if len(some) > 1}


def matched(rows: list[dict[str, Any]], choice: str) -> Iterator[Mapping[Any, dict[str, Any]]]:
    """Yield specifications of a number that differ in one choice alone, by its value: only where all values are there.

    What differs between them is then that choice's doing, however the others are combined.
    """
    values = {row[choice] for row in rows}
    groups: dict[tuple[Any, ...], dict[Any, dict[str, Any]]] = {}
    for row in rows:
        others = tuple(row[name] for name in CHOICES if name != choice)
        groups.setdefault(others, {})[row[choice]] = row
    yield from (group for group in groups.values() if set(group) == values)
