"""The laws of every kernel that works on a batch of neurons. A kernel is tested by being listed in KERNELS."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.made_up import Batch, clustered_vectors, make_batch, random_partition

from intraneuron import kernels
from intraneuron.kernels import blocks
from intraneuron.kernels.abstraction import abstraction
from intraneuron.kernels.agreement import agreement
from intraneuron.kernels.background import background_sums, tightness
from intraneuron.kernels.breaks import cut, variance_fit
from intraneuron.kernels.clustering import LINKAGES, cluster, cluster_each
from intraneuron.kernels.composition import composition
from intraneuron.kernels.groups import renumber
from intraneuron.kernels.halves import correlation, in_common, rank_correlation, stepped_up
from intraneuron.kernels.homogeneity import zones
from intraneuron.kernels.keyed import shuffles
from intraneuron.kernels.multiplicity import benjamini_hochberg
from intraneuron.kernels.natural import natural_breaks
from intraneuron.kernels.nearest import nearest_to_mean
from intraneuron.kernels.percentiles import group_homogeneity, percentile_groups
from intraneuron.kernels.percentiles_without import homogeneity_without
from intraneuron.kernels.ranks import top_down
from intraneuron.kernels.runs import interleaving
from intraneuron.kernels.selection import means_of, top_tokens
from intraneuron.kernels.selectivity import selectivity
from intraneuron.kernels.silhouettes import given_groups
from intraneuron.kernels.similarity import cosines, rearranged
from intraneuron.kernels.spelling import spellings
from intraneuron.kernels.sums_by_group import tiled
from intraneuron.kernels.tails import upper_tail
from intraneuron.kernels.zone_tests import P

Kernel = Callable[[Batch], Sequence[np.ndarray]]


def _zones(b: Batch, **options: bool) -> Sequence[np.ndarray]:
    return zones(b.cosines(), b.n, b.activation, b.segment, b.n_segments, keys=b.keys, **options)


def _shuffles(b: Batch) -> np.ndarray:
    return shuffles(b.n, b.width, seed=5, layer=b.keys[1], neuron=b.keys[2])


def _halves(b: Batch) -> tuple[np.ndarray, np.ndarray]:
    return means_of(b.total[0], b.count[0], b.token_id), means_of(b.total[1], b.count[1], b.token_id)


def _spelled(b: Batch) -> tuple[np.ndarray, np.ndarray, int]:
    spelling = b.spelling()
    return spelling.code, spelling.length, spelling.letters


def _seen(b: Batch) -> np.ndarray:
    return np.flatnonzero(b.eligible & (b.count.sum(axis=0) > 0))


def _groups(b: Batch) -> tuple[np.ndarray, np.ndarray]:
    return percentile_groups(b.total, b.count, _seen(b), 20)


KERNELS: dict[str, Kernel] = {
    "cosines": lambda b: [b.cosines()],
    "rearranged": lambda b: [
        rearranged(b.cosines(), shuffles(b.n, b.width, seed=5, layer=b.keys[1], neuron=b.keys[2]), np.arange(len(b.n)))
    ],
    "cluster ward": lambda b: cluster(b.cosines(), b.n, linkage="ward"),
    "cluster average": lambda b: cluster(b.cosines(), b.n, linkage="average"),
    "cluster complete": lambda b: cluster(b.cosines(), b.n, linkage="complete"),
    "cluster threshold": lambda b: cluster(b.cosines(), b.n, linkage="average", cosine=0.4),
    "given_groups": lambda b: given_groups(b.cosines(), b.n, b.category),
    "cluster_each": lambda b: cluster_each(b.cosines(), b.n, linkage="average", k_max=(3, 10)),
    "cut quantile": lambda b: cut(b.activation, b.n, "quantile", 5),
    "cut equal-width": lambda b: cut(b.activation, b.n, "equal-width", 5),
    "cut natural": lambda b: cut(b.activation, b.n, "natural", 0),
    "natural_breaks": lambda b: [natural_breaks(b.activation, b.n, 4)],
    "cut top": lambda b: cut(b.activation, b.n, "top", 0.2),
    "variance_fit": lambda b: [variance_fit(b.activation, b.segment)],
    "renumber": lambda b: renumber(b.category, b.activation, b.n, 3),
    "top_down": lambda b: top_down(b.activation, b.category, b.n, b.n_categories),
    "interleaving": lambda b: interleaving(b.category, b.n, b.n_categories),
    "zones": _zones,
    "zones estimates": lambda b: _zones(b, estimates_only=True),
    "spellings": lambda b: [spellings(*_spelled(b), b.token_id, b.n)],
    "abstraction": lambda b: abstraction(
        b.cosines(), spellings(*_spelled(b), b.token_id, b.n), b.n, b.segment, b.n_segments, keys=b.keys
    ),
    "composition": lambda b: composition(b.category, b.segment, b.n, b.n_categories, b.n_segments),
    "selectivity": lambda b: selectivity(b.activation, b.category, b.n, b.n_categories, keys=b.keys),
    "tightness": lambda b: tightness(_zones(b)[0], b.n, len(b.vectors), *background_sums(b.vectors)),
    "agreement": lambda b: agreement(b.category, b.segment, b.n),
    "nearest_to_mean": lambda b: [nearest_to_mean(b.vectors, b.token_id, b.category, b.n, b.n_categories)],
    "shuffles": lambda b: [_shuffles(b)],
    "top_tokens": lambda b: top_tokens(b.total, b.count, b.eligible, 30),
    "means_of": lambda b: [means_of(b.total[0], b.count[0], b.token_id)],
    "correlation": lambda b: [correlation(*_halves(b), 5)],
    "rank_correlation": lambda b: [rank_correlation(*_halves(b), 5)],
    "stepped_up": lambda b: [stepped_up(correlation(*_halves(b), 5))],
    "percentile_groups": _groups,
    "group_homogeneity": lambda b: [group_homogeneity(tiled(b.vectors[_seen(b)]), *_groups(b))],
    "homogeneity_without": lambda b: [
        homogeneity_without(b.total, b.count, _seen(b), tiled(b.vectors[_seen(b)]), _seen(b) % 7, 20)
    ],
    "in_common": lambda b: [
        in_common(*(top_tokens(b.total[h:][:1], b.count[h:][:1], b.eligible, 30)[0] for h in (0, 1)))
    ],
}
"""A name begins with that of the function."""

NOT_OF_NEURONS = {
    "upper_tail": "element by element",
    "beta_upper": "element by element",
    "least_p_of": "element by element",
    "rank_sum_p": "element by element",
    "tied_rank_sum_p": "one neuron",
    "benjamini_hochberg": "a family is what it is about",
    "permutation_moments": "one pair of matrices",
    "four_edges": "a table of numbers",
    "bounded_upper": "element by element",
    "jackknife_parts": "a mean over neurons",
    "standard_error": "a mean over neurons",
    "of_the_same_neurons": "a mean over neurons",
    "with_noise": "a mean over neurons",
    "sampling_error": "a mean over neurons",
    "error_of_sum": "a mean over neurons",
    "profile_cosines": "neurons of two layers",
    "paired_cosines": "neurons of two layers",
    "shared_tokens": "neurons of two layers",
    "one_to_one": "all neurons together",
    "interval_factor": "a constant",
    "detectable_factor": "a constant",
    "power_z": "a constant",
    "lognormal_quantile": "one number",
    "concentration_of": "one number",
    "around": "vectors, no neurons",
    "clustered_share": "a mean over neurons",
    "kappa": "all neurons together",
    "fit_law": "one curve",
    "orthants": "tokens, no neurons",
    "background_sums": "tokens, no neurons",
    "tiled": "tokens, no neurons",
    "lengths_of": "tokens, no neurons",
    "binomials": "a table of numbers",
    "compact_rows": "tokens, no neurons",
    "spread": "tokens, no neurons",
    "spread_bytes": "tokens, no neurons",
    "in_row_order": "tokens, no neurons",
    "parts_in_order": "tokens, no neurons",
    "stretches": "tokens, no neurons",
    "n_threads": "the machine",
    "over_neurons": "the machine",
    "in_parts": "the machine",
    "parts_of": "the machine",
    "compiled": "the machine",
    "cache_folder": "the machine",
    "fingerprint": "the machine",
    "first_writable": "the machine",
    "__init__": "",
}

BATCH = make_batch(14, 43, seed=11)
LARGE = make_batch(70, 24, 5, seed=12)


def same(found: np.ndarray, expected: np.ndarray) -> None:
    """Compare bit for bit; where one batch has more groups than the other, the rest must be undefined."""
    if found.ndim > 1 and found.shape[1] != expected.shape[1]:
        width = min(found.shape[1], expected.shape[1])
        rest = [table[:, width:] for table in (found, expected)]
        assert all((np.isnan(r) if r.dtype.kind == "f" else r < 0).all() for r in rest)
        found, expected = found[:, :width], expected[:, :width]
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype


def test_every_kernel_is_listed() -> None:
    folder = Path(blocks.__file__).parent
    public = {
        node.name
        for file in folder.glob("*.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and not node.decorator_list
    }
    assert public - {name.split()[0] for name in KERNELS} - set(NOT_OF_NEURONS) == set()


@pytest.mark.parametrize("name", KERNELS)
def test_a_neuron_alone_gets_the_bits_that_it_gets_in_a_batch(name: str) -> None:
    together = KERNELS[name](BATCH)
    for i in range(len(BATCH)):
        alone = KERNELS[name](BATCH[i : i + 1])
        for whole, single in zip(together, alone, strict=True):
            same(single, whole[i : i + 1])


@pytest.mark.parametrize("name", KERNELS)
def test_one_neuron_of_a_batch_meets_the_same_compilation(name: str) -> None:
    KERNELS["cosines"](BATCH)  # some are not compiled at all, and may be the first that this process meets
    KERNELS[name](BATCH)
    before = compilations()
    KERNELS[name](BATCH[3:4])
    assert sum(before.values()) > 0
    assert compilations() == before


def compilations() -> dict[str, int]:
    """Count how often each compiled function that works on blocks of neurons was compiled."""
    found = {}
    for module in vars(kernels).values():
        for name, value in vars(module).items() if isinstance(module, ModuleType) else ():
            if name.endswith("_core") and hasattr(value, "signatures"):
                found[f"{module.__name__}.{name}"] = len(value.signatures)
    return found


@pytest.mark.parametrize("name", KERNELS)
def test_permuted_neurons_get_permuted_results(name: str) -> None:
    order = np.random.default_rng(0).permutation(len(BATCH))
    for straight, permuted in zip(KERNELS[name](BATCH), KERNELS[name](BATCH[order]), strict=True):
        same(permuted, straight[order])


@pytest.fixture
def run_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """Give a function that sets neurons in a block, and threads."""
    defaults: Any = blocks.over_neurons.__kwdefaults__
    assert defaults == {"block": blocks.BLOCK}

    def choose(block: int, threads: int) -> None:
        monkeypatch.setitem(defaults, "block", block)
        monkeypatch.setattr(blocks, "n_threads", lambda: threads)

    return choose


@pytest.mark.parametrize("name", KERNELS)
def test_neither_blocks_nor_threads_change_a_bit(name: str, run_in: Callable[[int, int], None]) -> None:
    run_in(len(LARGE), 1)
    expected = KERNELS[name](LARGE)
    for block, threads in ((1, 1), (7, 4), (64, 2)):
        run_in(block, threads)
        for found, array in zip(KERNELS[name](LARGE), expected, strict=True):
            same(found, array)


@pytest.mark.parametrize("name", KERNELS)
def test_nothing_that_is_given_is_changed(name: str) -> None:
    b = make_batch(5, 30, seed=1)
    copy = make_batch(5, 30, seed=1)
    KERNELS[name](b)
    for field in b.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(b, field), getattr(copy, field))


# What may not depend on names, units and directions ------------------------------------------------------------


def relabelled(b: Batch) -> tuple[Batch, np.ndarray]:
    """Return the batch with other numbers for its categories, and the new number of each old one, (N, G)."""
    rng = np.random.default_rng(5)
    new = np.full((len(b), int(b.n_categories.max()) + 1), -1, dtype=np.int16)  # the last column is for -1
    for i, k in enumerate(b.n_categories):
        new[i, :k] = rng.permutation(k)
    changed = np.take_along_axis(new, b.category.astype(int), axis=1)
    return Batch(**{**b.__dict__, "category": changed}), new


def test_other_numbers_for_categories_change_no_test() -> None:
    b, new = relabelled(BATCH)
    straight, turned = KERNELS["top_down"](BATCH), KERNELS["top_down"](b)
    for before, after in zip(straight, turned, strict=True):
        if before.ndim == 1:
            np.testing.assert_allclose(after, before, rtol=1e-12)
            continue
        for i, k in enumerate(b.n_categories):
            np.testing.assert_allclose(after[i, new[i, :k]], before[i, :k], rtol=1e-12, atol=1e-13)
    for name in ("interleaving", "agreement"):
        for before, after in zip(KERNELS[name](BATCH), KERNELS[name](b), strict=True):
            np.testing.assert_allclose(after, before, rtol=1e-10, atol=1e-13)
    for before, after in zip(KERNELS["renumber"](BATCH), KERNELS["renumber"](b), strict=True):
        np.testing.assert_array_equal(after, before)


def test_units_of_activation_change_no_test() -> None:
    scaled = Batch(**{**BATCH.__dict__, "activation": 8 * BATCH.activation})
    for name in ("zones", "cut equal-width", "cut quantile"):
        for before, after in zip(KERNELS[name](BATCH), KERNELS[name](scaled), strict=True):
            np.testing.assert_array_equal(after, before)
    one, other = (top_down(b.activation, b.category, b.n, b.n_categories) for b in (BATCH, scaled))
    np.testing.assert_array_equal(other.p, one.p)
    np.testing.assert_array_equal(other.delta_p, one.delta_p)


def test_turning_the_space_changes_no_test() -> None:
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(12, 12)))[0]
    turned = Batch(**{**BATCH.__dict__, "vectors": (BATCH.vectors @ turn).astype(np.float32)})
    before, after = _zones(BATCH), _zones(turned)
    for straight, rotated in zip(before, after, strict=True):
        np.testing.assert_allclose(rotated, straight, rtol=2e-3, atol=2e-6)
    for linkage in LINKAGES:
        np.testing.assert_allclose(
            KERNELS[f"cluster {linkage}"](turned)[1], KERNELS[f"cluster {linkage}"](BATCH)[1], atol=1e-5
        )


def test_the_order_of_tokens_changes_no_partition_by_meaning() -> None:
    rng = np.random.default_rng(3)
    ids = rng.choice(200, (6, 40)).astype(np.int32)
    vectors, n = clustered_vectors(200, 12, seed=4), np.full(6, 40)
    order = rng.permutation(40)
    for linkage in LINKAGES:
        label, quality = cluster(cosines(vectors, ids, n), n, linkage=linkage)
        moved, moved_quality = cluster(cosines(vectors, ids[:, order], n), n, linkage=linkage)
        np.testing.assert_allclose(moved_quality, quality, atol=1e-6)
        for i in range(6):
            pairs = set(zip(label[i, order], moved[i], strict=True))
            assert len(pairs) == len(set(label[i])) == len(set(moved[i]))


# Properties ------------------------------------------------------------------------------------------------------

modest = settings(deadline=None, max_examples=60)


@st.composite
def partitions(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw descending activations with many ties, and two partitions of 12 to 30 tokens."""
    n = draw(st.integers(12, 30))
    values = draw(st.lists(st.integers(0, draw(st.sampled_from([3, 9, 500]))), min_size=n, max_size=n))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    first, _ = random_partition(n, draw(st.integers(2, 4)), rng)
    second, _ = random_partition(n, draw(st.integers(2, 4)), rng)
    return np.sort(np.array(values, dtype=np.float64))[::-1], first, second


