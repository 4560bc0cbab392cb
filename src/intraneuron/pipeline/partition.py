"""categorize and segment: core tokens -> a partition by meaning, a partition by activation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from intraneuron.config import K_MAX, MIN_GROUP, MIN_TOKENS, NORMS
from intraneuron.data import CoreTokens, Norms, Partition, Space
from intraneuron.errors import SettingError
from intraneuron.kernels.breaks import METHODS, cut
from intraneuron.kernels.clustering import LINKAGES, cluster, cluster_each
from intraneuron.kernels.groups import renumber
from intraneuron.kernels.natural import MOST
from intraneuron.kernels.silhouettes import given_groups
from intraneuron.pipeline.similarity import Similarity, with_similarity


def testable(core: CoreTokens) -> np.ndarray:
    """Return which neurons can be tested: at least 20 core tokens, and activations that differ, bool (N,)."""
    last = np.take_along_axis(core.activation, np.maximum(core.n - 1, 0)[:, None], axis=1)[:, 0]
    return (core.n >= MIN_TOKENS) & (core.activation[:, 0] > last)


def categorize(
    core: CoreTokens,
    space: Space,
    method: str = "ward",
    *,
    similarity: Similarity | None = None,
    norms: Norms | None = None,
) -> Partition:
    """Group each neuron's core tokens by meaning.

    Agglomerative clustering of cosines, cut into the 2 to K groups of highest mean silhouette, or at a cosine. Groups
    of fewer than 3 tokens leave (label -1); the others are numbered by mean activation, 0 the most active. Neurons that
    cannot be tested have no groups.

    Parameters
    ----------
    core : CoreTokens
    space : Space
    method : str
        ``ward``, ``average`` or ``complete``, each with ``:K`` for at most K groups (10 when not given), or
        ``threshold:COS``, average linkage cut where groups are less alike than COS; or ``norms:FILE``.
    similarity : Similarity, optional
        From :func:`intraneuron.pipeline.similarity.similarity`, when it is there already.
    norms : Norms, optional
        The categories of ``norms:FILE``. Tokens without one are in no group.

    Raises
    ------
    SettingError
        For another method, and for ``norms:FILE`` without the norms.
    DataError
        When a core token has no vector in this space.
    """
    tree = parse_categories(method)
    if similarity is None:
        verb = partial(categorize, space=space, method=method, norms=norms)
        found = [verb(core[own], similarity=S) for own, S in with_similarity(core, space)]
        return Partition.concatenate(found)
    n = np.where(testable(core), core.n, 0)
    if tree.linkage == NAMED:
        if norms is None:
            msg = f"categories (--categories) {method} are those of a study; give inn.categorize its norms, too."
            raise SettingError(msg)
        raw, quality = given_groups(similarity.meaning, n, norms.of(core.token_id), min_tokens=MIN_TOKENS)
    else:
        raw, quality = cluster(similarity.meaning, n, **tree._asdict(), min_tokens=MIN_TOKENS)
    return _numbered(core, n, method, raw, quality)


def categorize_each(
    core: CoreTokens, space: Space, methods: Sequence[str], *, similarity: Similarity, norms: Norms | None = None
) -> dict[str, Partition]:
    """Group each neuron's core tokens by meaning in several ways: :func:`categorize` for each, to the last bit.

    Ways that differ only in how many groups they allow share their tree.
    """
    n = np.where(testable(core), core.n, 0)
    trees = {method: parse_categories(method) for method in methods}
    linked = {method: tree for method, tree in trees.items() if tree.linkage in LINKAGES and math.isnan(tree.cosine)}
    found: dict[str, Partition] = {}
    for linkage in dict.fromkeys(tree.linkage for tree in linked.values()):
        own = {method: tree.k_max for method, tree in linked.items() if tree.linkage == linkage}
        k_max = tuple(own.values())
        label, quality = cluster_each(similarity.meaning, n, linkage=linkage, k_max=k_max, min_tokens=MIN_TOKENS)
        for j, method in enumerate(own):
            found[method] = _numbered(core, n, method, np.ascontiguousarray(label[:, j]), quality[:, j].copy())
    verb = partial(categorize, core, space, similarity=similarity, norms=norms)
    others = {method: verb(method=method) for method in set(trees) - set(linked)}
    return {method: (found | others)[method] for method in methods}


def _numbered(core: CoreTokens, n: np.ndarray, method: str, raw: np.ndarray, quality: np.ndarray) -> Partition:
    """Return categories numbered by mean activation, without those that are too small."""
    label, n_groups = renumber(raw, core.activation, n, MIN_GROUP)
    n_cut = (raw.max(axis=1, initial=-1) + 1).astype(np.int16)
    return Partition("meaning", method, label, n_groups, n_cut, quality)


NAMED = NORMS.rstrip(":")
"""The method of categories that people named."""


class Tree(NamedTuple):
    """How core tokens are grouped by meaning.

    Attributes
    ----------
    linkage : str
        :data:`NAMED` for categories that people named: there is no tree then.
    k_max : int
        Most groups that are tried.
    cosine : float
        Where the tree is cut; NaN: at the best silhouette of 2 to ``k_max`` groups.
    """

    linkage: str
    k_max: int = K_MAX
    cosine: float = math.nan


def parse_categories(text: object) -> Tree:
    """Read ``average:5`` into a linkage and the most groups.

    Raises
    ------
    SettingError
        For an unknown linkage, a number of groups that is not 2 to 20, or no cosine between -1 and 1.

    >>> parse_categories("average:5")
    Tree(linkage='average', k_max=5, cosine=nan)
    """
    method, colon, amount = text.partition(":") if isinstance(text, str) else ("", "", "")
    try:
        value = float(amount) if colon else float(K_MAX)
    except ValueError:
        value = math.nan
    if method in LINKAGES and value in range(2, 21):
        return Tree(method, int(value))
    if method == NAMED and amount.strip():
        return Tree(NAMED)
    if method == "threshold" and colon and -1 < value < 1:
        return Tree("average", cosine=value)
    msg = (
        f"categories (--categories) must be {', '.join(LINKAGES)}, each with :K for at most K groups (2 to 20), "
        f"threshold:COS (a cosine between -1 and 1) or norms:FILE, got {text!r}."
    )
    raise SettingError(msg)


def category_names(core: CoreTokens, categories: Partition, norms: Norms) -> list[list[list[str]]]:
    """Return the name of each category of each neuron, by the norms that made them."""
    named = norms.of(core.token_id)
    first = [
        [int(named[i][np.argmax(categories.label[i] == g)]) for g in range(int(categories.n_groups[i]))]
        for i in range(len(core))
    ]
    return [[[norms.name[category]] for category in row] for row in first]


def recategorize(categories: Partition, core: CoreTokens, order: np.ndarray) -> Partition:
    """Carry categories over to rearranged tokens: ``order[i, r]`` is the old rank of the token now at rank r.

    Meaning does not change when activations are permuted; only the numbering by activation does.
    """
    label, n_groups = renumber(carried(categories, order).label, core.activation, core.n, MIN_GROUP)
    return replace(categories, label=label, n_groups=n_groups)


def carried(categories: Partition, order: np.ndarray) -> Partition:
    """Carry categories over to rearranged tokens under the numbers that they have.

    A number then stands for the same tokens whatever their activations are, so a test of category 3 is one test; of
    renumbered categories (:func:`recategorize`) the first is the most active by construction, and its p means nothing.
    """
    moved = np.where(order >= 0, np.take_along_axis(categories.label, np.maximum(order, 0), axis=1), -1)
    return replace(categories, label=moved.astype(np.int16))


def parse_segments(text: str) -> tuple[str, float]:
    """Read ``quantile:5`` into ("quantile", 5).

    Raises
    ------
    SettingError
        For an unknown method, or an amount out of range: 2 to 20 groups, a share between 0 and 1.

    >>> parse_segments("top:0.2")
    ('top', 0.2)
    >>> parse_segments("natural")
    ('natural', 0.0)
    """
    if text == "natural":
        return text, 0.0
    method, _, amount = text.partition(":") if isinstance(text, str) else ("", "", "")
    allowed = "quantile:G, equal-width:G, natural:G (G from 2 to 20), natural or top:SHARE (between 0 and 1)"
    try:
        value = float(amount)
    except ValueError:
        value = float("nan")
    groups = method != "top"
    fits = (2 <= value <= 20 and value == int(value)) if groups and value == value else 0 < value < 1
    if method not in METHODS or not fits:
        msg = f"segments (--segments) must be {allowed}, got {text!r}."
        raise SettingError(msg)
    return method, value


def most_segments(text: str) -> int:
    """Return how many segments a neuron can have.

    >>> most_segments("top:0.2"), most_segments("natural")
    (2, 10)
    """
    name, amount = parse_segments(text)
    return 2 if name == "top" else int(amount) or MOST


def segment(core: CoreTokens, method: str = "quantile:5") -> Partition:
    """Cut each neuron's core tokens into contiguous zones of activation, 0 the most active.

    Parameters
    ----------
    core : CoreTokens
    method : str
        ``quantile:G``, ``equal-width:G``, ``natural:G``, ``natural`` (as many as fit) or ``top:SHARE``. Quality is the
        goodness of variance fit.

    Raises
    ------
    SettingError
        For another method.
    """
    name, amount = parse_segments(method)
    n = np.where(testable(core), core.n, 0)
    label, quality = cut(core.activation, n, name, amount)  # type: ignore[arg-type]
    groups = 2 if name == "top" else int(amount) or label.max(axis=1, initial=-1) + 1
    n_groups = np.where(n > 0, groups, 0).astype(np.int16)
    return Partition("activation", method, label, n_groups, n_groups, quality)


def bounds(core: CoreTokens, segments: Partition) -> np.ndarray:
    """Return the activations that separate segments, descending, float64 (N, G + 1).

    The first is the highest activation, the last the lowest; between two segments stands the middle of the gap.
    An empty segment has two equal bounds. NaN where a neuron has no segments.
    """
    G = int(segments.n_groups.max(initial=0))
    out = np.full((len(core), G + 1), np.nan)
    rows = np.arange(len(core))
    defined = segments.n_groups > 0
    last = np.maximum(core.n - 1, 0)
    out[:, 0] = core.activation[:, 0]
    for g in range(1, G):
        above = (segments.label < g) & (segments.label >= 0)
        first = np.minimum(above.sum(axis=1), last)
        out[:, g] = (core.activation[rows, np.maximum(first - 1, 0)] + core.activation[rows, first]) / 2
    out[:, G] = core.activation[rows, last]
    out[~defined] = np.nan
    return out


def tied_bounds(core: CoreTokens, segments: Partition) -> np.ndarray:
    """Return how many segment bounds lie between tokens of equal activation, int (N,): there the order decides."""
    label, activation = segments.label, core.activation
    cut = (label[:, 1:] != label[:, :-1]) & (label[:, 1:] >= 0)
    return np.asarray((cut & (activation[:, 1:] == activation[:, :-1])).sum(axis=1))
