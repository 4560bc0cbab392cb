"""The tests of zones on 8 tokens against all 8! ways to deal their activations: moments exact, p within its draws."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from tests import oracle

from intraneuron.kernels.agreement import agreement
from intraneuron.kernels.homogeneity import TOPS, Zones, zones
from intraneuron.kernels.runs import interleaving
from intraneuron.kernels.zone_tests import DRAWS, EXCEEDANCES, NULL_MEAN, NULL_STD, OBSERVED, P

N = 8
ALL = np.array(list(permutations(range(N))))
SEGMENT = np.array([0, 0, 0, 1, 1, 2, 2, 2], dtype=np.int16)
CATEGORY = np.array([0, 0, 1, 0, 1, 1, 2, 2], dtype=np.int16)


def cosines(seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(N, 4)) + 0.5
    rows[:3] += 0.7 * rows[0]
    return np.asarray(oracle.similarity(oracle.unit_rows(rows)), dtype=np.float32)


def zones_of(S: np.ndarray) -> Zones:
    activation = np.arange(N, 0.0, -1)[None]
    keys = np.array([[1], [2], [3]])
    return zones(S[None], np.array([N]), activation, SEGMENT[None], np.array([3]), keys=keys, window=3, min_tokens=N)


def enumerated(D: np.ndarray, S: np.ndarray) -> np.ndarray:
    """Return U of all orders of the tokens of S; the first is the one observed."""
    n = len(S)
    orders = ALL if n == N else np.array(list(permutations(range(n))))
    a, b = np.triu_indices(n, 1)
    return np.asarray(S.astype(np.float64)[orders[:, a], orders[:, b]] @ D[a, b])


def check(row: np.ndarray, U: np.ndarray, *, shift: float = 0.0, sign: int = 1, name: str) -> None:
    """Compare one row of results with all values: U plus ``shift`` is what is observed, up to ``sign``."""
    assert row[OBSERVED] == pytest.approx(sign * U[0] + shift, rel=1e-5, abs=1e-6), name
    assert row[NULL_MEAN] == pytest.approx(sign * U.mean() + shift, rel=1e-5, abs=1e-6), name
    assert row[NULL_STD] == pytest.approx(U.std(), rel=1e-5), name
    p = (U - U[0] >= -1e-9).mean()
    if p < 0.15:  # drawn: five errors of the draws
        error = p * np.sqrt(1 / min(EXCEEDANCES, p * DRAWS))
        assert row[P] == pytest.approx(p, abs=5 * error), name


@pytest.mark.parametrize("seed", range(4))
def test_every_statistic_of_zones_has_the_moments_and_the_p_of_all_permutations(seed: int) -> None:
    S = cosines(seed)
    found = zones_of(S)
    for g in (0, 2):
        inside = oracle.inside_weights(np.equal(SEGMENT, g))
        check(found.homogeneity[0, g], enumerated(inside, S), name=f"homogeneity {g}")
    check(found.stepdown[0, 0], enumerated(oracle.inside_weights(SEGMENT == 0), S), name="step-down 0")
    check(found.peak[0, TOPS.index(5)], enumerated(oracle.peak_weights(N, 5), S), name="peak 5")
    check(found.mrpp[0], enumerated(oracle.mrpp_weights(SEGMENT), S), shift=1.0, sign=-1, name="mrpp")
    D = oracle.distance_weights(-np.arange(N))
    a, b = np.triu_indices(N, 1)
    M = S.astype(np.float64)
    r = np.array([np.corrcoef(M[o[a], o[b]], D[a, b])[0, 1] for o in ALL])
    row = found.distance[0]
    assert (row[OBSERVED], row[NULL_STD]) == (pytest.approx(r[0], rel=1e-5), pytest.approx(r.std(), rel=1e-5))
    assert r.mean() == pytest.approx(row[NULL_MEAN], abs=1e-12)


def test_a_step_down_among_the_lower_tokens_is_that_of_their_own_permutations() -> None:
    S = cosines(7)
    segment = np.array([0, 0, 1, 1, 1, 2, 2, 2], dtype=np.int16)
    activation, keys = np.arange(N, 0.0, -1)[None], np.zeros((3, 1), dtype=np.int64)
    found = zones(S[None], np.array([N]), activation, segment[None], np.array([3]), keys=keys, window=3, min_tokens=N)
    check(found.stepdown[0, 1], enumerated(oracle.inside_weights(segment[2:] == 1), S[2:, 2:]), name="step-down 1")


def test_runs_and_tables_have_the_mid_p_of_all_permutations() -> None:
    halves = np.array([0, 0, 0, 1, 1, 1, 1, 1], dtype=np.int16)
    runs = 1 + (np.diff(CATEGORY[ALL], axis=1) != 0).sum(axis=1)
    r = interleaving(CATEGORY[None], np.array([N]), np.array([3]))
    few = np.array([0, 0, 0, 1, 1, 1, 2, 2], dtype=np.int16)
    tight = interleaving(few[None], np.array([N]), np.array([3]))
    assert (r.null_mean[0], r.null_std[0]) == (pytest.approx(runs.mean()), pytest.approx(runs.std()))
    assert tight.p[0] == pytest.approx((runs == 3).mean() / 2, rel=1e-12)  # the sizes are the same
    table = np.einsum("pnk,ng->pkg", np.eye(3)[CATEGORY[ALL]], np.eye(2)[halves])
    expected = np.outer(np.bincount(CATEGORY), np.bincount(halves)) / N
    X2 = ((table - expected) ** 2 / expected).sum(axis=(1, 2))
    at = int(np.argmax(X2))
    a = agreement(CATEGORY[ALL[at]][None], halves[None], np.array([N]))
    assert (a.null_mean[0], a.null_std[0]) == (pytest.approx(X2.mean()), pytest.approx(X2.std()))
    assert a.p[0] == pytest.approx((abs(X2 - X2[at]) < 1e-9).mean() / 2, rel=1e-9)
