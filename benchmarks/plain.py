"""One neuron as a competent user of scipy and scikit-learn scripts it today.

No closed forms: every null is 999 draws, vectorised in numpy. The similarity matrix is computed
once, all tests share one set of draws, and whatever is a sum over segments is a matrix product
with one-hot membership. ``python benchmarks/plain.py`` prints the time a neuron takes.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.stats import kruskal, mannwhitneyu, rankdata
from sklearn.metrics import adjusted_mutual_info_score, silhouette_score
from sklearn.metrics.cluster import contingency_matrix

Array = np.ndarray[Any, np.dtype[Any]]

BLOCK = 100


def analyse_plain(vectors: Array, activations: Array, rng: np.random.Generator, draws: int = 999) -> dict[str, Any]:
    """Return the numbers of one neuron, each p from ``draws`` permutations.

    Parameters
    ----------
    vectors
        (n, D), one row a core token, in the order of ``activations``.
    activations
        (n,), descending.
    rng
        Source of the permutations.
    draws
        Number of permutations of every test.
    """
    n = len(activations)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    S = unit @ unit.T
    segment = np.arange(n) * 5 // n
    category, quality = categorise(unit, S, activations)
    # The first row is the identity: the observed value comes out of the same code as the draws.
    orders = np.vstack([np.arange(n), rng.permuted(np.tile(np.arange(n), (draws, 1)), axis=1)])
    result: dict[str, Any] = {"silhouette": quality, "label_meaning": category, "label_activation": segment}
    result |= homogeneity(S, segment, orders) | stepdown(S, segment, draws, rng)
    for top, name in ((20, "peak"), (10, "peak10"), (5, "peak5")):
        result |= peak(S, top, name, orders)
    result |= distance(S, rankdata(activations), orders)
    has = category >= 0
    orders = np.vstack([np.arange(has.sum()), rng.permuted(np.tile(np.arange(has.sum()), (draws, 1)), axis=1)])
    result |= top_down(category[has], activations[has])
    result |= interleaving(category[has], orders) | agreement(category[has], segment[has], orders)
    return result | {"profile": profile(S)}


def upper_p(values: Array) -> Array:
    """Return (1 + c) / (draws + 1) of the first value among the rest, along axis 0."""
    return np.asarray((1 + (values[1:] >= values[0] - 1e-12).sum(axis=0)) / len(values))


def categorise(unit: Array, S: Array, activations: Array) -> tuple[Array, float]:
    """Return Ward categories at the best silhouette, small ones -1, the most active 0."""
    tree = linkage(unit, "ward")
    distances = np.maximum(1 - S, 0)
    np.fill_diagonal(distances, 0)
    cuts = [fcluster(tree, k, "maxclust") for k in range(2, 11)]
    quality = [silhouette_score(distances, cut, metric="precomputed") for cut in cuts]
    raw = cuts[int(np.argmax(quality))]
    groups = [g for g in np.unique(raw) if np.sum(raw == g) >= 3]
    groups.sort(key=lambda g: -activations[raw == g].mean())
    label = np.full(len(raw), -1)
    for new, old in enumerate(groups):
        label[raw == old] = new
    return label, float(max(quality))


def zone_means(S: Array, member: Array, orders: Array) -> Array:
    """Return mean similarity over pairs inside each zone: member (n, zones) to (draws + 1, zones)."""
    n, zones = member.shape
    sizes = member.sum(axis=0)
    dealt = member.T[:, orders].reshape(-1, n)
    totals = np.einsum("ij,ij->i", dealt @ S, dealt).reshape(zones, -1).T
    return np.asarray((totals - sizes) / (sizes * (sizes - 1)))


def homogeneity(S: Array, segment: Array, orders: Array) -> dict[str, Any]:
    """Return homogeneity a segment, and MRPP, which is its weighted mean."""
    member = np.eye(segment.max() + 1)[segment]
    h = zone_means(S, member, orders)
    n = len(S)
    null = (S.sum() - n) / (n * (n - 1))
    delta = 1 - h @ (member.sum(axis=0) / n)
    return {
        "homogeneity": h[0],
        "homogeneity_null": null,
        "homogeneity_z": (h[0] - h[1:].mean(axis=0)) / h[1:].std(axis=0),
        "homogeneity_p": upper_p(h),
        "mrpp_a": 1 - delta[0] / (1 - null),
        "mrpp_p": float(upper_p(-delta)),
    }


def stepdown(S: Array, segment: Array, draws: int, rng: np.random.Generator) -> dict[str, Array]:
    """Return p of each segment against the tokens of that segment and those below it."""
    p = np.full(segment.max() + 1, np.nan)
    for g in range(segment.max()):
        left = segment >= g
        size = int(left.sum())
        orders = rng.permuted(np.tile(np.arange(size), (draws, 1)), axis=1)
        member = (segment[left] == g).astype(float)[:, None]
        p[g] = upper_p(zone_means(S[np.ix_(left, left)], member, np.vstack([np.arange(size), orders])))[0]
    return {"homogeneity_stepdown_p": p}


def peak(S: Array, top: int, name: str, orders: Array) -> dict[str, float]:
    """Return homogeneity of the top tokens minus that of the rest."""
    h = zone_means(S, np.eye(2)[(np.arange(len(S)) >= top).astype(int)], orders)
    values = h[:, 0] - h[:, 1]
    z = (values[0] - values[1:].mean()) / values[1:].std()
    return {name: float(values[0]), f"{name}_z": float(z), f"{name}_p": float(upper_p(values))}


def distance(S: Array, rank: Array, orders: Array) -> dict[str, float]:
    """Return Pearson's r over pairs of rank distance and similarity, in blocks of permutations."""
    rows, columns = np.triu_indices(len(S), 1)
    s = S[rows, columns] - S[rows, columns].mean()
    values = np.empty(len(orders))
    for start in range(0, len(orders), BLOCK):
        # Tokens first: whole rows are copied, which is several times faster than picking columns.
        dealt = rank[orders[start : start + BLOCK].T]
        gaps = dealt[rows]
        gaps -= dealt[columns]
        values[start : start + BLOCK] = s @ np.abs(gaps, out=gaps)
    gap = np.abs(rank[rows] - rank[columns])
    r = values / (len(s) * gap.std() * s.std())
    return {"distance_r": float(r[0]), "distance_p": float(upper_p(-r))}


