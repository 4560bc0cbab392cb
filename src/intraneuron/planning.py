"""Plan a study: load the model, read the texts, check every setting; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intraneuron.checking import check, check_core_tokens
from intraneuron.config import OWN_TWINS, PUBLISHED, ObserveConfig, RunConfig, StudyConfig
from intraneuron.corpus import mode_of, read_corpus
from intraneuron.errors import SettingError
from intraneuron.files import fingerprint
from intraneuron.given import GivenNorms, GivenSpace, hashes, read_given_norms, read_given_space, recorded
from intraneuron.manifest import of_identity
from intraneuron.models.texts import reading_of
from intraneuron.place import check_writable, has_study, replaceable
from intraneuron.planned import Wanted, eligible_of, ranges
from intraneuron.settings import path_from
from intraneuron.store import DEFAULT_ROOT, STAGES, StudyFolder

if TYPE_CHECKING:
    from intraneuron.data import Norms, Space, Vocabulary
    from intraneuron.models.loading import LoadedModel
    from intraneuron.models.texts import Windows


UNTWINNED = ("observe", "contexts", "full_range")
"""Stages that do not depend on which twins are dealt or made later."""


@dataclass(frozen=True)
class Plan:
    """A study of a model before it starts: the model is loaded, the texts are read, the settings are checked."""

    name: str
    config: StudyConfig
    run: RunConfig
    model: LoadedModel
    texts: Windows | None
    text_hash: str
    layers: tuple[int, ...]
    mode: str
    read: Mapping[str, Any] = field(default_factory=dict)
    """What is read of the texts: how many ``documents`` and ``tokens``, whether they hold no more (``complete``), and
    how many tokens of the last document were left when it was ``cut``; empty in vocabulary mode. Texts that the model
    writes itself are not there yet: ``texts`` is None."""
    given_space: GivenSpace | None = None
    given_norms: GivenNorms | None = None

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
        } | ({"sae": self.model.sae_hash} if self.model.sae_hash else {})

    @property
    def context(self) -> int | None:
        """Tokens in a window of text; None in vocabulary mode."""
        return self.model.context if self.mode == "corpus" else None

    @property
    def files(self) -> Mapping[str, str]:
        """Hashes of the files that settings name, by setting."""
        return hashes(self.given_space, self.given_norms)

    @property
    def file_space(self) -> Space | None:
        """The vectors of ``--space file:PATH``; None with another space."""
        return None if self.given_space is None else self.given_space.space

    @property
    def norms(self) -> Norms | None:
        """The categories of ``--categories norms:FILE``; None with others."""
        return None if self.given_norms is None else self.given_norms.norms

    @property
    def default_folder(self) -> Path:
        """Where the study goes when nobody says otherwise."""
        return _default_folder(self.name, self.mode, saes=bool(self.model.saes))

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens of the model."""
        return self.model.vocabulary

    @property
    def n_layers(self) -> int:
        """Layers of the model."""
        return self.model.depth

    @property
    def reads(self) -> str:
        """What is read, in words."""
        if self.mode != "corpus":
            return f"every one of {len(self.vocabulary):,} tokens alone (vocabulary mode)"
        documents = self.read["documents"]
        if self.texts is None:
            return f"{self.read['tokens']:,} tokens that it writes itself, in {documents:,} samples (corpus mode)"
        made = f"{documents:,} document{'' if documents == 1 else 's'}"
        return f"{self.read['tokens']:,} tokens of text in {made} (corpus mode)"

    @property
    def remarks(self) -> tuple[str, ...]:
        """Whose latents the neurons are; that the texts ended before the tokens that were asked for, if they did."""
        saes = dict(zip(self.model.layers, self.model.saes, strict=False))  # no SAE, or one for each layer
        said = [f"Neurons of layer {layer} are {saes[layer].said}." for layer in self.layers if layer in saes]
        wanted = self.config.observe.tokens
        if wanted and self.read and self.read["tokens"] < wanted:
            said.append(f"The texts hold no more: {wanted:,} tokens were asked for (--tokens).")
        said += [given.said for given in (self.given_space, self.given_norms) if given is not None]
        return tuple(said)

    def n_neurons(self, layer: int) -> int:
        """Return how many neurons a layer has."""
        return self.model.site(layer).n_neurons

    def n_rows(self, population: str, layer: int) -> int:
        """Return how many rows a population has in a layer, at most."""
        del population
        return self.n_neurons(layer)

    def input_space(self) -> Space:
        """Return the token embeddings' unit vectors."""
        from intraneuron.models.spaces import input_space

        return input_space(self.model)

    def space_of(self, population: str) -> Space:
        """Return the study's space; of the untrained twin, that of its own initial weights."""
        from intraneuron.models.spaces import read_space
        from intraneuron.models.untrained import untrained

        if self.file_space is not None:
            return self.file_space.centered(eligible_of(self)) if self.config.space.center else self.file_space
        model = untrained(self.model, self.config.observe.seed) if population == "untrained" else self.model
        return read_space(model, self.config.space, words=self.config.observe.words)

    def further_spaces(self) -> Iterator[Space]:
        """Yield the token embeddings, and the unembedding where it is another matrix."""
        from intraneuron.models.spaces import own_spaces

        yield from own_spaces(self.model)

    def manifest(self) -> dict[str, Any]:
        """Return everything that a later reader needs to know where the numbers come from."""
        from intraneuron.models.signs import below_zero

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
                "below_zero": below_zero(model),
                "fused": list(model.replaced.fused),
                "tabulated": list(model.replaced.tabulated),
                "layers": self.n_layers,
                "neurons": [model.site(n).n_neurons if n in model.layers else 0 for n in range(self.n_layers)],
            },
            **({"sae": [sae.told(n) for n, sae in zip(model.layers, model.saes, strict=True)]} if model.saes else {}),
            "settings": asdict(self.config) | {"layers": list(self.layers), "mode": self.mode},
            "run": {"device": str(model.device), "dtype": self.run.dtype}
            | ({"keep": list(self.run.keep)} if ranges(self) else {}),
            "reading": reading_of(model, corpus=self.mode == "corpus"),
            **({"texts": dict(self.read)} if self.read else {}),
            **recorded(self.given_space, self.given_norms),
        }


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


