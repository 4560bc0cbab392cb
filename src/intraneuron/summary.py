"""results.parquet and summary.json: the study's answers side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from intraneuron.config import OWN_TWINS, PUBLISHED, PartitionConfig, SpaceConfig
from intraneuron.data import CoreTokens, Curve
from intraneuron.errors import StudyError
from intraneuron.kernels.clustering import LINKAGES
from intraneuron.manifest import joined, same_model, versions
from intraneuron.notes import given_notes, latents_notes, notes_of
from intraneuron.pipeline.full_range import RangedLayer, full_range_tables
from intraneuron.pipeline.numbers import REFERENCE, reference_in
from intraneuron.pipeline.partition import parse_categories, tied_bounds
from intraneuron.pipeline.pattern import bars, flags
from intraneuron.pipeline.power import detectable_in_neurons
from intraneuron.pipeline.results import Population, in_short, results, silhouette_bar
from intraneuron.pipeline.settling import settling_rows
from intraneuron.pipeline.summarize import Layer, Row, pattern_rows, summarize
from intraneuron.store import StudyFolder
from intraneuron.sum_tables import SUMMED
from intraneuron.tables import read_jackknife_table, read_percentiles_table, read_settling_table

CLEAREST = 12

ASKED = ("layer", "neuron", "n", "clustered", "agreement_p", "pattern")
"""Columns of the results that the summary is made from."""

OF_LAYER = ("min_count", "min_count_reliability", "reliability", "rank_correlation", "overlap", "testable")
"""What the table of reliability has of a layer."""


def write_summary(folder: StudyFolder, layers_of_study: Sequence[int], names: Sequence[str]) -> None:
    """Write ``results.parquet`` of every population, and ``summary.json``.

    Populations are read one at a time, and go on in short: together, a large model's would not fit into memory.
    """
    reference = reference_in(folder.manifest["settings"]["mode"])
    found, frames, limits, tied = _write_results(folder, layers_of_study, names, reference)
    layers = [Layer(n, populations, _jackknife(folder, n, populations)) for n, populations in found.items()]
    manifest = folder.manifest
    summary: dict[str, Any] = {
        "model": manifest["model"]["name"],
        "mode": manifest["settings"]["mode"],
        **({} if reference == REFERENCE else {"reference": reference}),
        "space": _space_name(manifest),
        "settings": manifest["settings"],
        "identity": manifest["identity"],
        "versions": joined(manifest.get("versions", {}), versions()),
        "layers": list(found),
        "n_neurons": len(frames["neurons"]),
        "populations": list(frames),
        **summarize(layers, reference),
        "patterns": pattern_rows(layers, limits),
        "bars": {str(n): values for n, values in limits.items()},
        "detectable": _detectable(found, reference),
        "clusters": _cluster_shares(found, frames, manifest["settings"]["partition"]["categories"]),
        "reliability": _reliability(folder, list(found))
        | {"core_tokens": frames["neurons"]["n"].median()}
        | settling_rows(_curves(folder, found)),
        **_precision(folder, list(found)),
        **_full_range(folder, found, reference),
        "tied": tied,
        "clearest": clearest(frames["neurons"]),
        "other_mode": _other_mode(folder, {n: p["neurons"] for n, p in found.items()}),
    }
    own = [*latents_notes(manifest), *given_notes(manifest), *notes_of(summary)]
    notes = [*manifest.get(PUBLISHED, {}).get("notes", ()), *own]
    folder.write_json("summary.json", summary | {"notes": notes})


def _write_results(
    folder: StudyFolder, layers: Sequence[int], names: Sequence[str], reference: str
) -> tuple[dict[int, dict[str, Population]], dict[str, pl.DataFrame], dict[int, dict[str, float]], int]:
    """Write ``results.parquet`` of every population.

    Returns the populations in short, by layer and name; what is still asked of the results; the bars, by layer; and in
    how many neurons a segment bound is tied.
    """
    vocabulary, tied = folder.vocabulary(), 0
    named = PartitionConfig(**folder.manifest["settings"]["partition"]).norms is not None
    found: dict[int, dict[str, Population]] = {layer: {} for layer in layers}
    limits: dict[int, dict[str, float]] = {}
    frames: dict[str, pl.DataFrame] = {}
    for name in sorted(names, key=lambda name: name != reference):  # first the one that others are judged by
        parts = []
        for layer, short in found.items():
            population = folder.population(name, layer)
            short[name] = in_short(population)
            if name == reference:
                limits[layer] = bars(population.comparison)
            if name == "neurons":
                tied += int((tied_bounds(population.core, population.segments) > 0).sum())
            judged = reference in short and not named  # categories that people named are no cut of a tree
            bar = silhouette_bar(short[reference].categories.quality) if judged else None
            own = flags(population.comparison, limits[layer]) if layer in limits else None
            parts.append(results(population, vocabulary, clustered_above=bar, flags=own))
        frame = _stack(parts)
        folder.write(folder.path / name / "results.parquet", frame)
        frames[name] = frame.select(ASKED)
    found = {layer: {name: short[name] for name in names} for layer, short in found.items()}
    return found, {name: frames[name] for name in names}, limits, tied


def _detectable(found: dict[int, dict[str, Population]], reference: str) -> dict[str, dict[str, float]]:
    """Return, by layer and number, the effect that a neuron would need for its flag with 80 % power."""
    comparisons = {n: {name: one.comparison for name, one in some.items()} for n, some in found.items()}
    return {str(n): values for n, values in detectable_in_neurons(comparisons, reference).items()}


def _stack(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Put layers below each other; lists of one length a layer become lists of one length a study."""
    lists = [name for name, dtype in frames[0].schema.items() if isinstance(dtype, pl.Array)]
    width = {name: max(frame[name].to_numpy().shape[1] for frame in frames) for name in lists}
    return pl.concat(frame.with_columns(_padded(frame[name], size) for name, size in width.items()) for frame in frames)


