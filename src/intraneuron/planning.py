"""Plan a study: load the model, read the texts, check every setting; nothing is written."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from intraneuron.config import MIN_TOKENS, OWN_TWINS, ObserveConfig, RunConfig, StudyConfig
from intraneuron.errors import SettingError
from intraneuron.files import fingerprint
from intraneuron.manifest import IDENTITY
from intraneuron.pipeline.partition import check_linkage, parse_segments
from intraneuron.place import check_writable, has_study, replaceable
from intraneuron.settings import bytes_of, check_seed, path_from
from intraneuron.store import DEFAULT_ROOT, STAGES, StudyFolder

if TYPE_CHECKING:
    from intraneuron.models.loading import LoadedModel
    from intraneuron.models.texts import Windows


UNTWINNED = ("observe", "contexts")
"""Stages that do not depend on which twins are dealt or made later."""


class Wanted(Protocol):
    """What a study is asked to be: all that says which of its stages are done. No model is needed to know it."""

    @property
    def config(self) -> StudyConfig:
        """Settings that numbers depend on."""

    @property
    def run(self) -> RunConfig:
        """How it is run."""

    @property
    def layers(self) -> tuple[int, ...]:
        """Layers, ascending."""

    @property
    def mode(self) -> str:
        """``vocabulary`` or ``corpus``."""

    @property
    def identity(self) -> dict[str, Any]:
        """Hashes of model and texts."""

    @property
    def context(self) -> int | None:
        """Tokens in a window of text; None in vocabulary mode."""


@dataclass(frozen=True)
class Plan:
    """A study before it starts: the model is loaded, the texts are read, the settings are checked."""

    name: str
    config: StudyConfig
    run: RunConfig
    model: LoadedModel
    texts: Windows | None
    text_hash: str
    layers: tuple[int, ...]
    mode: str

    @property
    def identity(self) -> dict[str, Any]:
        """What makes it this study and no other."""
        return {
            "name": self.name,
            "weights": self.model.weight_hash,
            "tokenizer": self.model.tokenizer_hash,
            "config": self.model.config_hash,
            "mode": self.mode,
            "texts": self.text_hash,
        }

    @property
    def context(self) -> int | None:
        """Tokens in a window of text; None in vocabulary mode."""
        return None if self.texts is None else self.model.context

    @property
    def default_folder(self) -> Path:
        """Where the study goes when nobody says otherwise."""
        return _default_folder(self.name, self.mode)

    def manifest(self) -> dict[str, Any]:
        """Everything that a later reader needs to know where the numbers come from."""
        model = self.model
        return {
            "identity": self.identity,
            "model": {
                "name": self.name,
                "family": model.family,
                "kind": model.kind,
                "revision": model.revision,
                "weights": model.weight_hash,
                "tokenizer": model.tokenizer_hash,
                "config": model.config_hash,
                "context": self.context,
                "fused": list(model.fused),
                "layers": len(model.sites),
                "neurons": [site.n_neurons for site in model.sites],
            },
            "settings": asdict(self.config) | {"layers": list(self.layers), "mode": self.mode},
            "run": {"device": str(model.device), "dtype": self.run.dtype},
        }


def check(config: StudyConfig, run: RunConfig) -> None:
    """Raise SettingError for settings that no model could make right."""
    observe = config.observe
    if not MIN_TOKENS <= observe.core_tokens <= 1000:
        msg = f"core_tokens (--core-tokens) must be between {MIN_TOKENS} and 1000, got {observe.core_tokens}."
        raise SettingError(msg)
    if observe.min_count != "auto" and observe.min_count < 1:
        msg = f"min_count (--min-count) must be auto or a number from 1 on, got {observe.min_count}."
        raise SettingError(msg)
    if observe.mode == "corpus" and not observe.texts:
        msg = "mode (--mode) corpus needs texts, got none. Give texts (--texts): docs, or files or folders of your own."
        raise SettingError(msg)
    if observe.min_count != "auto" and not observe.texts:
        msg = (
            f"min_count (--min-count) needs texts, got {observe.min_count} without: in vocabulary mode every token "
            "is seen once."
        )
        raise SettingError(msg)
    if not 0 <= observe.contexts <= 100:
        msg = f"contexts (--contexts) must be between 0 and 100, got {observe.contexts}."
        raise SettingError(msg)
    if observe.text_field != "text" and not observe.texts:
        msg = f"text_field (--text-field) needs texts (--texts), got {observe.text_field!r} without. Give texts."
        raise SettingError(msg)
    if observe.texts.count("-") > 1:
        msg = "texts (--texts) can read standard input (-) once, got it twice. Leave one out."
        raise SettingError(msg)
    if observe.mode == "vocabulary" and observe.texts:
        msg = "mode (--mode) vocabulary reads no texts (--texts), got some. Leave one of the two out."
        raise SettingError(msg)
    if "frequency" in config.twin.twins and not observe.texts:
        msg = (
            "twins (--twins) frequency needs texts, got none: without, every token is seen once. "
            "Give texts (--texts), or leave frequency out."
        )
        raise SettingError(msg)
    if observe.cross_fit and not observe.texts:
        msg = (
            "cross_fit (--cross-fit) needs texts (--texts), got none: in vocabulary mode every token is read once, and "
            "there are no two halves."
        )
        raise SettingError(msg)
    check_seed(observe.seed)
    check_linkage(config.partition.categories)
    parse_segments(config.partition.segments)
    for text in observe.texts:
        path_from("texts (--texts)", text)
    bytes_of(run.memory)


def check_place(path: Path, *, overwrite: bool) -> None:
    """Say, before a model is loaded for it, that no study can be made or gone on with at ``path``.

    What shows only when the model is known is told by :meth:`StudyFolder.create`.

    Raises
    ------
    StudyError
        When the place holds something else, a study that cannot be read, or cannot be written.
    """
    there = has_study(path)
    if not there or overwrite:  # a study that is finished may be shown from a place that cannot be written
        check_writable(path)
    if (path / "manifest.toml").is_file():
        if overwrite:
            replaceable(path)
        else:
            StudyFolder.open(path)


def plan_in(out: Path | None, name: str, config: StudyConfig, run: RunConfig, *, overwrite: bool) -> Plan:
    """Plan a study for a place, the default one when none is given; a place that will not do is told first.

    Raises
    ------
    IntraneuronError
        For anything that the user can put right.
    """
    check(config, run)
    check_place(out or _default_folder(path_from("MODEL", name), mode_of(config.observe)), overwrite=overwrite)
    return plan(name, config, run)


def plan(name: str, config: StudyConfig, run: RunConfig) -> Plan:
    """Load the model, read the texts and check all settings; nothing is written.

    Raises
    ------
    IntraneuronError
        For anything that the user can put right.
    """
    check(config, run)
    path_from("MODEL", name)
    from intraneuron.models.loading import load_model

    model = load_model(name, device=run.device, dtype=run.dtype)
    run = replace(run, dtype=model.number_format)
    mode = mode_of(config.observe)
    if config.space.space != "input":
        from intraneuron.models.spaces import read_space

        read_space(model, config.space)  # says now whether the model has it
    texts, text_hash = None, "none"
    if mode == "corpus":
        from intraneuron.models.texts import pack, read_texts

        documents = read_texts(config.observe.texts, config.observe.seed, field=config.observe.text_field)
        texts, text_hash = pack(documents, model), fingerprint(documents)
    layers = layers_of(config, len(model.sites), name)
    config = replace(config, observe=replace(config.observe, layers=layers))
    return Plan(name, config, run, model, texts, text_hash, layers, mode)


def mode_of(observe: ObserveConfig) -> str:
    """Return whether tokens are read alone (``vocabulary``) or in texts (``corpus``)."""
    if observe.mode != "auto":
        return observe.mode
    return "corpus" if observe.texts else "vocabulary"


def _default_folder(name: str, mode: str) -> Path:
    return DEFAULT_ROOT / f"{Path(name).name or 'model'}-{mode}"


def layers_of(config: StudyConfig, available: int, name: str) -> tuple[int, ...]:
    """Return the layers that are wanted of a model with so many, or raise SettingError for one that it has not."""
    wanted = config.observe.layers
    if wanted is None:
        return tuple(range(available))
    wrong = [layer for layer in wanted if not 0 <= layer < available]
    if wrong or not wanted:
        got = ", ".join(map(str, wrong)) or "none"
        msg = f"layers (--layers) must be between 0 and {available - 1} for {name}, got {got}."
        raise SettingError(msg)
    return tuple(sorted(set(wanted)))


def keys(plan: Wanted) -> dict[str, str]:
    """Return the fingerprint of each stage: its method and settings, and those of all before it."""
    observe = plan.config.observe
    settings: dict[str, Any] = {
        "observe": (
            {name: plan.identity.get(name) for name in IDENTITY},
            plan.context,
            observe.core_tokens,
            observe.min_count,
            observe.cross_fit,
            observe.seed,
            plan.run.dtype,
            [twin for twin in OWN_TWINS if twin in plan.config.twin.twins],
        ),
        "contexts": [observe.contexts, plan.config.partition.segments] if plan.mode == "corpus" else None,
        "space": asdict(plan.config.space),
        "categories": plan.config.partition.categories,
        "segments": plan.config.partition.segments,
        "layers": plan.layers,
        "twins": sorted(plan.config.twin.twins),
    }
    out: dict[str, str] = {}
    for stage in STAGES:
        own = [settings[name] for name in stage.settings] + [settings["twins"]] * (stage.name not in UNTWINNED)
        out[stage.name] = fingerprint([stage.name, stage.method, own, [out[name] for name in stage.inputs]])
    return out