def top_down(category: Array, activations: Array) -> dict[str, Any]:
    """Return Kruskal-Wallis by scipy, and Cliff's delta of each category with its rank-sum p."""
    m, k = len(activations), int(category.max()) + 1
    groups = [activations[category == g] for g in range(k)]
    H, p = kruskal(*groups)
    tests = [mannwhitneyu(groups[g], activations[category != g]) for g in range(k)]
    sizes = np.bincount(category)
    return {
        "n_categories": k,
        "top_down_h": float(H),
        "top_down_eta2": float((H - k + 1) / (m - k)),
        "top_down_p": float(p),
        "mean_activation": np.array([group.mean() for group in groups]),
        "cliffs_delta": np.array([2 * t.statistic for t in tests]) / (sizes * (m - sizes)) - 1,
        "cliffs_delta_p": np.array([t.pvalue for t in tests]),
    }


def interleaving(category: Array, orders: Array) -> dict[str, float]:
    """Return runs of equal labels relative to chance."""
    m, k = len(category), int(category.max()) + 1
    dealt = category[orders]
    runs = 1 + (dealt[:, 1:] != dealt[:, :-1]).sum(axis=1)
    expected = (m * (m + 1) - np.sum(np.bincount(category) ** 2)) / m
    return {"interleaving": float((runs[0] - k) / (expected - k)), "interleaving_p": float(upper_p(-runs))}


def agreement(category: Array, segment: Array, orders: Array) -> dict[str, float]:
    """Return AMI, and Pearson's X^2 of the table of categories and segments."""
    table = contingency_matrix(category, segment)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    by_segment = np.eye(segment.max() + 1)[segment][:, np.unique(segment)]
    by_category = np.eye(category.max() + 1)[category]
    tables = by_category[orders].transpose(0, 2, 1) @ by_segment
    X2 = ((tables - expected) ** 2 / expected).sum(axis=(1, 2))
    return {
        "ami": float(adjusted_mutual_info_score(category, segment)),
        "agreement_x2": float(X2[0]),
        "agreement_p": float(upper_p(X2)),
    }


def profile(S: Array, window: int = 10) -> Array:
    """Return the mean similarity in a sliding window of ranks."""
    starts = range(len(S) - window + 1)
    totals = np.array([S[i : i + window, i : i + window].sum() for i in starts])
    return np.asarray((totals - window) / (window * (window - 1)))


def main(neurons: int = 20, tokens: int = 100, dimensions: int = 1600) -> None:
    """Print the median time of one neuron."""
    rng = np.random.default_rng(0)
    seconds = []
    for _ in range(neurons):
        centres = rng.normal(size=(6, dimensions))
        vectors = centres[rng.integers(6, size=tokens)] + 2 * rng.normal(size=(tokens, dimensions))
        activations = np.sort(rng.gamma(2.0, size=tokens))[::-1]
        start = time.perf_counter()
        analyse_plain(vectors, activations, rng)
        seconds.append(time.perf_counter() - start)
    print(f"median {1000 * statistics.median(seconds):.1f} ms, least {1000 * min(seconds):.1f} ms a neuron")


if __name__ == "__main__":
    main()
