"""Against the oracle, fed with the very cosines that the kernel uses, so that closed forms agree to many digits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests import oracle
from tests.made_up import Batch, clustered_vectors, make_batch

from intraneuron.kernels.homogeneity import TOPS, Zones, _bound, zones
from intraneuron.kernels.similarity import cosines
from intraneuron.kernels.zone_tests import EFFECT, EXCEEDANCES, NULL_MEAN, NULL_STD, OBSERVED, P

CUTS = {"quantile": 4, "quantile with a rest": 5, "uneven": 0}
DRAWS = 20_000


def analyse(b: Batch, **options: bool) -> Zones:
    return zones(b.cosines(), b.n, b.activation, b.segment, b.n_segments, keys=b.keys, **options)


def similarity(b: Batch, i: int) -> np.ndarray:
    n = b.n[i]
    S = cosines(b.vectors, b.token_id[i : i + 1], b.n[i : i + 1])[0, :n, :n].astype(np.float64)
    np.fill_diagonal(S, 1)
    return S


def batch_of(cut: str) -> Batch:
    b = make_batch(12, 63, segments=CUTS[cut] or 3, seed=3)
    if cut == "uneven":  # one zone of 2 tokens, one of 1, an empty one, and large ones
        size = (2, 1, 0, 12, 13, 1)
        for i in np.flatnonzero(b.n_segments):
            label = np.repeat(np.arange(6), size)
            b.segment[i, : b.n[i]] = np.r_[label, np.full(63, 6)][: b.n[i]]
            b.n_segments[i] = 7
    return b


@pytest.fixture(scope="module", params=CUTS)
def made(request: pytest.FixtureRequest) -> tuple[Batch, Zones]:
    b = batch_of(request.param)
    return b, analyse(b)


def full_rows(b: Batch) -> list[int]:
    return [int(i) for i in np.flatnonzero(b.n >= 20)]


def check(row: np.ndarray, observed: float, z: float, p: float) -> None:
    """Compare one row of results with the oracle's; p only where the closed form is kept."""
    np.testing.assert_allclose(row[OBSERVED], observed, rtol=1e-9, atol=1e-12)
    if math.isnan(z):
        assert np.isnan(row[[NULL_STD, P]]).all()
        return
    assert row[EFFECT] / row[NULL_STD] == pytest.approx(z, rel=1e-7, abs=1e-9)
    if not math.isnan(p):
        assert row[P] == pytest.approx(p, rel=1e-6)


def test_homogeneity_of_every_zone_equals_the_oracles(made: tuple[Batch, Zones]) -> None:
    b, found = made
    large = 0
    for i in full_rows(b):
        S, segment = similarity(b, i), b.segment[i, : b.n[i]].astype(int)
        expected = oracle.zones(S, segment, int(b.n_segments[i]))
        assert found.mean_similarity[i] == pytest.approx(expected["homogeneity_null"], rel=1e-9)
        for g in range(b.n_segments[i]):
            size, row = (segment == g).sum(), found.homogeneity[i, g]
            p = expected["homogeneity_p"][g]
            kept = (min(size, b.n[i] - size) >= 10 and b.n[i] >= 40) or p >= 0.2
            check(row, expected["homogeneity"][g], expected["homogeneity_z"][g], p if kept else math.nan)
            if size < 3:
                assert np.isnan(row).all()
                continue
            assert row[NULL_MEAN] == found.mean_similarity[i]
            stepdown = expected["homogeneity_stepdown_p"][g]
            below = (segment > g).sum()
            drawn = min(size, below) < 10 or size + below < 40
            if (not drawn or stepdown >= 0.2) and g < b.n_segments[i] - 1:
                assert found.stepdown[i, g, P] == pytest.approx(stepdown, rel=1e-6, nan_ok=True)
                large += 1
        assert np.isnan(found.stepdown[i, b.n_segments[i] - 1, P])
    assert large > 5


