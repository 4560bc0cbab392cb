"""Which specifications of a study are wanted, and which of them its files bear."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, get_args

import numpy as np

from intraneuron.choices import Further, RobustnessConfig
from intraneuron.config import LAYER_INPUT, MIN_TOKENS, NORMS, PartitionConfig, Sign, SpaceConfig, SpaceName
from intraneuron.errors import SettingError
from intraneuron.manifest import command_of, same_command
from intraneuron.offering import Offered
from intraneuron.pipeline.partition import parse_categories, parse_segments
from intraneuron.pipeline.specifications import Selection, Specifications
from intraneuron.plain import listed as joined
from intraneuron.settings import check_names, check_types, listed, nearest

SEGMENTS = ("quantile:5", "quantile:10", "equal-width:5", "natural")
CATEGORIES = ("ward:3", "ward:5", "ward", "ward:20", "average")
CORE_TOKENS = (50, 100, 200)
"""What is tried beside a study's own settings when nobody says otherwise."""

ONE_MATRIX = 2e-3
"""Unit vectors that differ by no more than this, in float16, are those of one matrix."""


def robustness_config(given: Mapping[str, Any]) -> RobustnessConfig:
    """Return the settings of a robustness table from keyword arguments.

    Raises
    ------
    SettingError
        For a name that there is not, or a value that cannot be used.
    """
    lists = {f.name for f in fields(RobustnessConfig)} - {"center", "neurons"}
    check_names(given, [f.name for f in fields(RobustnessConfig)])
    told = {name: listed(value) if name in lists and value is not None else value for name, value in given.items()}
    config = RobustnessConfig(**told)
    check_types(config, given)
    if config.neurons != 0 and config.neurons < 2:
        msg = f"neurons (--neurons) must be 0 (all) or a number from 2 on, got {config.neurons}."
        raise SettingError(msg)
    for name in sorted(lists):
        if getattr(config, name) == ():
            msg = f"{name} (--{name.replace('_', '-')}) must name at least one, got none."
            raise SettingError(msg)
    if "none" in config.further and len(set(config.further)) > 1:
        got = ", ".join(config.further)
        msg = f"further (--further) none stands by itself, got {got}. Leave it out, or the others."
        raise SettingError(msg)
    for method in config.segments or ():
        parse_segments(method)
    for method in config.categories or ():
        parse_categories(method)
    for size in config.core_tokens or ():
        if not MIN_TOKENS <= size <= 1000:
            msg = f"core_tokens (--core-tokens) must be between {MIN_TOKENS} and 1000, got {size}."
            raise SettingError(msg)
    return config


