"""Progress on stderr: a bar a stage in a terminal, a line a stage elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as RichProgress,
)

from intraneuron.commands.stopping import stop_if_pressed
from intraneuron.data.display import plain
from intraneuron.progress import Progress, Report

if TYPE_CHECKING:
    from intraneuron.planned import Planned


def progress_on(console: Console, *, quiet: bool) -> Bars:
    """Return progress on a console, or, when it is to be quiet, on one that nobody sees."""
    return Bars(Console(quiet=True) if quiet else console)


class Bars(Progress):
    """A bar with rate and time left a stage; without a terminal, a line when a stage is done."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def loading(self, what: str) -> Iterator[None]:
        """Show, in a terminal, that something is being loaded, before the libraries that load it are."""
        if not self.console.is_terminal:
            yield
            return
        columns = (TextColumn(f"{'load':<19}"), BarColumn(bar_width=30), TextColumn(plain(what)), TimeElapsedColumn())
        with RichProgress(*columns, console=self.console, transient=True) as bars:
            bars.add_task("load", total=None)
            yield

    def begin(self, plan: Planned, path: Path, todo: Mapping[str, tuple[int, ...]]) -> None:
        """Say what will be done, and what it will roughly cost."""
        from intraneuron.commands.words import announce  # with the libraries that a plan needs

        stop_if_pressed()
        announce(self.console, plan, path, todo)

    @contextmanager
    def stage(self, name: str, unit: str) -> Iterator[Report]:
        """Show one stage."""
        began = time.monotonic()
        amount = 0
        if not self.console.is_terminal:

            def note(done: int, total: int) -> None:
                nonlocal amount
                stop_if_pressed()
                amount = done

            yield note
        else:
            columns = (
                TextColumn(f"{name:<19}"),
                BarColumn(bar_width=30),
                TaskProgressColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
            )
            with RichProgress(*columns, console=self.console) as bars:
                task = bars.add_task(name, total=None, rate="")

                def draw(done: int, total: int) -> None:
                    nonlocal amount
                    stop_if_pressed()
                    amount = done
                    speed = done / max(time.monotonic() - began, 1e-3)
                    bars.update(task, completed=done, total=total, rate=f"{speed:,.0f} {unit}/s")

                yield draw
            return
        seconds = time.monotonic() - began
        counted = unit.removesuffix("s") if amount == 1 else unit
        self.console.print(f"{name}: {amount:,} {counted} in {seconds:.1f} s", highlight=False)

    def say(self, message: str) -> None:
        """Print a remark."""
        self.console.print(message, style="yellow", highlight=False, soft_wrap=True, markup=False)