def test_the_peaks_equal_the_oracles(made: tuple[Batch, Zones]) -> None:
    b, found = made
    for i in full_rows(b):
        S = similarity(b, i)
        for k, top in enumerate(TOPS):
            test = oracle.peak(S, top, "peak")
            kept = (top >= 10 and b.n[i] >= 40) or test["peak_p"] >= 0.2
            check(found.peak[i, k], test["peak"], test["peak_z"], test["peak_p"] if kept else math.nan)
            assert found.peak[i, k, NULL_MEAN] in (0, pytest.approx(math.nan, nan_ok=True))


def test_mrpp_equals_the_oracles(made: tuple[Batch, Zones]) -> None:
    b, found = made
    for i in full_rows(b):
        S, segment = similarity(b, i), b.segment[i, : b.n[i]].astype(int)
        expected = oracle.mrpp(S, segment)
        assert found.mrpp[i, EFFECT] == pytest.approx(expected["mrpp_a"], rel=1e-8, abs=1e-12)
        sizes = np.bincount(segment)
        lumpy = expected["mrpp_p"] < 0.2 and sizes[sizes >= 2].min() < 6  # drawn: tested below
        assert found.mrpp[i, P] == pytest.approx(expected["mrpp_p"], rel=1e-6 if not lumpy else 0.5)
        assert found.mrpp[i, OBSERVED] == pytest.approx(1 - (oracle.mrpp_weights(segment) * S).sum() / 2, rel=1e-9)
        assert found.mrpp[i, NULL_MEAN] == pytest.approx(1 - found.mean_similarity[i])


def two_groups(leaning: float, *, n: int = 60, seed: int = 0) -> Batch:
    """Return one neuron whose tokens lie around two directions, the first ones more often around the first."""
    rng = np.random.default_rng(seed)
    b = make_batch(1, n, segments=4, seed=seed, short=False)
    group = (rng.random(n) > 0.5 + leaning * np.linspace(1, -1, n)).astype(int)
    vectors = np.eye(12)[group] + 0.2 * rng.normal(size=(n, 12))
    b.token_id[0] = np.arange(n)
    b.vectors[:n] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return b


@pytest.mark.parametrize("seed", [1, 5, 6])
def test_large_zones_and_the_distance_of_tokens_of_two_groups_have_the_p_of_plain_draws(seed: int) -> None:
    b = two_groups(0.35, seed=seed)
    found, S, n = analyse(b), similarity(b, 0), 60
    D = {"peak": oracle.peak_weights(n, 20), "distance": -oracle.distance_weights(b.activation[0])}
    p = {"peak": found.peak[0, 0, P], "distance": found.distance[0, P]}
    draws, upper, rng = 40_000, np.triu_indices(n, 1), np.random.default_rng(seed)
    order = rng.permuted(np.tile(np.arange(n), (draws, 1)), axis=1)
    weights = np.stack([one[upper] for one in D.values()], axis=1)
    values = np.concatenate([S[o[:, upper[0]], o[:, upper[1]]] @ weights for o in np.array_split(order, 40)])
    for k, name in enumerate(D):
        drawn = (values[:, k] >= S[upper] @ weights[:, k] - 1e-12).mean()
        assert p[name] < 0.2
        assert p[name] == pytest.approx(drawn, rel=0.1, abs=4 * math.sqrt(max(drawn, 1e-4) / draws)), name


def test_distance_equals_the_oracles_with_and_without_ties(made: tuple[Batch, Zones]) -> None:
    b, found = made
    ties = 0
    for i in full_rows(b):
        a = b.activation[i, : b.n[i]]
        expected = oracle.distance(similarity(b, i), a)
        ties += len(np.unique(a)) < len(a)
        assert found.distance[i, EFFECT] == pytest.approx(expected["distance_r"], rel=1e-8)
        assert found.distance[i, P] == pytest.approx(expected["distance_p"], rel=1e-6)
        assert found.distance[i, NULL_MEAN] == 0
    assert 1 <= ties < len(full_rows(b))


def test_the_profile_is_the_mean_similarity_in_each_window(made: tuple[Batch, Zones]) -> None:
    b, found = made
    for i in full_rows(b):
        expected = oracle.profile(similarity(b, i))
        np.testing.assert_allclose(found.profile[i, : len(expected)], expected, atol=1e-7)  # float32 differences
        assert np.isnan(found.profile[i, len(expected) :]).all()


