"""Made-up neurons for tests of numbers: rows of unequal length, ties, groups of unequal size."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from intraneuron.data import CoreTokens, Space, Spelling
from intraneuron.kernels.similarity import cosines

PER_VOCABULARY = ("vectors", "count", "eligible")
"""Fields of a batch that have no axis of neurons."""


@dataclass(frozen=True)
class Batch:
    """All that the kernels take, for N neurons."""

    vectors: np.ndarray
    count: np.ndarray
    eligible: np.ndarray
    total: np.ndarray
    n: np.ndarray
    token_id: np.ndarray
    activation: np.ndarray
    category: np.ndarray
    n_categories: np.ndarray
    segment: np.ndarray
    n_segments: np.ndarray
    keys: np.ndarray

    def __len__(self) -> int:
        return len(self.n)

    def __getitem__(self, index: np.ndarray | slice) -> Batch:
        """Return some neurons."""
        changed = {
            f.name: getattr(self, f.name)[index]
            for f in fields(self)
            if f.name not in (*PER_VOCABULARY, "total", "keys")
        }
        return replace(self, **changed, total=self.total[:, :, index], keys=self.keys[:, index])

    @property
    def width(self) -> int:
        return int(self.token_id.shape[1])

    def cosines(self) -> np.ndarray:
        """Return the cosines of all pairs of each neuron's tokens, (N, K, K)."""
        return cosines(self.vectors, self.token_id, self.n)

    def core(self) -> CoreTokens:
        """Return the core tokens as a noun."""
        count = np.where(self.token_id >= 0, 1, -1)
        return CoreTokens(
            layer=self.keys[1].astype(np.int32),
            neuron=self.keys[2].astype(np.int32),
            n=self.n,
            token_id=self.token_id,
            activation=self.activation,
            count=count,
            reliability=np.full(len(self), np.nan),
        )

    def spelling(self) -> Spelling:
        """Return some spelling: binary numbers, cut to different lengths."""
        return Spelling.from_tokens([f"{i * 7919 % 1000:b}"[: 2 + i % 9] for i in range(len(self.vectors))])

    def space(self) -> Space:
        """Return the vectors as a noun."""
        return Space("made up", self.vectors)


def clustered_vectors(size: int, dimensions: int, seed: int, *, groups: int = 6) -> np.ndarray:
    """Return unit rows, float32, around a few centres."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(groups, dimensions))[rng.integers(groups, size=size)]
    rows = rows + 0.8 * rng.normal(size=rows.shape)
    unit: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit.astype(np.float32)


def make_batch(
    size: int = 12, width: int = 40, dimensions: int = 12, *, seed: int = 0, segments: int = 4, short: bool = True
) -> Batch:
    """Build a batch; every third neuron has tied activations, and with ``short`` some rows are padded.

    Rows 1 and 2 have 0 and 7 tokens then.
    """
    rng = np.random.default_rng(seed)
    tokens = 5 * width
    n = np.full(size, width)
    if short:
        n = np.where(rng.random(size) < 0.4, rng.integers(20, width + 1, size), width)
        n[1:3] = (0, 7)[: size - 1]
    token_id = np.full((size, width), -1, dtype=np.int32)
    activation = np.full((size, width), np.nan)
    category = np.full((size, width), -1, dtype=np.int16)
    segment = category.copy()
    n_categories, n_segments = np.zeros(size, dtype=np.int16), np.zeros(size, dtype=np.int16)
    for i, m in enumerate(n.tolist()):
        values = np.sort(rng.gamma(2.0, size=m))[::-1]
        token_id[i, :m] = rng.choice(tokens, m, replace=False)
        activation[i, :m] = np.ceil(4 * values) if i % 3 == 0 else values
        if m >= 20:
            category[i, :m], n_categories[i] = random_partition(m, int(rng.integers(2, 6)), rng)
            segment[i, :m], n_segments[i] = np.arange(m) * segments // m, segments
    return Batch(
        vectors=clustered_vectors(tokens, dimensions, seed),
        count=rng.integers(0, 9, size=(2, tokens)),
        eligible=rng.random(tokens) < 0.9,
        total=np.round(rng.normal(size=(2, tokens, size)), 1).astype(np.float32),
        n=n.astype(np.int32),
        token_id=token_id,
        activation=activation,
        category=category,
        n_categories=n_categories,
        segment=segment,
        n_segments=n_segments,
        keys=np.stack([np.full(size, 5), np.full(size, 3), np.arange(size)]).astype(np.int64),
    )


def random_partition(m: int, groups: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Return random labels with three tokens or more in each group, some in none (-1), and ``groups``."""
    label = rng.integers(-1, groups, m).astype(np.int16)
    label[rng.permutation(m)[: 3 * groups]] = np.repeat(np.arange(groups), 3)
    return label, groups
