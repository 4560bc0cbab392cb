"""Plan a study of published lists: check every setting; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from intraneuron.checking import check
from intraneuron.config import (
    MIN_TOKENS,
    PUBLISHED,
    FetchConfig,
    ImportConfig,
    ObserveConfig,
    PartitionConfig,
    RunConfig,
    SpaceConfig,
    StudyConfig,
    TwinConfig,
    VectorsConfig,
)
from intraneuron.data import CoreTokens, Norms, Space, Vocabulary, neuron_name
from intraneuron.errors import SettingError
from intraneuron.given import GivenNorms, hashes, read_given_norms, recorded
from intraneuron.planning import check_place, layers_of
from intraneuron.settings import check_names, check_types, listed
from intraneuron.sources.fetching import Stage, silent
from intraneuron.sources.neuronpedia import read_neuronpedia, source_name
from intraneuron.sources.published import Published
from intraneuron.sources.table import read_published_table
from intraneuron.store import DEFAULT_ROOT

_LISTS = ("layers", "twins")

LEAST_READOUTS, MOST_READOUTS = 500, 2000
"""Random directions a layer: as many as it has lists, but not fewer or more than these."""


@dataclass(frozen=True)
class ImportPlan:
    """A study of published lists before it starts: they are read, the settings are checked."""

    source: Published
    config: StudyConfig
    run: RunConfig
    layers: tuple[int, ...]
    mode: str = PUBLISHED
    given_norms: GivenNorms | None = None

    @property
    def name(self) -> str:
        """The source as the user wrote it."""
        return self.source.name

    @property
    def identity(self) -> dict[str, Any]:
        """What makes it this study and no other."""
        return {"name": self.name, "lists": self.source.lists, "vectors": self.source.vectors, "mode": self.mode}

    @property
    def context(self) -> int | None:
        """None: there is no text."""
        return None

    @property
    def files(self) -> Mapping[str, str]:
        """Hashes of the files that settings name, by setting; the lists' files are in the identity."""
        return hashes(None, self.given_norms)

    @property
    def default_folder(self) -> Path:
        """Where the study goes when nobody says otherwise."""
        return import_folder(self.name)

    @property
    def vocabulary(self) -> Vocabulary:
        """Every word that has a vector."""
        return self.source.vocabulary

    @property
    def n_layers(self) -> int:
        """Layers up to the last one that has a list."""
        return max(self.source.cores) + 1

    @property
    def reads(self) -> str:
        """What is read, in words."""
        return f"published lists, and vectors of {int(self.source.space.defined.sum()):,} words (no model)"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was found of the lists in the vectors, and what left."""
        return self.source.notes + (() if self.given_norms is None else (self.given_norms.said,))

    def n_neurons(self, layer: int) -> int:
        """Return how many neurons of a layer have a list."""
        core = self.source.cores.get(layer)
        return 0 if core is None else len(core)

    def n_rows(self, population: str, layer: int) -> int:
        """Return how many rows a population has: of random directions enough that 5 % of them are a few dozen."""
        lists = self.n_neurons(layer)
        return min(max(lists, LEAST_READOUTS), MOST_READOUTS) if population == "readout" else lists

    def core_tokens(self, layer: int) -> CoreTokens:
        """Return the lists of a layer, K tokens wide."""
        return self.source.core_tokens(layer, self.config.observe.core_tokens)

    def input_space(self) -> Space:
        """Return the words' unit vectors."""
        return self.source.space

    def space_of(self, population: str) -> Space:
        """Return the words' unit vectors, centred when asked; all populations have them."""
        del population
        space = self.source.space
        return space.centered(~self.vocabulary.special) if self.config.space.center else space

    def further_spaces(self) -> Iterator[Space]:
        """Yield nothing: there are the words' vectors alone."""
        yield from ()

    @property
    def file_space(self) -> None:
        """None: the words' vectors are the lists' own."""
        return None

    @property
    def norms(self) -> Norms | None:
        """The categories of ``--categories norms:FILE``; None with others."""
        return None if self.given_norms is None else self.given_norms.norms

    def manifest(self) -> dict[str, Any]:
        """Return everything that a later reader needs to know where the numbers come from."""
        return {
            "identity": self.identity,
            "model": {
                "name": self.name,
                "layers": self.n_layers,
                "neurons": [self.n_neurons(layer) for layer in range(self.n_layers)],
            },
            PUBLISHED: {
                "command": list(self.source.command),
                "first": neuron_name(self.layers[0], int(self.source.cores[self.layers[0]].neuron[0])),
                "notes": list(self.source.notes),
                **self.source.facts,
            },
            "settings": asdict(self.config) | {"layers": list(self.layers), "mode": self.mode},
            "run": {},
            **recorded(None, self.given_norms),
        }


