from __future__ import annotations

import numpy as np
from scipy import stats
from tests import oracle

from intraneuron.kernels.multiplicity import benjamini_hochberg

P = np.random.default_rng(0).beta(0.3, 1, 500)


def test_q_is_scipys_false_discovery_rate() -> None:
    tied = np.round(P, 2)
    np.testing.assert_allclose(benjamini_hochberg(P), stats.false_discovery_control(P), rtol=1e-12)
    np.testing.assert_allclose(benjamini_hochberg(tied), stats.false_discovery_control(tied), rtol=1e-12)
    np.testing.assert_allclose(benjamini_hochberg(tied[:60]), oracle.benjamini_hochberg(tied[:60]), rtol=1e-12)


def test_undefined_p_are_not_counted_and_stay_undefined() -> None:
    p = P.copy()
    p[::7] = np.nan
    known = np.isfinite(p)
    q = benjamini_hochberg(p)
    assert np.isnan(q[~known]).all()
    np.testing.assert_allclose(q[known], stats.false_discovery_control(p[known]), rtol=1e-12)
    assert np.isnan(benjamini_hochberg(np.full(3, np.nan))).all()


def test_each_column_is_a_family() -> None:
    table = P.reshape(100, 5).copy()
    table[:, 3] = np.nan
    q = benjamini_hochberg(table)
    for column in range(5):
        np.testing.assert_array_equal(q[:, column], benjamini_hochberg(table[:, column]))


def test_nothing_in_nothing_out() -> None:
    for shape in ((0,), (3, 0), (0, 3)):
        assert benjamini_hochberg(np.zeros(shape)).shape == shape
