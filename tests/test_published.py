"""Our numbers against published software: scipy, scikit-learn, scikit-bio, and what R's coin and vegan print.

Each comparison states its tolerance and why it is that. Cosines are float32 in the package, so numbers that rest on
them agree to about 1e-6; numbers of ranks and counts agree to rounding, 1e-12.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from scipy import stats
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_mutual_info_score, silhouette_score

from intraneuron.kernels.agreement import agreement
from intraneuron.kernels.clustering import cluster
from intraneuron.kernels.homogeneity import Zones, zones
from intraneuron.kernels.rank_sums import rank_sum_p, tied_rank_sum_p
from intraneuron.kernels.ranks import top_down
from intraneuron.kernels.similarity import cosines
from intraneuron.kernels.zone_tests import EFFECT, NULL_MEAN, OBSERVED, P

SKIPS = {"skbio": "scikit-bio is not installed; pip install 'intraneuron[test]'"}
"""Why a comparison may be skipped."""

N = 60
ONE = np.array([N])
ACTIVATION = np.sort(np.random.default_rng(5).gamma(2.0, size=N))[::-1]
SEGMENT = (np.arange(N) // 12).astype(np.int16)
ROUNDED = 1e-6


def unit_rows(seed: int = 0, n: int = N) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=(4, 12))
    rows = centre[rng.integers(0, 4, n)] + 0.9 * rng.normal(size=(n, 12))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def similarity(rows: np.ndarray) -> np.ndarray:
    return cosines(rows, np.arange(len(rows), dtype=np.int32)[None], np.array([len(rows)]))


def zones_of(S: np.ndarray, segment: np.ndarray = SEGMENT, activation: np.ndarray = ACTIVATION) -> Zones:
    n = np.array([S.shape[1]])
    groups = np.array([segment.max() + 1])
    return zones(S, n, activation[None], segment[None], groups, keys=np.zeros((3, 1), dtype=np.int64))


# scipy ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tied", [False, True])
def test_kruskal_wallis_is_scipys(tied: bool) -> None:
    a = np.round(ACTIVATION, 1) if tied else ACTIVATION
    label = np.random.default_rng(1).integers(0, 4, N).astype(np.int16)
    expected = stats.kruskal(*(a[label == g] for g in range(4)))
    found = top_down(a[None], label[None], ONE, np.array([4]))
    # The same sums of midranks: rounding only.
    assert found.h[0] == pytest.approx(expected.statistic, rel=1e-10)
    # scipy's p is the chi-square limit; ours has the exact variance. They differ by about 1 / n at p = 0.5.
    assert found.p[0] == pytest.approx(expected.pvalue, abs=0.02)


@pytest.mark.parametrize("size", [3, 20, 31])
def test_the_untied_rank_sum_is_scipys_exact_mann_whitney(size: int) -> None:
    rng = np.random.default_rng(size)
    for _ in range(5):
        a, b = rng.normal(size=size) + 0.4, rng.normal(size=N - size)
        expected = stats.mannwhitneyu(a, b, method="exact")
        # Both count arrangements exactly; ours adds up probabilities, theirs whole numbers.
        found = rank_sum_p(np.array([expected.statistic]), np.array([size]), ONE)
        assert found[0] == pytest.approx(expected.pvalue, rel=1e-10)


def test_the_tied_rank_sum_of_large_groups_is_scipys_asymptotic_mann_whitney() -> None:
    values = np.random.default_rng(3).integers(0, 9, N).astype(float)
    theirs = stats.mannwhitneyu(values[:25], values[25:], method="asymptotic", use_continuity=False)
    # The same normal tail with the same variance: rounding only.
    found = tied_rank_sum_p(values, np.array([theirs.statistic]), np.array([25]))
    assert found[0] == pytest.approx(theirs.pvalue, rel=1e-10)


def test_p_of_pair_statistics_is_that_of_scipys_permutation_test() -> None:
    S = similarity(unit_rows())
    found = zones_of(S)
    upper, M = np.triu_indices(N, 1), S[0].astype(np.float64)
    top = np.arange(N) < 20
    inside, outside = np.outer(top, top)[upper], np.outer(~top, ~top)[upper]
    same = (SEGMENT[:, None] == SEGMENT)[upper]
    rank = np.abs(np.subtract.outer(np.arange(N), np.arange(N)))[upper]

    def pairs(order: np.ndarray) -> np.ndarray:
        order = order.astype(int)
        return np.asarray(M[order[upper[0]], order[upper[1]]])

    statistics = {
        "peak": (lambda order: pairs(order)[inside].mean() - pairs(order)[outside].mean(), found.peak[0, 0], "greater"),
        "mrpp": (lambda order: pairs(order)[same].mean(), found.mrpp[0], "greater"),
        "distance": (lambda order: np.corrcoef(pairs(order), rank)[0, 1], found.distance[0], "less"),
    }
    for name, (statistic, row, side) in statistics.items():
        drawn = stats.permutation_test(
            (np.arange(N),), statistic, permutation_type="pairings", alternative=side, n_resamples=4999,
            vectorized=False, rng=np.random.default_rng(0),
        )  # fmt: skip
        if name != "mrpp":
            # The statistic itself is a mean of float32 cosines.
            assert row[OBSERVED] == pytest.approx(drawn.statistic, rel=ROUNDED, abs=1e-8)
        # Four binomial standard errors of 4,999 draws.
        error = np.sqrt(drawn.pvalue * (1 - drawn.pvalue) / 5000)
        assert row[P] == pytest.approx(drawn.pvalue, abs=4 * error), name


# scikit-learn and scipy's trees ----------------------------------------------------------------------------------


def test_ward_groups_are_those_of_scikit_learn_and_scipy() -> None:
    for seed in range(5):
        rows = unit_rows(seed)
        label, _ = cluster(similarity(rows), ONE, linkage="ward")
        groups = int(label.max()) + 1
        theirs = AgglomerativeClustering(groups, linkage="ward").fit_predict(rows)
        scipys = fcluster(linkage(rows.astype(np.float64), "ward"), groups, "maxclust")
        # The same partition under other names: exactly as many pairs of names as groups.
        for other in (theirs, scipys):
            assert len(set(zip(label[0].tolist(), other.tolist(), strict=True))) == groups


def test_the_silhouette_is_scikit_learns_on_cosine_distance() -> None:
    rows = unit_rows(2)
    label, quality = cluster(similarity(rows), ONE, linkage="ward")
    # float32 cosines on either side.
    assert quality[0] == pytest.approx(silhouette_score(rows, label[0], metric="cosine"), rel=1e-5)


def test_ami_is_scikit_learns() -> None:
    rng = np.random.default_rng(8)
    first, second = rng.integers(0, 5, N).astype(np.int16), rng.integers(0, 3, N).astype(np.int16)
    found = agreement(first[None], second[None], ONE)
    # The same sums of logarithms in another order.
    assert found.ami[0] == pytest.approx(adjusted_mutual_info_score(first, second), rel=1e-9, abs=1e-12)
    table = np.array([[np.sum((first == g) & (second == h)) for h in range(3)] for g in range(5)])
    assert found.x2[0] == pytest.approx(stats.chi2_contingency(table, correction=False).statistic, rel=1e-10)


# scikit-bio ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(find_spec("skbio") is None, reason=SKIPS["skbio"])
def test_distance_r_is_scikit_bios_mantel_and_its_p_within_four_errors() -> None:
    from skbio.stats.distance import DistanceMatrix, mantel

    S = similarity(unit_rows(4))
    rank = np.abs(np.subtract.outer(np.arange(N), np.arange(N))).astype(float)
    distances = 1 - S[0].astype(np.float64)
    np.fill_diagonal(distances, 0)
    r, p, _ = mantel(DistanceMatrix(rank), DistanceMatrix(distances), permutations=4999, alternative="greater", seed=0)
    row = zones_of(S).distance[0]
    # Distance is 1 - cosine, so signs are opposite; float32 cosines.
    assert row[EFFECT] == pytest.approx(-r, rel=1e-5)
    assert row[P] == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / 5000))


@pytest.mark.skipif(find_spec("skbio") is None, reason=SKIPS["skbio"])
def test_mrpp_of_chord_distances_squared_is_scikit_bios_permanova() -> None:
    """With squared distances d^2 = 2 (1 - S) and G equal segments both are functions of the sums inside segments.

    PERMANOVA's sum of squares inside is sum_g (1/n_g) sum_{a<b in g} d_ab^2 = sum_g (n_g - 1)(1 - h_g); the total is
    (n - 1)(1 - mean S). With n_g = n / G the former is (n - G) delta, so that
    F = [(n - 1) E[delta] - (n - G) delta] (n - G) / [(G - 1)(n - G) delta].
    """
    from skbio.stats.distance import DistanceMatrix, permanova

    S = similarity(unit_rows(6))
    chord = np.sqrt(np.maximum(2 * (1 - S[0].astype(np.float64)), 0))
    np.fill_diagonal(chord, 0)
    theirs = permanova(DistanceMatrix(chord), SEGMENT.astype(str), permutations=4999, seed=0)
    row, G = zones_of(S).mrpp[0], 5
    delta, expected = row[OBSERVED], row[NULL_MEAN]
    pseudo_f = ((N - 1) * expected - (N - G) * delta) / ((G - 1) * delta)
    # float32 cosines; the ratio of two of their means.
    assert pseudo_f == pytest.approx(theirs["test statistic"], rel=1e-5)
    p = theirs["p-value"]
    # F falls where delta rises, so the tests are one; four errors of 4,999 draws.
    assert row[P] == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / 5000))


@pytest.mark.skipif(find_spec("skbio") is None, reason=SKIPS["skbio"])
def test_the_order_of_segments_by_anosim_is_that_of_mrpp() -> None:
    """ANOSIM works on ranks of distances, so only signs and rough p can be compared: no formula links the two."""
    from skbio.stats.distance import DistanceMatrix, anosim

    rows = unit_rows(6)
    order = np.argsort(rows[:, 0])
    for arranged in (rows, rows[order]):
        S = similarity(arranged)
        distances = 1 - S[0].astype(np.float64)
        np.fill_diagonal(distances, 0)
        theirs = anosim(DistanceMatrix(distances), SEGMENT.astype(str), permutations=999, seed=0)
        row = zones_of(S).mrpp[0]
        assert (row[P] < 0.01) == (theirs["p-value"] < 0.01)
    assert row[EFFECT] > 0
    assert theirs["test statistic"] > 0


# R: coin and vegan, by numbers printed in their documentation --------------------------------------------------------


def test_the_tied_rank_sum_is_that_of_coins_rotarod_data() -> None:
    """12 controls stayed the full 300 s; 12 treated fell earlier or did not (documentation of coin, rotarod).

    Printed there: exact two-sided p 0.0373 (its digits 0.03727), asymptotic 0.0147. Tolerance: half of the last digit.
    """
    values = np.array([300.0] * 12 + [18, 22, 75, 163, 271] + [300] * 7)
    treated = values[12:]
    won = sum((t > c) + (t == c) / 2 for t in treated for c in values[:12])
    exact = tied_rank_sum_p(values, np.array([won]), np.array([12]))
    assert exact[0] == pytest.approx(0.03727, abs=5e-6)
    asymptotic = stats.mannwhitneyu(values[:12], treated, method="asymptotic", use_continuity=False).pvalue
    assert asymptotic == pytest.approx(0.0147, abs=5e-5)


def test_the_exact_rank_sum_is_that_of_coins_water_transfer_data() -> None:
    """Hollander and Wolfe (1999), table 4.1, as in the documentation of coin: 10 and 5 values, exact p 0.2544.

    Tolerance: half of the last printed digit.
    """
    at_term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    earlier = [1.15, 0.88, 0.90, 0.74, 1.21]
    won = sum(a > b for a in at_term for b in earlier)
    assert rank_sum_p(np.array([float(won)]), np.array([10]), np.array([15]))[0] == pytest.approx(0.2544, abs=5e-5)


def test_mrpp_is_vegans_with_group_sizes_as_weights() -> None:
    """The documentation of vegan's mrpp prints, for groups of 3, 5, 6 and 6, their mean distances.

    These make delta 11.15, with an expected delta of 12.74, and A = 0.1246. So cosines are made that have these
    means. Tolerances: half of the last printed digit of delta; of A, what the rounding of 12.74 leaves.
    """
    sizes, means, whole = np.array([3, 5, 6, 6]), np.array([10.03, 11.08, 10.66, 12.27]), 12.74
    label = np.repeat(np.arange(4), sizes).astype(np.int16)
    same, pairs = label[:, None] == label, sizes * (sizes - 1) / 2
    between = (190 * whole - pairs @ means) / (190 - pairs.sum())
    S = (1 - np.where(same, means[label][:, None], between)).astype(np.float32)
    found = zones_of(S[None], label, np.arange(20, 0.0, -1)).mrpp[0]
    assert found[OBSERVED] == pytest.approx(11.15, abs=0.005)
    assert found[NULL_MEAN] == pytest.approx(whole, rel=ROUNDED)
    assert found[EFFECT] == pytest.approx(0.1246, abs=0.0005)
