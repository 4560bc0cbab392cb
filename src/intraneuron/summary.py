"""results.parquet and summary.json: the study's answers side by side."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl

from intraneuron.config import MIN_TOKENS, OWN_TWINS, PUBLISHED
from intraneuron.data import CoreTokens, Curve
from intraneuron.errors import StudyError
from intraneuron.manifest import joined, same_model, versions
from intraneuron.models.documents import own_tokens
from intraneuron.pipeline.numbers import REFERENCE, reference_in, reference_of
from intraneuron.pipeline.partition import parse_categories, tied_bounds
from intraneuron.pipeline.pattern import bars, flags
from intraneuron.pipeline.power import detectable_in_neurons
from intraneuron.pipeline.results import Population, results, silhouette_bar
from intraneuron.pipeline.settling import settling_rows
from intraneuron.pipeline.summarize import Layer, pattern_rows, summarize
from intraneuron.store import StudyFolder
from intraneuron.tables import read_jackknife_table, read_settling_table

CLEAREST = 12

OF_LAYER = ("min_count", "min_count_reliability", "reliability", "rank_correlation", "overlap", "testable")
"""What the table of reliability has of a layer."""


SIGNS = {
    "negative": "Core tokens are those of lowest activation below 0; activations are shown times -1, so that more is "
    "lower.",
    "magnitude": "Core tokens are those whose mean activation is farthest from 0 on either side; activations are shown "
    "without their sign.",
}
"""What is said of activations that are turned round."""


def write_summary(folder: StudyFolder, found: dict[int, dict[str, Population]]) -> None:
    """Write ``results.parquet`` of every population, and ``summary.json``."""
    reference = reference_in(folder.manifest["settings"]["mode"])
    limits = {n: bars(p[reference].comparison) for n, p in found.items() if reference in p}
    frames = _write_results(folder, found, limits, reference)
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
        "tied": sum(int((tied_bounds(p["neurons"].core, p["neurons"].segments) > 0).sum()) for p in found.values()),
        "clearest": clearest(frames["neurons"]),
        "other_mode": _other_mode(folder, {n: p["neurons"] for n, p in found.items()}),
    }
    notes = [*manifest.get(PUBLISHED, {}).get("notes", ()), *_latents_notes(manifest), *_notes(summary)]
    folder.write_json("summary.json", summary | {"notes": notes})


def _write_results(
    folder: StudyFolder,
    found: dict[int, dict[str, Population]],
    limits: dict[int, dict[str, float]],
    reference: str,
) -> dict[str, pl.DataFrame]:
    vocabulary = folder.vocabulary()
    parts: dict[str, list[pl.DataFrame]] = {}
    for n, populations in found.items():
        bar = silhouette_bar(populations[reference].categories.quality) if reference in populations else None
        for name, population in populations.items():
            own = flags(population.comparison, limits[n]) if n in limits else None
            frame = results(population, vocabulary, clustered_above=bar, flags=own)
            parts.setdefault(name, []).append(frame)
    frames = {name: _stack(some) for name, some in parts.items()}
    for name, frame in frames.items():
        folder.write(folder.path / name / "results.parquet", frame)
    return frames


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
    space = manifest["settings"]["space"]
    return f"{space['space']}-centered" if space["center"] else str(space["space"])


def _cluster_shares(
    found: dict[int, dict[str, Population]], frames: dict[str, pl.DataFrame], categories: str
) -> dict[str, dict[str, float]]:
    """Return, a population: the mean silhouette, the share cut at the most groups tried, the share clustered."""
    out: dict[str, dict[str, float]] = {}
    tree = parse_categories(categories)
    for name, frame in frames.items():
        cuts = np.concatenate([populations[name].categories.n_cut for populations in found.values()])
        quality = np.concatenate([populations[name].categories.quality for populations in found.values()])
        clustered = frame["clustered"].drop_nulls().to_numpy()
        out[name] = {
            "silhouette": _mean(quality[np.isfinite(quality)]),
            "at_bound": _mean(cuts[cuts > 0] == tree.k_max) if math.isnan(tree.cosine) else math.nan,
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


def _precision_note(precision: dict[str, Any]) -> str:
    if not math.isfinite(precision["overlap"]):
        return (
            f"The model ran in {precision['dtype']}. What that costs in core tokens is unknown: the model in float32 "
            "has no room in memory beside it, or could not be loaded again."
        )
    return (
        f"The model ran in {precision['dtype']}. On a sample of {precision['positions']:,} tokens, a neuron has "
        f"{precision['overlap']:.1%} of its core tokens in float32 as well (mean; {precision['least']:.1%} in layer "
        f"{precision['least_layer']}, the least)."
    )


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


def _latents_notes(manifest: dict[str, Any]) -> list[str]:
    """Say what is studied where that is not the model's own neurons."""
    saes = manifest.get("sae", ())
    of = " and ".join(f"{sae['latents']:,} of one that reads {sae['hook']}" for sae in saes)
    return [f"Neurons here are latents of sparse autoencoders, not the model's own: {of}."] if saes else []