def plan_table(
    file: str, words: VectorsConfig, settings: ImportConfig, *, out: Path | None, overwrite: bool
) -> ImportPlan:
    """Plan a study of the core tokens in a table; what will not do is told before anything long is read.

    Raises
    ------
    IntraneuronError
        For anything that the user can put right.
    """
    config = study_config(settings)
    check_place(out or import_folder(file), overwrite=overwrite)
    return plan_import(read_published_table(file, words), config)


def plan_neuronpedia(
    sources: Sequence[str],
    words: VectorsConfig,
    fetch: FetchConfig,
    settings: ImportConfig,
    *,
    out: Path | None,
    overwrite: bool,
    stage: Stage = silent,
) -> ImportPlan:
    """Plan a study of features of Neuronpedia; ``stage`` announces what is fetched.

    Raises
    ------
    IntraneuronError
        For anything that the user can put right.
    """
    if not sources:
        msg = "SOURCE must name at least one file, folder or MODEL/LAYER/INDEX, got none."
        raise SettingError(msg)
    config = study_config(settings)
    check_place(out or import_folder(source_name(sources)), overwrite=overwrite)
    return plan_import(read_neuronpedia(sources, words, fetch, stage=stage), config)


def import_folder(name: str) -> Path:
    """Return where a study of a source goes when nobody says otherwise."""
    stem = Path(name).name.removesuffix(".csv").removesuffix(".tsv").removesuffix(".parquet")
    return DEFAULT_ROOT / f"{stem or 'lists'}-{PUBLISHED}"


def import_config(given: Mapping[str, Any]) -> ImportConfig:
    """Return the settings of a study of published lists from keyword arguments.

    Raises
    ------
    SettingError
        For a name that there is not, or a value that cannot be used.

    >>> import_config({"layers": [0, 1], "center": True}).layers
    (0, 1)
    """
    check_names(given, [f.name for f in fields(ImportConfig)])
    told = {name: listed(value) if name in _LISTS and value is not None else value for name, value in given.items()}
    config = ImportConfig(**told)
    check_types(config, given)
    return config


def study_config(config: ImportConfig, space: str = "vectors") -> StudyConfig:
    """Return the settings as those of a study.

    Raises
    ------
    SettingError
        When one of them cannot be used.
    """
    observe = ObserveConfig(layers=config.layers, mode=PUBLISHED, core_tokens=config.core_tokens, seed=config.seed)
    out = StudyConfig(
        observe,
        SpaceConfig(space, config.center),
        PartitionConfig(config.categories, config.segments),
        TwinConfig(config.twins),
    )
    check(out, RunConfig())
    return out


def plan_import(source: Published, config: StudyConfig) -> ImportPlan:
    """Plan a study of published lists.

    Raises
    ------
    SettingError
        For a layer that has no list, or a twin that the lists do not bear.
    """
    layers = layers_of(config, tuple(source.cores), source.name)
    if "frequency" in config.twin.twins and not source.counted:
        msg = (
            f"twins (--twins) frequency needs the count of every token, and {source.name} does not have it. "
            "Add a column count, or leave frequency out."
        )
        raise SettingError(msg)
    width = max(MIN_TOKENS, min(config.observe.core_tokens, source.longest))
    norms = read_given_norms(config.partition, source.vocabulary, source.name)
    return ImportPlan(source, _resolved(config, layers, width), RunConfig(), layers, given_norms=norms)


def _resolved(config: StudyConfig, layers: tuple[int, ...], width: int) -> StudyConfig:
    """Return the settings with the layers that they come to, and K no longer than the longest list."""
    return replace(config, observe=replace(config.observe, layers=layers, core_tokens=width))
