"""The oracle: METHOD sections 2 to 8 for one neuron, slow and obvious.

Written from METHOD.md alone. It imports nothing of the package, so that an error in the package
and the same error here cannot have one cause. ``tests/test_oracle.py`` proves it by complete
enumeration; every kernel of the package is then compared with it.

Number of distinct arrangements, the reciprocal of which is the floor of p:

========================  =====================================================================
homogeneity, peak         binomial(n, size of the zone): which tokens are inside
homogeneity_stepdown      the same among the tokens of segments g..G-1
mrpp                      n! / (product of n_g!): labelled segments over all n tokens
distance                  n! / (product of t!), t the sizes of groups of tied activations
interleaving, agreement,  m! / (product of n_c!): category labels over the m tokens that have
top_down                  one
========================  =====================================================================
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy import stats
from scipy.cluster.hierarchy import linkage
from sklearn.metrics import adjusted_mutual_info_score, mutual_info_score, silhouette_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

Array = np.ndarray[Any, np.dtype[Any]]
Tail = Literal["upper", "lower"]
Categories = Literal["ward", "average", "complete"] | float | Array
Segments = int | str

MINIMUM_TOKENS = 20
MINIMUM_GROUP = 3
SMALL_SEGMENT = 10
SHORT = 40
LIKELY = 0.2
PER_SEGMENT = (
    "homogeneity",
    "homogeneity_z",
    "homogeneity_p",
    "homogeneity_stepdown_p",
    "segment_purity",
    "segment_purity_null",
    "segment_entropy",
    "segment_entropy_null",
)
PER_CATEGORY = ("mean_activation", "cliffs_delta", "cliffs_delta_p", "selectivity")
BY_CATEGORY = (
    *("top_down_h", "top_down_eta2", "top_down_p", "interleaving", "interleaving_p"),
    *("ami", "agreement_x2", "agreement_p", "information_category", "information_segment"),
)
BY_SIMILARITY = (
    *("homogeneity_null", "peak", "peak_z", "peak_p", "peak10", "peak10_z", "peak10_p"),
    *("peak5", "peak5_z", "peak5_p", "mrpp_a", "mrpp_p", "distance_r", "distance_p"),
)


# ---------------------------------------------------------------------------------------------
# The whole neuron
# ---------------------------------------------------------------------------------------------


def analyse(
    vectors: Array,
    activations: Array,
    *,
    k_max: int = 10,
    segments: Segments = 5,
    categories: Categories = "ward",
    draws: int = 0,
    rng: np.random.Generator | None = None,
) -> dict[str, Any]:
    """Return the numbers of METHOD sections 4 to 8 for one neuron, named as in results.parquet.

    ``vectors`` (n, D) and ``activations`` (n,), descending, are of the core tokens. ``segments``:
    the number of quantiles, or ``equal-width:G``, ``natural``, ``top:SHARE``. ``categories``: a
    linkage, a number (``threshold:COS``) or the labels themselves (``norms:FILE``). ``draws`` = 0
    gives the closed-form p everywhere; else segments under 10 tokens with p < 0.02 get METHOD's
    Monte Carlo p from that many draws.
    """
    a = np.asarray(activations, dtype=np.float64)
    n = len(a)
    if n < MINIMUM_TOKENS:
        return insufficient(n, segments)
    unit = unit_rows(vectors)
    S = similarity(unit)
    segment, n_segments = segment_labels(a, segments)
    category, quality = category_labels(unit, a, k_max, categories)
    result: dict[str, Any] = {
        "n": n,
        "n_categories": int(category.max()) + 1,
        "silhouette": quality,
        "label_meaning": category,
        "label_activation": segment,
        "n_segments": n_segments,
        "segment_quality": goodness_of_variance_fit(a, segment),
        "profile": profile(S),
    }
    result |= zones(S, segment, n_segments, draws=draws, rng=rng)
    result |= peak(S, 20, "peak") | peak(S, 10, "peak10") | peak(S, 5, "peak5")
    result |= mrpp(S, segment) | distance(S, a)
    return result | numbers_of_categories(category, segment, a, n_segments)


def numbers_of_categories(category: Array, segment: Array, a: Array, n_segments: int) -> dict[str, Any]:
    """Return the numbers over the m tokens with a category; NaN under two categories."""
    k, has = int(category.max()) + 1, category >= 0
    if k < 2:
        return undefined_categories(k, n_segments)
    result: dict[str, Any] = top_down(category[has], a[has])
    result |= category_effects(category, a)
    result |= interleaving(category[has]) | agreement(category[has], segment[has])
    return result | composition(category[has], segment[has], n_segments)


def undefined_categories(k: int, n_segments: int) -> dict[str, Any]:
    """Return the numbers that need two categories, all NaN."""
    scalars = dict.fromkeys(BY_CATEGORY, math.nan)
    by_category = {key: np.full(k, math.nan) for key in PER_CATEGORY}
    by_segment = {key: np.full(n_segments, math.nan) for key in PER_SEGMENT[4:]}
    return scalars | by_category | by_segment


def insufficient(n: int, segments: Segments) -> dict[str, Any]:
    """Return the result of a neuron with fewer than 20 core tokens: NaN throughout."""
    fixed = {"natural": 0}.get(str(segments), 2 if str(segments).startswith("top:") else None)
    n_segments = fixed if fixed is not None else int(str(segments).rpartition(":")[2])
    return {
        "n": n,
        "n_categories": 0,
        "silhouette": math.nan,
        "label_meaning": np.full(n, -1),
        "label_activation": np.full(n, -1),
        "n_segments": n_segments,
        "segment_quality": math.nan,
        "profile": np.full(max(n - 9, 0), math.nan),
        **dict.fromkeys(BY_SIMILARITY, math.nan),
        **{key: np.full(n_segments, math.nan) for key in PER_SEGMENT},
        **undefined_categories(0, n_segments),
    }


# ---------------------------------------------------------------------------------------------
# Section 2: core tokens
# ---------------------------------------------------------------------------------------------


def select_core(
    mean: Array,
    count: Array,
    special: Array,
    k: int = 100,
    min_count: int = 1,
    *,
    sign: Literal["positive", "negative", "magnitude"] = "positive",
) -> tuple[Array, int]:
    """Return the k core tokens, padded with -1, and how many there really are.

    ``positive`` orders by mean, ``negative`` by -mean, ``magnitude`` by |mean|; only what is
    above 0 in that order is eligible. Ties go to the smaller token id.
    """
    mean = np.asarray(mean, dtype=np.float64)
    key = {"positive": mean, "negative": -mean, "magnitude": np.abs(mean)}[sign]
    eligible = [t for t in range(len(mean)) if not special[t] and count[t] >= min_count and key[t] > 0]
    chosen = sorted(eligible, key=lambda t: (-key[t], t))[:k]
    return np.array(chosen + [-1] * (k - len(chosen))), len(chosen)


def reliability(half_a: Array, half_b: Array) -> float:
    """Return the correlation of two halves' means, stepped up to the whole: 2r / (1 + r)."""
    r = float(np.corrcoef(half_a, half_b)[0, 1])
    return 2 * r / (1 + r)