def plan_in(
    out: Path | None, model: str | LoadedModel, config: StudyConfig, run: RunConfig, *, overwrite: bool
) -> Plan:
    """Plan a study for a place, the default one when none is given; a place that will not do is told first.

    Raises
    ------
    IntraneuronError
        For anything that the user can put right.
    """
    _check_has_model(config)
    check(config, run)
    name = path_from("MODEL", model) if isinstance(model, str) else model.name
    saes = bool(config.observe.sae) or (not isinstance(model, str) and bool(model.saes))
    check_place(out or _default_folder(name, mode_of(config.observe), saes=saes), overwrite=overwrite)
    return plan(model, config, run)


def plan(model: str | LoadedModel, config: StudyConfig, run: RunConfig) -> Plan:
    """Load the model, read the texts and check all settings; nothing is written.

    A model that is loaded already runs as it is: ``device`` and ``dtype`` of ``run`` are for one that is to be loaded.

    Raises
    ------
    IntraneuronError
        For anything that the user can put right.
    """
    _check_has_model(config)
    check(config, run)
    model = _loaded(model, config.observe, run)
    config = replace(config, observe=replace(config.observe, **_sae_settings(model)))
    name, run = model.name, replace(run, dtype=model.number_format)
    if "untrained" in config.twin.twins:
        from intraneuron.models.untrained import check_untrained

        check_untrained(model)
    mode = mode_of(config.observe)
    if config.space.space == "output":
        from intraneuron.models.spaces import read_space

        read_space(model, config.space)  # says now whether the model has it
    space = read_given_space(config.space, model.vocabulary, name)
    norms = read_given_norms(config.partition, model.vocabulary, name)
    if config.observe.sign == "negative":
        from intraneuron.models.signs import check_negative

        check_negative(model)
    check_core_tokens(config.observe, model.vocabulary, model.name, space)
    corpus = read_corpus(model, config.observe, run)
    layers = layers_of(config, model.layers, name)
    config = replace(config, observe=replace(config.observe, layers=layers))
    return Plan(name, config, run, model, corpus.texts, corpus.text_hash, layers, mode, corpus.read, space, norms)


