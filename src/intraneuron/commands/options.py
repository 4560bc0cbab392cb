"""Options that several commands have: settings, each under its own name."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from intraneuron.config import ObserveConfig, PartitionConfig, RunConfig, SpaceConfig, StudyConfig, TwinConfig

FLAT = Parameter(name="*")
"""The fields of a settings class as options of the command."""

Observe = Annotated[ObserveConfig, FLAT]
Space = Annotated[SpaceConfig, FLAT]
Partition = Annotated[PartitionConfig, FLAT]
Twin = Annotated[TwinConfig, FLAT]
Run = Annotated[RunConfig, FLAT]

STUDY, RUN = StudyConfig(), RunConfig()
"""What holds for options that are not given."""
