"""The batch law through the whole analysis: no digit depends on blocks of neurons, their order, or threads."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.made_up import Batch, make_batch

from intraneuron.data import Background, CoreTokens, Vocabulary
from intraneuron.kernels import blocks, selection
from intraneuron.kernels.background import background_sums
from intraneuron.kernels.selection import top_tokens
from intraneuron.pipeline import similarity
from intraneuron.pipeline.analyse import Analysis, analyse
from intraneuron.pipeline.background import background
from intraneuron.pipeline.compare import give_q
from intraneuron.pipeline.pattern import bars, flags
from intraneuron.pipeline.results import Population, results
from intraneuron.pipeline.shuffle import shuffle

Law = Callable[[pytest.MonkeyPatch], None]


def blocks_of(size: int) -> Law:
    """Return what sets the neurons that are in memory together, and those that a thread takes at a time."""

    def change(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(similarity, "NEURONS", size)
        plain = blocks.over_neurons.__kwdefaults__
        assert plain is not None
        monkeypatch.setitem(plain, "block", max(1, size // 3))

    return change


def threads(number: int) -> Law:
    """Return what sets how many threads there are."""

    def change(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(blocks, "n_threads", lambda: number)
        monkeypatch.setattr(selection, "n_threads", lambda: number)

    return change


LAWS: dict[str, Law] = {
    **{f"blocks of {size}": blocks_of(size) for size in (1, 7, 32, 10_000)},
    **{f"{number} threads": threads(number) for number in (1, 2, 5)},
}


@cache
def neurons() -> Batch:
    """Return neurons of which every second one is the more active the nearer a token is to its first."""
    batch = make_batch(43, 60, 16, seed=11, segments=5)
    for i, m in enumerate(batch.n.tolist()):
        if i % 2 and m:
            ids = batch.token_id[i, :m]
            batch.token_id[i, :m] = ids[np.argsort(-batch.vectors[ids] @ batch.vectors[ids[0]], kind="stable")]
    return batch


@cache
def null() -> Background:
    batch = neurons()
    return background(batch.space(), batch.eligible)


def analysed(core: CoreTokens) -> list[Analysis]:
    """Return the analyses of some neurons and of their shuffled twins."""
    batch = neurons()
    dealt = [shuffle(core, seed=3)]
    return analyse(core, batch.space(), seed=3, spelling=batch.spelling(), background=null(), dealt=dealt)


def in_one_table(core: CoreTokens, found: list[Analysis]) -> pl.DataFrame:
    """Return all that is known of neurons and twins, with q and patterns, a row each in the order of neurons."""
    texts = np.array([f"t{i}" for i in range(len(neurons().vectors))], dtype=object)
    never = np.zeros(len(texts), dtype=bool)
    vocabulary = Vocabulary(texts, never, never, np.arange(len(texts), dtype=np.int32))
    limits = bars(found[1].comparison)
    frames = []
    for name, one in zip(("neurons", "shuffled"), found, strict=True):
        give_q([one.comparison])
        population = Population(core, one.categories, one.segments, one.comparison)
        frame = results(population, vocabulary, clustered_above=0.1, flags=flags(one.comparison, limits))
        effects = {
            f"{question} {field}": getattr(effect, field)
            for question, effect in one.comparison.effects.items()
            for field in ("observed", "effect_size", "null_mean", "null_std", "p", "q")
        }
        labels = {"category": one.categories.label, "segment": one.segments.label, "profile": one.comparison.profile}
        frames.append(frame.with_columns(population=pl.lit(name)).with_columns(pl.DataFrame(effects | labels)))
    return pl.concat(frames).sort("population", "neuron")


@cache
def expected() -> pl.DataFrame:
    core = neurons().core()
    return in_one_table(core, analysed(core))


def test_there_is_something_to_be_equal() -> None:
    table = expected()
    assert table["pattern"].n_unique() > 2
    assert table["tightness_p"].is_finite().sum() > 50
    assert table["abstraction_p"].is_finite().sum() > 50


@pytest.mark.parametrize("law", LAWS)
def test_p_labels_patterns_and_all_else_have_the_same_bits(monkeypatch: pytest.MonkeyPatch, law: str) -> None:
    before = expected()
    LAWS[law](monkeypatch)
    core = neurons().core()
    assert_frame_equal(in_one_table(core, analysed(core)), before, check_exact=True)


@pytest.mark.parametrize("order", ["reversed", "shuffled"])
def test_the_order_of_neurons_changes_no_bit(order: str) -> None:
    core = neurons().core()
    rows = np.arange(len(core))[::-1] if order == "reversed" else np.random.default_rng(5).permutation(len(core))
    assert_frame_equal(in_one_table(core[rows], analysed(core[rows])), expected(), check_exact=True)


@pytest.mark.parametrize("order", ["as they come", "reversed", "shuffled"])
def test_blocks_by_themselves_in_any_order_change_no_bit(order: str) -> None:
    core = neurons().core()
    parts = np.array_split(np.arange(len(core)), 7)
    if order == "reversed":
        parts = parts[::-1]
    elif order == "shuffled":
        parts = [parts[i] for i in np.random.default_rng(6).permutation(len(parts))]
    rows = np.concatenate(parts)
    found = [analysed(core[part]) for part in parts]
    whole = [
        Analysis(*(type(getattr(some[0], name)).concatenate([getattr(one, name) for one in some]) for name in FIELDS))
        for some in zip(*found, strict=True)
    ]
    assert_frame_equal(in_one_table(core[rows], whole), expected(), check_exact=True)


FIELDS = ("categories", "segments", "comparison")


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("forms", [False, True])
def test_core_tokens_are_the_same(monkeypatch: pytest.MonkeyPatch, law: str, forms: bool) -> None:
    batch = neurons()
    form = np.arange(len(batch.vectors), dtype=np.int32) // 3 if forms else None
    before = top_tokens(batch.total, batch.count, batch.eligible, 20, form=form)
    LAWS[law](monkeypatch)
    if law.startswith("blocks of"):
        monkeypatch.setattr(selection, "BLOCK", int(law.split()[-1]))
    for one, other in zip(top_tokens(batch.total, batch.count, batch.eligible, 20, form=form), before, strict=True):
        np.testing.assert_array_equal(other, one)
    rows = np.random.default_rng(7).permutation(len(batch))
    turned = top_tokens(np.ascontiguousarray(batch.total[:, :, rows]), batch.count, batch.eligible, 20, form=form)
    for one, other in zip(turned, before, strict=True):
        np.testing.assert_array_equal(other[rows], one)


@pytest.mark.parametrize("number", [1, 2, 5])
def test_the_background_has_the_same_bits_with_any_threads(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    rng = np.random.default_rng(8)
    vectors = rng.normal(size=(5000, 37)) + 0.3
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    mean, sums = background_sums(vectors)
    monkeypatch.setattr(blocks, "n_threads", lambda: number)
    again = background_sums(vectors)
    assert again[0] == mean
    np.testing.assert_array_equal(again[1], sums)
