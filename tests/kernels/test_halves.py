from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import stats

from intraneuron.kernels.halves import correlation, in_common, rank_correlation, stepped_up

LEAST = 5


def two(*, ties: bool = False, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return two tables of 9 rows that go together, with holes at different places."""
    rng = np.random.default_rng(seed)
    a = rng.gamma(2.0, size=(9, 30))
    b = a + rng.normal(size=a.shape)
    if ties:
        a, b = np.round(a), np.round(b)
    a[rng.random(a.shape) < 0.1] = np.nan
    b[rng.random(b.shape) < 0.1] = np.nan
    return a, b


@pytest.mark.parametrize("ties", [False, True])
def test_correlations_are_scipys_over_what_is_defined_in_both(ties: bool) -> None:
    a, b = two(ties=ties)
    for i, (pearson, spearman) in enumerate(zip(correlation(a, b, LEAST), rank_correlation(a, b, LEAST), strict=True)):
        both = np.isfinite(a[i]) & np.isfinite(b[i])
        assert pearson == pytest.approx(stats.pearsonr(a[i, both], b[i, both]).statistic, rel=1e-12)
        assert spearman == pytest.approx(stats.spearmanr(a[i, both], b[i, both]).statistic, rel=1e-12)


def test_too_few_entries_in_both_and_rows_that_do_not_vary_have_no_correlation() -> None:
    a, b = two()
    a[0, 4:] = np.nan
    b[1] = 0.1
    a[2] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for found in (correlation(a, b, LEAST), rank_correlation(a, b, LEAST)):
            assert np.isnan(found).tolist() == [True] * 3 + [False] * 6


def test_only_the_order_counts_for_the_rank_correlation() -> None:
    a, b = two()
    np.testing.assert_array_equal(rank_correlation(a, b, LEAST), rank_correlation(np.exp(a), b**3, LEAST))
    assert not np.array_equal(correlation(a, b, LEAST), correlation(np.exp(a), b**3, LEAST))


def test_halves_that_agree_make_a_whole_that_agrees_more() -> None:
    np.testing.assert_allclose(stepped_up(np.array([0.0, 0.5, 1.0, -0.5])), [0, 2 / 3, 1, -2])
    assert np.isnan(stepped_up(np.array([np.nan]))).all()


def test_tokens_in_common_are_counted_once_and_padding_never() -> None:
    a = np.array([[3, 1, 2, -1], [5, 6, 7, 8], [4, -1, -1, -1], [-1, -1, -1, -1]])
    b = np.array([[9, 2, 3], [8, 7, 6], [5, 6, 7], [1, 2, 3]])
    np.testing.assert_array_equal(in_common(a, b), [2 / 3, 1, 0, np.nan])
    np.testing.assert_array_equal(in_common(b, a), in_common(a, b))
