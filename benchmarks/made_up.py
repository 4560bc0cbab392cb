"""Neurons made to look real, as many as a model has: vectors of tokens, and lists of core tokens.

What costs time and memory in a real model is made up for: vectors have a direction in common and clusters of unlike
sizes, so cosines are far from 0 and from each other; a neuron's tokens come from a few clusters and from among the
tokens that are core to many neurons, the nearer to the neuron's own clusters the more active; means have a long tail.
"""

from __future__ import annotations

import numpy as np

from intraneuron.data import CoreTokens, Space, Vocabulary

VOCABULARY, CLUSTERS = 50_257, 1_500
CANDIDATES = 320
"""Tokens that the core tokens of a neuron are selected from."""


def made_space(dimensions: int, size: int = VOCABULARY, seed: int = 0) -> tuple[Space, np.ndarray]:
    """Return unit vectors of tokens and the cluster that each is in, int32 (V,); mean cosine about 0.25."""
    rng = np.random.default_rng(seed)
    cluster = (CLUSTERS * rng.random(size) ** 1.5).astype(np.int32)
    spectrum = np.arange(1, dimensions + 1) ** -0.25
    spectrum /= np.sqrt((spectrum**2).mean())
    common, centre = rng.standard_normal(dimensions), rng.standard_normal((CLUSTERS, dimensions)).astype(np.float32)
    vectors = rng.standard_normal((size, dimensions), dtype=np.float32)
    vectors *= (0.5 + rng.random((size, 1))).astype(np.float32)
    for start in range(0, size, 4096):
        vectors[start : start + 4096] += 0.75 * centre[cluster[start : start + 4096]]
    vectors *= spectrum.astype(np.float32)
    vectors += (0.7 * common).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Space("vectors", vectors), cluster


def made_words(size: int = VOCABULARY, seed: int = 0) -> Vocabulary:
    """Return words of 1 to 12 letters, some of them in two forms."""
    rng = np.random.default_rng([seed, 1])
    letters = np.array(list("etaoinshrdlcumwfgypbvk"))
    length = np.clip(rng.poisson(4.5, size), 1, 12)
    drawn = letters[(len(letters) * rng.random((size, 12)) ** 1.6).astype(int)]
    words = ["".join(row[:n]) for row, n in zip(drawn, length, strict=True)]
    texts = [(" " if i % 2 else "") + word for i, word in enumerate(words)]
    _, form = np.unique(np.array(words), return_inverse=True)
    never = np.zeros(size, dtype=bool)
    return Vocabulary(np.array(texts, dtype=object), never, never.copy(), form.astype(np.int32))


def made_core_tokens(
    cluster: np.ndarray, neurons: int, *, layer: int = 0, own: float = 1.0, width: int = 100, seed: int = 0
) -> CoreTokens:
    """Return the core tokens of made-up neurons; ``own`` says how much their clusters count (a twin's count less)."""
    rng = np.random.default_rng([seed, layer, int(100 * own), 2])
    size, by_cluster = len(cluster), np.argsort(cluster, kind="stable")
    first = np.searchsorted(cluster[by_cluster], np.arange(CLUSTERS + 1))
    token_id = np.empty((neurons, width), dtype=np.int32)
    activation = np.empty((neurons, width))
    for start in range(0, neurons, 512):
        stop = min(start + 512, neurons)
        rows = stop - start
        # A few clusters a neuron, of decreasing weight; a third of the candidates come from anywhere, common first.
        of = (CLUSTERS * rng.random((rows, 8)) ** 1.5).astype(int)
        weight = rng.gamma(1.0, size=(rows, 8)) * 0.75 ** np.arange(8)
        which = rng.integers(0, 8, (rows, CANDIDATES))
        chosen = np.take_along_axis(of, which, axis=1)
        held = first[chosen + 1] - first[chosen]
        place = first[chosen] + (rng.random(chosen.shape) * np.maximum(held, 1)).astype(int)
        anywhere = (size * rng.random(chosen.shape) ** 4).astype(int)
        loose = (rng.random(chosen.shape) < 1 / 3) | (held == 0)
        ids = np.where(loose, anywhere, by_cluster[np.minimum(place, size - 1)])
        score = np.where(loose, 0.0, own * np.take_along_axis(weight, which, axis=1))
        score += rng.gamma(1.5, 0.6, chosen.shape) * (1 + 0.5 * rng.random((rows, 1)))
        order = np.argsort(ids, axis=1, kind="stable")
        again = np.diff(np.take_along_axis(ids, order, axis=1), axis=1, prepend=-1) == 0
        np.put_along_axis(score, order, np.where(again, -1.0, np.take_along_axis(score, order, axis=1)), axis=1)
        best = np.argsort(-score, axis=1)[:, :width]
        token_id[start:stop] = np.take_along_axis(ids, best, axis=1)
        activation[start:stop] = np.take_along_axis(score, best, axis=1)
    numbers, unknown = np.arange(neurons, dtype=np.int32), np.full((neurons, width), -1, dtype=np.int64)
    full, undefined = np.full(neurons, width, dtype=np.int32), np.full(neurons, np.nan)
    return CoreTokens(np.full(neurons, layer, dtype=np.int32), numbers, full, token_id, activation, unknown, undefined)
