from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats
from tests import oracle

from intraneuron.data import CoreTokens, TokenActivations
from intraneuron.errors import DataError
from intraneuron.pipeline import select as select_module
from intraneuron.pipeline.select import MIN_COUNTS, check_finite, choose_min_count, select, select_halves

V, N = 400, 9


def corpus(noise: float = 0.5, *, seed: int = 0, sightings: int = 12) -> TokenActivations:
    """Return sums in two halves: each neuron has a mean activation a token, and noise a sighting."""
    rng = np.random.default_rng(seed)
    count = rng.integers(0, sightings, size=(2, V))
    mean = rng.normal(size=(1, V, N))
    total = count[:, :, None] * mean + noise * np.sqrt(count)[:, :, None] * rng.normal(size=(2, V, N))
    return TokenActivations(4, np.arange(N, dtype=np.int32) + 100, count, total.astype(np.float32))


ALL = np.ones(V, dtype=bool)


def test_core_tokens_are_the_oracles_with_their_counts_and_names() -> None:
    activations, eligible = corpus(), np.arange(V) % 5 > 0
    core = select(activations, eligible, core_tokens=50, min_count=4)
    seen = activations.count.sum(axis=0)
    total = activations.total.astype(np.float64).sum(axis=0)
    for i in range(N):
        mean = total[:, i] / np.maximum(seen, 1)
        expected, n = oracle.select_core(mean, seen, ~eligible, 50, 4)
        np.testing.assert_array_equal(core.token_id[i], expected)
        assert core.n[i] == n == 50
        np.testing.assert_array_equal(core.count[i], seen[expected])
        np.testing.assert_allclose(core.activation[i], mean[expected], rtol=1e-12)
    np.testing.assert_array_equal(core.neuron, activations.neuron)
    assert (core.layer == 4).all()


def test_only_tokens_that_switch_a_neuron_on_are_core_tokens_and_the_row_is_padded() -> None:
    activations = corpus()
    few = replace(activations, total=activations.total - np.float32(30) * (np.arange(N) == 3).astype(np.float32))
    core = select(few, ALL)
    assert core.n[3] < 20
    assert (core.token_id[3, core.n[3] :] == -1).all()
    assert (core.count[3, core.n[3] :] == -1).all()
    assert np.isnan(core.activation[3, core.n[3] :]).all()
    assert (core.activation[3, : core.n[3]] > 0).all()


def assert_same(a: CoreTokens, b: CoreTokens, but: tuple[str, ...] = ()) -> None:
    for name in a.__dataclass_fields__:
        if name not in but:
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


