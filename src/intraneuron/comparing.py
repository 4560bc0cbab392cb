"""comparing: finished studies on disk -> their numbers side by side, what differs, and by how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from intraneuron.chosen import Chosen, Wanted, check_unchanged, choose, differing, said
from intraneuron.config import OWN_TWINS, CompareConfig
from intraneuron.data import Comparison
from intraneuron.errors import SettingError, StudyError
from intraneuron.files import fingerprint
from intraneuron.manifest import same_model
from intraneuron.pipeline.changes import LayerNumbers, M, Side, change_rows, mean_rows
from intraneuron.pipeline.numbers import Number, table_of
from intraneuron.pipeline.pairs import MOST, Match, Matched, match_rows
from intraneuron.progress import Progress
from intraneuron.settings import check_names, check_types, listed
from intraneuron.tables import read_jackknife_table

Row = dict[str, Any]


@dataclass(frozen=True)
class Compared:
    """Two or more studies side by side.

    Attributes
    ----------
    studies : list of rows
        What each is: ``study`` (its name in the other tables), ``path``, ``model``, ``mode``, ``space``, ``layers``,
        ``twin``.
    means : list of rows
        By number, study, layer (None: over all that are compared) and of whom: ``value``, ``low``, ``high``.
    changes : list of rows
        The same as differences, second minus first, with how the interval was made.
    matches : list of rows
        By pair of studies and layer: how alike paired neurons are, beside random pairs and the twin's.
    correlations : list of rows
        By pair of studies, layer and number: rank correlation over paired neurons, its null, and the twin's.
    pairs : list of rows
        A row a pair of neurons.
    settings : list of rows
        Settings in which the studies differ: ``name``, and ``values``, one a study.
    notes : list of str
    """

    studies: list[Row]
    means: list[Row]
    changes: list[Row]
    matches: list[Row]
    correlations: list[Row]
    pairs: list[Row]
    settings: list[Row]
    notes: list[str]

    def tables(self) -> dict[str, list[Row]]:
        """Return the tables by name, for programs; pairs of neurons are not among them, for there are many."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("pairs", "notes")}


def compare_config(given: Mapping[str, Any]) -> CompareConfig:
    """Return the settings of a comparison from keyword arguments.

    Raises
    ------
    SettingError
        For a name that there is not, or a value that cannot be used.
    """
    check_names(given, [f.name for f in fields(CompareConfig)])
    told = {name: listed(v) if name == "layers" and v is not None else v for name, v in given.items()}
    config = CompareConfig(**told)
    check_types(config, given)
    if config.layers == ():
        msg = "layers (--layers) must name at least one, got none; leave it out for all."
        raise SettingError(msg)
    return config


def compare_folders(
    wanted: Wanted,
    config: CompareConfig,
    progress: Progress | None = None,
) -> Compared:
    """Compare finished studies; no model is run, and nothing is written.

    Raises
    ------
    SettingError
        When there are fewer than two, they share no layer, or neurons cannot be matched as is wanted.
    StudyError
        When a study is not finished, was made by another method, or lacks a layer, or no number is defined in both.
    """
    chosen = choose(wanted, config)
    report = (progress or Progress()).stage
    with report("read", "studies") as told:
        sides = []
        for done, one in enumerate(chosen, 1):
            sides.append(_side(one))
            told(done, len(chosen))
    means, changes = mean_rows(sides), change_rows(sides)
    if not any(np.isfinite(row["change"]) for row in changes):
        msg = f"No number is defined in more than one of {said(chosen)}: nothing can be compared."
        raise StudyError(msg)
    matches, correlations, pairs, unmatched = _matched(chosen, sides, config, progress or Progress())
    check_unchanged(chosen)
    return Compared(
        studies=[_about(one) for one in chosen],
        means=means,
        changes=changes,
        matches=matches,
        correlations=correlations,
        pairs=pairs,
        settings=differing(chosen),
        notes=[*_notes(chosen, changes), *unmatched],
    )


# Numbers ------------------------------------------------------------------------------------------------------


def _side(one: Chosen) -> Side:
    return Side(one.name, one.twin, [_numbers(one, layer) for layer in one.layers], _groups(one))


def _numbers(one: Chosen, layer: int) -> LayerNumbers:
    values, parts = {}, {}
    there = one.folder.summary()["populations"]
    for name, population in (("neurons", "neurons"), ("twin", one.twin)):
        if population in there:
            comparison: Comparison = one.folder.comparison(population, layer)
            values[name] = table_of(comparison, Number.of)
            if population in ("neurons", *OWN_TWINS):
                frame = one.folder.read(one.folder.layer_file(f"jackknife/{population}/parts", layer))
                parts[name] = read_jackknife_table(frame)[:, :, :M]
    return LayerNumbers(layer, values, parts)


def _groups(one: Chosen) -> str:
    """Return what the jackknife of a study leaves out: shards of one text, or groups of one vocabulary.

    Groups of tokens come from the embeddings of a model, so two models with one tokenizer have others as a rule. What
    share of the whole every group is tells them apart: other embeddings never give 32 equal ones.
    """
    manifest = one.folder.manifest
    identity = manifest["identity"]
    of = [identity.get(name) for name in ("mode", "tokenizer", "texts", "lists", "vectors")]
    notes = manifest["observation"][str(one.layers[0])]
    return fingerprint([of, manifest["model"].get("context"), notes["share"]])


