"""The exact tail of chi-square with two segments, proved by all ways to draw the smaller one."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from intraneuron.kernels.agreement import agreement
from intraneuron.kernels.two_columns import two_column_upper


def all_values(label: np.ndarray, s: int) -> np.ndarray:
    """Return X^2 of all subsets of s tokens against the rest."""
    sizes = np.bincount(label)
    member = np.eye(len(sizes))[label]
    x = np.array([member[list(some)].sum(axis=0) for some in combinations(range(len(label)), s)])
    m = len(label)
    return np.asarray(m**2 / (s * (m - s)) * ((x - sizes * s / m) ** 2 / sizes).sum(axis=1))


@pytest.mark.parametrize(("sizes", "s"), [((3, 2, 3), 3), ((4, 4, 5), 2), ((3, 7, 6), 8), ((9, 5), 6)])
def test_the_mid_p_equals_that_of_all_subsets(sizes: tuple[int, ...], s: int) -> None:
    label = np.repeat(np.arange(len(sizes)), sizes)
    values = all_values(label, s)
    seen = set()
    for number, some in enumerate(combinations(range(len(label)), s)):
        inside = np.bincount(label[list(some)], minlength=len(sizes))
        if tuple(inside) in seen or values[number] < 1e-9:
            continue
        seen.add(tuple(inside))
        more, as_far = values > values[number] + 1e-9, abs(values - values[number]) < 1e-9
        expected = more.mean() + as_far.mean() / 2
        # Sums that differ by less than 1/400 of the observed one may fall into one step.
        assert two_column_upper(np.array(sizes), inside) == pytest.approx(expected, rel=0.03, abs=1e-9)
    assert len(seen) > 3


def test_agreement_with_two_segments_takes_it_and_so_does_its_mirror_image() -> None:
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1, 2], [8, 9, 7]).astype(np.int16)
    halves = (np.arange(24) + rng.integers(0, 9, 24) > 13).astype(np.int16)
    n = np.array([24])
    p = agreement(label[None], halves[None], n).p[0]
    assert p < 0.2
    counts = np.bincount(label[halves == np.argmin(np.bincount(halves))], minlength=3)
    assert p == two_column_upper(np.bincount(label), counts)
    assert agreement(halves[None], label[None], n).p[0] == p


def test_drawing_the_larger_segment_is_the_same_test() -> None:
    sizes, inside = np.array([12, 10, 8]), np.array([8, 2, 2])
    assert two_column_upper(sizes, inside) == pytest.approx(two_column_upper(sizes, sizes - inside), rel=1e-6)


@pytest.mark.parametrize(("m", "size", "s"), [(100, 20, 20), (100, 50, 50), (1000, 200, 200)])
def test_two_rows_have_the_hypergeometric_p_however_small(m: int, size: int, s: int) -> None:
    law = stats.hypergeom(m, size, s)
    every = np.arange(max(0, s + size - m), min(s, size) + 1)
    chance, far = law.pmf(every), np.abs(every - s * size / m)
    for inside in every[every > s * size / m + 3][:: max(1, len(every) // 12)]:
        own = abs(inside - s * size / m)
        expected = chance[far > own + 1e-9].sum() + chance[np.abs(far - own) < 1e-9].sum() / 2
        found = two_column_upper(np.array([size, m - size]), np.array([inside, s - inside]))
        # A step is 1/400 of the observed sum, which may gather two neighbours far out.
        assert found == pytest.approx(expected, rel=0.05)


def test_in_steps_so_fine_that_neighbouring_sums_stay_apart() -> None:
    sizes, inside = np.array([30, 30, 40]), np.array([12, 3, 5])
    rng = np.random.default_rng(1)
    drawn = rng.multivariate_hypergeometric(sizes, 20, 2_000_000)
    expected = sizes * 20 / 100
    value = ((drawn - expected) ** 2 / sizes).sum(axis=1)
    own = ((inside - expected) ** 2 / sizes).sum()
    mid_p = (value > own + 1e-9).mean() + (np.abs(value - own) < 1e-9).mean() / 2
    assert two_column_upper(sizes, inside) == pytest.approx(mid_p, rel=0.03)