FORM = (np.arange(V) // 3).astype(np.int32)


@pytest.mark.parametrize("cross_fit", [False, True])
def test_of_the_tokens_of_one_form_the_most_active_one_is_selected(cross_fit: bool) -> None:
    activations = corpus()
    core = select(activations, ALL, core_tokens=40, min_count=4, cross_fit=cross_fit, form=FORM)
    every = select(activations, ALL, core_tokens=V, min_count=4, cross_fit=cross_fit)
    chosen = select(activations.part(0), ALL, core_tokens=V, min_count=2) if cross_fit else every
    for i in range(N):
        _, first = np.unique(FORM[chosen.token_id[i, : chosen.n[i]]], return_index=True)
        expected = chosen.token_id[i, np.sort(first)[:40]]
        own = core.token_id[i, : core.n[i]]
        assert len(set(FORM[own])) == core.n[i]
        assert set(own) <= set(expected)
        assert cross_fit or own.tolist() == expected.tolist()


@pytest.mark.parametrize("cross_fit", [False, True])
def test_the_negative_side_is_the_positive_one_of_activations_times_minus_one(cross_fit: bool) -> None:
    activations = corpus()
    turned = replace(activations, total=-activations.total)
    how: dict[str, Any] = {"core_tokens": 40, "min_count": 4, "cross_fit": cross_fit, "form": FORM}
    assert_same(select(activations, ALL, sign="negative", **how), select(turned, ALL, **how))


def test_by_magnitude_the_tokens_farthest_from_0_on_either_side_are_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    activations = corpus()
    core = select(activations, ALL, core_tokens=40, min_count=4, sign="magnitude")
    seen = np.maximum(activations.count.sum(axis=0), 1)
    mean = activations.total.sum(axis=0, dtype=np.float64) / seen[:, None]
    allowed = activations.count.sum(axis=0) >= 4
    signs = set()
    for i in range(N):
        order = np.lexsort((np.arange(V), np.where(allowed, -np.abs(mean[:, i]), np.inf)))[:40]
        assert core.token_id[i].tolist() == order.tolist()
        np.testing.assert_allclose(core.activation[i], np.abs(mean[order, i]), rtol=1e-12)
        signs |= set(np.sign(mean[order, i]))
    assert signs == {-1, 1}
    monkeypatch.setattr("intraneuron.pipeline.select.TURNED", 3)
    assert_same(select(activations, ALL, core_tokens=40, min_count=4, sign="magnitude"), core)


def test_each_half_says_by_itself_on_which_side_a_token_is(monkeypatch: pytest.MonkeyPatch) -> None:
    activations = corpus()
    how: dict[str, Any] = {"core_tokens": 40, "sign": "magnitude"}
    for half, core in enumerate(select_halves(activations, ALL, min_count=4, **how)):
        assert_same(core, select(activations.part(half), ALL, min_count=2, **how))
    fitted = select(activations, ALL, min_count=4, cross_fit=True, **how)
    first = activations.turned("magnitude", by=0)
    assert_same(fitted, select(first, ALL, min_count=4, cross_fit=True, core_tokens=40), ("overlap",))


def test_halves_and_the_least_count_go_by_forms_too() -> None:
    activations = corpus(2.0, sightings=40)
    for half in select_halves(activations, ALL, core_tokens=50, min_count=5, form=FORM):
        assert all(len(set(FORM[row[:n]])) == n for row, n in zip(half.token_id, half.n, strict=True))
    core = select(activations, ALL, core_tokens=50, min_count=5, form=FORM)
    _, reliability = choose_min_count(activations, ALL, core_tokens=50, form=FORM)
    assert (core.overlap != select(activations, ALL, core_tokens=50, min_count=5).overlap).any()
    assert reliability != choose_min_count(activations, ALL, core_tokens=50)[1]


def test_reliability_is_the_stepped_up_correlation_of_the_halves_over_the_core_tokens() -> None:
    activations = corpus()
    core = select(activations, ALL, min_count=8)
    for i in range(N):
        ids = core.token_id[i, : core.n[i]]
        both = (activations.count[:, ids] > 0).all(axis=0)
        halves = activations.total[:, ids[both], i].astype(float) / activations.count[:, ids[both]]
        assert core.reliability[i] == pytest.approx(oracle.reliability(*halves), rel=1e-9)


def test_more_noise_means_less_reliability_and_one_part_has_none() -> None:
    quiet, loud = (np.median(select(corpus(noise), ALL, min_count=8).reliability) for noise in (0.1, 2.0))
    assert quiet > 0.9 > loud
    assert np.isnan(select(corpus().part(0), ALL).reliability).all()


def test_too_few_tokens_seen_in_both_halves_have_no_reliability() -> None:
    activations = corpus()
    count = activations.count.copy()
    count[1, 15:] = 0
    total = np.where(count[:, :, None] > 0, activations.total, 0).astype(np.float32)
    assert np.isnan(select(replace(activations, count=count, total=total), ALL).reliability).all()


def test_the_overlap_of_halves_is_the_share_of_core_tokens_in_common() -> None:
    activations = corpus()
    found = select(activations, ALL, core_tokens=40, min_count=6).overlap
    for i in range(N):
        halves = []
        for h in (0, 1):
            mean = activations.total[h, :, i].astype(float) / np.maximum(activations.count[h], 1)
            core, n = oracle.select_core(mean, activations.count[h], ~ALL, 40, 3)
            halves.append(set(core[:n].tolist()))
        assert found[i] == pytest.approx(len(halves[0] & halves[1]) / min(map(len, halves)))
    same = replace(activations, count=activations.count[[0, 0]], total=activations.total[[0, 0]])
    assert (select(same, ALL, core_tokens=40, min_count=6).overlap == 1).all()


def test_each_half_selects_by_itself_with_half_of_the_count() -> None:
    activations = corpus()
    for h, half in enumerate(select_halves(activations, ALL, core_tokens=40, min_count=6)):
        for i in range(N):
            mean = activations.total[h, :, i].astype(float) / np.maximum(activations.count[h], 1)
            expected, n = oracle.select_core(mean, activations.count[h], ~ALL, 40, 3)
            np.testing.assert_array_equal(half.token_id[i], expected)
            np.testing.assert_allclose(half.activation[i, :n], mean[expected[:n]], rtol=1e-12)
            np.testing.assert_array_equal(half.count[i, :n], activations.count[h, expected[:n]])
        np.testing.assert_array_equal(half.neuron, activations.neuron)
        assert np.isnan(half.reliability).all()


def test_core_tokens_have_the_overlap_and_the_rank_correlation_of_the_halves() -> None:
    activations = corpus()
    core = select(activations, ALL, core_tokens=60, min_count=8)
    for i in range(N):
        ids = core.token_id[i, : core.n[i]]
        both = (activations.count[:, ids] > 0).all(axis=0)
        halves = activations.total[:, ids[both], i].astype(float) / activations.count[:, ids[both]]
        r = stats.spearmanr(*halves).statistic
        assert core.rank_correlation[i] == pytest.approx(2 * r / (1 + r), rel=1e-9)
    alone = select(activations.part(0), ALL)
    assert np.isnan([alone.overlap, alone.rank_correlation]).all()


def test_half_of_an_odd_count_is_rounded_up() -> None:
    activations = corpus()
    found = [select_halves(activations, ALL, core_tokens=40, min_count=m)[0].token_id for m in (5, 6, 4)]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


# Cross-fit -----------------------------------------------------------------------------------------------------


def test_cross_fit_chooses_on_the_first_half_and_orders_by_the_second() -> None:
    activations = corpus()
    core = select(activations, ALL, core_tokens=50, min_count=6, cross_fit=True)
    count, total = activations.count, activations.total.astype(float)
    for i in range(N):
        chosen, _ = oracle.select_core(total[0, :, i] / np.maximum(count[0], 1), count[0], ~ALL, 50, 3)
        seen = [t for t in chosen.tolist() if t >= 0 and count[1, t] > 0]
        mean = total[1, seen, i] / count[1, seen]
        order = np.lexsort((seen, -mean))
        assert core.n[i] == len(seen) < 50
        np.testing.assert_array_equal(core.token_id[i, : core.n[i]], np.array(seen)[order])
        np.testing.assert_allclose(core.activation[i, : core.n[i]], mean[order], rtol=1e-12)
        np.testing.assert_array_equal(core.count[i, : core.n[i]], count[1, seen][order])
        assert (core.token_id[i, core.n[i] :] == -1).all()
        assert (core.count[i, core.n[i] :] == -1).all()


def test_the_second_half_does_not_say_which_tokens_are_chosen() -> None:
    activations = corpus()
    other = replace(activations, total=activations.total.copy())
    other.total[1] = -np.abs(other.total[1])  # it would choose none
    cores = [select(a, ALL, core_tokens=50, min_count=6, cross_fit=True) for a in (activations, other)]
    assert [set(row) for row in cores[0].token_id.tolist()] == [set(row) for row in cores[1].token_id.tolist()]
    assert (cores[1].activation[:, 0] <= 0).all()


def test_the_reliability_of_cross_fit_is_that_of_one_half() -> None:
    activations = corpus()
    core = select(activations, ALL, min_count=8, cross_fit=True)
    for i in range(N):
        ids = core.token_id[i, : core.n[i]]
        halves = activations.total[:, ids, i].astype(float) / activations.count[:, ids]
        assert core.reliability[i] == pytest.approx(np.corrcoef(*halves)[0, 1], rel=1e-9)
        assert core.rank_correlation[i] == pytest.approx(stats.spearmanr(*halves).statistic, rel=1e-9)


def test_cross_fit_needs_two_halves() -> None:
    with pytest.raises(DataError, match=r"cross_fit needs an observation of two halves of a text, got 1\. Observe"):
        select(corpus().part(0), ALL, cross_fit=True)


def noise_alone(*, tokens: int = 4000, neurons: int = 60) -> TokenActivations:
    """Return sums of neurons that respond to every token alike, with noise: 1 on average, whatever the token."""
    rng = np.random.default_rng(8)
    count = rng.poisson(rng.gamma(1.0, 30.0, size=tokens) + 2.0, size=(2, tokens))
    noise = 0.5 * np.sqrt(count)[:, :, None] * rng.normal(size=(2, tokens, neurons))
    total = (count[:, :, None] + noise).astype(np.float32)
    return TokenActivations(0, np.arange(neurons, dtype=np.int32), count, total)


def test_the_luck_of_selection_is_in_the_order_and_cross_fit_takes_it_out() -> None:
    """What noise selects are rare tokens, whose means scatter most, and the rarest of them stand at the top.

    Ordered by text that did not select them, they stand at the top as often as at the bottom, and are as active as
    all tokens are.
    """
    activations = noise_alone()
    every = np.ones(activations.count.shape[1], dtype=bool)

    def rarity_and_mean(*, cross_fit: bool) -> tuple[float, float, float]:
        core = select(activations, every, min_count=6, cross_fit=cross_fit)
        rows = [slice(0, n) for n in core.n]
        r = [
            stats.spearmanr(np.arange(n), row[s]).statistic for n, row, s in zip(core.n, core.count, rows, strict=True)
        ]
        return float(np.mean(r)), float(np.std(r) / np.sqrt(len(r))), float(np.nanmean(core.activation))

    biased, error, inflated = rarity_and_mean(cross_fit=False)
    fair, fair_error, mean = rarity_and_mean(cross_fit=True)
    assert biased > 10 * error
    assert abs(fair) < 3 * fair_error
    assert inflated > 1.2
    assert mean == pytest.approx(1.0, abs=0.02)


# The minimum count -----------------------------------------------------------------------------------------------


def test_the_least_count_that_is_reliable_enough_is_chosen() -> None:
    loud = corpus(1.5, sightings=120)
    chosen, reliability = choose_min_count(loud, ALL, core_tokens=40)
    tried = {m: float(np.median(select(loud, ALL, core_tokens=40, min_count=m).reliability)) for m in MIN_COUNTS}
    assert reliability == tried[chosen] >= 0.8
    assert chosen > MIN_COUNTS[0]
    assert all(tried[m] < 0.8 for m in MIN_COUNTS if m < chosen)


def test_when_no_count_is_reliable_the_best_is_chosen_and_its_reliability_says_so() -> None:
    chosen, reliability = choose_min_count(corpus(9.0), ALL, core_tokens=40)
    assert chosen in MIN_COUNTS
    assert reliability < 0.8
    nothing = replace(corpus(), total=-np.abs(corpus().total))
    assert np.isnan(choose_min_count(nothing, ALL, core_tokens=40)[1])


def test_a_count_whose_reliability_is_undefined_is_not_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {MIN_COUNTS[1]: 0.5, MIN_COUNTS[2]: 0.6}

    def reliability_of(activations: TokenActivations, *_: object, min_count: int, **__: object) -> CoreTokens:
        core = select(activations, ALL, core_tokens=40)
        return replace(core, reliability=np.full(len(core), known.get(min_count, np.nan)))

    activations = corpus(9.0, sightings=10_000)
    monkeypatch.setattr(select_module, "select", reliability_of)
    assert choose_min_count(activations, ALL, core_tokens=40) == (MIN_COUNTS[2], 0.6)


def test_counts_that_leave_too_few_tokens_are_not_tried() -> None:
    chosen, _ = choose_min_count(corpus(9.0, sightings=8), ALL, core_tokens=150)
    assert chosen == MIN_COUNTS[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_activation_that_is_not_finite_names_its_neuron(bad: float) -> None:
    activations = corpus()
    activations.total[1, 7, 2] = bad
    with pytest.raises(DataError, match=r"1 neurons are NaN or infinite, the first is L4N102\. Try --dtype float32"):
        check_finite(activations)
    with pytest.raises(DataError, match="L4N102"):
        select(activations, ALL)
