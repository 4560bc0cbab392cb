"""Work: one stage to do, as the engine hands it to the stage's verb."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from intraneuron.config import DEALT_TWINS, OWN_TWINS, OwnTwin, SpaceConfig, Twin
from intraneuron.pipeline.numbers import reference_in
from intraneuron.planned import Planned
from intraneuron.progress import Progress
from intraneuron.store import StudyFolder

P = TypeVar("P", bound=Planned, covariant=True)


@dataclass(frozen=True)
class Work(Generic[P]):
    """One stage to do: for which layers, with which settings, into which folder.

    Most stages take the work of any plan; those that run a model take ``Work[Plan]``.
    """

    folder: StudyFolder
    plan: P
    layers: tuple[int, ...]
    progress: Progress
    stage: str
    keys: Mapping[str, str]

    def finish(self, layer: int, *stages: str) -> None:
        """Record that this stage, or those named, finished a layer."""
        for stage in stages or (self.stage,):
            self.folder.finish(stage, self.keys[stage], {layer})

    @property
    def twins(self) -> tuple[Twin, ...]:
        """Twins of this study."""
        return tuple(self.plan.config.twin.twins)

    @property
    def observed(self) -> tuple[str, ...]:
        """Populations with core tokens of their own."""
        return ("neurons", *self.own_twins)

    @property
    def own_twins(self) -> tuple[OwnTwin, ...]:
        """Twins with core tokens of their own."""
        return tuple(twin for twin in OWN_TWINS if twin in self.twins)

    @property
    def dealt(self) -> tuple[Twin, ...]:
        """Twins with the core tokens of their neurons."""
        return tuple(twin for twin in DEALT_TWINS if twin in self.twins)

    @property
    def populations(self) -> tuple[str, ...]:
        """All populations, neurons first."""
        return ("neurons", *self.twins)

    @property
    def reference(self) -> str:
        """The twin that neurons are judged by, wanted or not."""
        return reference_in(self.plan.mode)

    def space_name(self, population: str = "neurons") -> str:
        """Return the space of a population: that of the study, but the untrained model has its own."""
        return space_name_of(self.plan.config.space, population)

    def n_rows(self, populations: Sequence[str]) -> int:
        """Return how many rows populations have in the layers of this stage, at most."""
        return sum(self.plan.n_rows(name, layer) for name in populations for layer in self.layers)


def space_name_of(space: SpaceConfig, population: str) -> str:
    """Return what the space of a population is called: the untrained model has its own.

    >>> space_name_of(SpaceConfig(), "untrained")
    'untrained-input'
    """
    return f"untrained-{space.full_name}" if population == "untrained" else space.full_name