def test_estimates_only_are_the_same_observed_values_without_nulls(made: tuple[Batch, Zones]) -> None:
    b, found = made
    quick = analyse(b, estimates_only=True)
    for name in ("homogeneity", "peak", "mrpp", "distance"):
        some, whole = getattr(quick, name), getattr(found, name)
        np.testing.assert_array_equal(some[..., :NULL_STD], whole[..., :NULL_STD])
        assert np.isnan(some[..., NULL_STD:]).all()
    assert np.isnan(quick.stepdown).all()
    np.testing.assert_array_equal(quick.profile, found.profile)
    np.testing.assert_array_equal(quick.mean_similarity, found.mean_similarity)


# Small zones: Monte Carlo --------------------------------------------------------------------------------------


def tight_top(size: int, *, n: int = 40, strength: float = 1.2, seed: int = 0) -> Batch:
    """Return one neuron whose ``size`` most active tokens lean one way, in the first of two segments."""
    b = make_batch(1, n, segments=2, seed=seed, short=False)
    vectors = clustered_vectors(n, 12, seed=seed + 50)
    vectors[:size] += strength * vectors[0] / np.sqrt(size)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    b.token_id[0] = np.arange(n)
    b.segment[0] = np.arange(n) >= size
    b.vectors[:n] = vectors
    return b


def within_error(found: float, drawn: float) -> bool:
    """Tell whether two Monte Carlo p agree: one with a limited number of exceedances, the other of DRAWS draws."""
    error = math.sqrt(max(found, drawn) ** 2 / EXCEEDANCES + drawn * (1 - drawn) / DRAWS)
    return abs(found - drawn) < 4.5 * error


@pytest.mark.parametrize("size", [3, 5, 9])
@pytest.mark.parametrize("strength", [0.7, 1.2])
def test_the_p_of_a_small_zone_is_that_of_plain_draws(size: int, strength: float) -> None:
    b = tight_top(size, strength=strength, seed=size)
    found, rng = analyse(b), np.random.default_rng(1)
    drawn = oracle.homogeneity_p_by_draws(similarity(b, 0), np.arange(40) < size, DRAWS, rng)
    assert drawn < 0.2
    assert within_error(found.homogeneity[0, 0, P], drawn)
    assert within_error(found.stepdown[0, 0, P], drawn)


def test_the_p_of_a_small_peak_is_that_of_plain_draws() -> None:
    b = tight_top(5, strength=0.7, seed=8)
    found = analyse(b).peak[0, 2, P]
    D, S = oracle.peak_weights(40, 5), similarity(b, 0)
    drawn = oracle.permutation_p_by_draws(D, S, DRAWS, np.random.default_rng(2))
    assert 1e-3 < drawn < 0.2
    assert within_error(found, drawn)


@pytest.mark.parametrize("n", [22, 24])
def test_the_p_of_a_peak_over_a_small_rest_is_that_of_plain_draws(n: int) -> None:
    b = tight_top(20, n=n, strength=2.0, seed=4)
    found = analyse(b).peak[0, 0, P]
    D, S = oracle.peak_weights(n, 20), similarity(b, 0)
    drawn = oracle.permutation_p_by_draws(D, S, DRAWS, np.random.default_rng(3))
    assert drawn < 0.2
    assert within_error(found, drawn)


def test_the_draws_of_a_neuron_depend_on_its_key_alone() -> None:
    b = tight_top(5, strength=0.7, seed=8)
    same, other = analyse(b), []
    for row in range(3):
        keys = b.keys.copy()
        keys[row] += 1
        moved = zones(b.cosines(), b.n, b.activation, b.segment, b.n_segments, keys=keys)
        other.append(moved.peak[0, 2, P])
    assert analyse(b).peak[0, 2, P] == same.peak[0, 2, P]
    assert len({same.peak[0, 2, P], *other}) == 4
    np.testing.assert_allclose(other, same.peak[0, 2, P], rtol=0.3)