def _padded(lists: pl.Series, size: int) -> pl.Series:
    """Return fixed-size lists lengthened to ``size`` with NaN."""
    table = lists.to_numpy()
    return pl.Series(lists.name, np.pad(table, ((0, 0), (0, size - table.shape[1])), constant_values=np.nan))


def _jackknife(folder: StudyFolder, layer: int, populations: dict[str, Population]) -> dict[str, np.ndarray]:
    files = {name: folder.layer_file(f"jackknife/{name}/parts", layer) for name in ("neurons", *OWN_TWINS)}
    return {name: read_jackknife_table(folder.read(f)) for name, f in files.items() if name in populations}


def _space_name(manifest: dict[str, Any]) -> str:
    return SpaceConfig(**manifest["settings"]["space"]).full_name


def _cluster_shares(
    found: dict[int, dict[str, Population]], frames: dict[str, pl.DataFrame], categories: str
) -> dict[str, dict[str, float]]:
    """Return, a population: the mean silhouette, the share cut at the most groups tried, the share clustered."""
    out: dict[str, dict[str, float]] = {}
    tree = parse_categories(categories)
    tried = tree.linkage in LINKAGES and math.isnan(tree.cosine)
    for name, frame in frames.items():
        cuts = np.concatenate([populations[name].categories.n_cut for populations in found.values()])
        quality = np.concatenate([populations[name].categories.quality for populations in found.values()])
        clustered = frame["clustered"].drop_nulls().to_numpy()
        out[name] = {
            "silhouette": _mean(quality[np.isfinite(quality)]),
            "at_bound": _mean(cuts[cuts > 0] == tree.k_max) if tried else math.nan,
            "clustered": _mean(clustered),
        }
    return out


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else math.nan


def _reliability(folder: StudyFolder, layers: list[int]) -> dict[str, Any]:
    """Return what is known of the observation's reliability, over all layers and a layer."""
    notes = {n: folder.manifest["observation"][str(n)] for n in layers}
    return {
        "median": _mean_of_known(notes, "reliability"),
        "rank_correlation": _mean_of_known(notes, "rank_correlation"),
        "overlap": _mean_of_known(notes, "overlap"),
        "min_count": sorted({v["min_count"] for v in notes.values()}),
        "testable": sum(v["testable"] for v in notes.values()),
        "layers": [
            {"layer": n, "chosen": "min_count_reliability" in v, **{k: v.get(k) for k in OF_LAYER}}
            for n, v in notes.items()
        ],
    }


