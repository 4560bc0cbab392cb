"""Nouns to tables and back: the columns of a study's Parquet files (``docs/formats.md``)."""

from __future__ import annotations

import numpy as np
import polars as pl

from intraneuron.data import QUESTIONS, CoreTokens, Curve, Effect, Partition, Percentiles, Vocabulary
from intraneuron.data.contexts import Contexts
from intraneuron.data.core_tokens import MAYBE
from intraneuron.data.effect import ARRAYS

_PARTS = ("deviation", "sample_noise", "layer_noise")


def vocabulary_table(vocabulary: Vocabulary, count: np.ndarray) -> pl.DataFrame:
    """Return a row a token; ``count`` is how often the study saw it."""
    return pl.DataFrame(
        {
            "token_id": np.arange(len(vocabulary), dtype=np.int32),
            "token": [str(t) for t in vocabulary.token],
            "special": vocabulary.special,
            "fragment": vocabulary.fragment,
            "count": count,
            "form": vocabulary.form,
        }
    )


def read_vocabulary_table(frame: pl.DataFrame) -> Vocabulary:
    """Return the vocabulary of a table."""
    token = np.array(frame["token"].to_list(), dtype=object)
    columns = (frame[name].to_numpy() for name in ("special", "fragment", "form"))
    return Vocabulary(token, *columns)


def core_tokens_table(core: CoreTokens) -> pl.DataFrame:
    """Return a row a neuron, with fixed-size lists of length K."""
    return pl.DataFrame({name: getattr(core, name) for name in core.__dataclass_fields__})


def read_core_tokens_table(frame: pl.DataFrame) -> CoreTokens:
    """Return the core tokens of a table; one of an earlier version may lack columns that may be unknown."""
    names = [name for name in CoreTokens.__dataclass_fields__ if name not in MAYBE or name in frame.columns]
    return CoreTokens(**{name: _array(frame, name) for name in names})


def contexts_table(contexts: Contexts, n_neurons: int) -> pl.DataFrame:
    """Return a row a neuron, with lists of its contexts: top ones first (segment -1), then those of its segments.

    Activations have 11 significant bits, which is more than anyone sees and half of the disk.
    """
    bits = contexts.activation.view(np.uint32)
    rounded = ((bits + 0x800) & 0xFFFFF000).view(np.float32)
    there = contexts.token_id >= 0
    rows = {
        "token_id": [row[own] for row, own in zip(contexts.token_id, there, strict=True)],
        "activation": [row[own] for row, own in zip(rounded, there, strict=True)],
    }
    frame = pl.DataFrame(
        {name: getattr(contexts, name) for name in ("neuron", "segment", "rank", "at")}
        | {name: pl.Series(own, dtype=_LISTS[name]) for name, own in rows.items()}
    )
    every = pl.DataFrame({"layer": np.full(n_neurons, contexts.layer, dtype=np.int32)}).with_row_index("neuron")
    every = every.select("layer", pl.col("neuron").cast(pl.Int32))
    grouped = frame.group_by("neuron", maintain_order=True).agg(pl.exclude("neuron"))
    columns = [
        pl.col(name).fill_null(pl.lit([], dtype=kind)) for name, kind in grouped.schema.items() if name != "neuron"
    ]
    return every.join(grouped, on="neuron", how="left", maintain_order="left").with_columns(columns)


_LISTS = {"token_id": pl.List(pl.Int32), "activation": pl.List(pl.Float32)}


def settling_table(curve: Curve) -> pl.DataFrame:
    """Return a row a split of the text and length."""
    return pl.DataFrame({name: getattr(curve, name) for name in Curve.__dataclass_fields__})


def read_settling_table(frame: pl.DataFrame) -> Curve:
    """Return the curve of a table."""
    return Curve(**{name: _array(frame, name) for name in Curve.__dataclass_fields__})


def categories_table(
    core: CoreTokens, categories: Partition, clustered: list[bool | None], words: list[list[list[str]]]
) -> pl.DataFrame:
    """Return a row a neuron; ``words`` holds the words of each category."""
    frame = pl.DataFrame(
        {
            "layer": core.layer,
            "neuron": core.neuron,
            "label": categories.label,
            "n_categories": categories.n_groups,
            "n_cut": categories.n_cut,
            "quality": categories.quality,
            "clustered": clustered,
            "words": pl.Series(words, dtype=pl.List(pl.List(pl.String))),
        }
    )
    return frame.with_columns(pl.col("clustered").cast(pl.Boolean))


