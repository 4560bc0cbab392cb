"""What a run tells its caller as it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intraneuron.planned import Planned

Report = Callable[[int, int], None]
"""Called with the work done so far and the whole work of a stage."""


class Progress:
    """What a run tells its caller; this one keeps silent."""

    def begin(self, plan: Planned, path: Path, todo: Mapping[str, tuple[int, ...]]) -> None:
        """Announce a run in a folder that takes it: the stages that it will do, each with its layers."""

    @contextmanager
    def stage(self, name: str, unit: str) -> Iterator[Report]:
        """Announce a stage; the block calls the yielded function as it goes."""
        del name, unit
        yield lambda done, total: None

    def say(self, message: str) -> None:
        """Pass a remark on."""
