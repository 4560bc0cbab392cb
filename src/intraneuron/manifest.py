"""What a manifest and a summary must hold, and how two of them are compared."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from intraneuron.config import PUBLISHED
from intraneuron.errors import StudyError

MODEL = ("weights", "tokenizer", "config")
"""What makes a model this model and no other; the name as written does not."""

IDENTITY = (*MODEL, "mode", "texts")
"""What makes a study of a model this study and no other."""

LISTS = ("lists", "vectors")
"""What makes published lists, with the vectors of their words, these and no others."""

OF_SOURCE = {"model": ("weights", "tokenizer", "texts"), "lists": LISTS}  # the first studies had no config
"""What the identity of every study has, by where its neurons come from."""

SAE = ("sae",)
"""What makes a study of latents this study and no other, beside that; others have none."""

REQUIRED: dict[str, tuple[str, ...] | None] = {
    "identity": ("name", "mode"),
    "settings": ("layers", "mode", "space", "partition"),
    "model": ("name", "layers", "neurons"),
    "stages": (),
    "observation": (),
}
"""Tables that every manifest has, and their keys."""

SUMMARY: dict[str, tuple[str, ...] | None] = {
    "reliability": ("median", "overlap", "min_count"),
    "clusters": (),
    "bars": (),
    **dict.fromkeys(("model", "mode", "space", "layers", "n_neurons", "populations", "claims", "profile")),
    **dict.fromkeys(("distributions", "deltas", "patterns", "clearest", "notes")),
}
"""What every ``summary.json`` has: keys of tables, or any value (None)."""


def command_of(manifest: Mapping[str, Any]) -> list[str]:
    """Return the words of the command that makes a study, up to its settings."""
    return list(manifest.get("published", {}).get("command", ["study"]))


def first_of(manifest: Mapping[str, Any]) -> str:
    """Return the name of a neuron that a study has."""
    return str(manifest.get("published", {}).get("first", f"L{min(manifest['settings']['layers'])}N0"))


def same_command(path: Path, *options: str, source: Sequence[str] = ("study",)) -> str:
    """Return, ready to be typed, the command that goes on with a study in its own settings, but for some options.

    >>> same_command(Path("my studies/minilm"), "--layers", "0,1")
    "intraneuron study --config 'my studies/minilm/manifest.toml' --out 'my studies/minilm' --layers 0,1"
    """
    return shlex.join(["intraneuron", *source, "--config", str(path / "manifest.toml"), "--out", str(path), *options])


def damaged(file: Path, reason: object) -> StudyError:
    """Return the error for a file that cannot be read as what it should be."""
    first = str(reason).strip().partition("\n")[0]
    return StudyError(f"{file} is damaged ({first}). Delete it and run the study again.")


def check_same(path: Path, have: dict[str, Any], want: dict[str, Any]) -> None:
    """Raise StudyError when the study in a folder is of another model, mode or texts than is wanted."""
    if not same_identity(have, want):
        msg = (
            f"The study in {path} is of something else: {said(have)}; got {said(want)}. "
            "Give another folder with --out, or replace it with --overwrite."
        )
        raise StudyError(msg)


def of_identity(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a study this study and no other."""
    names = (*LISTS, "mode") if "lists" in identity else IDENTITY
    return {name: identity.get(name) for name in names} | {name: identity[name] for name in SAE if name in identity}


def same_identity(have: Mapping[str, Any], want: Mapping[str, Any]) -> bool:
    """Tell whether two studies are of the same model, mode and texts, or of the same lists and vectors."""
    return of_identity(have) == of_identity(want)


def same_model(have: Mapping[str, Any], want: Mapping[str, Any]) -> bool:
    """Tell whether two studies are of the same model; published lists are of none."""
    return all(have.get(key) == want.get(key) for key in MODEL) and "weights" in want


def lacking(manifest: Mapping[str, Any]) -> list[str]:
    """Return the keys that every manifest has and this one lacks."""
    found = missing_keys(manifest, REQUIRED)
    identity = manifest.get("identity")
    if not found and isinstance(identity, Mapping):
        kind = "lists" if identity["mode"] == PUBLISHED else "model"
        found = missing_keys({"identity": dict(identity)}, {"identity": OF_SOURCE[kind]})
    return found


def missing_keys(found: Any, required: dict[str, tuple[str, ...] | None]) -> list[str]:
    """Return the keys, in plain data of two levels, that should be there and are not."""
    if not isinstance(found, dict):
        return list(required)
    out = []
    for name, inner in required.items():
        if name not in found or (inner is not None and not isinstance(found[name], dict)):
            out.append(name)
        else:
            out += [f"{name}.{key}" for key in inner or () if key not in found[name]]
    return out


def said(identity: dict[str, Any]) -> str:
    """Return what a study is of, in words."""
    if "lists" in identity:
        return f"{identity['name']} (lists {identity['lists'][:8]}, vectors {identity['vectors'][:8]})"
    texts = "no texts" if identity["texts"] == "none" else f"texts {identity['texts']}"
    hashes = ", ".join(f"{key} {identity.get(key, 'unknown')[:8]}" for key in MODEL)
    hashes += "".join(f", {key} {identity[key][:8]}" for key in SAE if key in identity)
    return f"{identity['name']} ({hashes}), {identity['mode']} mode, {texts}"


def versions() -> dict[str, str]:
    """Return the versions of the packages that numbers depend on."""
    names = ("intraneuron", "numpy", "scipy", "numba", "torch", "transformers", "tokenizers", "polars")
    return {name: metadata.version(name) for name in names}


def joined(*some: dict[str, str]) -> dict[str, str]:
    """Return versions of several runs as one table: ``2.5.0, 2.6.0`` where they differ.

    >>> joined({"numpy": "2.1"}, {"numpy": "2.2", "torch": "2.6"}, {"numpy": "2.1"})
    {'numpy': '2.1, 2.2', 'torch': '2.6'}
    """
    found: dict[str, dict[str, None]] = {}
    for one in some:
        for name, text in one.items():
            found.setdefault(name, {}).update(dict.fromkeys(text.split(", ")))
    return {name: ", ".join(texts) for name, texts in found.items()}
