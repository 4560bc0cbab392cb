"""Against scipy's linkage and scikit-learn's silhouettes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.cluster import hierarchy
from sklearn.metrics import silhouette_score
from tests.made_up import clustered_vectors

from intraneuron.kernels.clustering import LINKAGES, cluster, cluster_each, merges
from intraneuron.kernels.similarity import cosines

LOOSE = np.random.default_rng(3).normal(size=(200, 10))
TABLES = {
    "clustered": clustered_vectors(200, 16, seed=1),
    "structureless": (LOOSE / np.linalg.norm(LOOSE, axis=1, keepdims=True)).astype(np.float32),
    "two dimensions": clustered_vectors(200, 2, seed=2, groups=3),
}


def tree_of(unit: np.ndarray, linkage: Any) -> np.ndarray:
    """Return scipy's tree on the distances that the linkage works on."""
    if linkage == "ward":
        return np.asarray(hierarchy.linkage(unit, "ward"))
    distance = np.maximum(1 - unit @ unit.T, 0)
    return np.asarray(hierarchy.linkage(distance[np.triu_indices(len(unit), 1)], linkage))


def best_of(unit: np.ndarray, linkage: str, k_max: int) -> tuple[np.ndarray, float]:
    """Return the cut of highest silhouette, the smallest on ties, by scipy and scikit-learn."""
    tree = tree_of(unit, linkage)
    distance = np.maximum(1 - unit @ unit.T, 0)
    np.fill_diagonal(distance, 0)
    best, found = -np.inf, np.zeros(len(unit), dtype=int)
    for k in range(2, min(k_max, len(unit) - 1) + 1):
        label = hierarchy.cut_tree(tree, [k])[:, 0]
        score = float(silhouette_score(distance, label, metric="precomputed"))
        if score > best + 1e-9:
            best, found = score, label
    return found, best


def same_partition(a: np.ndarray, b: np.ndarray) -> bool:
    return len(set(zip(a, b, strict=True))) == len(set(a)) == len(set(b))


@pytest.mark.parametrize("linkage", LINKAGES)
@pytest.mark.parametrize("table", TABLES)
def test_categories_are_scipys_cut_with_scikit_learns_highest_silhouette(table: str, linkage: str) -> None:
    vectors = TABLES[table]
    rng = np.random.default_rng(7)
    ids = np.stack([rng.choice(200, 50, replace=False) for _ in range(12)]).astype(np.int32)
    n = np.r_[np.full(9, 50), 31, 20, 4]
    label, quality = cluster(cosines(vectors, ids, n), n, linkage=linkage)
    for i in range(12):
        unit = vectors[ids[i, : n[i]]].astype(np.float64)
        expected, score = best_of(unit, linkage, 10)
        assert quality[i] == pytest.approx(score, abs=2e-6)
        assert same_partition(label[i, : n[i]], expected)
        assert (label[i, n[i] :] == -1).all()


@pytest.mark.parametrize("linkage", ["average", "complete"])
@pytest.mark.parametrize("cosine", [-0.9, 0.1, 0.45, 0.9])
def test_a_cut_at_a_cosine_is_scipys_at_that_distance(linkage: str, cosine: float) -> None:
    vectors = TABLES["clustered"]
    ids = np.stack([np.random.default_rng(i).choice(200, 50, replace=False) for i in range(6)]).astype(np.int32)
    n = np.full(6, 50)
    label, quality = cluster(cosines(vectors, ids, n), n, linkage=linkage, cosine=cosine)
    for i in range(6):
        unit = vectors[ids[i]].astype(np.float64)
        expected = hierarchy.fcluster(tree_of(unit, linkage), 1 - cosine, criterion="distance")
        assert same_partition(label[i], expected)
        k, distance = len(set(expected)), np.maximum(1 - unit @ unit.T, 0) * (1 - np.eye(50))
        score = silhouette_score(distance, expected, metric="precomputed") if 1 < k < 50 else np.nan if k == 1 else 0.0
        assert quality[i] == pytest.approx(score, abs=2e-6, nan_ok=True)


