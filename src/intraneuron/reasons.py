"""Why a stage of a study is to be done: nothing of it yet, other settings, a newer method, files that are gone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from intraneuron.config import OWN_TWINS, RunConfig
from intraneuron.missing import Layers, files_of, not_kept_yet
from intraneuron.plain import listed
from intraneuron.planned import Wanted
from intraneuron.planning import UNTWINNED
from intraneuron.store import STAGES, Stage, StudyFolder

OBSERVED = (
    "core_tokens",
    "min_count",
    "words",
    "forms",
    "sign",
    "cross_fit",
    "seed",
    "dtype",
    "own_twins",
    *("mode", "texts", "model"),
)
FIELDS = {
    "observe": OBSERVED,
    "space": ("space", "center"),
    "layers": ("layers",),
    "contexts": ("contexts", "segments"),
}
"""Settings that stand for several, or for one of another name; the others are their own."""


def reasons(wanted: Wanted, folder: StudyFolder, todo: Mapping[str, Layers], lost: Collection[str]) -> dict[str, str]:
    """Return, for each stage that is to do, why. ``folder`` is as the last command left it.

    Parameters
    ----------
    wanted : Wanted
        What the study is asked to be.
    folder : StudyFolder
    todo : dict
        Layers by stage, from :func:`intraneuron.missing.with_dependents`.
    lost : collection of str
        Files that are damaged or gone.
    """
    changed = _changes(folder.manifest, wanted)
    return {stage.name: _reason(stage, wanted, folder, todo, lost, changed) for stage in STAGES if stage.name in todo}


def _reason(
    stage: Stage,
    wanted: Wanted,
    folder: StudyFolder,
    todo: Mapping[str, Layers],
    lost: Collection[str],
    changed: Mapping[str, str],
) -> str:
    state = folder.manifest["stages"].get(stage.name)
    if state is None:
        return "not done yet"
    own = [text for name, text in changed.items() if name in _settings(stage)]
    if own:
        return "; ".join(own)
    if state.get("method", stage.method) != stage.method:
        return f"this version does it in another way (method {state['method']}, now {stage.method})"
    files, new_tables = dict.fromkeys(files_of(wanted, folder, stage.name)), not_kept_yet(folder, lost)
    gone = [name for name in files if name in lost and name not in new_tables]
    if gone:
        return f"damaged or gone: {listed(gone)}"
    if new_tables.intersection(files):
        return "keeps its tables now"
    needs = [name for name in stage.inputs if name in todo]
    if needs:
        return f"is made from {', '.join(needs)}"
    new = sorted(set(todo[stage.name]) - set(state["layers"]))
    return (
        f"not done yet for layers {', '.join(map(str, new))}" if new else "made with other settings or another version"
    )


def _settings(stage: Stage) -> set[str]:
    """Return the names of the settings that a stage itself depends on."""
    own = {field for name in stage.settings for field in FIELDS.get(name, (name,))}
    return own | ({"twins"} if stage.name not in UNTWINNED else set())


def _changes(manifest: Mapping[str, Any], wanted: Wanted) -> dict[str, str]:
    """Return, by name, what is another setting now."""
    have, want = _stored(manifest), _asked(wanted)
    return {
        name: f"{name} {_said(have[name])}, now {_said(value)}" for name, value in want.items() if have[name] != value
    }


def _stored(manifest: Mapping[str, Any]) -> dict[str, Any]:
    settings = manifest["settings"]
    parts: dict[str, Any] = {}
    for name in ("observe", "space", "partition", "twin"):
        parts |= settings.get(name, {})
    known = {"dtype": manifest.get("run", {}).get("dtype", RunConfig().dtype), "mode": settings["mode"]}
    return _comparable(parts | {"layers": settings["layers"]}, known, manifest["identity"])


def _asked(wanted: Wanted) -> dict[str, Any]:
    config = wanted.config
    parts = asdict(config.observe) | asdict(config.space) | asdict(config.partition) | asdict(config.twin)
    known = {"dtype": wanted.run.dtype, "mode": wanted.mode}
    return _comparable(parts | {"layers": wanted.layers}, known, wanted.identity)


def _comparable(parts: Mapping[str, Any], known: Mapping[str, Any], identity: Mapping[str, Any]) -> dict[str, Any]:
    twins = sorted(parts.get("twins", ()))
    return {
        **{name: parts.get(name) for name in ("core_tokens", "min_count", "cross_fit", "seed", "contexts")},
        **{"words": "on" if parts.get("words") else "off", "forms": parts.get("forms", "all")},
        **{"sign": parts.get("sign", "positive")},
        **{name: parts.get(name) for name in ("space", "center", "categories", "segments")},
        **known,
        **{
            "texts": identity.get("texts"),
            "model": identity.get("weights", identity.get("lists")),
            "layers": list(parts["layers"]),
        },
        **{"own_twins": [twin for twin in twins if twin in OWN_TWINS], "twins": twins},
    }


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)[:40]