def _notes(summary: dict[str, Any]) -> list[str]:
    """Return remarks that a reader needs beside the numbers."""
    notes = []
    tested, total = summary["reliability"]["testable"], summary["n_neurons"]
    sign = summary["settings"]["observe"].get("sign", "positive")
    if tested < total:
        side = {"positive": "above", "negative": "below", "magnitude": "other than"}[sign]
        notes.append(
            f"{total - tested} of {total} neurons have fewer than 20 core tokens (mean activation {side} 0) and are "
            "not tested."
        )
    twin = reference_of(summary)
    if twin not in summary["populations"]:
        notes.append(f"No {twin} twin was observed: no neuron can be told from a random direction.")
    if summary["mode"] == PUBLISHED:
        notes.append(
            "Published lists: no model was run. Neurons are judged by readout twins, random directions of the space, "
            "which are a lower bound."
        )
    if summary["mode"] == "vocabulary":
        notes.append("Vocabulary mode: every token was read alone, which is not text.")
    own = own_tokens(summary["settings"]["observe"].get("texts", ()))
    if own is not None:
        notes.append(f"The texts are the model's own samples: {own:,} tokens that it wrote itself, no people's text.")
    if "precision" in summary:
        notes.append(_precision_note(summary["precision"]))
    other = summary["other_mode"]
    if other:
        notes.append(
            f"Core tokens in common with the {other['mode']}-mode study {other['study']}: {other['overlap']:.0%}."
        )
    tied = summary["tied"]
    if tied:
        notes.append(
            f"In {tied} of {total} neurons a segment bound lies between tokens of equal activation; their order is "
            "that of token ids."
        )
    if summary["settings"]["observe"].get("words"):
        notes.append("Core tokens are whole words only; one that only begins a longer word cannot be told from a word.")
    if summary["settings"]["observe"].get("forms") == "distinct":
        notes.append("Of tokens that are one word in several forms, only the most active is a core token.")
    if sign in SIGNS:
        notes.append(SIGNS[sign])
    if summary["settings"]["observe"].get("cross_fit"):
        n = summary["reliability"]["core_tokens"]
        notes.append(
            "Cross-fit: core tokens were chosen on the even documents and ordered by the odd ones; those that the odd "
            f"ones do not hold left, and the median neuron has {n:.0f}."
        )
    median = summary["reliability"]["median"]
    if median is None and summary["mode"] == "corpus":
        notes.append(
            f"Nothing can be said of reliability: no neuron has {MIN_TOKENS} core tokens that both halves of the text "
            "hold. Give more text, or mix the documents."
        )
    if median is not None and median < 0.8:
        notes.append(f"Core tokens are not settled: the median neuron's reliability is {median:.2f}. Give more text.")
    return notes