# ---------------------------------------------------------------------------------------------
# Sections 3 to 5: similarity, categories, segments
# ---------------------------------------------------------------------------------------------


def unit_rows(vectors: Array) -> Array:
    """Return the rows divided by their length."""
    v = np.asarray(vectors, dtype=np.float64)
    unit: Array = v / np.linalg.norm(v, axis=1, keepdims=True)
    return unit


def similarity(unit: Array) -> Array:
    """Return the cosines between unit rows, the diagonal exactly 1."""
    S = unit @ unit.T
    np.fill_diagonal(S, 1.0)
    return S


def centred(vectors: Array, mean_of_vocabulary: Array) -> Array:
    """Return unit vectors minus the mean of the eligible vocabulary's unit vectors, renormalised."""
    return unit_rows(unit_rows(vectors) - mean_of_vocabulary)


def category_labels(unit: Array, a: Array, k_max: int, method: Categories) -> tuple[Array, float]:
    """Return category labels (-1: small group; 0: most active) and the silhouette."""
    raw, quality = raw_categories(unit, k_max, method)
    groups = [g for g in np.unique(raw) if g >= 0 and np.sum(raw == g) >= MINIMUM_GROUP]
    groups.sort(key=lambda g: (-a[raw == g].mean(), int(np.flatnonzero(raw == g)[0])))
    label = np.full(len(raw), -1)
    for new, old in enumerate(groups):
        label[raw == old] = new
    return label, quality


def raw_categories(unit: Array, k_max: int, method: Categories) -> tuple[Array, float]:
    """Return the groups before small ones are dropped, and their mean silhouette."""
    n = len(unit)
    dissimilarity = np.maximum(1 - similarity(unit), 0.0)
    if isinstance(method, np.ndarray):
        return method, silhouette(dissimilarity[np.ix_(method >= 0, method >= 0)], method[method >= 0])
    pairs = dissimilarity[np.triu_indices(n, 1)]
    if isinstance(method, float):
        tree = linkage(pairs, "average")
        label = cut(tree, n - int(np.sum(tree[:, 2] <= 1 - method)))
        return label, silhouette(dissimilarity, label)
    tree = linkage(unit, "ward") if method == "ward" else linkage(pairs, method)
    cuts = [cut(tree, k) for k in range(2, min(k_max, n - 1) + 1)]
    quality = [silhouette(dissimilarity, label) for label in cuts]
    best = int(np.argmax(quality))
    return cuts[best], quality[best]


def cut(tree: Array, k: int) -> Array:
    """Return the k groups that are left after the first n - k merges."""
    n = len(tree) + 1
    members = {i: [i] for i in range(n)}
    for step in range(n - k):
        left, right = int(tree[step, 0]), int(tree[step, 1])
        members[n + step] = members.pop(left) + members.pop(right)
    label = np.empty(n, dtype=np.int64)
    for group, tokens in enumerate(members.values()):
        label[tokens] = group
    return label


def silhouette(dissimilarity: Array, label: Array) -> float:
    """Return the mean silhouette, NaN where it is undefined (one group, or all singletons)."""
    if not 2 <= len(np.unique(label)) <= len(label) - 1:
        return math.nan
    return float(silhouette_score(dissimilarity, label, metric="precomputed"))


