"""Nouns to tables, to Parquet, and back: bit for bit."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import polars as pl
import pytest
from tests.made_up import make_batch

from intraneuron import tables
from intraneuron.data import QUESTIONS, Curve, Vocabulary
from intraneuron.data.contexts import Contexts
from intraneuron.pipeline.compare import compare
from intraneuron.pipeline.partition import bounds, categorize, segment

BATCH = make_batch(8, 30)
CORE, SPACE = BATCH.core(), BATCH.space()
CATEGORIES, SEGMENTS = categorize(CORE, SPACE), segment(CORE)
COMPARISON = compare(CORE, SPACE, CATEGORIES, SEGMENTS)


def through_parquet(frame: pl.DataFrame) -> pl.DataFrame:
    buffer = BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    buffer.seek(0)
    return pl.read_parquet(buffer)


def same(found: object, expected: object, names: tuple[str, ...]) -> None:
    """Compare bit for bit, dtype and NaN included."""
    for name in names:
        a, b = getattr(found, name), getattr(expected, name)
        assert a.dtype == b.dtype, name
        assert a.shape == b.shape, name
        assert a.tobytes() == b.tobytes(), name


def test_core_tokens_come_back() -> None:
    found = tables.read_core_tokens_table(through_parquet(tables.core_tokens_table(CORE)))
    same(found, CORE, tuple(CORE.__dataclass_fields__))
    assert (CORE.n < 20).any()


def test_core_tokens_of_an_earlier_version_know_nothing_of_halves_but_reliability() -> None:
    old = tables.core_tokens_table(CORE).drop("rank_correlation", "overlap")
    found = tables.read_core_tokens_table(through_parquet(old))
    assert np.isnan([found.rank_correlation, found.overlap]).all()
    same(found, CORE, ("token_id", "activation", "reliability"))


def test_contexts_are_a_row_a_neuron_with_lists_and_a_neuron_without_any_has_empty_ones() -> None:
    rng = np.random.default_rng(0)
    n = np.array([3, 2, 4], dtype=np.int16)
    there = np.arange(4) < n[:, None]
    value = np.where(there, rng.normal(size=(3, 4)) * 1e3, np.nan).astype(np.float32)
    found = Contexts(
        layer=2,
        neuron=np.array([1, 1, 3], dtype=np.int32),
        segment=np.array([-1, 0, -1], dtype=np.int16),
        rank=np.array([0, 0, 0], dtype=np.int16),
        at=np.array([1, 0, 2], dtype=np.int16),
        n=n,
        token_id=np.where(there, rng.integers(0, 99, (3, 4)), -1).astype(np.int32),
        activation=value,
    )
    frame = through_parquet(tables.contexts_table(found, 5))
    assert frame.columns == ["layer", "neuron", "segment", "rank", "at", "token_id", "activation"]
    assert frame["layer"].to_list() == [2] * 5
    assert frame["neuron"].to_list() == list(range(5))
    assert frame["segment"].to_list() == [[], [-1, 0], [], [-1], []]
    assert frame["at"].to_list() == [[], [1, 0], [], [2], []]
    assert frame["token_id"].to_list()[1] == [found.token_id[0, :3].tolist(), found.token_id[1, :2].tolist()]
    kept = [x for row in frame["activation"].to_list() for one in row for x in one]
    np.testing.assert_allclose(kept, value[there], rtol=2.0**-11)
    assert frame.schema["activation"] == pl.List(pl.List(pl.Float32))


def test_a_layer_without_any_context_has_a_table_of_empty_lists() -> None:
    none = np.zeros(0, dtype=np.int16)
    lists = np.zeros((0, 4))
    empty = Contexts(0, none.astype(np.int32), none, none, none, none, lists.astype(np.int32), lists.astype(np.float32))
    frame = through_parquet(tables.contexts_table(empty, 2))
    assert frame["token_id"].to_list() == [[], []]


def test_a_curve_of_settling_comes_back() -> None:
    rng = np.random.default_rng(0)
    curve = Curve(np.arange(6) // 3, np.arange(6) % 3, *rng.random((3, 6)))
    curve.overlap[2] = np.nan
    found = tables.read_settling_table(through_parquet(tables.settling_table(curve)))
    same(found, curve, tuple(Curve.__dataclass_fields__))


def test_a_row_of_core_tokens_has_fixed_size_lists() -> None:
    frame = through_parquet(tables.core_tokens_table(CORE))
    assert frame.schema["token_id"] == pl.Array(pl.Int32, 30)
    assert frame.schema["activation"] == pl.Array(pl.Float64, 30)


@pytest.mark.parametrize("clustered", [[None] * 8, [True, False, None] * 2 + [False, True]])
def test_categories_come_back(clustered: list[bool | None]) -> None:
    words = [[["a", "b"]] * int(k) for k in CATEGORIES.n_groups]
    frame = through_parquet(tables.categories_table(CORE, CATEGORIES, clustered, words))
    found = tables.read_partition_table(frame, "meaning", "ward")
    same(found, CATEGORIES, ("label", "n_groups", "n_cut", "quality"))
    assert (found.by, found.method) == ("meaning", "ward")
    assert frame["clustered"].to_list() == clustered
    assert frame["words"].to_list() == words


def test_segments_and_their_bounds_come_back() -> None:
    limits = bounds(CORE, SEGMENTS)
    frame = through_parquet(tables.segments_table(CORE, SEGMENTS, limits))
    same(tables.read_partition_table(frame, "activation", "quantile:5"), SEGMENTS, ("label", "n_groups", "quality"))
    np.testing.assert_array_equal(frame["bound"].to_numpy(), limits)


@pytest.mark.parametrize("question", QUESTIONS)
def test_effects_come_back(question: str) -> None:
    effect = COMPARISON.effects[question]
    found = tables.read_effect_table(through_parquet(tables.effect_table(CORE, effect)), question)
    same(found, effect, ("observed", "effect_size", "null_mean", "null_std", "p", "q"))
    assert found.null == effect.null


def test_effects_without_any_group_come_back() -> None:
    few = BATCH[1:3].core()
    comparison = compare(BATCH.core(), SPACE, CATEGORIES, SEGMENTS).rows(np.array([1, 2]))
    effect = comparison.effects["homogeneity"]
    found = tables.read_effect_table(through_parquet(tables.effect_table(few, effect)), "homogeneity")
    same(found, effect, ("observed", "p"))


def test_the_profile_comes_back() -> None:
    frame = through_parquet(tables.profile_table(CORE, COMPARISON.mean_similarity, COMPARISON.profile))
    mean, profile = tables.read_profile_table(frame)
    assert mean.tobytes() == COMPARISON.mean_similarity.tobytes()
    assert profile.tobytes() == COMPARISON.profile.tobytes()


def test_the_jackknife_comes_back() -> None:
    parts = np.random.default_rng(0).normal(size=(3, 20, 7))
    parts[1, 4, 2] = np.nan
    found = tables.read_jackknife_table(through_parquet(tables.jackknife_table(parts)))
    assert found.tobytes() == parts.tobytes()


def test_the_vocabulary_comes_back_whatever_its_tokens_are() -> None:
    token = np.array(["a", " b", "##c", "\n", "\x00", "é", "", '"', "\u202e", "NaN", "None"], dtype=object)
    size = len(token)
    flags = np.arange(size) % 2 == 0
    vocabulary = Vocabulary(token, flags, ~flags, np.arange(size, dtype=np.int32)[::-1].copy())
    frame = through_parquet(tables.vocabulary_table(vocabulary, np.arange(size)))
    found = tables.read_vocabulary_table(frame)
    assert found.token.tolist() == token.tolist()
    same(found, vocabulary, ("special", "fragment", "form"))
    assert frame["count"].to_list() == list(range(size))
