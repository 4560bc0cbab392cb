"""Study folders: the only code that writes or reads a study's files. Writes are atomic."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import tomli_w

from intraneuron.data import CoreTokens, Partition, Space, Vocabulary
from intraneuron.errors import StudyError
from intraneuron.pipeline.compare import QUESTIONS, Comparison
from intraneuron.pipeline.results import Population
from intraneuron.plain import plain
from intraneuron.tables import (
    read_core_tokens_table,
    read_effect_table,
    read_partition_table,
    read_profile_table,
    read_vocabulary_table,
)

FORMAT = 1
"""Version of the folder's layout; a study of another version is refused."""

DEFAULT_ROOT = Path("intraneuron-studies")


@dataclass(frozen=True)
class Stage:
    """One step of a study: what it needs, where it writes, which settings it depends on."""

    name: str
    inputs: tuple[str, ...]
    output: str
    settings: tuple[str, ...]
    sentence: str


STAGES = (
    Stage("observe", (), "core_tokens", ("observe",), "run the model and keep each neuron's core tokens"),
    Stage("categorize", ("observe",), "categories", ("space", "categories"), "group core tokens by meaning"),
    Stage("segment", ("observe",), "segments", ("segments",), "cut the activation axis into zones"),
    Stage("compare", ("categorize", "segment"), "effects", (), "test zones against meaning"),
    Stage("intervals", ("categorize", "segment"), "jackknife", (), "leave out groups of tokens"),
    Stage("summarize", ("compare", "intervals"), "results.parquet, summary.json", ("layers",), "set side by side"),
    Stage("report", ("summarize",), "report.html", (), "write the report"),
)
"""The stages of a study, in order; the command line, resuming and the docs read this table."""


def fingerprint(value: Any) -> str:
    """Return a short hash of plain data."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` and move it there when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@dataclass(frozen=True)
class StudyFolder:
    """A study on disk (``docs/formats.md`` lists its files)."""

    path: Path
    manifest: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def create(cls, path: Path, manifest: dict[str, Any], *, overwrite: bool) -> StudyFolder:
        """Make a study folder, or go on with the one that is there.

        Raises
        ------
        StudyError
            When the place holds something else, another study, or cannot be written.
        """
        path = Path(path)
        if path.exists() and not path.is_dir():
            msg = f"--out {path} is a file; give a folder that does not exist yet, or a study's."
            raise StudyError(msg)
        there = path.is_dir() and any(path.iterdir())
        if there and not (path / "manifest.toml").is_file():
            msg = f"--out {path} is a folder with other files in it, not a study; give another folder."
            raise StudyError(msg)
        if there and overwrite:
            _refuse_foreign(path)
            set_aside(path)
        elif there:
            return cls.open(path)._adopt(manifest)
        folder = cls(path, manifest | {"format": FORMAT, "stages": {}, "observation": {}})
        try:
            folder.write_manifest()
        except OSError as error:
            msg = f"Cannot write to {path} ({error.strerror}); give another folder with --out."
            raise StudyError(msg) from error
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
        if not file.is_file():
            msg = f"There is no study in {path} (no manifest.toml). Run: intraneuron study MODEL --out {path}"
            raise StudyError(msg)
        try:
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
        lacking = [name for name in ("identity", "stages", "observation") if name not in manifest]
        if lacking:
            msg = f"{file} is damaged (it lacks {', '.join(lacking)}). Run the study again with --overwrite."
            raise StudyError(msg)
        return cls(path, manifest)

    def _adopt(self, manifest: dict[str, Any]) -> StudyFolder:
        """Take new settings over, if they are of the same observation."""
        have, want = self.manifest["identity"], manifest["identity"]
        if any(have.get(key) != want[key] for key in ("weights", "mode", "texts")):
            msg = (
                f"The study in {self.path} is of something else: {_said(have)}; got {_said(want)}. "
                "Give another folder with --out, or replace it with --overwrite."
            )
            raise StudyError(msg)
        kept = {name: self.manifest.get(name, {}) for name in ("stages", "observation")} | {"format": FORMAT}
        return StudyFolder(self.path, manifest | kept)

    def write_manifest(self) -> None:
        """Write the manifest."""
        with atomic(self.path / "manifest.toml") as file:
            file.write_bytes(tomli_w.dumps(_without_none(self.manifest)).encode())

    # Stages -------------------------------------------------------------------------------------------------

    def done(self, stage: str, key: str) -> set[int]:
        """Return the layers that a stage finished with these settings."""
        state = self.manifest["stages"].get(stage, {})
        return set(state.get("layers", [])) if state.get("key") == key else set()

    def finish(self, stage: str, key: str, layers: set[int]) -> None:
        """Record that a stage finished some layers with these settings."""
        self.manifest["stages"][stage] = {"key": key, "layers": sorted(self.done(stage, key) | layers)}
        self.write_manifest()

    # Files --------------------------------------------------------------------------------------------------

    def layer_file(self, table: str, layer: int) -> Path:
        """Return the path of a table of one layer, e.g. ``neurons/core_tokens``."""
        return self.path / table / f"layer-{layer:02d}.parquet"

    def write(self, file: Path, frame: pl.DataFrame) -> None:
        """Write a table as Parquet."""
        with atomic(file) as temporary:
            frame.write_parquet(temporary, compression="zstd")

    def read(self, file: Path) -> pl.DataFrame:
        """Read a table.

        Raises
        ------
        StudyError
            When it is missing or damaged.
        """
        if not file.is_file():
            msg = f"The study in {self.path} has no {file.relative_to(self.path)}. Run its study command again."
            raise StudyError(msg)
        try:
            return pl.read_parquet(file, memory_map=False)
        except (pl.exceptions.PolarsError, OSError) as error:
            msg = f"{file} is damaged ({error}). Delete it and run the study again with --overwrite."
            raise StudyError(msg) from error

    def write_json(self, name: str, value: Any) -> None:
        """Write plain data as JSON; NaN becomes null."""
        with atomic(self.path / name) as temporary:
            temporary.write_text(json.dumps(plain(value), indent=1, ensure_ascii=False), encoding="utf-8")

    def read_json(self, name: str) -> Any:
        """Read a JSON file of the study."""
        file = self.path / name
        if not file.is_file():
            msg = f"The study in {self.path} has no {name}: it is not finished. Run its study command again."
            raise StudyError(msg)
        try:
            return json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            msg = f"{file} is damaged ({error}). Delete it and run the study again with --overwrite."
            raise StudyError(msg) from error

    def withdraw(self, *names: str) -> None:
        """Remove files that are about to be made again."""
        for name in names:
            (self.path / name).unlink(missing_ok=True)

    def write_space(self, space: Space) -> None:
        """Write a space's unit vectors, float32, so that later stages need no model."""
        from safetensors.numpy import save_file

        with atomic(self.path / "spaces" / f"{space.name}.safetensors") as temporary:
            save_file({"vectors": np.ascontiguousarray(space.vector)}, temporary)

    def read_space(self, name: str) -> Space:
        """Read a space."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        file = self.path / "spaces" / f"{name}.safetensors"
        if not file.is_file():
            have = sorted(f.stem for f in file.parent.glob("*.safetensors"))
            msg = f"The study in {self.path} has no space {name!r} (it has {', '.join(have) or 'none'})."
            raise StudyError(msg)
        try:
            return Space(name, load_file(file)["vectors"])
        except (SafetensorError, KeyError, OSError) as error:
            msg = f"{file} is damaged ({error}). Delete it and run the study again with --overwrite."
            raise StudyError(msg) from error

    # Nouns --------------------------------------------------------------------------------------------------

    def vocabulary(self) -> Vocabulary:
        """Read the vocabulary."""
        return read_vocabulary_table(self.read(self.path / "vocabulary.parquet"))

    def core_tokens(self, population: str, layer: int) -> CoreTokens:
        """Read core tokens."""
        return read_core_tokens_table(self.read(self.layer_file(f"{population}/core_tokens", layer)))

    def partition(self, population: str, layer: int, by: str) -> Partition:
        """Read categories (``by="meaning"``) or segments (``by="activation"``)."""
        table = "categories" if by == "meaning" else "segments"
        frame = self.read(self.layer_file(f"{population}/{table}", layer))
        return read_partition_table(frame, by, self.manifest["settings"]["partition"][table])

    def comparison(self, population: str, layer: int) -> Comparison:
        """Read all effects and the profile."""
        effects = {
            q: read_effect_table(self.read(self.layer_file(f"{population}/effects/{q}", layer)), q) for q in QUESTIONS
        }
        frame = self.read(self.layer_file(f"{population}/profile", layer))
        return Comparison(effects, *read_profile_table(frame))

    def population(self, name: str, layer: int) -> Population:
        """Read all that is known of a layer's neurons or twins."""
        return Population(
            self.core_tokens(name, layer),
            self.partition(name, layer, "meaning"),
            self.partition(name, layer, "activation"),
            self.comparison(name, layer),
        )