def test_p_is_never_below_one_arrangement() -> None:
    b = tight_top(3, n=20, strength=30.0)
    found = analyse(b)
    floor = 1 / math.comb(20, 3)
    assert floor <= found.homogeneity[0, 0, P] < 1.3 * floor


def test_what_lies_beyond_the_end_of_a_beta_variable_has_the_p_of_one_order() -> None:
    distance = np.full((2, 5), 0.5)
    distance[:, OBSERVED], distance[:, NULL_STD] = [-5.0, -1.0], 1.0
    uniform = np.array([[0.0, 1.8], [0.0, 1.8]])  # skewness and kurtosis: it ends at 1.73 standard deviations
    _bound(distance, uniform, np.array([12, 12]))
    assert distance[0, P] == pytest.approx(1 / math.factorial(12))
    assert distance[1, P] == pytest.approx((math.sqrt(3) - 1) / (2 * math.sqrt(3)))


# Where nothing is defined --------------------------------------------------------------------------------------


def test_too_few_tokens_and_constant_activations_have_no_answers() -> None:
    b = make_batch(6, 40)
    b.activation[0, : b.n[0]] = 1.5
    found = analyse(b)
    for i in (0, 1, 2):
        assert all(np.isnan(table[i]).all() for table in found)
    assert np.isfinite(found.mrpp[3]).all()


@pytest.mark.parametrize("dimensions", [3, 4, 5])
def test_tokens_with_one_and_the_same_vector_leave_every_test_undefined(dimensions: int) -> None:
    b = make_batch(2, 40, short=False)
    one = np.full((len(b.vectors), dimensions), 1 / np.sqrt(dimensions), dtype=np.float32)
    found = zones(cosines(one, b.token_id, b.n), b.n, b.activation, b.segment, b.n_segments, keys=b.keys)
    np.testing.assert_allclose(found.homogeneity[..., OBSERVED], 1, atol=1e-6)
    for table in (found.homogeneity, found.peak, found.mrpp, found.distance):
        assert np.isnan(table[..., P]).all()
    assert np.isnan(found.mrpp[:, EFFECT]).all()
    assert np.isnan(found.distance[..., EFFECT]).all()


@pytest.mark.parametrize("sizes", [(2, 98), (3, 5, 12, 80), (4, 4, 4, 4, 4), (5, 1, 0, 30)], ids=str)
def test_mrpp_with_segments_of_few_tokens_is_drawn_to_within_its_error(sizes: tuple[int, ...]) -> None:
    n = sum(sizes)
    rng = np.random.default_rng(n)
    label = np.repeat(np.arange(len(sizes)), sizes).astype(np.int16)
    checked = 0
    for seed in range(60):
        E = rng.normal(size=(n, 6)) + 0.4
        E[: 3 + seed % 4] += 0.35 * rng.normal(size=6)
        E /= np.linalg.norm(E, axis=1, keepdims=True)
        S = (E @ E.T).astype(np.float32)
        p = zones(
            S[None], np.array([n]), np.arange(n, 0.0, -1)[None], label[None], np.array([len(sizes)]),
            keys=np.array([[0], [0], [seed]]),
        ).mrpp[0, P]  # fmt: skip
        if not 0.005 < p < 0.15 or checked == 4:
            continue
        D = oracle.mrpp_weights(label)
        drawn = plain_draws(D, S.astype(float), 20_000, rng)
        assert p == pytest.approx(drawn, abs=4 * np.sqrt(drawn / 20_000 + (p / 14) ** 2))
        checked += 1
    assert checked >= 2


def plain_draws(D: np.ndarray, S: np.ndarray, draws: int, rng: np.random.Generator) -> float:
    """Return how often a permutation is at least as large as what was observed."""
    a, b = np.nonzero(np.triu(D, 1))
    weight, observed = D[a, b], float(D[a, b] @ S[a, b])
    found = 0
    for _ in range(draws):
        order = rng.permutation(len(S))
        found += weight @ S[order[a], order[b]] >= observed - 1e-12
    return (1 + found) / (1 + draws)
