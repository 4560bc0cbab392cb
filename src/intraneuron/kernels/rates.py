"""How often something happens: shares with the noise of draws from the same neurons, and agreement of two sortings."""

from __future__ import annotations

import numpy as np


def clustered_share(hits: np.ndarray, tries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the share of tries that hit, and its standard error when a neuron's tries go together.

    With :math:`x_i` hits in :math:`m_i` tries of neuron i and :math:`\hat p = \sum x / \sum m`, the error is
    :math:`\sqrt{\tfrac{N}{N-1} \sum_i (x_i - \hat p\, m_i)^2} / \sum m` over the N neurons with a try. Reference:
    Cochran (1977), Sampling Techniques, section 3.12 (a ratio of cluster totals).

    Parameters
    ----------
    hits, tries : int (N, ...)

    Returns
    -------
    share, error : float64 (...)
        NaN without a try; error NaN with a try in one neuron only.

    >>> share, error = clustered_share(np.array([1, 0, 1, 0]), np.array([1, 1, 1, 1]))
    >>> float(share), round(float(error), 4)
    (0.5, 0.2887)
    """
    total = tries.sum(axis=0)
    N = (tries > 0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = hits.sum(axis=0) / total
        square = ((hits - share * tries) ** 2).sum(axis=0)
        error = np.sqrt(square * N / (N - 1)) / total
    return np.asarray(share), np.asarray(error)


def kappa(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    r"""Return how far two sortings of the same things agree: Cohen's kappa, and the plain share that agrees.

    :math:`\kappa = (a - e) / (1 - e)`, a the share that agrees, e what sortings with the same shares of kinds would
    agree in by chance. 1 is identity, 0 chance; NaN when nothing is sorted, or all into one kind. Reference: Cohen
    (1960), doi 10.1177/001316446002000104.

    >>> kappa(np.array(["a", "a", "b", "b"]), np.array(["a", "b", "b", "b"]))
    (0.5, 0.75)
    """
    if len(first) == 0:
        return float("nan"), float("nan")
    agree = float((first == second).mean())
    kinds = np.union1d(first, second)
    chance = sum(float((first == kind).mean() * (second == kind).mean()) for kind in kinds)
    return ((agree - chance) / (1 - chance) if chance < 1 else float("nan")), agree