def segments_table(core: CoreTokens, segments: Partition, bound: np.ndarray) -> pl.DataFrame:
    """Return a row a neuron; ``bound`` are the G + 1 activations between segments, descending."""
    return pl.DataFrame(
        {
            "layer": core.layer,
            "neuron": core.neuron,
            "label": segments.label,
            "n_segments": segments.n_groups,
            "quality": segments.quality,
            "bound": bound,
        }
    )


def read_partition_table(frame: pl.DataFrame, by: str, method: str) -> Partition:
    """Return the partition of a categories or segments table."""
    groups, cut = ("n_categories", "n_cut") if by == "meaning" else ("n_segments", "n_segments")
    return Partition(
        by,  # type: ignore[arg-type]
        method,
        _array(frame, "label"),
        _array(frame, groups),
        _array(frame, cut),
        _array(frame, "quality"),
    )


def effect_table(core: CoreTokens, effect: Effect) -> pl.DataFrame:
    """Return a row a neuron; lists where the question has one answer a group."""
    arrays = {name: getattr(effect, name) for name in ARRAYS}
    return pl.DataFrame({"layer": core.layer, "neuron": core.neuron} | arrays)


def with_effect(frame: pl.DataFrame, effect: Effect) -> pl.DataFrame:
    """Return an effect's table with other arrays."""
    return frame.select("layer", "neuron").with_columns(
        pl.Series(name, getattr(effect, name), nan_to_null=False) for name in ARRAYS
    )


def read_effect_table(frame: pl.DataFrame, question: str) -> Effect:
    """Return the effect of a table."""
    return Effect(question, QUESTIONS[question], **{name: _array(frame, name) for name in ARRAYS})


def profile_table(core: CoreTokens, mean_similarity: np.ndarray, profile: np.ndarray) -> pl.DataFrame:
    """Return a row a neuron: mean similarity of all pairs, and inside each window of 10 ranks."""
    columns = {"mean_similarity": mean_similarity, "profile": profile}
    return pl.DataFrame({"layer": core.layer, "neuron": core.neuron} | columns)


def read_profile_table(frame: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return mean similarity (N,) and profile (N, K - 9)."""
    return _array(frame, "mean_similarity"), _array(frame, "profile")


def jackknife_table(parts: np.ndarray) -> pl.DataFrame:
    """Return a row a left-out group: its pseudo-value deviations, and the neurons' own noise (sample, layer)."""
    group = np.arange(parts.shape[1], dtype=np.int32)
    return pl.DataFrame({"group": group} | dict(zip(_PARTS, parts, strict=True)))


def read_jackknife_table(frame: pl.DataFrame) -> np.ndarray:
    """Return the jackknife parts, (3, J, M)."""
    return np.stack([_array(frame, name) for name in _PARTS])


def percentiles_table(found: Percentiles) -> pl.DataFrame:
    """Return a row a neuron, with fixed-size lists of 100 percentiles, the least active first."""
    rows = len(found.neuron)
    return pl.DataFrame(
        {
            "layer": np.full(rows, found.layer, dtype=np.int32),
            "neuron": found.neuron,
            "tokens": np.tile(found.tokens, (rows, 1)),
            "homogeneity": found.homogeneity,
            "null_mean": np.full(rows, found.null_mean),
            "z": found.z,
            "p": found.p,
        }
    )


def read_percentiles_table(frame: pl.DataFrame) -> Percentiles:
    """Return the percentiles of a table; of at least one neuron."""
    names = ("neuron", "homogeneity", "z", "p")
    own = {name: _array(frame, name) for name in names}
    return Percentiles(
        layer=int(frame["layer"][0]), tokens=_array(frame, "tokens")[0], null_mean=float(frame["null_mean"][0]), **own
    )


def _array(frame: pl.DataFrame, name: str) -> np.ndarray:
    """Return a column as a writable numpy array; fixed-size lists become the second axis, nulls NaN."""
    column = frame[name]
    if column.dtype.is_float():
        column = column.fill_null(float("nan"))
    return np.array(column.to_numpy())