def _check_has_model(config: StudyConfig) -> None:
    """Raise SettingError for the settings of a study without a model."""
    if config.observe.mode == PUBLISHED:
        msg = (
            "mode (--mode) published is that of imported lists, which have no model to study. "
            "Run: intraneuron import table FILE --vectors FILE"
        )
        raise SettingError(msg)


def _loaded(model: str | LoadedModel, observe: ObserveConfig, run: RunConfig) -> LoadedModel:
    """Return the model with its SAEs, which are read first: they are what a user gives that may be wrong."""
    if isinstance(model, str):
        path_from("MODEL", model)
    from intraneuron.models.latents import with_saes
    from intraneuron.models.loading import load_model
    from intraneuron.models.sae_files import read_saes

    saes = None if observe.sae is None else read_saes(observe.sae, observe.hook)
    if isinstance(model, str):
        model = load_model(model, device=run.device, dtype=run.dtype)
    return model if saes is None else with_saes(model, saes)


def _sae_settings(model: LoadedModel) -> dict[str, Any]:
    """Return the settings that give a model its SAEs again, in the order of their layers."""
    if not model.saes:
        return {}
    return {"sae": tuple(sae.path for sae in model.saes), "hook": tuple(str(sae.hook) for sae in model.saes)}


def _default_folder(name: str, mode: str, *, saes: bool) -> Path:
    return DEFAULT_ROOT / f"{Path(name).name or 'model'}{'-sae' if saes else ''}-{mode}"


def layers_of(config: StudyConfig, available: Sequence[int], name: str) -> tuple[int, ...]:
    """Return the layers that are wanted among those that there are, or raise SettingError for one that is not there."""
    wanted = config.observe.layers
    if wanted is None:
        return tuple(available)
    wrong = [layer for layer in wanted if layer not in available]
    if wrong or not wanted:
        got = ", ".join(map(str, wrong)) or "none"
        gaps = tuple(available) != tuple(range(len(available)))
        there = f"among {', '.join(map(str, available))}" if gaps else f"between 0 and {len(available) - 1}"
        msg = f"layers (--layers) must be {there} for {name}, got {got}."
        raise SettingError(msg)
    return tuple(sorted(set(wanted)))


def keys(plan: Wanted) -> dict[str, str]:
    """Return the fingerprint of each stage: its method and settings, and those of all before it."""
    observe, of_file, of_norms = plan.config.observe, "space" in plan.files, "categories" in plan.files
    settings: dict[str, Any] = {
        "observe": (
            of_identity(plan.identity),
            plan.context,
            observe.core_tokens,
            observe.min_count,
            observe.cross_fit,
            observe.seed,
            plan.run.dtype,
            [twin for twin in OWN_TWINS if twin in plan.config.twin.twins],
            *(["words"] if observe.words else []),
            *([observe.forms] if observe.forms != "all" else []),
            *([observe.sign] if observe.sign != "positive" else []),
            *([f"tokens of {plan.files['space']}"] if of_file else []),
        ),
        "contexts": [observe.contexts, plan.config.partition.segments] if plan.mode == "corpus" else None,
        "space": asdict(plan.config.space) | ({"space": f"file {plan.files['space']}"} if of_file else {}),
        "categories": f"norms {plan.files['categories']}" if of_norms else plan.config.partition.categories,
        "segments": plan.config.partition.segments,
        "full_range": ranges(plan),
        "layers": plan.layers,
        "twins": sorted(plan.config.twin.twins),
    }
    out: dict[str, str] = {}
    for stage in STAGES:
        own = [settings[name] for name in stage.settings] + [settings["twins"]] * (stage.name not in UNTWINNED)
        inputs = [out[name] for name in stage.inputs if name != "full_range" or ranges(plan)]
        out[stage.name] = fingerprint([stage.name, stage.method, own, inputs])
    return out
