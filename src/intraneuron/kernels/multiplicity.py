"""Many neurons, one question: false discovery rates."""

from __future__ import annotations

import numpy as np


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Return the q value of every p: the least false discovery rate at which it is a discovery.

    ``q_(i) = min_{j >= i} p_(j) m / j`` over the m defined p in ascending order. A table (N, G) is G families,
    one a column. NaN is not counted and stays NaN. Reference: Benjamini and Hochberg (1995), doi
    10.1111/j.2517-6161.1995.tb02031.x.

    >>> benjamini_hochberg(np.array([0.01, 0.04, np.nan, 0.03])).round(4)
    array([0.03, 0.04,  nan, 0.04])
    """
    p = np.asarray(p, dtype=np.float64)
    q = np.full(p.shape, np.nan)
    if p.ndim > 1:
        for g in range(p.shape[1]):
            q[:, g] = benjamini_hochberg(p[:, g])
        return q
    defined = np.flatnonzero(np.isfinite(p))
    if len(defined) == 0:
        return q
    order = defined[np.argsort(p[defined], kind="stable")]
    scaled = p[order] * (len(order) / np.arange(1, len(order) + 1))  # the largest p keeps its digits
    q[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return q
