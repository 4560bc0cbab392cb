"""Build the card of one neuron from a study."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from intraneuron.config import PUBLISHED
from intraneuron.data import (
    QUESTIONS,
    Card,
    CardCategory,
    CardContext,
    CardNumber,
    CardSegment,
    CardToken,
    Comparison,
    CoreTokens,
    Partition,
    neuron_name,
)
from intraneuron.errors import StudyError
from intraneuron.manifest import command_of, damaged, same_command
from intraneuron.pipeline.numbers import NUMBERS, reference_of
from intraneuron.plain import listed
from intraneuron.store import StudyFolder
from intraneuron.tables import read_core_tokens_table, read_effect_table, read_partition_table

SHOWN = (
    "tightness",
    "ami",
    "mrpp_a",
    "distance_r",
    "peak",
    "peak10",
    "peak5",
    "purity_top",
    "top_down_eta2",
    "interleaving",
    "abstraction",
)
"""Numbers on a card, in order."""


def build_card(folder: StudyFolder, layer: int, neuron: int) -> Card:
    """Return everything that a study knows of one neuron.

    Raises
    ------
    StudyError
        When the study has no such layer or neuron.
    """
    place = place_of(folder, layer, neuron)
    summary = folder.summary()
    row = _rows(folder, layer, place)
    core = read_core_tokens_table(row["core_tokens"])
    categories = read_partition_table(row["categories"], "meaning", "")
    segments = read_partition_table(row["segments"], "activation", "")
    effects = {question: read_effect_table(row[f"effects/{question}"], question) for question in QUESTIONS}
    profile = (row["profile"][column].to_numpy() for column in ("mean_similarity", "profile"))
    comparison = Comparison(effects, *profile)
    words = row["categories"]["words"].to_list()[0]
    result = _result(folder, layer, neuron)
    bound = row["segments"]["bound"].to_numpy()[0]
    claims = {c["number"]: c for c in summary["claims"] if c["layer"] == layer}
    return Card(
        name=neuron_name(layer, neuron),
        model=summary["model"],
        mode=summary["mode"],
        space=summary["space"],
        pattern=result["pattern"],
        reliability=_float(result["reliability"]),
        rank_correlation=float(core.rank_correlation[0]),
        overlap=float(core.overlap[0]),
        silhouette=_float(result["silhouette"]),
        clustered=result["clustered"],
        tokens=card_tokens(core, categories, segments, _texts(folder, core.token_id[0])),
        categories=card_categories(core, categories, comparison, words),
        segments=card_segments(segments, comparison, bound, _twins_zones(folder, layer, summary)),
        contexts=_contexts(folder, layer, neuron),
        numbers=_numbers(comparison, claims, *(_of_layer(summary, name, layer) for name in ("bars", "detectable"))),
        reference=reference_of(summary),
    )


def _contexts(folder: StudyFolder, layer: int, neuron: int) -> tuple[CardContext, ...]:
    """Return what the study quotes of its texts for a neuron; nothing when it has none."""
    file = folder.layer_file("neurons/contexts", layer)
    if not file.is_file():
        return ()
    row = _only(file, folder.read(file, lambda lazy: lazy.slice(neuron, 1))).row(0, named=True)
    columns = (row[name] for name in ("segment", "rank", "at", "token_id", "activation"))
    token_id = [i for ids in row["token_id"] for i in ids]
    text = _texts(folder, np.unique(np.array(token_id, dtype=np.int64)))
    return tuple(
        CardContext(segment, rank, at, tuple(text[i] for i in ids), tuple(activations))
        for segment, rank, at, ids, activations in zip(*columns, strict=True)
    )


def check_layer(folder: StudyFolder, layer: int) -> None:
    """Raise StudyError when a study has no such layer; what it takes to have it is said."""
    layers = folder.manifest["settings"]["layers"]
    if layer in layers:
        return
    have = ", ".join(map(str, layers))
    model = folder.manifest["identity"]["name"]
    if folder.manifest["settings"]["mode"] == PUBLISHED and not _has_neurons(folder, layer):
        msg = f"{model} has no list of layer {layer}."
        raise StudyError(msg)
    if "sae" in folder.manifest and not _has_neurons(folder, layer):
        reading = ", ".join(str(sae["layer"]) for sae in folder.manifest["sae"])
        msg = f"No SAE of this study reads layer {layer}: they read {reading}."
        raise StudyError(msg)
    if not 0 <= layer < folder.manifest["model"]["layers"]:
        msg = f"{model} has no layer {layer}: its layers are 0 to {folder.manifest['model']['layers'] - 1}."
        raise StudyError(msg)
    union = ",".join(map(str, sorted({*layers, layer})))
    again = same_command(folder.path, "--layers", union, source=command_of(folder.manifest))
    msg = f"This study has no layer {layer} (it has {have}). Run: {again}"
    raise StudyError(msg)


def check_neuron(folder: StudyFolder, layer: int, neuron: int) -> None:
    """Raise StudyError when a study has no such layer or neuron."""
    place_of(folder, layer, neuron)


def place_of(folder: StudyFolder, layer: int, neuron: int) -> int:
    """Return the row that a neuron has in its layer's tables: its number, but where only some neurons have a list.

    Raises
    ------
    StudyError
        When the study has no such layer or neuron.
    """
    check_layer(folder, layer)
    if folder.manifest["settings"]["mode"] == PUBLISHED:
        return _place_of_list(folder, layer, neuron)
    size = folder.manifest["model"]["neurons"][layer]
    if not 0 <= neuron < size:
        msg = f"Layer {layer} has neurons 0 to {size - 1}, got {neuron}."
        raise StudyError(msg)
    return neuron


def _place_of_list(folder: StudyFolder, layer: int, neuron: int) -> int:
    file = folder.layer_file("neurons/core_tokens", layer)
    there = folder.read(file, lambda lazy: lazy.select("neuron"))["neuron"].to_list()
    if neuron not in there:
        msg = f"The lists have no neuron {neuron} of layer {layer}; they have {listed([str(n) for n in there])}."
        raise StudyError(msg)
    return there.index(neuron)


def _has_neurons(folder: StudyFolder, layer: int) -> bool:
    sizes = folder.manifest["model"]["neurons"]
    return 0 <= layer < len(sizes) and sizes[layer] > 0


TABLES = ("core_tokens", "categories", "segments", "profile", *(f"effects/{question}" for question in QUESTIONS))
"""Tables of a layer that a card is made from."""


def _rows(folder: StudyFolder, layer: int, place: int) -> dict[str, pl.DataFrame]:
    """Read one neuron's row of every table (rows are in neuron order)."""
    files = {table: folder.layer_file(f"neurons/{table}", layer) for table in TABLES}
    frames = folder.read_all(list(files.values()), lambda lazy: lazy.slice(place, 1))
    return {table: _only(file, frame) for (table, file), frame in zip(files.items(), frames, strict=True)}


