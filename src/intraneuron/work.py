"""Work: one stage to do, as the engine hands it to the stage's verb."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from intraneuron.planning import Plan, Progress
from intraneuron.store import StudyFolder


@dataclass(frozen=True)
class Work:
    """One stage to do: for which layers, with which settings, into which folder."""

    folder: StudyFolder
    plan: Plan
    layers: tuple[int, ...]
    progress: Progress
    stage: str
    keys: Mapping[str, str]

    def finish(self, layer: int, *stages: str) -> None:
        """Record that this stage, or those named, finished a layer."""
        for stage in stages or (self.stage,):
            self.folder.finish(stage, self.keys[stage], {layer})

    @property
    def twins(self) -> tuple[str, ...]:
        """Twins of this study."""
        return tuple(self.plan.config.twin.twins)

    @property
    def observed(self) -> tuple[str, ...]:
        """Populations that the model was run for."""
        return ("neurons", *self.rotated)

    @property
    def rotated(self) -> tuple[Literal["rotated"], ...]:
        """The rotated twin, if it is wanted."""
        return ("rotated",) if "rotated" in self.twins else ()

    @property
    def populations(self) -> tuple[str, ...]:
        """All populations, neurons first."""
        return ("neurons", *self.twins)

    @property
    def space_name(self) -> str:
        """The space of this study."""
        return self.plan.config.space.full_name

    def n_neurons(self) -> int:
        """Return how many neurons the layers of this stage have."""
        return sum(self.plan.model.sites[layer].n_neurons for layer in self.layers)
