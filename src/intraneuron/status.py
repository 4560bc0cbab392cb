"""The state of a study: its stages, settings, age and size, and what its next command would do and why."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import islice
from pathlib import Path
from typing import Any

from intraneuron.checking import check
from intraneuron.config import PUBLISHED, ImportConfig, ObserveConfig, RunConfig, StudyConfig
from intraneuron.config_file import settings_of
from intraneuron.corpus import mode_of, own_text_hash
from intraneuron.errors import DataError, SettingError
from intraneuron.files import reading
from intraneuron.given import file_hashes
from intraneuron.lock import holder
from intraneuron.manifest import command_of, first_of
from intraneuron.missing import every_stage, lost_files, missing_stages, with_dependents
from intraneuron.models.documents import TextHash, own_tokens, read_texts
from intraneuron.models.spaces import no_unembedding
from intraneuron.place import ASIDE, has_aside
from intraneuron.planning import layers_of
from intraneuron.reasons import reasons
from intraneuron.settings import settings_from
from intraneuron.store import STAGES, StudyFolder


@dataclass(frozen=True)
class Recorded:
    """A study as its manifest records it, with settings that may be others: what can be known without its model."""

    config: StudyConfig
    run: RunConfig
    layers: tuple[int, ...]
    mode: str
    identity: dict[str, Any]
    context: int | None
    files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, manifest: Mapping[str, Any], changes: Mapping[str, Any]) -> Recorded:
        """Return what a study would be with some settings, by name, changed.

        Raises
        ------
        SettingError
            When the manifest holds settings that this version does not know; for a change that cannot be made.
        """
        if PUBLISHED in manifest:
            _check_asked(manifest, changes)
        config, run = settings_from(settings_of(manifest) | dict(changes))
        check(config, run)
        model = manifest["model"]
        if config.space.space == "output" and model.get("kind") == "encoder":
            raise no_unembedding(model["name"])
        if run.dtype == "auto":
            from intraneuron.models.number_format import device_of, number_format  # slow to import

            run = replace(run, dtype=number_format(run.dtype, device_of(run.device)))
        layers = layers_of(config, [n for n, size in enumerate(model["neurons"]) if size], model["name"])
        mode, identity = manifest["settings"]["mode"], dict(manifest["identity"])
        return cls(config, run, layers, mode, identity, model.get("context"), _files(config, manifest))


def _files(config: StudyConfig, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the hashes of the files that settings name; those of the study where a file is not there any more."""
    named = {"space": config.space.file, "categories": config.partition.norms}
    recorded = {
        name: str(facts["hash"]) for name, facts in manifest.get("given", {}).items() if facts["file"] == named[name]
    }
    try:
        return file_hashes(config)
    except DataError:
        if set(recorded) != {name for name, path in named.items() if path is not None}:
            raise
        return recorded