def _texts(folder: StudyFolder, token_id: np.ndarray) -> dict[int, str]:
    """Read the texts of some tokens: a vocabulary may have a quarter of a million."""
    wanted = pl.col("token_id").is_in([int(i) for i in token_id if i >= 0])
    every = folder.read(folder.path / "vocabulary.parquet", lambda lazy: lazy.select("token_id", "token"))
    frame = every.filter(wanted)  # inside the scan it would take ten times as long
    return dict(zip(frame["token_id"].to_list(), frame["token"].to_list(), strict=True))


def _only(file: Path, frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table of one row, or raise StudyError."""
    if len(frame) != 1:
        raise damaged(file, f"it has {len(frame)} rows of one neuron")
    return frame


def _result(folder: StudyFolder, layer: int, neuron: int) -> dict[str, Any]:
    wanted = (pl.col("layer") == layer) & (pl.col("neuron") == neuron)
    columns = ["layer", "neuron", "pattern", "reliability", "silhouette", "clustered"]
    file = folder.path / "neurons" / "results.parquet"
    return _only(file, folder.read(file, lambda lazy: lazy.select(columns).filter(wanted))).row(0, named=True)


def _twins_zones(folder: StudyFolder, layer: int, summary: dict[str, Any]) -> np.ndarray:
    """Return the mean homogeneity of each segment among the twins of reference, (G,); empty without them."""
    twin = reference_of(summary)
    if twin not in summary["populations"]:
        return np.zeros(0)
    file = folder.layer_file(f"{twin}/effects/homogeneity", layer)
    observed = read_effect_table(folder.read(file), "homogeneity").observed
    defined = np.isfinite(observed)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(defined, observed, 0.0).sum(axis=0) / defined.sum(axis=0))


def card_tokens(
    core: CoreTokens, categories: Partition, segments: Partition, text: Mapping[int, str] | np.ndarray
) -> tuple[CardToken, ...]:
    """Return the tokens of the one neuron in ``core``; ``text`` has the text of each by its id."""
    return tuple(
        CardToken(
            rank=r,
            token=str(text[int(core.token_id[0, r])]),
            activation=float(core.activation[0, r]),
            count=int(core.count[0, r]),
            category=int(categories.label[0, r]),
            segment=int(segments.label[0, r]),
        )
        for r in range(int(core.n[0]))
    )


def card_categories(
    core: CoreTokens, categories: Partition, comparison: Comparison, words: list[list[str]]
) -> tuple[CardCategory, ...]:
    """Return the categories of the one neuron."""
    delta, selectivity = comparison.effects["category_delta"], comparison.effects["selectivity"]
    out = []
    for g in range(int(categories.n_groups[0])):
        inside = categories.label[0] == g
        mean = float(core.activation[0, inside].mean())
        tables = (delta.observed, delta.p, selectivity.effect_size)
        numbers = (float(a[0, g]) if g < a.shape[1] else math.nan for a in tables)
        out.append(CardCategory(g, int(inside.sum()), tuple(words[g]), mean, *numbers))
    return tuple(out)


def card_segments(
    segments: Partition, comparison: Comparison, bound: np.ndarray, twins: np.ndarray
) -> tuple[CardSegment, ...]:
    """Return the segments of the one neuron; ``twins`` is the twins' mean homogeneity a segment, or empty."""
    zone, purity = comparison.effects["homogeneity"], comparison.effects["segment_purity"]
    out = []
    for g in range(int(segments.n_groups[0])):
        observed, null, p, q = (float(a[0, g]) for a in (zone.observed, zone.null_mean, zone.p, zone.q))
        twin = float(twins[g]) if g < len(twins) else math.nan
        size = int((segments.label[0] == g).sum())
        low, high = float(bound[g + 1]), float(bound[g])
        share, by_chance = float(purity.observed[0, g]), float(purity.null_mean[0, g])
        out.append(CardSegment(g, size, low, high, observed, null, p, q, twin, share, by_chance))
    return tuple(out)


def _of_layer(summary: dict[str, Any], table: str, layer: int) -> dict[str, float]:
    """Return a layer's numbers of a table of the summary; none when it has none."""
    return dict(summary.get(table, {}).get(str(layer), {}))


def _numbers(
    comparison: Comparison, claims: dict[str, dict[str, Any]], bars: dict[str, float], detectable: dict[str, float]
) -> tuple[CardNumber, ...]:
    out = []
    for number in NUMBERS:
        if number.name not in SHOWN:
            continue
        claim = claims.get(number.name, {})
        value, p, q = (float(f(comparison)[0]) for f in (number.of, number.p_of, number.q_of))
        twins = (_float(claim.get("shuffled")), _float(claim.get(reference_of(claim))), _float(bars.get(number.name)))
        needed = _float(detectable.get(number.name))
        out.append(CardNumber(number.name, number.claim, value, p, q, *twins, needed))
    return tuple(out)


def own_numbers(comparison: Comparison) -> tuple[CardNumber, ...]:
    """Return the numbers of a neuron that has no layer, and so no twins."""
    return _numbers(comparison, {}, {}, {})


def _float(value: Any) -> float:
    return math.nan if value is None else float(value)