@dataclass
class Choice:
    """The specifications of a study, put together choice by choice, with what had to be left out."""

    offered: Offered
    config: RobustnessConfig
    left_out: list[str] = field(default_factory=list)
    _keep: set[str] = field(default_factory=set)

    def specifications(self) -> Specifications:
        """Return which choices are combined.

        Raises
        ------
        SettingError
            For a space that there is not, or when no specification is left.
        """
        own, config = self.offered.own_partition, self.config
        segments = _several(config.segments, own.segments, SEGMENTS, parse_segments)
        categories = _several(config.categories, own.categories, CATEGORIES, parse_categories)
        other = [method for method in categories if method.startswith(NORMS) and method != own.categories]
        if other:
            msg = f"categories (--categories) {other[0]} are not those that the study was made with. Leave them out."
            raise SettingError(msg)
        spaces, selections = self._spaces(), self._selections()
        if not spaces or not selections:
            what = "space" if not spaces else "number of core tokens"
            why = "".join(f" {one}" for one in self.left_out)
            msg = f"No specification is left: no {what} that was asked for can be had.{why}"
            raise SettingError(msg)
        given = {one.core_tokens: one for one in selections}
        base = given.get(self.offered.own_selection.core_tokens, selections[0])
        further = self._further(base)
        partition = PartitionConfig(
            own.categories if own.categories in categories else categories[0],
            own.segments if own.segments in segments else segments[0],
        )
        return Specifications(spaces, segments, categories, selections, further, partition)

    def remarks(self) -> list[str]:
        """Say what was left out and why, and which command keeps what it needs."""
        if not self._keep:
            return self.left_out
        manifest = self.offered.folder.manifest
        have = {name for name, there in (("tables", self.offered.has_sums), ("inputs", self._has_inputs())) if there}
        words = [word for name in sorted(self._keep | have, reverse=True) for word in ("--keep", name)]
        command = same_command(self.offered.folder.path, *words, source=command_of(manifest))
        return [*self.left_out, f"To keep what these need, run the model once more: {command}"]

    def _has_inputs(self) -> bool:
        return self.offered.has_space(SpaceConfig(LAYER_INPUT))

    def _spaces(self) -> tuple[SpaceConfig, ...]:
        own, wanted = self.offered.own_space, self.config.spaces
        kind = "file" if own.file else own.space
        known = [name for name in get_args(SpaceName) if name != "vectors"] if not self.offered.published else []
        known = list(dict.fromkeys((kind, *known)))
        for name in wanted or ():
            if name not in known:
                msg = f"spaces (--spaces) must be among {', '.join(known)}, got {name!r}{nearest(name, known) or '.'}"
                raise SettingError(msg)
        centers = {"both": (False, True), "yes": (True,), "no": (False,)}[self.config.center]
        found: list[SpaceConfig] = []
        for name in dict.fromkeys(wanted or known):
            space = own.space if name == kind else name
            some = [SpaceConfig(space, center) for center in centers]
            kept = [one for one in some if self.offered.has_space(one)]
            if self._is_another(name, kept, found):
                found += kept
            self._say_spaces(name, some, kept, asked=wanted is not None)
        return tuple(found)

    def _is_another(self, name: str, kept: Sequence[SpaceConfig], found: Sequence[SpaceConfig]) -> bool:
        """Tell whether a space is another matrix than those before it, and say so if it is not."""
        twin = {"input": "output", "output": "input"}.get(name)
        before = [one for one in found if one.space == twin and not one.center]
        own = [one for one in kept if not one.center]
        if before and own:
            a, b = (self.offered.space(one, self.offered.layers[0]).vector for one in (before[0], own[0]))
            if np.allclose(a, b, atol=ONE_MATRIX, equal_nan=True):
                self.left_out.append(f"Left out: space {name}, which is the same matrix as {twin}.")
                return False
        return True

    def _say_spaces(
        self, name: str, wanted: Sequence[SpaceConfig], kept: Sequence[SpaceConfig], *, asked: bool
    ) -> None:
        """Say of a space, or of one without its centre taken off, that it is not kept."""
        if len(kept) == len(wanted):
            return
        if kept:
            self.left_out.append(f"Left out: space {name} as it is; the study keeps it with its mean taken off alone.")
        elif name == LAYER_INPUT:
            self.left_out.append(f"Left out: space {name}, which takes what enters each layer (--keep inputs).")
            self._keep.add("inputs")
        elif asked or name == "input":  # a model may have no output space, and mostly it is the input's matrix
            self.left_out.append(f"Left out: space {name}, which the study does not keep.")

    def _selections(self) -> tuple[Selection, ...]:
        own, wanted = self.offered.own_selection, self.config.core_tokens
        sizes = sorted({*(wanted or (own.core_tokens, *CORE_TOKENS))})
        found = [replace(own, core_tokens=size) for size in sizes]
        out = [one for one in found if not self.offered.is_kept(one)]
        beyond = self._beyond(out) if self.offered.has_sums and out else out
        if beyond:
            many = joined([f"{one.core_tokens:,}" for one in beyond])
            self._say_selection(f"core tokens {many}", asked=wanted is not None, too_many=self.offered.has_sums)
        return tuple(one for one in found if one not in beyond)

    def _beyond(self, wanted: Sequence[Selection]) -> list[Selection]:
        """Return selections of more core tokens than there are tokens; those that were asked for are refused."""
        most = self.offered.least_eligible()
        too_many = [one for one in wanted if one.core_tokens > most]
        if too_many and self.config.core_tokens is not None:
            msg = (
                f"core_tokens (--core-tokens) {too_many[0].core_tokens} are more than the {most:,} tokens that can be "
                "core tokens in this study. Give fewer."
            )
            raise SettingError(msg)
        return too_many

    def _say_selection(self, what: str, *, asked: bool, too_many: bool = False) -> None:
        if self.offered.published:
            if asked:
                self.left_out.append(f"Left out: {what}; published lists are taken as they are.")
        elif too_many:
            self.left_out.append(f"Left out: {what}, more than the tokens that can be core tokens.")
        else:
            self.left_out.append(f"Left out: {what}, which takes the sums of every token (--keep tables).")
            self._keep.add("tables")

    def _further(self, base: Selection) -> tuple[Selection, ...]:
        """Return selections that differ from ``base`` in one thing that is not how many they are."""
        wanted = [name for name in get_args(Further) if name in self.config.further and name != "none"]
        found = [one for name in wanted for one in self._changed(name, base)]
        kept = [one for one in found if self.offered.has_sums]
        left = [name for name in wanted if not kept and any(self._changed(name, base))]
        if left and found:
            self._say_selection(f"other {joined(left)}", asked=self.config.further != RobustnessConfig().further)
        return tuple(kept)

    def _changed(self, name: str, base: Selection) -> Iterable[Selection]:
        corpus = self.offered.settings["mode"] == "corpus"
        if name == "forms":
            return [replace(base, forms="all" if base.forms == "distinct" else "distinct")]
        if name == "cross-fit":  # in vocabulary mode there are no two halves
            return [replace(base, cross_fit=not base.cross_fit)] if corpus or base.cross_fit else []
        return [replace(base, sign=sign) for sign in self._signs() if sign != base.sign]

    def _signs(self) -> list[Sign]:
        """Return the sides of 0 whose tokens can be core tokens: never below 0, there is but one."""
        below = self.offered.folder.manifest["model"].get("below_zero")
        if self.offered.published or below == "never":
            return []
        ordered = below == "ordered" or self.offered.own_selection.sign == "negative"
        return ["positive", "magnitude", *(["negative"] if ordered else [])]  # type: ignore[list-item]


def _several(
    given: tuple[str, ...] | None, own: str, usual: tuple[str, ...], read: Callable[[str], Any]
) -> tuple[str, ...]:
    """Return the methods that are wanted, the study's own first where nobody said, and none of them twice."""
    found: dict[Any, str] = {}
    for method in given if given is not None else (own, *usual):
        found.setdefault(read(method), own if read(method) == read(own) else method)
    return tuple(found.values())
