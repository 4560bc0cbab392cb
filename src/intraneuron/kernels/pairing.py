"""Pairs of neurons of two layers: how alike their core tokens are, and the one-to-one assignment that is best."""

from __future__ import annotations

import numpy as np
from scipy import optimize, sparse


def profile_cosines(
    token_a: np.ndarray, activation_a: np.ndarray, token_b: np.ndarray, activation_b: np.ndarray
) -> np.ndarray:
    r"""Return the cosine of the token profiles of every neuron of one layer with every one of another.

    A neuron's profile is its mean activation at its core tokens and 0 at all others, so that

    .. math:: c_{ij} = \frac{\sum_{t \in A_i \cap B_j} a_{it} b_{jt}}
              {\sqrt{\sum_{t \in A_i} a_{it}^2} \sqrt{\sum_{t \in B_j} b_{jt}^2}},

    0 when no core token is shared, 1 for the same tokens at proportional activations. A neuron without core tokens has
    0 with every other.

    Parameters
    ----------
    token_a, token_b : int (N_a, K_a), (N_b, K_b)
        Core tokens; padding is -1.
    activation_a, activation_b : float64, of the same shapes
        Their mean activation; padding is not read.

    Returns
    -------
    float64 (N_a, N_b)

    >>> a, b = np.array([[0, 1]]), np.array([[1, 2], [2, 3]])
    >>> profile_cosines(a, np.array([[3.0, 4.0]]), b, np.ones((2, 2))).round(4)
    array([[0.5657, 0.    ]])
    """
    width = 1 + max(int(token.max(initial=0)) for token in (token_a, token_b))
    first, second = _unit_rows(token_a, activation_a, width), _unit_rows(token_b, activation_b, width)
    return np.asarray((first @ second.T).toarray())


def paired_cosines(
    token_a: np.ndarray, activation_a: np.ndarray, token_b: np.ndarray, activation_b: np.ndarray
) -> np.ndarray:
    """Return the cosine of :func:`profile_cosines` of row i with row i, float64 (P,)."""
    width = 1 + max(int(token.max(initial=0)) for token in (token_a, token_b))
    product = _unit_rows(token_a, activation_a, width).multiply(_unit_rows(token_b, activation_b, width))
    return np.asarray(product.sum(axis=1)).ravel()


def shared_tokens(token_a: np.ndarray, token_b: np.ndarray) -> np.ndarray:
    """Return how many core tokens row i of one and row i of the other have in common, int64 (P,).

    >>> shared_tokens(np.array([[4, 2, -1]]), np.array([[2, 9, -1]]))
    array([1])
    """
    rows = zip(token_a, token_b, strict=True)
    return np.array([len(np.intersect1d(a[a >= 0], b[b >= 0])) for a, b in rows], dtype=np.int64)


def one_to_one(alike: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the one-to-one pairs (row, column) whose sum of ``alike`` is largest; min(N_a, N_b) of them, by row.

    Reference: Crouse (2016), doi 10.1109/TAES.2016.140952 (the algorithm of SciPy's ``linear_sum_assignment``).

    >>> one_to_one(np.array([[0.9, 0.8], [0.8, 0.1]]))
    (array([0, 1]), array([1, 0]))
    """
    row, column = optimize.linear_sum_assignment(alike, maximize=True)
    return np.asarray(row), np.asarray(column)


def _unit_rows(token: np.ndarray, activation: np.ndarray, width: int) -> sparse.csr_array:
    """Return the profiles as sparse rows of length 1, (N, width)."""
    there = token >= 0
    value = np.where(there, activation, 0.0)
    length = np.sqrt((value**2).sum(axis=1, keepdims=True))
    unit = np.divide(value, length, out=np.zeros_like(value), where=length > 0)
    row = np.broadcast_to(np.arange(len(token))[:, None], token.shape)[there]
    return sparse.csr_array((unit[there], (row, token[there])), shape=(len(token), width))
