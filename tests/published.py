"""Published lists made up for tests: words, their vectors, and neurons that read directions of these."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

WORDS, WIDTH = 240, 12


def vectors_file(path: Path, seed: int = 0) -> Path:
    """Write words w0, w1, ... with random vectors."""
    table = np.random.default_rng(seed).normal(size=(WORDS, WIDTH))
    columns = {f"d{d}": table[:, d] for d in range(WIDTH)}
    pl.DataFrame({"word": [f"w{i}" for i in range(WORDS)]} | columns).write_csv(path)
    return path


def lists_frame(neurons: dict[int, tuple[int, ...]], tokens: int = 40, seed: int = 0) -> pl.DataFrame:
    """Return lists of some neurons by layer; every third token has a leading space, rows stand in no order."""
    rng = np.random.default_rng(seed)
    table = np.random.default_rng(0).normal(size=(WORDS, WIDTH))
    rows = []
    for layer, some in neurons.items():
        for neuron in some:
            read = table @ rng.normal(size=WIDTH) + 0.5 * rng.normal(size=WORDS)
            for word in np.argsort(-read)[:tokens]:
                mark = " " if word % 3 == 0 else ""
                rows.append((layer, neuron, f"{mark}w{word}", float(read[word])))
    order = rng.permutation(len(rows))
    return pl.DataFrame([rows[i] for i in order], schema=["layer", "neuron", "token", "activation"], orient="row")


def lists_file(path: Path, neurons: dict[int, tuple[int, ...]] | None = None, tokens: int = 40) -> Path:
    """Write lists of neurons 2, 5, 9 of layer 0 and 4, 7 of layer 3."""
    lists_frame(neurons or {0: (2, 5, 9), 3: (4, 7)}, tokens).write_csv(path)
    return path