def _check_asked(manifest: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """Raise SettingError for a change of what published lists do not have; another mode is another study."""
    own = asdict(RunConfig()) | settings_of(manifest)
    known = {"mode", *(field.name for field in fields(ImportConfig))}
    wrong = [
        name for name, value in changes.items() if name not in known and _listed(value) != _listed(own.get(name, value))
    ]
    if wrong:
        option = wrong[0].replace("_", "-")
        msg = (
            f"{wrong[0]} (--{option}) is a setting of models and texts, and {manifest['model']['name']} are published "
            "lists. Leave it out."
        )
        raise SettingError(msg)


def status(path: Path, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the state of a study; nothing is written, and no model is loaded.

    Parameters
    ----------
    path : Path
    changes : dict, optional
        Settings of the next command that are others than the study's.

    Returns
    -------
    dict
        ``study`` (folder), ``command`` (that makes it, without its settings), ``first`` (a neuron of it), ``model``,
        ``mode``, ``settings``, ``asked`` (changes that are any), ``another`` (why a changed command makes another
        study, or None), ``versions``, ``written`` (seconds since 1970), ``bytes``, ``files``, ``running`` (process and
        host, or None), ``replaces`` (whether it is to replace another study that waits), and ``stages``, rows of
        ``stage``, ``sentence``, ``done`` and ``todo`` (layers), ``why``.

    Raises
    ------
    IntraneuronError
        When there is no study, it is damaged, or a change cannot be made.
    """
    folder = StudyFolder.open(path)
    own, changes = {"keep": []} | settings_of(folder.manifest), changes or {}
    wanted = Recorded.of(folder.manifest, changes)
    lost = lost_files(wanted, folder)
    another = _another(wanted, folder.manifest)
    if another:
        todo = every_stage(wanted)
        why = dict.fromkeys(todo, "it is another study")
    else:
        todo = with_dependents(wanted, missing_stages(wanted, folder, lost))
        why = reasons(wanted, folder, todo, lost)
    size, files = _size(folder.path)
    stages = folder.manifest["stages"]
    return {
        "study": str(folder.path),
        "command": command_of(folder.manifest),
        "first": first_of(folder.manifest),
        "model": folder.manifest["model"]["name"],
        "mode": wanted.mode,
        "settings": folder.manifest["settings"],
        "asked": {name: value for name, value in changes.items() if _listed(value) != own.get(name, _listed(value))},
        "another": another,
        "versions": folder.manifest.get("versions", {}),
        "written": (folder.path / "manifest.toml").stat().st_mtime,
        "bytes": size,
        "files": files,
        "running": holder(folder.path),
        "replaces": has_aside(folder.path),
        "stages": [
            {
                **{"stage": stage.name, "sentence": stage.sentence},
                **{"done": sorted(stages.get(stage.name, {}).get("layers", ()))},
                **{"todo": list(todo.get(stage.name, ())), "why": why.get(stage.name)},
            }
            for stage in STAGES
            if stage.name in every_stage(wanted)
        ],
    }


def _another(wanted: Recorded, manifest: Mapping[str, Any]) -> str | None:
    """Return in words what makes settings those of another study: how tokens are read, or other texts."""
    observe = wanted.config.observe
    mode, own = mode_of(observe), manifest["settings"]["mode"]
    if mode != own:
        return f"In {mode} mode it is another study; this one is in {own} mode."
    recorded = settings_from(settings_of(manifest))[0].observe
    if (observe.sae, observe.hook) != (recorded.sae, recorded.hook):
        from intraneuron.models.sae import identity_of  # loads torch
        from intraneuron.models.sae_files import read_saes

        saes = None if observe.sae is None else identity_of(read_saes(observe.sae, observe.hook))
        if saes != manifest["identity"].get("sae"):
            return "These SAEs are not the study's, so it is another study."
    if own_tokens(observe.texts) is not None:
        if own_text_hash(observe, wanted.run) != manifest["identity"]["texts"]:
            return "The model would write other texts (--texts, --seed, --dtype), so it is another study."
    elif mode == "corpus":
        read = manifest.get("texts", {"tokens": math.inf, "complete": True})  # the first studies said nothing of it
        if observe.tokens != recorded.tokens and not _as_far(observe.tokens, read):
            return "It would read more or less of the texts (--tokens), so it is another study."
        if _source(observe) != _source(recorded) and not _same_texts(observe, manifest):
            return "These texts are not the study's, so it is another study."
    return None


def _as_far(tokens: int | None, read: Mapping[str, Any]) -> bool:
    """Tell whether reading so many tokens would read what a study of another setting did: the texts to their end."""
    return bool(read["complete"] and (tokens is None or tokens >= read["tokens"]))


def _same_texts(observe: ObserveConfig, manifest: Mapping[str, Any]) -> bool:
    """Tell whether texts begin with what a study read, and end there when it read all.

    The study's tokenizer would cut them at the same place, so they are not cut into tokens here.
    """
    read = manifest.get("texts", {"complete": True})
    documents = read_texts(observe.texts, observe.seed, field=observe.text_field)
    digest, last = TextHash(), read.get("documents")
    for document in islice(documents, last):
        last = None if last is None else last - 1
        digest.add(document, read.get("cut") if last == 0 else None)
    ends = not read["complete"] or next(documents, None) is None
    return ends and digest.value() == manifest["identity"]["texts"]


def _source(observe: ObserveConfig) -> tuple[Any, ...]:
    """Return what decides which texts are read, but for what is in the files."""
    return observe.texts, observe.text_field, observe.seed if "docs" in observe.texts else None


def _listed(value: Any) -> Any:
    """Return tuples as the lists that a manifest has."""
    return list(value) if isinstance(value, tuple) else value


def _size(path: Path) -> tuple[int, int]:
    """Return bytes and number of a study's files, without those of a study that waits to be replaced."""
    with reading(path):
        files = [file for file in path.rglob("*") if file.is_file() and ASIDE not in file.relative_to(path).parts]
        return sum(file.stat().st_size for file in files), len(files)


def ago(seconds: float) -> str:
    """Return how long ago a moment was, in words.

    >>> ago(time.time() - 7200)
    '2 hours ago'
    """
    passed = time.time() - seconds
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if passed >= 2 * length:
            return f"{passed / length:.0f} {unit}s ago"
    return "just now" if passed < 60 else "a minute ago"
