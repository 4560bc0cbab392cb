"""Study folders: the only code that writes or reads a study's files. Writes are atomic."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import tomli_w

from intraneuron.data import QUESTIONS, Comparison, CoreTokens, Effect, Partition, Space, Vocabulary
from intraneuron.errors import StudyError
from intraneuron.files import atomic, reading, without_none, writing
from intraneuron.manifest import SUMMARY, check_same, damaged, joined, lacking, missing_keys, same_identity, versions
from intraneuron.place import (
    drop_aside,
    has_aside,
    has_study,
    is_interrupted,
    make_room,
    put_back,
    recover,
)
from intraneuron.plain import plain
from intraneuron.space_files import read_study_space, space_file, write_vectors
from intraneuron.tables import (
    read_core_tokens_table,
    read_effect_table,
    read_partition_table,
    read_profile_table,
    read_vocabulary_table,
)

if TYPE_CHECKING:
    from intraneuron.pipeline.results import Population

FORMAT = 1
"""Version of the folder's layout; a study of another version is refused."""

DEFAULT_ROOT = Path("intraneuron-studies")
"""Where studies go when nobody says otherwise."""


@dataclass(frozen=True)
class Stage:
    """One step of a study: what it needs, where it writes, which settings it depends on."""

    name: str
    inputs: tuple[str, ...]
    output: str
    settings: tuple[str, ...]
    sentence: str
    method: int = 1
    """Raised when the stage's numbers change: studies made before then do it, and what needs it, again."""


STAGES = (
    Stage("observe", (), "core_tokens", ("observe",), "run the model and keep each neuron's core tokens", method=4),
    Stage("contexts", ("observe",), "contexts", ("contexts",), "quote the texts: where it is most active, and zones"),
    Stage("categorize", ("observe",), "categories", ("space", "categories"), "group core tokens by meaning"),
    Stage("segment", ("observe",), "segments", ("segments",), "cut the activation axis into zones"),
    Stage("compare", ("categorize", "segment"), "effects", (), "test zones against meaning", method=6),
    Stage("intervals", ("categorize", "segment"), "jackknife", (), "leave out groups of tokens", method=5),
    Stage("full_range", ("observe",), "percentiles", ("space", "full_range"), "all tokens, by percentile"),
    Stage("summarize", ("compare", "intervals", "full_range"), "summary.json", ("layers",), "set side by side", 3),
    Stage("report", ("summarize", "contexts"), "report.html", (), "write the report"),
)
"""The stages of a study, in order; the command line, resuming and the docs read this table."""


METHODS = {stage.name: stage.method for stage in STAGES}


