"""retest: whether a neuron shows the same pattern twice, in two forms of its core tokens.

The forms are two halves of the core tokens (parallel forms), or the core tokens of two halves of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from intraneuron.config import PartitionConfig
from intraneuron.data import Comparison, CoreTokens, Norms, Space
from intraneuron.kernels.rates import kappa
from intraneuron.pipeline.analyse import analyse
from intraneuron.pipeline.compare import give_q
from intraneuron.pipeline.numbers import REFERENCE
from intraneuron.pipeline.pattern import bars, flags, patterns

Row = dict[str, Any]
Forms = tuple[CoreTokens, CoreTokens]
"""The same neurons twice."""

RETESTED = ("neurons", REFERENCE)
"""The populations that patterns rest on: what one form shows is held against the bars of its own rotated twins. (In
studies without a model another twin stands for the rotated one.)"""

_ROWS = ("token_id", "activation", "count")


def parallel_forms(core: CoreTokens) -> Forms:
    """Split every neuron's core tokens into those of even and of odd rank: two neurons of nearly equal activation."""
    width = (core.width + 1) // 2
    forms = []
    for odd in (0, 1):
        arrays = {name: getattr(core, name)[:, odd::2] for name in _ROWS}
        padded = {name: _padded(a, width, np.nan if name == "activation" else -1) for name, a in arrays.items()}
        forms.append(replace(core, n=(core.n + 1 - odd) // 2, **padded))
    return forms[0], forms[1]


def _padded(rows: np.ndarray, width: int, value: float) -> np.ndarray:
    return np.pad(rows, ((0, 0), (0, width - rows.shape[1])), constant_values=value)


def retest_rows(
    layers: Mapping[int, Mapping[str, Forms]],
    spaces: Mapping[int, Space],
    partition: PartitionConfig,
    *,
    forms: str,
    reference: str = REFERENCE,
    seed: int = 0,
    norms: Norms | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Row]:
    """Return how well the patterns of the two forms agree, by layer and population; layer None is all of them.

    Each form is analysed as a study is, with its own q and the bars of its own twins of reference. Neurons that
    cannot be tested in both forms are left out.

    Parameters
    ----------
    layers
        By layer and population, ``neurons`` and the twin of ``reference``.
    spaces, partition, seed, norms
        Those of the study; spaces by layer.
    forms : str
        What the forms are, for the column of that name.
    progress : callable
        Is told how many neurons are done, each form by itself.

    Returns
    -------
    rows
        ``agreement``, the share of neurons with the same pattern in both, and Cohen's ``kappa``.
    """
    found: list[dict[int, dict[str, np.ndarray]]] = []
    done = 0
    for form in (0, 1):
        compared: dict[int, dict[str, Comparison]] = {}
        for layer, some in layers.items():
            compared[layer] = {}
            for name, both in some.items():
                [analysis] = analyse(both[form], spaces[layer], partition, seed=seed, norms=norms)
                compared[layer][name] = analysis.comparison
                done += len(both[form])
                progress(done)
        found.append(_patterns(compared, reference))
    return [{"forms": forms} | row for name in ("neurons", reference) for row in _rows(name, *found)]


def _patterns(compared: dict[int, dict[str, Comparison]], reference: str) -> dict[int, dict[str, np.ndarray]]:
    """Return the pattern of every neuron and twin of one form."""
    for name in ("neurons", reference):
        give_q([some[name] for some in compared.values()])
    out = {}
    for layer, some in compared.items():
        limits = bars(some[reference])
        out[layer] = {name: patterns(one, flags(one, limits)) for name, one in some.items()}
    return out


def _rows(
    population: str, even: dict[int, dict[str, np.ndarray]], odd: dict[int, dict[str, np.ndarray]]
) -> Sequence[Row]:
    pairs = {layer: (even[layer][population], odd[layer][population]) for layer in even}
    whole = (np.concatenate([a for a, _ in pairs.values()]), np.concatenate([b for _, b in pairs.values()]))
    rows: list[Row] = []
    for layer, (first, second) in [(None, whole), *pairs.items()]:
        tested = (first != "insufficient") & (second != "insufficient")
        agreed, share = kappa(first[tested], second[tested])
        rows.append(
            {
                **{"layer": layer, "population": population, "neurons": int(tested.sum())},
                **{"agreement": share, "kappa": agreed},
                **{"none_even": _share(first[tested], "none"), "none_odd": _share(second[tested], "none")},
            }
        )
    return rows


def _share(found: np.ndarray, pattern: str) -> float:
    return float((found == pattern).mean()) if len(found) else float("nan")