def _precision(folder: StudyFolder, layers: list[int]) -> dict[str, Any]:
    """Return what a shorter number format than float32 cost in core tokens, if the model ran in one."""
    notes = {n: folder.manifest["observation"][str(n)].get("precision_overlap") for n in layers}
    if all(overlap is None for overlap in notes.values()):
        return {}
    known = {n: float(overlap) for n, overlap in notes.items() if overlap is not None and math.isfinite(overlap)}
    worst = min(known, key=lambda n: known[n], default=None)
    return {
        "precision": {
            "dtype": folder.manifest["run"]["dtype"],
            "positions": max(folder.manifest["observation"][str(n)].get("precision_positions", 0) for n in layers),
            "overlap": _mean(np.array(list(known.values()))),
            "least": math.nan if worst is None else known[worst],
            "least_layer": worst,
        }
    }


def _full_range(
    folder: StudyFolder, found: dict[int, dict[str, Population]], reference: str
) -> dict[str, dict[str, list[Row]]]:
    """Return the layer profiles of the full range, if the study has it."""
    if not folder.manifest["settings"]["partition"].get("full_range", False):
        return {}
    layers = []
    for n, populations in found.items():
        names = [name for name in populations if name in SUMMED]
        own = {name: read_percentiles_table(folder.read(folder.layer_file(f"{name}/percentiles", n))) for name in names}
        files = {name: folder.layer_file(f"jackknife/{name}/percentiles", n) for name in names}
        parts = {name: read_jackknife_table(folder.read(file)) for name, file in files.items()}
        layers.append(RangedLayer(n, own, parts))
    return {"full_range": full_range_tables(layers, reference)}


def _curves(folder: StudyFolder, found: dict[int, dict[str, Population]]) -> dict[int, dict[str, Curve]]:
    """Return how core tokens settle with more text, of every population that a text was read for."""
    files = {
        n: {name: folder.layer_file(f"{name}/settling", n) for name in populations} for n, populations in found.items()
    }
    return {
        n: {name: read_settling_table(folder.read(file)) for name, file in some.items() if file.is_file()}
        for n, some in files.items()
    }


def _mean_of_known(notes: dict[int, dict[str, Any]], name: str) -> float | None:
    """Return the mean of a number over the layers that have it."""
    known = [v[name] for v in notes.values() if math.isfinite(v.get(name, math.nan))]
    return float(np.mean(known)) if known else None


def clearest(frame: pl.DataFrame, count: int = CLEAREST) -> list[str]:
    """Return the names of the most structured neurons: those with a pattern first, then by the p of agreement.

    (By AMI itself, neurons with few core tokens would stand first: theirs scatters most.)
    """
    ranked = frame.filter(pl.col("agreement_p").is_finite()).with_columns(
        patterned=pl.col("pattern").is_in(["steps", "gradient", "peak", "mixed"])
    )
    order = ["patterned", "agreement_p", "layer", "neuron"]
    top = ranked.sort(order, descending=[True, False, False, False]).head(count)
    return [f"L{row['layer']}N{row['neuron']}" for row in top.iter_rows(named=True)]


def _other_mode(folder: StudyFolder, neurons: dict[int, Population]) -> dict[str, Any] | None:
    """Return the core tokens shared with a study of the same model in the other mode, if one lies beside this."""
    identity = folder.manifest["identity"]
    for file in sorted(folder.path.resolve().parent.glob("*/manifest.toml")):
        try:
            other = StudyFolder.open(file.parent)
            theirs = other.manifest["identity"]
            shared = [n for n in neurons if other.layer_file("neurons/core_tokens", n).is_file()]
            if same_model(theirs, identity) and theirs["mode"] != identity["mode"] and shared:
                overlaps = [_overlap(neurons[n].core, other.core_tokens("neurons", n)) for n in shared]
                return {"study": file.parent.name, "mode": theirs["mode"], "overlap": _mean(np.concatenate(overlaps))}
        except StudyError:
            continue  # not a study that this version reads, or a damaged one: only a remark is lost
    return None


def _overlap(a: CoreTokens, b: CoreTokens) -> np.ndarray:
    """Return the share of the smaller set of core tokens that is in the other, a neuron with any in both."""
    rows = zip(a.token_id, a.n, b.token_id, b.n, strict=True)
    shares = [len(np.intersect1d(x[:i], y[:j])) / min(i, j) for x, i, y, j in rows if min(i, j) > 0]
    return np.array(shares)
