"""The oracle is proved by complete enumeration: every permutation of a small neuron."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from scipy import integrate, special, stats
from scipy.cluster.hierarchy import fcluster, linkage
from tests import oracle

N = 8
ALL = np.array(list(permutations(range(N))))
CATEGORY = np.array([0, 1, 0, 2, 1, 2, 0, 1])
SEGMENT = np.array([0, 0, 0, 1, 1, 2, 2, 2])
TIED = np.array([9.0, 7.0, 7.0, 5.0, 4.0, 4.0, 4.0, 1.0])


def small_similarity(n: int = N) -> np.ndarray:
    return np.asarray(oracle.similarity(oracle.unit_rows(np.random.default_rng(3).normal(size=(n, 5)) + 0.4)))


def enumerated(D: np.ndarray, S: np.ndarray) -> np.ndarray:
    """U of all 8! permutations."""
    pairs = np.triu_indices(N, 1)
    return np.asarray(S[ALL[:, pairs[0]], ALL[:, pairs[1]]] @ D[pairs])


def tables(segment: np.ndarray) -> np.ndarray:
    """Count tokens by category and segment in all 8! permutations: (k, G, 8!)."""
    categories, segments = np.eye(CATEGORY.max() + 1)[CATEGORY[ALL]], np.eye(segment.max() + 1)[segment]
    return np.asarray(np.einsum("pnk,ng->kgp", categories, segments))


def made_up_neuron(n: int = 100, dimensions: int = 24, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(4, dimensions))
    vectors = centres[rng.integers(4, size=n)] + 0.8 * rng.normal(size=(n, dimensions))
    return vectors, np.sort(rng.gamma(2.0, size=n))[::-1]


KERNELS = {
    "homogeneity": (oracle.inside_weights(np.arange(N) < 3), small_similarity()),
    "homogeneity of all but one": (oracle.inside_weights(np.arange(N) > 0), small_similarity()),
    "peak": (oracle.peak_weights(N, 3), small_similarity()),
    "mrpp": (oracle.mrpp_weights(np.array([0, 0, 0, 1, 1, 2, 2, 3])), small_similarity()),
    "distance": (oracle.distance_weights(-np.arange(N)), small_similarity()),
    "distance with ties": (oracle.distance_weights(TIED), small_similarity()),
    "runs": oracle.runs_matrices(CATEGORY),
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_three_moments_equal_those_of_all_permutations(kernel: str) -> None:
    D, S = KERNELS[kernel]
    U = enumerated(D, S)
    moments = oracle.permutation_moments(D, S)
    np.testing.assert_allclose(moments.mean, U.mean(), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(moments.variance, U.var(), rtol=1e-10)
    np.testing.assert_allclose(moments.third, np.mean((U - U.mean()) ** 3), rtol=1e-10)


@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_three_moments_hold_where_some_shapes_do_not_fit(n: int) -> None:
    rng = np.random.default_rng(n)
    D, S = (M + M.T for M in rng.normal(size=(2, n, n)))
    pairs = np.triu_indices(n, 1)
    U = np.array([S[np.ix_(o, o)][pairs] @ D[pairs] for o in map(list, permutations(range(n)))])
    moments = oracle.permutation_moments(D, S)
    np.testing.assert_allclose(moments.variance, U.var(), rtol=1e-10)
    np.testing.assert_allclose(moments.third, np.mean((U - U.mean()) ** 3), rtol=1e-10, atol=1e-12)


def test_the_mean_and_variance_of_runs_have_the_closed_forms_of_the_method() -> None:
    sizes = np.bincount(CATEGORY)
    moments = oracle.permutation_moments(*oracle.runs_matrices(CATEGORY))
    assert moments.mean + 1 == pytest.approx((N * (N + 1) - np.sum(sizes**2)) / N, rel=1e-12)
    assert moments.variance == pytest.approx(oracle.runs_variance(sizes), rel=1e-12)


@pytest.mark.parametrize("a", [-np.arange(8.0), TIED], ids=["no ties", "ties"])
@pytest.mark.parametrize("category", [CATEGORY, np.array([0, 0, 1, 1, 1, 1, 1, 0])], ids=["k=3", "k=2"])
def test_the_beta_of_kruskal_wallis_has_the_mean_and_variance_of_all_permutations(
    a: np.ndarray, category: np.ndarray
) -> None:
    rank = stats.rankdata(a) - (N + 1) / 2
    share = sum((rank[ALL] * (category == g)).sum(axis=1) ** 2 / np.sum(category == g) for g in set(category))
    share = share / (rank @ rank)
    distribution = stats.beta(*oracle.kruskal_beta(category, a))
    assert share.mean() == pytest.approx(distribution.mean(), rel=1e-10)
    assert share.var() == pytest.approx(distribution.var(), rel=1e-10)
    H = stats.kruskal(*(a[category == g] for g in sorted(set(category)))).statistic
    assert share[0] == pytest.approx(H / (N - 1), rel=1e-10)


@pytest.mark.parametrize("segment", [SEGMENT, np.array([0, 0, 1, 1, 1, 1, 1, 1])], ids=["G=3", "G=2"])
def test_the_mean_and_variance_of_chi_square_equal_those_of_all_permutations(segment: np.ndarray) -> None:
    table = tables(segment)
    expected = np.outer(np.bincount(CATEGORY), np.bincount(segment))[:, :, None] / N
    X2 = ((table - expected) ** 2 / expected).sum(axis=(0, 1))
    mean, variance = oracle.chi_square_moments(np.bincount(CATEGORY), np.bincount(segment))
    assert mean == pytest.approx(X2.mean(), rel=1e-10)
    assert variance == pytest.approx(X2.var(), rel=1e-10)
    assert oracle.agreement(CATEGORY, segment)["agreement_x2"] == pytest.approx(X2[0], rel=1e-12)


def test_expected_information_and_composition_equal_the_means_of_all_permutations() -> None:
    table = tables(SEGMENT)
    joint = table / N
    independent = np.outer(np.bincount(CATEGORY), np.bincount(SEGMENT))[:, :, None] / N**2
    information = special.rel_entr(joint, independent).sum(axis=(0, 1))
    gain = information[0] - information.mean()
    found = oracle.agreement(CATEGORY, SEGMENT)
    for name, label in (("information_category", CATEGORY), ("information_segment", SEGMENT)):
        assert found[name] == pytest.approx(gain / stats.entropy(np.bincount(label)), rel=1e-9)
    inside = oracle.composition(CATEGORY, SEGMENT, 3)
    sizes = np.bincount(SEGMENT)
    purity = table.max(axis=0) / sizes[:, None]
    entropy = np.stack([stats.entropy(table[:, j], axis=0) for j in range(3)])
    np.testing.assert_allclose(inside["segment_purity"], purity[:, 0])
    np.testing.assert_allclose(inside["segment_purity_null"], purity.mean(axis=1), rtol=1e-10)
    np.testing.assert_allclose(inside["segment_entropy"], entropy[:, 0])
    np.testing.assert_allclose(inside["segment_entropy_null"], entropy.mean(axis=1), rtol=1e-10)


@pytest.mark.parametrize("tied", [False, True])
def test_top_down_h_equals_scipys_kruskal(tied: bool) -> None:
    rng = np.random.default_rng(5)
    a = np.sort(rng.gamma(2.0, size=60))[::-1]
    a = np.ceil(a * 4) if tied else a
    category = rng.integers(4, size=60)
    expected = stats.kruskal(*(a[category == g] for g in range(4)))
    found = oracle.top_down(category, a)
    assert found["top_down_h"] == pytest.approx(expected.statistic, rel=1e-12)
    assert found["top_down_eta2"] == pytest.approx((expected.statistic - 3) / 56, rel=1e-12)
    assert found["top_down_p"] == pytest.approx(expected.pvalue, abs=0.02)


def test_with_two_categories_top_down_p_is_the_exact_rank_sum() -> None:
    category = np.array([0, 0, 1, 0, 1, 1, 1, 0])
    a = -np.arange(8.0)
    far = np.abs(a[ALL][:, category == 0].sum(axis=1) - 4 * a.mean())
    exact = np.mean(far >= far[0] - 1e-9)
    assert oracle.top_down(category, a)["top_down_p"] == pytest.approx(exact, rel=1e-12)


def test_the_tail_is_a_distribution_with_the_three_moments_that_it_was_given() -> None:
    for g in (-1.5, -0.4, 0.3, 2.0):
        # E[Z^j] from P(Z >= z) by parts.
        def survival(z: float, g: float = g) -> float:
            return oracle.lognormal_upper_tail(z, g)

        def moment(j: int, survival: Callable[[float], float] = survival) -> float:
            above = integrate.quad(lambda z: j * z ** (j - 1) * survival(z), 0, 60, limit=200)[0]
            below = integrate.quad(lambda z: j * z ** (j - 1) * (1 - survival(z)), -60, 0, limit=200)[0]
            return float(above - below)

        assert moment(1) == pytest.approx(0, abs=1e-5)
        assert moment(2) == pytest.approx(1, abs=1e-4)
        assert moment(3) == pytest.approx(g, abs=1e-3)


def test_the_tail_is_normal_without_skewness_and_continuous_there() -> None:
    assert oracle.lognormal_upper_tail(2.5, 0.0) == stats.norm.sf(2.5)
    for g in (-0.00101, 0.00101):
        assert oracle.lognormal_upper_tail(2.5, g) == pytest.approx(stats.norm.sf(2.5), rel=0.005)


def test_closed_form_p_agrees_with_draws() -> None:
    vectors, a = made_up_neuron(40, seed=2)
    S = oracle.similarity(oracle.unit_rows(vectors))
    rng = np.random.default_rng(0)
    segment, _ = oracle.segment_labels(a, 4)
    tests: dict[str, tuple[np.ndarray, np.ndarray, oracle.Tail]] = {
        "homogeneity": (oracle.inside_weights(segment == 0), S, "upper"),
        "peak": (oracle.peak_weights(40, 20), S, "upper"),
        "mrpp": (oracle.mrpp_weights(segment), S, "upper"),
        "distance": (oracle.distance_weights(a), S, "lower"),
        "interleaving": (*oracle.runs_matrices(segment[rng.permutation(40)]), "lower"),
    }
    for D, similarity, tail in tests.values():
        exact = oracle.permutation_test(D, similarity, 10**9, tail)
        drawn = oracle.permutation_p_by_draws(D, similarity, 4000, rng, tail=tail)
        # The runs are whole numbers: half of the probability of the observed one is the mid-p's.
        assert exact.p == pytest.approx(drawn, abs=0.08 if similarity is not S else 0.03)


def test_small_segments_get_their_p_from_draws_when_asked() -> None:
    vectors, a = made_up_neuron(30, seed=4)
    vectors[:6] = vectors[0] + 0.5 * vectors[:6]
    closed = oracle.analyse(vectors, a)["homogeneity_p"]
    drawn = oracle.analyse(vectors, a, draws=2000, rng=np.random.default_rng(1))["homogeneity_p"]
    assert closed[0] < 0.02
    assert drawn[0] != closed[0]
    assert drawn[0] == pytest.approx(closed[0], abs=0.003)
    np.testing.assert_array_equal(drawn[closed >= 0.02], closed[closed >= 0.02])


def test_every_number_of_a_whole_neuron_is_defined() -> None:
    found = oracle.analyse(*made_up_neuron())
    assert found["n_categories"] == 4
    assert len(found["profile"]) == 91
    for key, value in found.items():
        known = np.isfinite(np.asarray(value, dtype=float))
        last = key == "homogeneity_stepdown_p"
        assert known[:-1].all() if last else known.all(), key


def test_the_stepdown_of_the_first_segment_is_the_plain_test_and_that_of_the_last_undefined() -> None:
    found = oracle.analyse(*made_up_neuron())
    assert found["homogeneity_stepdown_p"][0] == found["homogeneity_p"][0]
    assert math.isnan(found["homogeneity_stepdown_p"][-1])


def test_meaning_that_follows_activation_is_found_by_every_test_and_chance_by_none() -> None:
    vectors, a = made_up_neuron(seed=1)
    order = np.argsort(vectors @ np.linalg.svd(vectors)[2][0])
    keys = ("top_down_p", "interleaving_p", "mrpp_p", "distance_p", "agreement_p")
    real = oracle.analyse(vectors[order], a)
    assert all(real[key] < 1e-4 for key in keys)
    assert real["interleaving"] < 0.6
    assert real["mrpp_a"] > 0
    assert real["distance_r"] < 0
    chance = oracle.analyse(vectors, a)
    assert all(chance[key] > 0.01 for key in keys)


def test_too_few_tokens_and_too_few_categories_give_nan_and_the_same_keys() -> None:
    vectors, a = made_up_neuron()
    whole = oracle.analyse(vectors, a)
    few = oracle.analyse(vectors[:19], a[:19])
    one = oracle.analyse(vectors, a, categories=np.zeros(100, dtype=int))
    assert few.keys() == whole.keys() == one.keys()
    assert math.isnan(few["peak"])
    assert math.isnan(few["ami"])
    assert math.isnan(one["top_down_p"])
    assert one["mrpp_p"] == whole["mrpp_p"]


def test_identical_vectors_leave_similarity_tests_undefined() -> None:
    found = oracle.analyse(np.ones((30, 4)), -np.arange(30.0), categories=np.arange(30) % 3)
    assert all(math.isnan(found[key]) for key in ("peak_p", "mrpp_p", "distance_p", "distance_r"))
    assert np.isnan(found["homogeneity_p"]).all()


def test_categories_are_the_cut_of_scipys_tree_with_the_highest_silhouette() -> None:
    vectors, a = made_up_neuron(60, seed=8)
    unit = oracle.unit_rows(vectors)
    label, quality = oracle.category_labels(unit, a, 10, "ward")
    raw, best = oracle.raw_categories(unit, 10, "ward")
    theirs = fcluster(linkage(unit, "ward"), raw.max() + 1, "maxclust")
    assert len(set(zip(raw, theirs, strict=True))) == raw.max() + 1
    assert quality == best
    means = [a[label == g].mean() for g in range(label.max() + 1)]
    assert means == sorted(means, reverse=True)


def test_groups_of_fewer_than_three_tokens_get_label_minus_one() -> None:
    unit = oracle.unit_rows(np.random.default_rng(0).normal(size=(20, 3)))
    raw = np.array([5, 5] + [2] * 9 + [7] * 8 + [3])
    label, _ = oracle.category_labels(unit, -np.arange(20.0), 10, raw)
    np.testing.assert_array_equal(label, [-1, -1] + [0] * 9 + [1] * 8 + [-1])


def test_a_threshold_of_similarity_and_other_linkages_give_categories() -> None:
    vectors, a = made_up_neuron(40)
    for method in ("average", "complete", 0.3):
        assert oracle.analyse(vectors, a, categories=method)["n_categories"] >= 2


def test_segments_follow_their_definitions() -> None:
    a = np.array([10.0, 9.9, 9.8, 5.0, 4.9, 4.8, 1.0, 0.9, 0.8, 0.0])
    np.testing.assert_array_equal(oracle.segment_labels(a, 4)[0], [0, 0, 0, 1, 1, 2, 2, 2, 3, 3])
    np.testing.assert_array_equal(oracle.segment_labels(a, "equal-width:2")[0], [0] * 4 + [1] * 6)
    np.testing.assert_array_equal(oracle.natural_breaks(a, 3), [0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
    assert oracle.segment_labels(a, "natural")[1] == 3
    assert oracle.segment_labels(np.arange(100.0), "top:0.07")[0].sum() == 93


def test_core_tokens_are_the_most_active_eligible_ones_and_ties_go_to_the_smaller_id() -> None:
    mean = np.array([1.0, 3.0, 2.0, 3.0, -4.0, 9.0, 8.0])
    count = np.array([5, 5, 5, 5, 5, 5, 1])
    special = np.array([0, 0, 0, 0, 0, 1, 0], dtype=bool)
    core, n = oracle.select_core(mean, count, special, 5, 5)
    assert core.tolist() == [1, 3, 2, 0, -1]
    assert n == 4
    assert oracle.select_core(mean, count, special, 2, 5, sign="negative")[0].tolist() == [4, -1]
    assert oracle.select_core(mean, count, special, 2, 5, sign="magnitude")[0].tolist() == [4, 1]


def test_benjamini_hochberg_equals_scipys_and_does_not_count_nan() -> None:
    p = np.array([0.01, math.nan, 0.04, 0.03, 0.9, 0.03])
    known = ~np.isnan(p)
    q = oracle.benjamini_hochberg(p)
    assert np.isnan(q[1])
    np.testing.assert_allclose(q[known], stats.false_discovery_control(p[known]))


def test_the_pattern_is_the_first_flag_that_holds() -> None:
    effects = {effect: np.linspace(-1, 1, 101) for effect, _ in oracle.EFFECT.values()}
    row = {"n": 100} | {f"{question}_q": 0.01 for question in oracle.EFFECT} | dict.fromkeys(effects, 0.0)
    assert oracle.pattern_flags(row, effects)["pattern"] == "none"
    assert oracle.pattern_flags(row | {"distance_r": -0.95, "peak": 0.95}, effects)["pattern"] == "gradient"
    assert oracle.pattern_flags(row | {"peak": 0.95, "peak_q": 0.05}, effects)["pattern"] == "none"
    assert oracle.pattern_flags(row | {"n": 19}, effects)["pattern"] == "insufficient"