@modest
@given(partitions())
def test_h_and_p_keep_to_their_ranges_and_h_is_scipys(made: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    a, label, _ = made
    k, m = int(label.max()) + 1, int((label >= 0).sum())
    t = top_down(a[None], label[None], np.array([len(a)]), np.array([k]))
    if np.ptp(a[label >= 0]) == 0:
        assert np.isnan(t.p[0])
        return
    h = stats.kruskal(*(a[label == g] for g in range(k))).statistic
    assert t.h[0] == pytest.approx(h, rel=1e-9, abs=1e-9)
    assert 0 < t.p[0] <= 1
    assert t.eta2[0] <= 1 + 1e-12
    assert (np.abs(t.delta[0]) <= 1).all()
    assert ((t.delta_p[0] > 0) & (t.delta_p[0] <= 1)).all()
    weights = np.bincount(label[label >= 0]) * (m - np.bincount(label[label >= 0]))
    assert t.delta[0] @ weights == pytest.approx(0, abs=1e-8)


@modest
@given(partitions())
def test_turning_the_axis_round_turns_every_delta_round(made: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    a, label, _ = made
    k, n = np.array([label.max() + 1]), np.array([len(a)])
    up, down = top_down(a[None], label[None], n, k), top_down(-a[None, ::-1], label[None, ::-1].copy(), n, k)
    np.testing.assert_allclose(down.delta, -up.delta, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(down.delta_p, up.delta_p, rtol=1e-9)
    np.testing.assert_allclose(down.p, up.p, rtol=1e-9)
    there, back = interleaving(label[None], n, k), interleaving(label[None, ::-1].copy(), n, k)
    np.testing.assert_array_equal(np.stack(there), np.stack(back))


@modest
@given(partitions())
def test_agreement_is_symmetric_and_at_most_1(made: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    _, first, second = made
    n = np.array([len(first)])
    there, back = agreement(first[None], second[None], n), agreement(second[None], first[None], n)
    if np.isnan(there.x2[0]):
        assert np.isnan(back.x2[0])
        return
    assert there.ami[0] == pytest.approx(back.ami[0], rel=1e-9, abs=1e-12)
    assert there.p[0] == pytest.approx(back.p[0], rel=1e-9, nan_ok=True)
    assert there.information_first[0] == pytest.approx(back.information_second[0], rel=1e-9, abs=1e-12)
    assert max(there.ami[0], there.information_first[0], there.information_second[0]) <= 1 + 1e-12
    if np.isnan(there.p[0]):  # these margins leave X^2 one value
        assert np.isnan(there.null_std[0])
        assert there.x2[0] == pytest.approx(there.null_mean[0])
        return
    assert 0 <= there.p[0] <= 1


@modest
@given(partitions(), st.integers(0, 1000))
def test_runs_lie_between_the_number_of_groups_and_that_of_tokens(
    made: tuple[np.ndarray, np.ndarray, np.ndarray], seed: int
) -> None:
    _, label, _ = made
    label = np.random.default_rng(seed).permutation(label)
    k, m = int(label.max()) + 1, int((label >= 0).sum())
    r = interleaving(label[None], np.array([len(label)]), np.array([k]))
    assert k <= r.runs[0] <= m
    assert r.interleaving[0] >= 0
    assert 0 < r.p[0] <= 1
    again = interleaving(np.sort(label)[None], np.array([len(label)]), np.array([k]))
    assert again.interleaving[0] == 0


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(20, 45), st.integers(2, 6))
def test_every_p_of_a_zone_is_a_probability(seed: int, n: int, segments: int) -> None:
    b = make_batch(3, n, 6, seed=seed, segments=segments, short=False)
    for table in _zones(b)[1:6]:
        p = table[..., P]
        p = p[np.isfinite(p)]
        assert ((p > 0) & (p <= 1)).all()


@modest
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_q_is_monotone_at_least_p_and_indifferent_to_order(p: list[float]) -> None:
    values = np.array(p)
    q = benjamini_hochberg(values)
    order = np.argsort(values, kind="stable")
    assert (q >= values * (1 - 1e-12)).all()
    assert (q <= 1).all()
    assert (np.diff(q[order]) >= 0).all()
    np.testing.assert_array_equal(benjamini_hochberg(values[order]), q[order])


@modest
@given(st.floats(-30, 30), st.floats(-5, 5))
def test_a_tail_is_a_probability_that_falls(z: float, skewness: float) -> None:
    g = np.full(3, skewness)
    p = upper_tail(np.array([z, z + 0.1, z + 1]), g)
    assert ((p >= 0) & (p <= 1)).all()
    assert (np.diff(p) <= 0).all()
    mirrored = upper_tail(-np.array([z, z + 0.1, z + 1]), -g)
    np.testing.assert_allclose(p + mirrored, 1, atol=1e-12)


@modest
@given(st.integers(0, 10_000), st.sampled_from(["quantile", "equal-width", "top"]), st.integers(2, 9))
def test_segments_are_contiguous_whatever_the_activations(seed: int, method: str, groups: int) -> None:
    rng = np.random.default_rng(seed)
    a = np.sort(np.round(rng.gamma(1.0, size=(1, 25)), int(rng.integers(0, 4))))[:, ::-1]
    amount = groups / 10 if method == "top" else groups
    label, quality = cut(a, np.array([25]), method, amount)  # type: ignore[arg-type]
    assert (np.diff(label[0]) >= 0).all()
    assert label.min() >= 0
    assert label.max() < (2 if method == "top" else groups)
    assert np.isnan(quality[0]) == (np.ptp(a) == 0)
