"""varying: a study on disk -> its numbers under every specification, and these to disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl
import tomli_w

from intraneuron.calibrating import study_key
from intraneuron.choices import RobustnessConfig
from intraneuron.choosing import Choice
from intraneuron.config import SpaceConfig
from intraneuron.errors import DataError, StudyError
from intraneuron.files import atomic, without_none, writing
from intraneuron.manifest import versions
from intraneuron.models.vocabulary import spelling_of
from intraneuron.offering import Offered
from intraneuron.pipeline.robust import Found, Pair, choice_rows, conclusions, specification_rows
from intraneuron.pipeline.specifications import Selection, Specifications
from intraneuron.pipeline.vary import Chosen, Varied
from intraneuron.place import ROBUSTNESS, check_writable, to_make, unmake
from intraneuron.plain import plain
from intraneuron.progress import Progress, Report
from intraneuron.reselecting import Reselected
from intraneuron.spaces import read_norms
from intraneuron.store import StudyFolder

FOLDER = "robustness"
"""Where in a study its robustness goes when nobody says otherwise."""

_WORK = ".varying"
"""Holds what is being written, until all of it is there."""

TABLES = ("specifications", "conclusions", "choices")

Row = dict[str, Any]


@dataclass(frozen=True)
class Robustness:
    """A study's numbers under every specification, in tables of rows (columns: ``docs/formats.md``).

    Attributes
    ----------
    specifications, conclusions, choices : rows
    facts : dict
        How many specifications, the twin, how many neurons were asked for, ``taken`` of the largest layer ``of`` which
        there are so many, and the layers.
    remarks : list of str
        What was left out and why.
    """

    specifications: list[Row]
    conclusions: list[Row]
    choices: list[Row]
    facts: dict[str, Any]
    remarks: list[str]

    @property
    def said(self) -> str:
        """What was computed, in a sentence."""
        facts, layers = self.facts, len(self.facts["layers"])
        each = f"all neurons of a layer and its {facts['twin']} twins."
        if facts["taken"] < facts["of"]:
            each = (
                f"{facts['taken']:,} of a layer's {facts['of']:,} neurons and as many of its {facts['twin']} twins, "
                "with intervals for what other ones would have given (--neurons 0: all)."
            )
        count, s = facts["specifications"], ("s", "")
        many = f"{count:,} specification{s[count == 1]} of {facts['model']}, {layers} layer{s[layers == 1]}"
        return f"{many}: means over {each}"

    def tables(self) -> dict[str, Any]:
        """Return everything by name."""
        return {name: getattr(self, name) for name in (*TABLES, "facts", "remarks", "said")}

    @property
    def table(self) -> pl.DataFrame:
        """The specifications as a frame."""
        return pl.DataFrame(self.specifications, infer_schema_length=None)


def vary_study(
    folder: StudyFolder,
    out: Path,
    config: RobustnessConfig,
    progress: Progress | None = None,
    *,
    last: Callable[[Robustness, Path], None] = lambda made, to: None,
) -> Robustness:
    """Compute a finished study's numbers under every specification, and write the tables into a folder.

    What is there is replaced when everything is made. ``last`` writes what else goes into the folder.

    Raises
    ------
    StudyError
        When the study is not finished or has no twin of reference, or the folder cannot be written.
    SettingError
        When no specification is left.
    DataError
        When no neuron can be tested under any of them.
    """
    check_writable(out)
    offered = Offered(folder)
    choice = Choice(offered, config)
    chosen = choice.specifications()
    found = _Study(offered, chosen, config.neurons).found(progress or Progress())
    rows = specification_rows(found, chosen, _own_row(offered))
    if not any(row["n"] and row["n_twin"] for row in rows):
        msg = (
            f"No neuron and {offered.reference} twin of the study in {folder.path} can be tested under any of these "
            "specifications. Give more core tokens, or other further choices."
        )
        raise DataError(msg)
    if study_key(StudyFolder.open(folder.path)) != study_key(folder):
        msg = f"The study in {folder.path} was changed while it was read. Run the same command again."
        raise StudyError(msg)
    facts = {
        "specifications": len(chosen),
        "twin": offered.reference,
        "layers": list(offered.layers),
        "neurons": config.neurons,
        **_largest(found),
        "model": offered.summary["model"],
        "mode": offered.summary["mode"],
    }
    made = Robustness(rows, conclusions(rows, offered.summary["claims"]), choice_rows(rows), facts, choice.remarks())
    with staged(out) as new:
        _write(folder, new, config, made)
        last(made, new)
    return made


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """Give a folder to write into; when the block ends well, its files take the place of those that are there."""
    new = out / _WORK
    with writing(out):
        made = to_make(out)
        shutil.rmtree(new, ignore_errors=True)  # of a run that was killed
        try:
            new.mkdir(parents=True)
            yield new
            for name in ROBUSTNESS:
                if (new / name).exists():
                    (new / name).replace(out / name)
        finally:
            shutil.rmtree(new, ignore_errors=True)
            unmake(made)


def _write(folder: StudyFolder, out: Path, config: RobustnessConfig, made: Robustness) -> None:
    """Write the tables, and how they were made."""
    for name in TABLES:
        frame = pl.DataFrame(getattr(made, name), infer_schema_length=None)
        folder.write(out / f"{name}.parquet", frame)
        with atomic(out / f"{name}.csv") as temporary:
            frame.write_csv(temporary)
    settings = {
        "robustness": asdict(config),
        "facts": made.facts | {"remarks": made.remarks},
        "study": {"settings": folder.manifest["settings"], "key": study_key(folder)},
        "versions": versions(),
    }
    with atomic(out / "settings.toml") as file:
        file.write_bytes(tomli_w.dumps(without_none(plain(settings))).encode())


def _largest(found: Found) -> dict[str, int]:
    """Return how many neurons were taken of the largest layer, and how many it has."""
    every = [pair.neurons for layers in found.values() for pair in layers.values()]
    most = max(every, key=lambda one: one.population)
    return {"taken": most.taken, "of": most.population}


def _own_row(offered: Offered) -> Callable[[Row], bool]:
    """Return what tells whether a row's choices are the study's own, as far as its number depends on them."""
    space, partition = offered.own_space, offered.own_partition
    own = {"space": "file" if space.file else space.space, "center": space.center}
    own |= {"segments": partition.segments, "categories": partition.categories} | asdict(offered.own_selection)
    return lambda row: all(row[name] in (None, value) for name, value in own.items())


class _Study:
    """What is computed of a study: its core tokens under each selection, in each space, layer by layer."""

    def __init__(self, offered: Offered, chosen: Specifications, neurons: int) -> None:
        self._offered, self._chosen = offered, chosen
        self._reselected = Reselected(offered, neurons)
        self._spelling = spelling_of(offered.vocabulary)
        self._norms = read_norms(offered.folder)
        self._total, self._done = 0, 0

    def found(self, progress: Progress) -> dict[tuple[SpaceConfig, Selection], dict[int, Pair]]:
        """Return all estimates, by space and selection, by layer."""
        chosen = self._chosen
        out: dict[tuple[SpaceConfig, Selection], dict[int, Pair]] = {
            (space, selection): {} for selection in chosen.every for space in chosen.spaces
        }
        with progress.stage("specifications", "neurons") as report:
            for index, layer in enumerate(self._offered.layers):
                for selection, pair in self._reselected.pairs(layer, chosen.every):
                    for space, estimates in self._estimates(index, selection, pair, report):
                        out[space, selection][layer] = estimates
            report(self._total, self._total)
        return out

    def _estimates(
        self, index: int, selection: Selection, pair: tuple[Chosen, Chosen], report: Report
    ) -> Iterator[tuple[SpaceConfig, Pair]]:
        chosen, layers = self._chosen, self._offered.layers

        def told(done: int) -> None:
            self._done += done
            report(self._done, max(self._total, self._done + 1))

        neurons, twin = (Varied(one, *chosen.partitions(selection), self._spelling, self._norms) for one in pair)
        if not self._total:  # of the first selection; the others have about as many rows
            self._total = (neurons.rows + twin.rows) * len(chosen.spaces) * len(chosen.every) * len(layers)
        for config in chosen.spaces:
            space = self._offered.space(config, layers[index])
            yield config, Pair(neurons.estimate(space, told), twin.estimate(space, told), pair[0].texts)