@pytest.mark.parametrize("linkage", LINKAGES)
def test_merge_heights_are_scipys(linkage: str) -> None:
    unit = TABLES["clustered"][:40].astype(np.float64)
    S = unit @ unit.T
    pair, height = np.empty((40, 2), np.int64), np.empty(40)
    merges(S, 40, LINKAGES[linkage], np.empty((40, 40)), pair, height)
    expected = tree_of(unit, linkage)[:, 2]
    np.testing.assert_allclose(height[:39], expected**2 if linkage == "ward" else expected, rtol=1e-7)


@pytest.mark.parametrize("linkage", LINKAGES)
@pytest.mark.parametrize("n", [3, 4, 5])
def test_a_handful_of_tokens_is_cut_into_fewer_groups_than_tokens(n: int, linkage: str) -> None:
    ids = np.arange(n, dtype=np.int32)[None]
    size = np.array([n])
    label, quality = cluster(cosines(TABLES["structureless"], ids, size), size, linkage=linkage)
    assert 2 <= len(set(label[0])) < n
    assert -1 <= quality[0] <= 1


@pytest.mark.parametrize("linkage", LINKAGES)
def test_tokens_with_one_and_the_same_vector_do_no_harm(linkage: str) -> None:
    vectors = TABLES["clustered"]
    ids = np.array([[4] * 30, [4] * 15 + [9] * 15, [*range(10), *[7] * 20]], dtype=np.int32)
    n = np.full(3, 30)
    label, quality = cluster(cosines(vectors, ids, n), n, linkage=linkage)
    assert np.isfinite(quality).all()
    assert (label >= 0).all()
    assert quality[1] == pytest.approx(1, abs=1e-5)
    assert set(label[1, :15]) != set(label[1, 15:])
    assert len(set(label[1])) == 2
    assert len(set(label[2, 10:])) == 1


@pytest.mark.parametrize("linkage", LINKAGES)
def test_of_cuts_with_equal_silhouettes_the_one_with_fewest_groups_is_taken(linkage: str) -> None:
    alike = np.ones((1, 30, 30), dtype=np.float32)
    label, quality = cluster(alike, np.array([30]), linkage=linkage)
    assert quality[0] == 0
    assert len(set(label[0])) == 2


def test_too_few_tokens_have_no_groups_and_no_quality() -> None:
    n = np.array([5])
    S = cosines(TABLES["clustered"], np.arange(6, dtype=np.int32)[None], n)
    label, quality = cluster(S, n, min_tokens=6)
    assert (label == -1).all()
    assert np.isnan(quality).all()


def test_no_more_groups_than_asked_for_are_tried() -> None:
    vectors = clustered_vectors(60, 40, seed=5, groups=9)
    n = np.array([60])
    S = cosines(vectors, np.arange(60, dtype=np.int32)[None], n)
    many, _ = cluster(S, n)
    few, _ = cluster(S, n, k_max=3)
    assert many.max() + 1 > 3
    assert few.max() + 1 <= 3


@pytest.mark.parametrize("linkage", LINKAGES)
def test_several_cuts_of_one_tree_are_those_of_a_tree_each(linkage: str) -> None:
    unit = TABLES["clustered"]
    token_id = np.arange(200).reshape(4, 50).astype(np.int32)
    n = np.array([50, 31, 2, 20])
    S = cosines(unit, np.where(np.arange(50) < n[:, None], token_id, -1).astype(np.int32), n)
    label, quality = cluster_each(S, n, linkage=linkage, k_max=(3, 20, 5), min_tokens=20)
    for j, k_max in enumerate((3, 20, 5)):
        expected = cluster(S, n, linkage=linkage, k_max=k_max, min_tokens=20)
        np.testing.assert_array_equal(label[:, j], expected[0])
        np.testing.assert_array_equal(quality[:, j], expected[1])
    assert len({tuple(row) for row in label[0].tolist()}) > 1