# Neurons ------------------------------------------------------------------------------------------------------


def _matched(
    chosen: Sequence[Chosen], sides: Sequence[Side], config: CompareConfig, progress: Progress
) -> tuple[list[Row], list[Row], list[Row], list[str]]:
    """Return what :func:`match_rows` does of every pair of studies and layers, and remarks on what was not matched."""
    matches, correlations, pairs, notes = list[Row](), list[Row](), list[Row](), list[str]()
    every = [(a, b) for b in range(len(chosen)) for a in range(b)] if config.match != "none" else []
    with progress.stage("match neurons", "layers") as report:
        total, done = len(every) * len(chosen[0].layers), 0
        for a, b in every:
            for place in range(len(chosen[a].layers)):
                how, why = _match_of(chosen[a], chosen[b], place, config)
                names = {"first": chosen[a].name, "second": chosen[b].name}
                if how is not None:
                    given = _material(chosen[a], chosen[b], sides[a], sides[b], place)
                    rows, worth, together = match_rows(given, how)
                    pairs += [names | row for row in rows]
                    matches.append(names | worth)
                    correlations += [names | row for row in together]
                elif why not in notes:
                    notes.append(why)
                done += 1
                report(done, total)
    return matches, correlations, pairs, notes


def _match_of(a: Chosen, b: Chosen, place: int, config: CompareConfig) -> tuple[Match | None, str]:
    """Return how neurons of a layer are matched, or None and why not.

    Raises
    ------
    SettingError
        When they cannot be matched in the way that was asked for.
    """
    layers, sizes = (a.layers[place], b.layers[place]), (_size(a, place), _size(b, place))
    one_vocabulary = _vocabulary(a) == _vocabulary(b) is not None
    if config.match == "index" or (config.match == "auto" and _same_neurons(a, b, place)):
        if sizes[0] != sizes[1]:
            msg = (
                f"--match index needs equally many neurons: layer {layers[0]} of {a.name} has {sizes[0]:,}, layer "
                f"{layers[1]} of {b.name} has {sizes[1]:,}. Leave it out, or give --match tokens."
            )
            raise SettingError(msg)
        return "index", ""
    if not one_vocabulary:
        if config.match == "tokens":
            msg = (
                f"--match tokens needs one vocabulary, but {a.name} and {b.name} have different ones. Leave it out, or "
                "give --match none."
            )
            raise SettingError(msg)
        return None, f"Neurons of {a.name} and {b.name} were not matched: their vocabularies differ."
    if max(sizes) > MOST:
        if config.match == "tokens":
            msg = f"--match tokens is for layers of up to {MOST:,} neurons, got {max(sizes):,}. Give --match none."
            raise SettingError(msg)
        return None, f"Neurons of {a.name} and {b.name} were not matched: a layer has over {MOST:,} of them."
    return "tokens", ""


def _same_neurons(a: Chosen, b: Chosen, place: int) -> bool:
    """Tell whether a layer of two studies holds the same neurons: that layer of the same weights, or latents."""
    first, second = (one.folder.manifest["identity"] for one in (a, b))
    return a.layers[place] == b.layers[place] and same_model(first, second) and first.get("sae") == second.get("sae")


def _vocabulary(one: Chosen) -> str | None:
    identity = one.folder.manifest["identity"]
    found = identity.get("tokenizer", identity.get("vectors"))  # the words of published lists are those of the vectors
    return None if found is None else str(found)


def _size(one: Chosen, place: int) -> int:
    return len(one.folder.core_tokens("neurons", one.layers[place]))


def _material(a: Chosen, b: Chosen, first: Side, second: Side, place: int) -> Matched:
    before, after = first.layers[place], second.layers[place]
    twin = b.folder.core_tokens(b.twin, after.layer) if "twin" in after.values else None
    cores = a.folder.core_tokens("neurons", before.layer), b.folder.core_tokens("neurons", after.layer)
    return Matched(*cores, twin, before, after)


# Words --------------------------------------------------------------------------------------------------------


def _about(one: Chosen) -> Row:
    summary = one.folder.summary()
    kept = {"model": Path(summary["model"]).name, "mode": summary["mode"], "space": summary["space"]}
    return {"study": one.name, "path": str(one.folder.path), **kept, "layers": list(one.layers), "twin": one.twin}


APART_NOTE = (
    "they leave out different groups, so the variances of the two are added; where their errors go together, as with "
    "one vocabulary, the true intervals are narrower."
)


def _notes(chosen: Sequence[Chosen], changes: Sequence[Row]) -> list[str]:
    """Return what a reader needs to know beside the numbers."""
    apart = dict.fromkeys(f"{row['second']} − {row['first']}" for row in changes if row["interval"] == "apart")
    out = [f"Intervals of {', '.join(apart)}: {APART_NOTE}"] if apart else []
    if changes and all(row["interval"] is None for row in changes):
        out.append("No difference has an interval: that takes two neurons or more in a layer.")
    twins = {one.twin for one in chosen}
    if len(twins) > 1:
        out.append(f"Their twins differ ({', '.join(sorted(twins))}): only neurons are compared.")
    without = [one.name for one in chosen if one.twin not in one.folder.summary()["populations"]]
    if without:
        out.append(f"Without a twin, nobody can say what is the neurons' own: {', '.join(without)}.")
    return out
