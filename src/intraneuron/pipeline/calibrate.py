"""calibrate: whether the tests of a study keep their size, what they could see, and how firm its patterns are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from intraneuron.config import CalibrateConfig, PartitionConfig, SimulateConfig
from intraneuron.data import Comparison, CoreTokens, Norms, Partition, Space, Spelling
from intraneuron.pipeline.numbers import REFERENCE
from intraneuron.pipeline.p_values import PValue, mostly_counted, p_values_of, shares_at, table_of_p
from intraneuron.pipeline.partition import testable
from intraneuron.pipeline.pattern import bars
from intraneuron.pipeline.power import planted, planted_like, power_rows, reach, thresholds
from intraneuron.pipeline.results import Population
from intraneuron.pipeline.retest import Forms, parallel_forms, retest_rows
from intraneuron.pipeline.size import Rejections, cloud_p, rounds_for, shuffled_rejections, size_rows

Row = dict[str, Any]
Report = Callable[[int, int], None]
Stage = Callable[[str, str], AbstractContextManager[Report]]
"""Announces a part of the work by name and unit; the block calls what it gets with the work done and all of it."""

Tests = tuple[PValue, ...]

MOST_DIRECTIONS = 2000
"""As many random directions are read as the study has neurons, and at most these."""


@contextmanager
def silent(name: str, unit: str) -> Iterator[Report]:
    """Announce nothing."""
    del name, unit
    yield lambda done, total: None


@dataclass(frozen=True)
class Material:
    """What is calibrated: a study's populations with their q, by layer, and what they were made with.

    Attributes
    ----------
    layers : dict
        By layer, by name: ``neurons`` and the twins.
    spaces : Mapping of Space
        By layer; one and the same where all layers have one.
    spelling : Spelling
    eligible : bool (V,)
        Tokens that may be core tokens.
    partition : PartitionConfig
    core_tokens : int
    seed : int
        That of the study.
    halves : dict
        By layer, by name (``neurons``, ``rotated``): what each half of the text selects. Empty in vocabulary mode, and
        without the rotated twin.
    reference : str
        The twin that neurons are judged by.
    norms : Norms, optional
        Categories that people named. Made-up neurons, which have no names, are clustered.
    """

    layers: Mapping[int, Mapping[str, Population]]
    spaces: Mapping[int, Space]
    spelling: Spelling
    eligible: np.ndarray
    partition: PartitionConfig
    core_tokens: int
    seed: int
    halves: Mapping[int, Mapping[str, Forms]] = field(default_factory=dict)
    reference: str = REFERENCE
    norms: Norms | None = None

    def comparisons(self, population: str) -> list[Comparison]:
        """Return the comparisons of a population, layer by layer; none when it was not studied."""
        return [some[population].comparison for some in self.layers.values() if population in some]

    def cores(self, population: str = "neurons") -> list[CoreTokens]:
        """Return its core tokens, layer by layer."""
        return [some[population].core for some in self.layers.values() if population in some]


@dataclass(frozen=True)
class Calibration:
    """What a calibration found, in tables of rows (columns: ``docs/formats.md``).

    Attributes
    ----------
    size, power, patterns, retest : rows
    facts : dict
        How it was made: settings of made-up neurons, the largest p of a discovery, bars, rounds.
    """

    size: list[Row]
    power: list[Row]
    patterns: list[Row]
    retest: list[Row]
    facts: dict[str, Any]

    @property
    def out(self) -> list[Row]:
        """Rows of tests whose size is beyond its bounds."""
        return [row for row in self.size if row["out"]]

    def tables(self) -> dict[str, list[Row]]:
        """Return the tables by name, and ``reach``, the least strengths that are found."""
        found = {name: getattr(self, name) for name in ("size", "power", "patterns", "retest")}
        return found | {"reach": reach(self.power)}


def calibrate(material: Material, config: CalibrateConfig | None = None, stage: Stage = silent) -> Calibration:
    """Calibrate a study: size, power, patterns, retest. Nothing is read or written.

    Parameters
    ----------
    material : Material
    config : CalibrateConfig
    stage : callable
        Announces the parts of the work.
    """
    config = config or CalibrateConfig()
    first = material.comparisons("neurons")
    counted = _counted(material)
    tests = max((p_values_of(one, counted) for one in first), key=len)
    rejections = _size(material, config, tests, stage)
    cloud = _cloud(material, config, tests, stage)
    largest, limits, base = thresholds(first), _bars(material), _planted_like(material)
    power, patterns = _power(material, config, base, largest, limits, stage)
    populations = ("neurons", "shuffled", material.reference)
    beside = {"cloud": cloud} | {name: _table(material.comparisons(name), tests) for name in populations}
    return Calibration(
        size=[row | _beside(row, tests, beside) for row in size_rows(rejections)],
        power=power,
        patterns=patterns,
        retest=_retest(material, stage),
        facts={
            "rounds": rounds_for(material.cores(), config.shuffles),
            "directions": len(cloud),
            "planted": base,
            "largest_p": largest,
            "bars": limits,
        },
    )


def _size(material: Material, config: CalibrateConfig, tests: Tests, stage: Stage) -> Rejections:
    """Shuffle the neurons of every layer."""
    rounds = rounds_for(material.cores(), config.shuffles)
    total = rounds * sum(int(testable(core).sum()) for core in material.cores())
    parts, done = [], 0
    with stage("shuffles", "shuffles") as report:
        for layer, some in material.layers.items():
            keep = testable(some["neurons"].core)
            core, categories = some["neurons"].core[keep], some["neurons"].categories[keep]
            verb = partial(shuffled_rejections, rounds=rounds, seed=config.seed, spelling=material.spelling)
            given = (core, categories, material.spaces[layer], material.partition.segments, tests)
            parts.append(verb(*given, progress=partial(_tell, report, done, total)))
            done += rounds * len(core)
    return Rejections.concatenate(parts)


def _tell(report: Report, start: int, total: int, done: int) -> None:
    report(start + done, total)


def _cloud(material: Material, config: CalibrateConfig, tests: Tests, stage: Stage) -> np.ndarray:
    """Read directions of a cloud."""
    size = min(sum(len(core) for core in material.cores()), MOST_DIRECTIONS)
    with stage("cloud", "directions") as report:
        return cloud_p(
            size,
            material.eligible,
            _middle(material.spaces).vector.shape[1],
            material.core_tokens,
            material.partition,
            tests,
            seed=config.seed,
            spelling=material.spelling,
            norms=material.norms,
            progress=partial(_tell, report, 0, size),
        )


def _counted(material: Material) -> tuple[str, ...]:
    """Return the questions whose p is counted out in most neurons."""
    neurons = [some["neurons"] for some in material.layers.values()]
    categories = Partition.concatenate([one.categories for one in neurons])
    return mostly_counted(categories, Partition.concatenate([one.segments for one in neurons]))


def _bars(material: Material) -> dict[str, float] | None:
    """Return the bars of the twins of reference, the mean over layers; None without them."""
    found = [bars(comparison) for comparison in material.comparisons(material.reference)]
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]} if found else None


def _planted_like(material: Material) -> SimulateConfig:
    categories = Partition.concatenate([some["neurons"].categories for some in material.layers.values()])
    return planted_like(CoreTokens.concatenate(material.cores()), categories, _middle(material.spaces))


def _middle(spaces: Mapping[int, Space]) -> Space:
    """Return the space of the middle layer."""
    return spaces[list(spaces)[len(spaces) // 2]]


def _power(
    material: Material,
    config: CalibrateConfig,
    base: SimulateConfig,
    largest: Mapping[str, float],
    limits: Mapping[str, float] | None,
    stage: Stage,
) -> tuple[list[Row], list[Row]]:
    total = len(list(planted(base)))
    with stage("planted", "relations") as report:
        told = partial(_tell, report, 0, total)
        clustered = material.partition if material.norms is None else replace(material.partition, categories="ward")
        return power_rows(base, config, clustered, largest, limits, told)


def _retest(material: Material, stage: Stage) -> list[Row]:
    """Return no row without the twin of reference: there are no patterns then."""
    if not material.comparisons(material.reference):
        return []
    by_rank = {
        layer: {name: parallel_forms(some[name].core) for name in ("neurons", material.reference)}
        for layer, some in material.layers.items()
    }
    wanted = {"ranks": by_rank, "texts": material.halves}
    sizes = {forms: _neurons(layers) for forms, layers in wanted.items()}
    total, done = sum(sizes.values()), 0
    rows: list[Row] = []
    with stage("retest", "neurons") as report:
        for forms, layers in wanted.items():
            given = (layers, material.spaces, material.partition)
            verb = partial(retest_rows, *given, reference=material.reference, seed=material.seed, norms=material.norms)
            rows += verb(forms=forms, progress=partial(_tell, report, done, total)) if layers else []
            done += sizes[forms]
    return rows


def _neurons(layers: Mapping[int, Mapping[str, Forms]]) -> int:
    """Return how many neurons and twins two forms have, each form by itself."""
    return sum(len(core) for some in layers.values() for forms in some.values() for core in forms)


def _table(comparisons: list[Comparison], tests: Tests) -> np.ndarray | None:
    """Return every p of a population, (N, C); None when it was not studied."""
    return np.concatenate([table_of_p(one, tests) for one in comparisons]) if comparisons else None


def _beside(row: Row, tests: Tests, tables: Mapping[str, np.ndarray | None]) -> Row:
    """Return the shares of p at or below the row's level in the cloud and in the study's populations."""
    column = [test.name for test in tests].index(row["test"])
    return {
        f"share_{name}": float("nan") if p is None else float(shares_at(p[:, [column]], row["level"])[0])
        for name, p in tables.items()
    }