@dataclass(frozen=True)
class StudyFolder:
    """A study on disk (``docs/formats.md`` lists its files)."""

    path: Path
    manifest: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def create(cls, path: Path, manifest: dict[str, Any], *, overwrite: bool) -> StudyFolder:
        """Make a study folder, or go on with the one that is there; for a run that holds its lock.

        A study that is to be replaced waits inside the folder until :meth:`settle`. One that replaces it and was
        stopped goes on, if it is of the same things and settings.

        Raises
        ------
        StudyError
            When the place holds something else, another study, or cannot be written.
        """
        path = Path(path)
        if has_study(path):
            recover(path)
            if not overwrite or goes_on(path, manifest):
                return cls.open(path).adopt(manifest)
            make_room(path)
        replaces = {"replaces": True} if overwrite or has_aside(path) else {}
        empty: dict[str, Any] = {"format": FORMAT, "stages": {}, "observation": {}}
        folder = cls(path, manifest | empty | replaces)
        try:
            with writing(path):
                path.mkdir(parents=True, exist_ok=True)
            folder.write_manifest()
        except StudyError:
            if has_aside(path):
                put_back(path)
            raise
        return folder

    @classmethod
    def open(cls, path: Path) -> StudyFolder:
        """Open a study.

        Raises
        ------
        StudyError
            When there is none, it is damaged, or it was written in another layout.
        """
        path = Path(path)
        file = path / "manifest.toml"
        with reading(path):
            if path.is_file():
                msg = f"There is no study in {path}: it is a file. Name a study's folder."
                raise StudyError(msg)
            if not file.is_file() and is_interrupted(path):
                msg = (
                    f"The study in {path} was being moved when its run was killed. Run its study command again: it "
                    "puts everything back."
                )
                raise StudyError(msg)
            if not file.is_file():
                msg = f"There is no study in {path} (no manifest.toml). Run: intraneuron study MODEL --out {path}"
                raise StudyError(msg)
        try:
            with reading(file):
                manifest = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            msg = f"{file} is damaged ({error}). Run the study again with --overwrite."
            raise StudyError(msg) from error
        if manifest.get("format") != FORMAT:
            msg = (
                f"{path} was written in layout {manifest.get('format')}, this version reads {FORMAT}. "
                "Run the study again with --overwrite, or install the version in its manifest."
            )
            raise StudyError(msg)
        absent = lacking(manifest)
        if absent:
            msg = f"{file} is damaged (it lacks {', '.join(absent)}). Run the study again with --overwrite."
            raise StudyError(msg)
        return cls(path, manifest)

    def adopt(self, manifest: dict[str, Any]) -> StudyFolder:
        """Take new settings over, if they are of the same observation."""
        check_same(self.path, self.manifest["identity"], manifest["identity"])
        names = ("format", "stages", "observation", "versions", "replaces", "texts")
        return StudyFolder(self.path, manifest | {n: self.manifest[n] for n in names if n in self.manifest})

    def write_manifest(self) -> None:
        """Write the manifest."""
        with atomic(self.path / "manifest.toml") as file:
            file.write_bytes(tomli_w.dumps(without_none(self.manifest)).encode())

    def settle(self) -> None:
        """Drop the study that this one replaces: it is finished."""
        if self.manifest.pop("replaces", False):
            self.write_manifest()
        drop_aside(self.path)

    # Stages -------------------------------------------------------------------------------------------------

    def done(self, stage: str, key: str) -> set[int]:
        """Return the layers that a stage finished with these settings."""
        state = self.manifest["stages"].get(stage, {})
        return set(state.get("layers", ())) if state.get("key") == key else set()

    def finish(self, stage: str, key: str, layers: set[int]) -> None:
        """Record that a stage finished some layers with these settings and the present versions."""
        done, stages = self.done(stage, key), self.manifest["stages"]
        before = stages[stage].get("versions", {}) if done else {}
        made = {"key": key, "method": METHODS[stage], "layers": sorted(done | layers)}
        stages[stage] = made | {"versions": joined(before, versions())}
        # In one order, whichever stage a run that was killed had come to: the same study, the same bytes.
        self.manifest["stages"] = stages = {name: stages[name] for name in METHODS if name in stages}
        self.manifest["versions"] = joined(*(state.get("versions", {}) for state in stages.values()))
        self.write_manifest()

    def forget(self, stage: str, key: str, layers: Collection[int]) -> None:
        """Record that layers of a stage are about to be made (again): their tables may be half old, half new."""
        left = sorted(self.done(stage, key) - set(layers))
        state = self.manifest["stages"].pop(stage, {})
        if left:
            self.manifest["stages"][stage] = state | {"layers": left}

    # Files --------------------------------------------------------------------------------------------------

    def layer_file(self, table: str, layer: int) -> Path:
        """Return the path of a table of one layer, e.g. ``neurons/core_tokens``."""
        return self.path / table / f"layer-{layer:02d}.parquet"

    def write(self, file: Path, frame: pl.DataFrame) -> None:
        """Write a table as Parquet."""
        with atomic(file) as temporary:
            try:
                frame.write_parquet(temporary, compression="zstd")
            except pl.exceptions.PolarsError as error:
                raise OSError(str(error)) from error

    def read(self, file: Path, pick: Callable[[pl.LazyFrame], pl.LazyFrame] | None = None) -> pl.DataFrame:
        """Read a table, or the rows and columns of it that ``pick`` picks.

        Raises
        ------
        StudyError
            When it is missing or damaged.
        """
        with reading(file):
            if not file.is_file():
                msg = f"The study in {self.path} has no {file.relative_to(self.path)}. Run its study command again."
                raise StudyError(msg)
        try:
            with reading(file):
                if pick is None:
                    return pl.read_parquet(file, memory_map=False, glob=False)
                return pick(pl.scan_parquet(file, glob=False)).collect()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise damaged(file, error) from error

    def read_all(self, files: Sequence[Path], pick: Callable[[pl.LazyFrame], pl.LazyFrame]) -> list[pl.DataFrame]:
        """Read rows and columns of several tables at once; as :meth:`read`, which names the one that cannot be read."""
        try:
            return pl.collect_all([pick(pl.scan_parquet(file, glob=False)) for file in files])
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
            return [self.read(file, pick) for file in files]

    def write_json(self, name: str, value: Any) -> None:
        """Write plain data as JSON; NaN becomes null."""
        with atomic(self.path / name) as temporary:
            temporary.write_text(json.dumps(plain(value), indent=1, ensure_ascii=False), encoding="utf-8")

    def read_json(self, name: str) -> Any:
        """Read a JSON file of the study."""
        file = self.path / name
        with reading(file):
            if not file.is_file():
                msg = f"The study in {self.path} has no {name}: it is not finished. Run its study command again."
                raise StudyError(msg)
            text = file.read_bytes()
        try:
            return json.loads(text)
        except ValueError as error:
            raise damaged(file, error) from error

    def summary(self) -> dict[str, Any]:
        """Read the layer- and model-level numbers."""
        found = self.read_json("summary.json")
        absent = missing_keys(found, SUMMARY)
        if absent:
            raise damaged(self.path / "summary.json", f"it lacks {', '.join(absent)}")
        return dict(found)

    def withdraw(self, *names: str) -> None:
        """Remove files that are about to be made again."""
        with writing(self.path):
            for name in names:
                (self.path / name).unlink(missing_ok=True)

    def write_space(self, space: Space, layer: int | None = None, *, short: bool = False) -> None:
        """Write a space's unit vectors, so that later stages need no model; one of a layer always in float16."""
        write_vectors(self.path / space_file(space.name, layer), space, short=short or layer is not None)

    def read_space(self, name: str, layer: int | None = None) -> Space:
        """Read a space, or that of a layer."""
        return read_study_space(self.path, name, layer)

    # Nouns --------------------------------------------------------------------------------------------------

    def vocabulary(self) -> Vocabulary:
        """Read the vocabulary."""
        return read_vocabulary_table(self.read(self.path / "vocabulary.parquet"))

    def core_tokens(self, population: str, layer: int) -> CoreTokens:
        """Read core tokens."""
        return read_core_tokens_table(self.read(self.layer_file(f"{population}/core_tokens", layer)))

    def halves(self, population: str, layer: int) -> tuple[CoreTokens, CoreTokens]:
        """Read the core tokens that each half of the text selected, for sampled neurons."""
        frame = self.read(self.layer_file(f"halves/{population}/core_tokens", layer))
        core = read_core_tokens_table(frame)
        return core[frame["half"].to_numpy() == 0], core[frame["half"].to_numpy() == 1]

    def partition(self, population: str, layer: int, by: str) -> Partition:
        """Read categories (``by="meaning"``) or segments (``by="activation"``)."""
        table = "categories" if by == "meaning" else "segments"
        frame = self.read(self.layer_file(f"{population}/{table}", layer))
        return read_partition_table(frame, by, self.manifest["settings"]["partition"][table])

    def effect(self, population: str, layer: int, question: str) -> Effect:
        """Read what one question found."""
        return read_effect_table(self.read(self.layer_file(f"{population}/effects/{question}", layer)), question)

    def comparison(self, population: str, layer: int) -> Comparison:
        """Read all effects and the profile."""
        effects = {question: self.effect(population, layer, question) for question in QUESTIONS}
        frame = self.read(self.layer_file(f"{population}/profile", layer))
        return Comparison(effects, *read_profile_table(frame))

    def population(self, name: str, layer: int) -> Population:
        """Read all that is known of a layer's neurons or twins."""
        from intraneuron.pipeline.results import Population

        return Population(
            self.core_tokens(name, layer),
            self.partition(name, layer, "meaning"),
            self.partition(name, layer, "activation"),
            self.comparison(name, layer),
        )


def goes_on(path: Path, manifest: dict[str, Any]) -> bool:
    """Tell whether a study that replaces another, and was stopped, is the one that is wanted."""
    try:
        have = StudyFolder.open(path).manifest
    except StudyError:  # damaged, or of another layout
        return False
    same = same_identity(have["identity"], manifest["identity"])
    return bool(have.get("replaces")) and same and have["settings"] == without_none(manifest["settings"])