def segment_labels(a: Array, segments: Segments) -> tuple[Array, int]:
    """Return the segment of each token (0 the highest) and the number of segments."""
    n = len(a)
    method, _, argument = str(segments).rpartition(":") if segments != "natural" else ("natural", "", "")
    if method in ("", "quantile"):
        return np.array([r * int(argument) // n for r in range(n)]), int(argument)
    if method == "equal-width":
        return equal_width(a, int(argument)), int(argument)
    if method == "top":
        # Rounding first: 0.07 * 100 is 7.000000000000001, whose ceiling would be 8.
        size = math.ceil(round(float(argument) * n, 9))
        return (np.arange(n) >= size).astype(np.int64), 2
    for G in range(2, 11) if segments == "natural" else (int(argument),):
        label = natural_breaks(a, G)
        if goodness_of_variance_fit(a, label) >= 0.85:
            break
    return label, G


def equal_width(a: Array, G: int) -> Array:
    """Return G intervals [low, high) of [min, max], the topmost closed at both ends."""
    inner = [a.min() + (a.max() - a.min()) * i / G for i in range(1, G)]
    return np.array([G - 1 - sum(x >= edge for edge in inner) for x in a])


def natural_breaks(a: Array, G: int) -> Array:
    """Return Fisher's natural breaks: G contiguous groups of least within-group sum of squares."""
    n = len(a)
    best = np.full((G + 1, n + 1), math.inf)
    start = np.zeros((G + 1, n + 1), dtype=np.int64)
    best[0, 0] = 0.0
    for end in range(1, n + 1):
        within = [float(np.sum((a[i:end] - a[i:end].mean()) ** 2)) for i in range(end)]
        for g in range(1, min(G, end) + 1):
            totals = [best[g - 1, i] + within[i] for i in range(end)]
            start[g, end] = int(np.argmin(totals))
            best[g, end] = min(totals)
    label = np.empty(n, dtype=np.int64)
    end = n
    for g in range(G, 0, -1):
        label[start[g, end] : end] = g - 1
        end = int(start[g, end])
    return label


def goodness_of_variance_fit(a: Array, label: Array) -> float:
    """Return 1 - SSW / SST; NaN when all activations are equal."""
    total = float(np.sum((a - a.mean()) ** 2))
    within = sum(float(np.sum((a[label == g] - a[label == g].mean()) ** 2)) for g in np.unique(label))
    return 1 - within / total if total > 0 else math.nan


# ---------------------------------------------------------------------------------------------
# Section 8: three exact moments, and the tail
# ---------------------------------------------------------------------------------------------


class Moments(NamedTuple):
    """Mean, variance and third central moment under all n! permutations."""

    mean: float
    variance: float
    third: float


class Outcome(NamedTuple):
    """What one permutation test says."""

    observed: float
    z: float
    p: float


NOTHING = Outcome(math.nan, math.nan, math.nan)


def off_diagonal_mean(M: Array) -> float:
    """Return the mean over ordered pairs of different tokens."""
    n = len(M)
    return float((M.sum() - np.trace(M)) / (n * (n - 1)))


def centre(M: Array) -> Array:
    """Return M minus its off-diagonal mean, with a diagonal of 0."""
    C = M - off_diagonal_mean(M)
    np.fill_diagonal(C, 0.0)
    return C


def pattern_sums(M: Array) -> tuple[list[float], list[float]]:
    """Return METHOD 8's t1..t3 (second moment) and t4..t11 (third): sums over shapes of edges."""
    r, q, c = M.sum(axis=1), (M**2).sum(axis=1), (M**3).sum(axis=1)
    S1, S2, S3 = r.sum() / 2, q.sum() / 2, c.sum() / 2
    X = np.trace(M @ M @ M)
    rho = r @ M @ r
    a = (r * q).sum() - 2 * S3
    P = (rho - 2 * (r * q).sum() + 2 * S3 - X) / 2
    L = (r**3 - 3 * r * q + 2 * c).sum() / 6
    h = ((r**2).sum() - 2 * S2) / 2
    e = h * S1 - a - X / 2 - 3 * L - 2 * P
    second = [S2, 2 * h, S1**2 - S2 - 2 * h]
    third = [S3, 3 * a, X, 3 * (S1 * S2 - S3 - a), 6 * L, 6 * P, 6 * e]
    third.append(S1**3 - sum(third))
    return [float(t) for t in second], [float(t) for t in third]


def permutation_moments(D: Array, S: Array) -> Moments:
    """Return the exact moments of U = sum over a < b of D[a, b] S[pi(a), pi(b)]."""
    n = len(D)
    ones = 1.0 - np.eye(n)
    of_D, of_S, of_ones = pattern_sums(centre(D)), pattern_sums(centre(S)), pattern_sums(ones)
    second, third = (
        # A shape of which n tokens hold none has a count of exactly 0, up to rounding.
        sum(d * s / j for d, s, j in zip(*shapes, strict=True) if abs(j) > 0.5)
        for shapes in zip(of_D, of_S, of_ones, strict=True)
    )
    mean = off_diagonal_mean(D) * off_diagonal_mean(S) * n * (n - 1) / 2
    return Moments(mean, second, third)


def set_partitions(count: int) -> list[tuple[int, ...]]:
    """Return all ways to put things into blocks: the block of each thing, numbered in order of appearance."""
    ways: list[tuple[int, ...]] = [()]
    for _ in range(count):
        ways = [(*way, block) for way in ways for block in range(max(way, default=-1) + 2)]
    return ways


Graph = tuple[tuple[int, int], ...]


def shape_of(edges: Graph) -> str:
    """Return what tells graphs of four edges apart: how often each edge is there, between nodes of which degrees."""
    degree, often = Counter(node for edge in edges for node in edge), Counter(tuple(sorted(edge)) for edge in edges)
    return str(sorted((count, *sorted(degree[node] for node in edge)) for edge, count in often.items()))


@cache
def four_pair_graphs() -> dict[str, tuple[Graph, int, dict[str, int]]]:
    """Return, by shape: a graph, how many of the ways to merge four pairs' ends give it, and its signed mergers."""
    merged = [tuple((way[i], way[i + 1]) for i in (0, 2, 4, 6)) for way in set_partitions(8)]
    apart = [edges for edges in merged if all(a != b for a, b in edges)]
    found: dict[str, tuple[Graph, int, dict[str, int]]] = {}
    for name, ways in Counter(map(shape_of, apart)).items():
        graph = next(edges for edges in apart if shape_of(edges) == name)
        mergers: Counter[str] = Counter()
        for way in set_partitions(1 + max(max(edge) for edge in graph)):
            after = tuple((way[a], way[b]) for a, b in graph)
            if all(a != b for a, b in after):
                mergers[shape_of(after)] += math.prod(
                    (-1) ** (size - 1) * math.factorial(size - 1) for size in Counter(way).values()
                )
        found[name] = graph, ways, dict(mergers)
    return found


def fourth_moment(D: Array, S: Array) -> float:
    """Return E[(U - E[U])^4] by inclusion and exclusion over plain sums (D and S centred here)."""
    graphs, n = four_pair_graphs(), len(D)
    sums = []
    for M in (centre(D), centre(S)):
        plain = {
            name: float(
                np.einsum(",".join("abcdefgh"[a] + "abcdefgh"[b] for a, b in graph) + "->", *[M] * 4, optimize=True)
            )
            for name, (graph, _, _) in graphs.items()
        }
        sums.append({name: sum(c * plain[k] for k, c in mergers.items()) for name, (_, _, mergers) in graphs.items()})
    nodes = {name: 1 + max(max(edge) for edge in graph) for name, (graph, _, _) in graphs.items()}
    return sum(
        ways * sums[0][name] * sums[1][name] / falling(n, nodes[name]) / 16
        for name, (_, ways, _) in graphs.items()
        if nodes[name] <= n
    )


def bounded_upper_tail(z: float, g: float, k: float) -> float:
    """Return P(Z >= z) for the beta variable of skewness g and kurtosis k; NaN where none has them."""
    if not k < 3 + 1.5 * g**2:
        return math.nan
    r = 6 * (k - g**2 - 1) / (6 + 3 * g**2 - 2 * k)
    if r > 1e8:
        return math.nan
    lean = (r + 2) * g / math.sqrt((r + 2) ** 2 * g**2 + 16 * (r + 1))
    law = stats.beta(r / 2 * (1 - lean), r / 2 * (1 + lean))
    return float(law.sf(law.mean() + z * law.std()))


def lognormal_upper_tail(z: float, g: float) -> float:
    """Return P(Z >= z) for the shifted lognormal of mean 0, variance 1 and skewness g."""
    if abs(g) < 0.001:
        return float(stats.norm.sf(z))
    eta = abs(g) / 2
    t = (eta + math.sqrt(1 + eta**2)) ** (2 / 3)
    y = t + 1 / t - 1
    s = math.sqrt(math.log(y))
    w = math.sqrt(y) + math.copysign(1, g) * z * math.sqrt(y * (y - 1))
    if w <= 0:
        return 1.0 if g > 0 else 0.0
    return float(stats.norm.cdf(-math.log(w) / s if g > 0 else math.log(w) / s))


def three_kinds(M: Array) -> Array:
    """Return the kind of each token: natural breaks of (nearly) the leading eigenvector of M."""
    square = M @ M
    v = np.linalg.matrix_power(square / np.abs(square).max(), 7)[:, np.argmax(np.diag(square))]
    x = np.sort(v)

    a, b = np.triu_indices(len(x) - 1, 1)
    a, b, total = a + 1, b + 1, np.append(0.0, np.cumsum(x))
    between = total[a] ** 2 / a + (total[b] - total[a]) ** 2 / (b - a) + (total[-1] - total[b]) ** 2 / (len(x) - b)
    best = between.argmax()  # the most squares between kinds are the least within
    return np.asarray(np.digitize(v, [(x[c[best] - 1] + x[c[best]]) / 2 for c in (a, b)]))


def falling(x: int, k: int) -> int:
    """Return x (x - 1) ... (x - k + 1)."""
    return math.prod(x - i for i in range(k))


def given_kinds(M: Array, kind: Array, inside: float, rows: float) -> Callable[[Sequence[int]], tuple[float, float]]:
    """Return mean and variance of inside (sum over pairs taken) + rows (sum of row sums), given how many are taken.

    M is regressed on its kinds and tokens; every part is a sum over tokens or pairs drawn without replacement.
    """
    members = [np.flatnonzero(kind == a) for a in range(3)]
    n = [len(one) for one in members]
    row_sum = [M.sum(axis=1)[one] for one in members]
    mu, slope, rest = np.zeros((3, 3)), {}, np.zeros((3, 3))
    for a in range(3):
        for b in range(3):
            B = M[np.ix_(members[a], members[b])]
            if a != b:
                mu[a, b] = B.mean()
                slope[a, b] = B.mean(axis=1) - mu[a, b]
                rest[a, b] = ((B - B.mean(axis=0) - slope[a, b][:, None]) ** 2).sum()
            else:
                mu[a, a] = off_diagonal_mean(B) if n[a] > 1 else 0.0
                slope[a, a] = (B.sum(axis=1) - (n[a] - 1) * mu[a, a]) / (n[a] - 2) if n[a] > 2 else np.zeros(n[a])
                rest[a, a] = (centre(B - slope[a, a][:, None] - slope[a, a]) ** 2).sum() / 2 if n[a] > 3 else 0.0

    def moments(taken: Sequence[int]) -> tuple[float, float]:
        mean = variance = 0.0
        chance = [
            [falling(c, k) / falling(size, k) if size >= k else 0 for k in range(5)]
            for c, size in zip(taken, n, strict=True)
        ]
        for a in range(3):
            mean += rows * taken[a] * float(row_sum[a].mean()) + inside * math.comb(taken[a], 2) * mu[a, a]
            variance += inside**2 * rest[a, a] * (chance[a][2] - 2 * chance[a][3] + chance[a][4])
            linear = rows * (row_sum[a] - row_sum[a].mean()) + inside * (taken[a] - 1) * slope[a, a]
            for b in range(3):
                if a != b:
                    linear = linear + inside * taken[b] * slope[a, b]
                if a < b:
                    mean += inside * taken[a] * taken[b] * mu[a, b]
                    both = (chance[a][1] - chance[a][2]) * (chance[b][1] - chance[b][2])
                    variance += inside**2 * rest[a, b] * both
            if n[a] > 1:
                variance += taken[a] * (n[a] - taken[a]) / (n[a] * (n[a] - 1)) * float(linear @ linear)
        return mean, variance

    return moments


def kinds_p(S: Array, size: int, observed: float, moments: Moments, *, peak: bool) -> float:
    """Return the upper p of homogeneity (or peak): shifted lognormals, mixed over how many of each kind are taken."""
    M = centre(S)
    n, kind = len(S), three_kinds(M)
    rest = 1 / math.comb(n - size, 2) if peak else 0.0
    counts = np.bincount(kind, minlength=3)
    given = given_kinds(M, kind, 1 / math.comb(size, 2) - rest, rest)
    parts = []
    for first in range(min(size, counts[0]) + 1):
        for second in range(min(size - first, counts[1]) + 1):
            taken = (first, second, size - first - second)
            if taken[2] <= counts[2]:
                ways = math.prod(math.comb(int(c), t) for c, t in zip(counts, taken, strict=True))
                mean, variance = given(taken)
                parts.append((ways / math.comb(n, size), mean, max(variance, 0.0)))
    left = moments.third - sum(chance * mean * (mean**2 + 3 * variance) for chance, mean, variance in parts)
    g = left / sum(chance * variance**1.5 for chance, _, variance in parts)
    return sum(
        chance * lognormal_upper_tail((observed - mean) / math.sqrt(variance), g)
        if variance > 1e-18 * moments.variance
        else chance * (mean >= observed)
        for chance, mean, variance in parts
    )


def floored(p: float, arrangements: int) -> float:
    """Return p, never below 1 / (number of distinct arrangements) nor above 1; NaN stays."""
    return p if math.isnan(p) else min(1.0, max(p, 1 / arrangements))


def permutation_test(D: Array, S: Array, arrangements: int, tail: Tail = "upper") -> Outcome:
    """Return U, its z and its closed-form p; NaN when U is the same in every permutation."""
    n = len(D)
    pairs = np.triu_indices(n, 1)
    observed = float(np.sum(D[pairs] * S[pairs]))
    mean, variance, third = permutation_moments(D, S)
    # Centring a constant leaves rounding, not 0: its square is 1e-32 of the scale below.
    scale = float(np.sum(D[pairs] ** 2) * np.sum(S[pairs] ** 2)) / len(pairs[0])
    if not variance > 1e-24 * scale:
        return Outcome(observed, math.nan, math.nan)
    z, g = (observed - mean) / math.sqrt(variance), third / variance**1.5
    p = lognormal_upper_tail(z, g) if tail == "upper" else lognormal_upper_tail(-z, -g)
    return Outcome(observed, z, floored(p, arrangements))


def permutation_p_by_draws(D: Array, S: Array, draws: int, rng: np.random.Generator, *, tail: Tail = "upper") -> float:
    """Return the plain Monte Carlo p of the same test, (1 + c) / (draws + 1)."""
    sign = 1 if tail == "upper" else -1
    observed = sign * np.sum(np.triu(D, 1) * S)
    count = 0
    for _ in range(draws):
        order = rng.permutation(len(S))
        count += sign * np.sum(np.triu(D, 1) * S[np.ix_(order, order)]) >= observed - 1e-12
    return float((1 + count) / (draws + 1))


def homogeneity_p_by_draws(S: Array, inside: Array, draws: int, rng: np.random.Generator) -> float:
    """Return the Monte Carlo p of one segment's homogeneity among all tokens of S."""
    size = int(inside.sum())
    observed = mean_similarity(S[np.ix_(inside, inside)])
    count = 0
    for _ in range(draws):
        chosen = rng.permutation(len(S))[:size]
        count += mean_similarity(S[np.ix_(chosen, chosen)]) >= observed - 1e-12
    return floored((1 + count) / (draws + 1), math.comb(len(S), size))


def multinomial(sizes: Array) -> int:
    """Return the number of ways to deal labels of these sizes, as an exact integer."""
    return math.factorial(int(sum(sizes))) // math.prod(math.factorial(int(s)) for s in sizes)


# ---------------------------------------------------------------------------------------------
# Section 7: are zones homogeneous in meaning?
# ---------------------------------------------------------------------------------------------


def mean_similarity(S: Array) -> float:
    """Return the mean over the pairs of different tokens; NaN under 2 tokens."""
    return off_diagonal_mean(S) if len(S) > 1 else math.nan


def inside_weights(inside: Array) -> Array:
    """Return D whose U is the mean similarity over the pairs inside a zone."""
    size = int(inside.sum())
    D = np.outer(inside, inside) / math.comb(size, 2)
    np.fill_diagonal(D, 0.0)
    return D


def subset_test(S: Array, D: Array, size: int, *, peak: bool) -> Outcome:
    """Return the test of a zone (or peak); small p of large zones by kinds of tokens."""
    n, arrangements = len(S), math.comb(len(S), size)
    test = permutation_test(D, S, arrangements)
    if not test.p < LIKELY or min(size, n - size) < SMALL_SEGMENT or n < SHORT:
        return test
    moments = permutation_moments(D, S)
    observed = test.z * math.sqrt(moments.variance)
    return test._replace(p=floored(kinds_p(S, size, observed, moments, peak=peak), arrangements))


def homogeneity_test(S: Array, inside: Array, *, draws: int, rng: np.random.Generator | None) -> Outcome:
    """Return the homogeneity of one zone against random subsets of its size; NaN under 3 tokens."""
    size = int(inside.sum())
    if size < MINIMUM_GROUP:
        return NOTHING
    test = subset_test(S, inside_weights(inside), size, peak=False)
    if draws and rng is not None and size < SMALL_SEGMENT and test.p < 0.02:
        return test._replace(p=homogeneity_p_by_draws(S, inside, draws, rng))
    return test


def zones(
    S: Array, segment: Array, n_segments: int, *, draws: int = 0, rng: np.random.Generator | None = None
) -> dict[str, Any]:
    """Return homogeneity a segment, against all tokens and against those of segments g..G-1."""
    tests, stepdown = [], []
    for g in range(n_segments):
        tests.append(homogeneity_test(S, segment == g, draws=draws, rng=rng))
        left = segment >= g
        stepdown.append(homogeneity_test(S[np.ix_(left, left)], segment[left] == g, draws=draws, rng=rng))
    return {
        "homogeneity": np.array([t.observed for t in tests]),
        "homogeneity_null": mean_similarity(S),
        "homogeneity_z": np.array([t.z for t in tests]),
        "homogeneity_p": np.array([t.p for t in tests]),
        "homogeneity_stepdown_p": np.array([t.p for t in stepdown]),
    }


def peak_weights(n: int, top: int) -> Array:
    """Return D whose U is the homogeneity of the top tokens minus that of the rest."""
    inside = np.arange(n) < top
    return inside_weights(inside) - inside_weights(~inside)


def peak(S: Array, top: int, name: str) -> dict[str, float]:
    """Return the peak, its z and upper p, under n tokens dealt at random; NaN if under 2 tokens rest."""
    n = len(S)
    test = subset_test(S, peak_weights(n, top), top, peak=True) if n - top >= 2 else NOTHING
    return {name: test.observed, f"{name}_z": test.z, f"{name}_p": test.p}


def mrpp_weights(segment: Array) -> Array:
    """Return D whose U is 1 - delta: each segment's mean similarity, weighted by its size."""
    sizes = {g: int(np.sum(segment == g)) for g in np.unique(segment)}
    used = {g: size for g, size in sizes.items() if size >= 2}
    return sum(
        (size / sum(used.values()) * inside_weights(segment == g) for g, size in used.items()),
        start=np.zeros((len(segment), len(segment))),
    )


def mrpp(S: Array, segment: Array) -> dict[str, float]:
    """Return A = 1 - delta / E[delta] and its upper p."""
    test = permutation_test(mrpp_weights(segment), S, multinomial(np.unique(segment, return_counts=True)[1]))
    delta, expected = 1 - test.observed, 1 - mean_similarity(S)
    return {"mrpp_a": 1 - delta / expected if expected > 0 else math.nan, "mrpp_p": test.p}


def distance_weights(a: Array) -> Array:
    """Return D, the absolute differences of midranks."""
    rank = stats.rankdata(a)
    return np.asarray(np.abs(rank[:, None] - rank[None, :]))


def distance(S: Array, a: Array) -> dict[str, float]:
    """Return Pearson's r over pairs of rank distance and similarity, and its lower p."""
    D = distance_weights(a)
    test = permutation_test(D, S, multinomial(np.unique(a, return_counts=True)[1]), "lower")
    if math.isnan(test.z):
        return {"distance_r": math.nan, "distance_p": math.nan}
    pairs = np.triu_indices(len(a), 1)
    p = test.p
    if p < LIKELY:
        _, variance, third = permutation_moments(D, S)
        bounded = bounded_upper_tail(-test.z, -third / variance**1.5, fourth_moment(D, S) / variance**2)
        p = p if math.isnan(bounded) else floored(bounded, multinomial(np.unique(a, return_counts=True)[1]))
    return {"distance_r": float(np.corrcoef(D[pairs], S[pairs])[0, 1]), "distance_p": p}


def profile(S: Array, window: int = 10) -> Array:
    """Return the mean similarity in a sliding window of ranks: n - 9 values."""
    return np.array([mean_similarity(S[i : i + window, i : i + window]) for i in range(len(S) - window + 1)])


def composition(category: Array, segment: Array, n_segments: int) -> dict[str, Array]:
    """Return purity and entropy (nats) of each segment over categories, and their exact means.

    Under fixed margins a segment's counts are multivariate hypergeometric. The mean of the
    entropy is a sum over categories; that of the largest count comes from counting the subsets
    in which no category has more than t tokens.
    """
    sizes = np.bincount(category)
    rows = []
    for g in range(n_segments):
        count = np.bincount(category[segment == g], minlength=len(sizes))
        size = int(count.sum())
        if size == 0:
            rows.append((math.nan,) * 4)
            continue
        rows.append((count.max() / size, expected_maximum(sizes, size) / size, *entropies(sizes, count)))
    keys = ("segment_purity", "segment_purity_null", "segment_entropy", "segment_entropy_null")
    return dict(zip(keys, np.array(rows).T, strict=True))


def entropies(sizes: Array, count: Array) -> tuple[float, float]:
    """Return the entropy of a segment over categories and its mean over random subsets of its size."""
    total, size = int(sizes.sum()), int(count.sum())
    x = np.arange(1, size + 1)
    terms = -x / size * np.log(x / size)
    expected = sum(float(stats.hypergeom(total, int(s), size).pmf(x) @ terms) for s in sizes)
    return float(stats.entropy(count)), expected


def expected_maximum(sizes: Array, size: int) -> float:
    """Return the exact mean of the largest count in a random subset of ``size`` tokens."""
    at_most = []
    for t in range(size + 1):
        ways = [1] + [0] * size
        for s in sizes:
            one = [math.comb(int(s), j) if j <= t else 0 for j in range(size + 1)]
            ways = [sum(ways[i] * one[j - i] for i in range(j + 1)) for j in range(size + 1)]
        at_most.append(ways[size])
    return sum(t * (now - before) for t, (before, now) in enumerate(pairwise([0, *at_most]))) / at_most[-1]


def beyond(S: Array, unit: Array, direction: Array) -> Array:
    """Return S - p p', p = e . c: similarity without the direction along which the neuron reads."""
    p = unit @ (direction / np.linalg.norm(direction))
    return S - np.outer(p, p)


def reading_direction(activation: Array, unit: Array) -> Array:
    """Return c, the sum over the vocabulary of (a - mean a)(e - mean e), normalised."""
    c: Array = (activation - activation.mean()) @ (unit - unit.mean(axis=0))
    c /= np.linalg.norm(c)
    return c


# ---------------------------------------------------------------------------------------------
# Section 6: does activation differ between categories?
# ---------------------------------------------------------------------------------------------


def rank_sum_p(inside: Array, outside: Array) -> float:
    """Return the exact two-sided rank-sum p; with ties the tie-corrected normal, exact for unlikely small groups."""
    tied = len(np.unique(np.concatenate([inside, outside]))) < len(inside) + len(outside)
    if not tied:
        return float(stats.mannwhitneyu(inside, outside, method="exact").pvalue)
    p = float(stats.mannwhitneyu(inside, outside, method="asymptotic", use_continuity=False).pvalue)
    smaller, m = min(len(inside), len(outside)), len(inside) + len(outside)
    steps = np.rint(2 * stats.rankdata(np.concatenate([inside, outside]))).astype(int)
    steps -= steps.min()
    sums = smaller * int(steps.max()) // max(int(np.gcd.reduce(steps)), 1) + 1
    if p < 0.2 and ((smaller <= 12 and smaller * m <= 2400) or smaller * m * sums <= 3_000_000):
        return tied_rank_sum_p(inside, outside)
    return floored(p, math.comb(m, len(inside)))


def tied_rank_sum_p(inside: Array, outside: Array) -> float:
    """Return the two-sided p of a rank sum among all ways to draw the smaller group, counted in whole numbers."""
    rank = np.rint(2 * stats.rankdata(np.concatenate([inside, outside]))).astype(int)
    a, m = len(inside), len(rank)
    away = abs(int(rank[:a].sum()) - a * (m + 1))
    a = min(a, m - a)
    ways = [Counter({0: 1}), *(Counter() for _ in range(a))]
    for r in rank.tolist():
        for i in range(a, 0, -1):
            for total, count in ways[i - 1].items():
                ways[i][total + r] += count
    as_far = sum(count for total, count in ways[a].items() if abs(total - a * (m + 1)) >= away)
    return as_far / math.comb(m, a)


def projection_variance(m: int, d: Array, Q: Array) -> float:
    """Return METHOD 6's exact variance of tr(A pi B pi') for two centred projections of ranks d.

    Q holds the sums of squares of their diagonals.
    """
    v = d * (m - 1 - d) / (m - 1)
    w = (m * Q - d**2) / (m - 2)
    return float(2 * (v[0] - w[0]) * (v[1] - w[1]) / (m * (m - 3)) + w[0] * w[1] / (m - 1))


def kruskal_beta(category: Array, a: Array) -> tuple[float, float]:
    """Return the two parameters of the beta that has the exact mean and variance of H / (m - 1)."""
    sizes = np.bincount(category)
    m, k = len(a), len(sizes)
    rank = stats.rankdata(a) - (m + 1) / 2
    x = rank / math.sqrt(float(rank @ rank))
    d = np.array([k - 1, 1])
    Q = np.array([np.sum(1 / sizes) - 2 * k / m + 1 / m, np.sum(x**4)])
    mean, variance = (k - 1) / (m - 1), projection_variance(m, d, Q)
    total = mean * (1 - mean) / variance - 1
    return mean * total, (1 - mean) * total


def top_down(category: Array, a: Array) -> dict[str, float]:
    """Return Kruskal-Wallis H, eta squared and p over the tokens with a category."""
    m, k = len(a), int(category.max()) + 1
    if np.all(a == a[0]):
        return dict.fromkeys(("top_down_h", "top_down_eta2", "top_down_p"), math.nan)
    groups = [a[category == g] for g in range(k)]
    H = float(stats.kruskal(*groups).statistic)
    by_beta = float(stats.beta.sf(H / (m - 1), *kruskal_beta(category, a)))
    p = rank_sum_p(groups[0], groups[1]) if k == 2 else by_beta
    p = floored(p, multinomial(np.bincount(category)))
    return {"top_down_h": H, "top_down_eta2": (H - k + 1) / (m - k), "top_down_p": p}


def category_effects(category: Array, a: Array) -> dict[str, Array]:
    """Return mean activation, Cliff's delta with its p, and selectivity of each category."""
    has = category >= 0
    above = a - a[-1]
    rows = []
    for g in range(int(category.max()) + 1):
        inside, outside = a[category == g], a[has & (category != g)]
        delta = float(np.mean(np.sign(inside[:, None] - outside[None, :])))
        share = above[category == g].sum() / above[has].sum() if above[has].sum() > 0 else math.nan
        p = rank_sum_p(inside, outside) if np.ptp(a[has]) > 0 else math.nan
        rows.append((inside.mean(), delta, p, share - len(inside) / has.sum()))
    return dict(zip(PER_CATEGORY, np.array(rows).T, strict=True))


def runs_matrices(category: Array) -> tuple[Array, Array]:
    """Return D (neighbours in the order) and S (labels differ): U is the number of runs - 1."""
    position = np.arange(len(category))
    D = (np.abs(position[:, None] - position[None, :]) == 1).astype(float)
    return D, (category[:, None] != category[None, :]).astype(float)


def interleaving(category: Array) -> dict[str, float]:
    """Return (R - k) / (E[R] - k) along the activation order, and its lower p."""
    sizes = np.bincount(category)
    m, k = len(category), len(sizes)
    test = permutation_test(*runs_matrices(category), multinomial(sizes), "lower")
    expected = (m * (m + 1) - float(np.sum(sizes**2))) / m
    counted = test.p < LIKELY and m <= (500 if k == 2 else 128)
    p = runs_mid_p(sizes, round(test.observed) + 1) if counted else test.p
    return {"interleaving": (test.observed + 1 - k) / (expected - k), "interleaving_p": p}


def runs_mid_p(sizes: Array, runs: int) -> float:
    """Return P(R < runs) + P(R = runs) / 2, counted by inclusion and exclusion in whole numbers.

    ``glued[j]`` counts the orders whose tokens are glued into j blocks of one category each; an order with e equal
    neighbours is in binomial(e, m - j) of them.
    """
    m = int(sizes.sum())
    ways = [Fraction(1)]
    for n in map(int, sizes):
        own = [Fraction(0), *(Fraction(math.comb(n - 1, j - 1), math.factorial(j)) for j in range(1, n + 1))]
        ways = [
            sum((ways[i] * own[j - i] for i in range(max(0, j - n), min(j, len(ways) - 1) + 1)), Fraction(0))
            for j in range(len(ways) + n)
        ]
    glued = [math.factorial(j) * count for j, count in enumerate(ways)]
    exactly = [sum((-1) ** (i - e) * math.comb(i, e) * glued[m - i] for i in range(e, m + 1)) for e in range(m + 1)]
    below = sum(exactly[m - r] for r in range(1, runs))
    return float((below + Fraction(exactly[m - runs]) / 2) / multinomial(sizes))


def runs_variance(sizes: Array) -> float:
    """Return METHOD 6's variance of the number of runs."""
    m, two, three = int(sizes.sum()), int((sizes**2).sum()), int((sizes**3).sum())
    return (two * (two + m * (m + 1)) - 2 * m * three - m**3) / (m**2 * (m - 1))


# ---------------------------------------------------------------------------------------------
# Section 8: agreement, q, pattern
# ---------------------------------------------------------------------------------------------


def chi_square(table: Array) -> float:
    """Return Pearson's X^2 of a table without empty rows or columns."""
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(np.sum((table - expected) ** 2 / expected))


def chi_square_moments(rows: Array, columns: Array) -> tuple[float, float]:
    """Return METHOD 8's exact mean and variance of X^2 under fixed margins."""
    m = int(rows.sum())
    r = np.array([len(rows), len(columns)])
    v = (r - 1) * (m - r) / (m - 1)
    w = (m * np.array([np.sum(1 / rows), np.sum(1 / columns)]) - r**2) / (m - 2)
    mean = m * (r[0] - 1) * (r[1] - 1) / (m - 1)
    variance = 2 * m / (m - 3) * (v[0] - w[0]) * (v[1] - w[1]) + m**2 / (m - 1) * w[0] * w[1]
    return float(mean), float(variance)


def projection(label: Array) -> Array:
    """Return the projection onto the groups of a partition, without the constant: (n, n)."""
    member = np.eye(label.max() + 1)[label]
    member = member[:, member.any(axis=0)]
    return np.asarray(member / member.sum(axis=0) @ member.T - 1 / len(label))


def trace_third_moment(A: Array, B: Array) -> float:
    """Return E[tr(A P B P')^3] over all permutations P, for matrices whose rows sum to 0 (Kazi-Aoual et al. 1995)."""
    n = len(A)

    def sums(M: Array) -> tuple[float, ...]:
        d, M2 = np.diag(M), M @ M
        t = np.trace(M), np.trace(M2), np.trace(M2 @ M)
        found = (*t, (d**2).sum(), (d**3).sum(), (M**3).sum(), d @ np.diag(M2), d @ M @ d)
        return tuple(float(value) for value in found)

    (T, T2, T3, S2, S3, U, R, D), (t, t2, t3, s2, s3, u, r, d) = sums(A), sums(B)
    total = n**2 * (n + 1) * (n**2 + 15 * n - 4) * S3 * s3
    total += 4 * (n**4 - 8 * n**3 + 19 * n**2 - 4 * n - 16) * U * u
    total += 24 * (n**2 - n - 4) * (U * d + D * u)
    total += 6 * (n**4 - 8 * n**3 + 21 * n**2 - 6 * n - 24) * D * d
    total += 12 * (n**4 - n**3 - 8 * n**2 + 36 * n - 48) * R * r
    total += 12 * (n**3 - 2 * n**2 + 9 * n - 12) * (T * S2 * r + R * t * s2)
    total += 3 * (n**4 - 4 * n**3 - 2 * n**2 + 9 * n - 12) * T * S2 * t * s2
    total += 24 * (n**3 - 3 * n**2 - 2 * n + 8) * (R * u + U * r)
    total += 24 * (n**3 - 2 * n**2 - 3 * n + 12) * (R * d + D * r)
    total += 12 * (n**2 - n + 4) * (T * S2 * u + U * t * s2)
    total += 6 * (2 * n**3 - 7 * n**2 - 3 * n + 12) * (T * S2 * d + D * t * s2)
    total -= 2 * n * (n - 1) * (n**2 - n + 4) * ((2 * U + 3 * D) * s3 + (2 * u + 3 * d) * S3)
    total -= 3 * n * (n - 1) ** 2 * (n + 4) * ((T * S2 + 4 * R) * s3 + (t * s2 + 4 * r) * S3)
    full, of_full = T**3 + 6 * T * T2 + 8 * T3, t**3 + 6 * t * t2 + 8 * t3
    total += 2 * n * (n - 1) * (n - 2) * (full * s3 + of_full * S3)
    total += T**3 * ((n**3 - 9 * n**2 + 23 * n - 14) * t**3 + 6 * (n - 4) * t * t2 + 8 * t3)
    total += 6 * T * T2 * ((n - 4) * t**3 + (n**3 - 9 * n**2 + 24 * n - 14) * t * t2 + 4 * (n - 3) * t3)
    total += 8 * T3 * (t**3 + 3 * (n - 3) * t * t2 + (n**3 - 9 * n**2 + 26 * n - 22) * t3)
    total -= 16 * (T**3 * u + U * t**3) + 6 * (T * T2 * u + U * t * t2) * (2 * n**2 - 10 * n + 16)
    total -= 8 * (T3 * u + U * t3) * (3 * n**2 - 15 * n + 16)
    total -= (T**3 * d + D * t**3) * (6 * n**2 - 30 * n + 24)
    total -= 6 * (T * T2 * d + D * t * t2) * (4 * n**2 - 20 * n + 24)
    total -= 8 * (T3 * d + D * t3) * (3 * n**2 - 15 * n + 24)
    last = 24 * (T**3 * r + R * t**3) + 6 * (T * T2 * r + R * t * t2) * (2 * n**2 - 10 * n + 24)
    last += 8 * (T3 * r + R * t3) * (3 * n**2 - 15 * n + 24)
    last += (3 * n**2 - 15 * n + 6) * (T**3 * t * s2 + T * S2 * t**3)
    last += 6 * (T * T2 * t * s2 + T * S2 * t * t2) * (n**2 - 5 * n + 6)
    last += 48 * (T3 * t * s2 + T * S2 * t3)
    return float((total - (n - 2) * last) / (n * (n - 1) * (n - 2) * (n - 3) * (n - 4) * (n - 5)))


def agreement(category: Array, segment: Array) -> dict[str, float]:
    """Return AMI, X^2 with the p of its three exact moments, and the two directional information shares.

    Segments that lost all their tokens with the small categories are no group. NaN if fewer than
    two segments are left.
    """
    table = contingency_matrix(category, segment).astype(float)
    if table.shape[1] < 2:
        return dict.fromkeys(BY_CATEGORY[5:], math.nan)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    X2 = chi_square(table)
    mean, variance = chi_square_moments(rows, columns)
    p = math.nan
    if variance > 1e-12 * mean**2:
        third = len(category) ** 3 * trace_third_moment(projection(category), projection(segment))
        std = math.sqrt(variance)
        p = lognormal_upper_tail((X2 - mean) / std, (third - 3 * mean * variance - mean**3) / std**3)
        if 2 in table.shape and 1e-9 < p < 0.2:
            p = two_column_mid_p(table if table.shape[1] == 2 else table.T)
    integer = contingency_matrix(category, segment, sparse=True).astype(np.int64)
    gain = mutual_info_score(category, segment) - expected_mutual_information(integer, len(category))
    return {
        "ami": float(adjusted_mutual_info_score(category, segment, average_method="arithmetic")),
        "agreement_x2": X2,
        "agreement_p": floored(p, multinomial(rows)),
        "information_category": float(gain / stats.entropy(rows)),
        "information_segment": float(gain / stats.entropy(columns)),
    }


def two_column_mid_p(table: Array, steps: int = 20_000) -> float:
    """Return P(X^2 > observed) + P(X^2 = observed) / 2 of a table of two columns under fixed margins.

    Counts of the first column are drawn category by category; the sum that X^2 is made of is kept in ``steps`` steps.
    """
    sizes, inside = table.sum(axis=1).astype(int), table[:, 0].astype(int)
    m, s = int(sizes.sum()), int(inside.sum())
    unit = float(np.sum((inside - sizes * s / m) ** 2 / sizes)) / steps
    term = [np.rint((np.arange(n + 1) - n * s / m) ** 2 / n / unit).astype(int) for n in sizes]
    reached = int(sum(own[x] for own, x in zip(term, inside, strict=True)))
    ways = {0: np.eye(1, reached + 1)[0]}
    for n, own in zip(sizes.tolist(), term, strict=True):
        after: dict[int, Array] = {}
        for j, row in ways.items():
            for x in range(min(n, s - j) + 1):
                if own[x] <= reached:
                    moved = np.concatenate([np.zeros(own[x]), row[: reached + 1 - own[x]]]) * math.comb(n, x)
                    after[j + x] = after.get(j + x, 0) + moved
        ways = after
    below = ways[s][:reached].sum() + ways[s][reached] / 2
    return float(1 - below / math.comb(m, s))


def benjamini_hochberg(p: Array) -> Array:
    """Return q: the least of p[j] * count / rank over all p[j] >= p[i]; NaN stays and is not counted."""
    q = np.full(len(p), math.nan)
    known = sorted(float(x) for x in p if not math.isnan(x))
    for i, x in enumerate(p):
        if not math.isnan(x):
            q[i] = min(y * len(known) / (rank + 1) for rank, y in enumerate(known) if y >= x)
    return q


FLAGS: dict[str, tuple[str, ...]] = {
    "steps": ("agreement",),
    "gradient": ("distance",),
    "peak": ("peak",),
    "mixed": ("top_down", "interleaving", "mrpp"),
}
EFFECT = {
    "agreement": ("ami", 1),
    "distance": ("distance_r", -1),
    "peak": ("peak", 1),
    "top_down": ("top_down_eta2", 1),
    "interleaving": ("interleaving", -1),
    "mrpp": ("mrpp_a", 1),
}


def pattern_flags(row: dict[str, Any], twins: dict[str, Array]) -> dict[str, Any]:
    """Return the four flags and the pattern of one neuron.

    ``row`` holds n, the effects and ``*_q``; ``twins`` the effects of the layer's rotated twins.
    An effect whose interesting side is low is turned round before its percentile is taken.
    """
    flags: dict[str, Any] = {}
    for flag, questions in FLAGS.items():
        flags[f"flag_{flag}"] = any(
            row[f"{question}_q"] < 0.05 and sign * row[effect] > np.nanpercentile(sign * np.asarray(twins[effect]), 95)
            for question, (effect, sign) in ((q, EFFECT[q]) for q in questions)
        )
    held = [flag for flag in FLAGS if flags[f"flag_{flag}"]]
    flags["pattern"] = "insufficient" if row["n"] < MINIMUM_TOKENS else (held or ["none"])[0]
    return flags
