from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests import oracle

from intraneuron.data import Curve, TokenActivations
from intraneuron.pipeline.settling import FAR, LAWS, SIZES, SPLITS, WANTED, law_of, settle, settling_rows

V, N, H = 1500, 12, 20
ALL = np.ones(V, dtype=bool)
SELECTION: dict[str, Any] = {"core_tokens": 40, "min_count": 20, "seed": 3}


def shards(noise: float = 1.5, *, seed: int = 0, sightings: int = 6) -> TokenActivations:
    """Return sums in 20 shards: each neuron has a mean activation a token, and noise a sighting."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(2.0, sightings / 2, size=V)
    count = rng.poisson(rate, size=(H, V))
    mean = rng.normal(size=(1, V, N))
    total = count[:, :, None] * mean + noise * np.sqrt(count)[:, :, None] * rng.normal(size=(H, V, N))
    return TokenActivations(2, np.arange(N, dtype=np.int32), count, total.astype(np.float32))


def made(agreement: list[float], *, slope: float = 1.0) -> Curve:
    """Return a curve of one split whose numbers are those given."""
    value = np.array(agreement)
    return Curve(np.zeros(len(SIZES), int), np.array(SIZES), 1000.0 * np.array(SIZES), value, value**slope)


@pytest.mark.parametrize(("split", "size", "needed"), [(1, 10, 10), (0, 3, 3), (4, 1, 1)])
def test_two_texts_choose_by_themselves_with_sightings_in_proportion(split: int, size: int, needed: int) -> None:
    every = shards()
    curve = settle(every, ALL, **SELECTION)
    order = np.random.default_rng([3, 2, split, 4]).permutation(H)
    texts = [order[:size], order[10 : 10 + size]]
    count = np.stack([every.count[text].sum(axis=0) for text in texts])
    total = np.stack([every.total[text].astype(float).sum(axis=0) for text in texts])
    mean = total / np.maximum(count, 1)[:, :, None]
    r, common = [], []
    for i in range(N):
        chosen = [oracle.select_core(mean[h, :, i], count[h], ~ALL, 40, needed)[0] for h in (0, 1)]
        chosen = [own[own >= 0] for own in chosen]
        for own in chosen:
            both = own[(count[:, own] > 0).all(axis=0)]
            r.append(np.corrcoef(mean[0, both, i], mean[1, both, i])[0, 1])
        common.append(len(np.intersect1d(chosen[0], chosen[1])) / min(map(len, chosen)))
    row = np.flatnonzero((curve.split == split) & (curve.shards == size))[0]
    assert curve.correlation[row] == pytest.approx(np.median(r), rel=1e-4)
    assert curve.overlap[row] == np.median(common)
    assert curve.tokens[row] == count.sum() / 2


def test_texts_of_noise_alone_do_not_correlate() -> None:
    curve = settle(shards(noise=1000.0), ALL, **SELECTION)
    assert np.abs(curve.mean("correlation")).max() < 0.1


def test_there_is_a_row_a_split_and_length_and_the_seed_decides() -> None:
    curve = settle(shards(), ALL, **SELECTION)
    assert curve.shards.tolist() == list(SIZES) * SPLITS
    assert curve.split.tolist() == [s for s in range(SPLITS) for _ in SIZES]
    again, other = settle(shards(), ALL, **SELECTION), settle(shards(), ALL, **(SELECTION | {"seed": 4}))
    np.testing.assert_array_equal(curve.overlap, again.overlap)
    assert not np.array_equal(curve.overlap, other.overlap)


def test_longer_texts_agree_more_and_the_law_of_the_shorter_predicts_the_longest() -> None:
    curve = settle(shards(), ALL, **SELECTION)
    for number in WANTED:
        value = curve.mean(number)
        assert (np.diff(value) > 0).all()
        law = law_of(curve, number, without=1)
        assert law.value(curve.mean("tokens")[-1]) == pytest.approx(value[-1], abs=0.02)


def test_where_every_text_says_the_same_no_more_is_needed() -> None:
    curve = settle(shards(noise=0.0, sightings=200), ALL, core_tokens=40, min_count=1, seed=0)
    assert (curve.overlap == 1).all()
    row = next(r for r in settling_rows({0: {"neurons": curve}})["settled"] if r["number"] == "overlap")
    assert row["tokens"] == curve.mean("tokens")[0]
    assert not row["beyond"]


def test_texts_without_a_token_in_common_have_no_law() -> None:
    one = shards()
    count = one.count.copy()
    count[0::2, : V // 2] = 0
    count[1::2, V // 2 :] = 0
    curve = settle(replace(one, count=count), ALL, **SELECTION)
    apart = replace(curve, overlap=np.zeros_like(curve.overlap), correlation=np.full_like(curve.overlap, np.nan))
    rows = settling_rows({0: {"neurons": apart}})
    assert all(math.isnan(row["tokens"]) and not row["beyond"] for row in rows["settled"])
    assert {row["kind"] for row in rows["curve"]} == {"observed"}


def test_the_rows_have_the_points_the_law_and_its_check() -> None:
    odds = np.array(SIZES) / 10  # Spearman-Brown's law: settled at 90 shards
    rows = settling_rows({4: {"neurons": made((odds / (1 + odds)).tolist())}})
    first = rows["settled"][0]
    assert (first["layer"], first["population"], first["number"]) == (4, "neurons", "correlation")
    assert first["tokens"] == pytest.approx(90_000)
    assert first["read"] == 20_000
    assert first["at_read"] == pytest.approx(2 / 3)
    assert first["predicted"] == pytest.approx(first["observed"]) == pytest.approx(0.5)
    own = [row for row in rows["curve"] if row["number"] == "correlation"]
    assert [row["tokens"] for row in own if row["kind"] == "observed"] == [1000 * s for s in SIZES]
    law = [row["tokens"] for row in own if row["kind"] == "law"]
    assert law[0] == pytest.approx(1000 * SIZES[-LAWS["correlation"][1]])
    assert law[-1] == pytest.approx(1.2 * 90_000)


def test_what_lies_too_far_is_not_told_to_the_token() -> None:
    odds = np.array(SIZES) / 10_000
    row = settling_rows({0: {"neurons": made((odds / (1 + odds)).tolist())}})["settled"][0]
    assert row["beyond"]
    assert math.isnan(row["tokens"])
    assert FAR * row["read"] < 90_000_000


def test_what_is_predicted_for_the_longest_text_does_not_look_at_it() -> None:
    odds = np.array(SIZES) / 10
    agreed = odds / (1 + odds)
    agreed[-1] = 0.9  # off the law of the others, which says one half
    first = settling_rows({0: {"neurons": made(agreed.tolist())}})["settled"][0]
    assert first["observed"] == pytest.approx(0.9)
    assert first["predicted"] == pytest.approx(0.5)