def aside(path: Path) -> Path:
    """Return where a study waits while another one takes its place."""
    return path.with_name(f".{path.name}.replaced")


def set_aside(path: Path) -> None:
    """Move a study aside; one that already waits there is the finished one, and stays."""
    if aside(path).exists():
        shutil.rmtree(path)
    else:
        path.rename(aside(path))


def settle(path: Path, *, keep_new: bool) -> None:
    """Drop the study that was set aside, or put it back in the place of the new one."""
    if keep_new:
        shutil.rmtree(aside(path), ignore_errors=True)
        return
    shutil.rmtree(path, ignore_errors=True)
    if aside(path).exists():
        aside(path).rename(path)


def _refuse_foreign(path: Path) -> None:
    """Raise StudyError when a folder's manifest is that of another program; a damaged one may be replaced."""
    try:
        manifest = tomllib.loads((path / "manifest.toml").read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return
    if "format" not in manifest:
        msg = f"--out {path} is not a study: its manifest.toml is of something else; give another folder."
        raise StudyError(msg)


def _said(identity: dict[str, Any]) -> str:
    """Return what a study is of, in words."""
    texts = "no texts" if identity["texts"] == "none" else f"texts {identity['texts']}"
    return f"{identity['name']} (weights {identity['weights'][:8]}), {identity['mode']} mode, {texts}"


def _without_none(value: Any) -> Any:
    """Return plain data without None, which TOML cannot write, and with tuples as lists."""
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple)):
        return [_without_none(v) for v in value]
    return value


def versions() -> dict[str, str]:
    """Return the versions of the packages that numbers depend on."""
    names = ("intraneuron", "numpy", "scipy", "numba", "torch", "transformers", "tokenizers", "polars")
    return {name: metadata.version(name) for name in names}
