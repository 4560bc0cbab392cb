r"""Random unit vectors around a direction: the von Mises-Fisher distribution.

Its density on the unit sphere of D dimensions is proportional to :math:`e^{\kappa \mu \cdot x}`: evenly spread at
concentration :math:`\kappa = 0`, all at :math:`\mu` in the limit. Reference: Wood (1994), doi
10.1080/03610919408813161 (the sampler); Banerjee et al. (2005), JMLR 6:1345-1382 (the concentration of a mean).
"""

from __future__ import annotations

import numpy as np


def around(mean: np.ndarray, concentration: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one unit vector around each direction.

    Parameters
    ----------
    mean : float64 (n, D)
        Unit rows, D at least 2.
    concentration : float64 (n,)
        At least 0.
    rng : numpy.random.Generator

    Returns
    -------
    float64 (n, D)
        Unit rows.
    """
    along = _along(mean.shape[1], concentration, rng)[:, None]
    aside = rng.standard_normal(mean.shape)
    aside -= (aside * mean).sum(axis=1, keepdims=True) * mean
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    return np.asarray(along * mean + np.sqrt(np.maximum(1 - along**2, 0.0)) * aside)


def _along(D: int, concentration: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the components along the mean by Wood's rejection, (n,)."""
    d = D - 1
    b = d / (2 * concentration + np.sqrt(4 * concentration**2 + d**2))
    x = (1 - b) / (1 + b)
    c = concentration * x + d * np.log1p(-(x**2))
    found = np.empty(len(concentration))
    left = np.arange(len(concentration))
    while len(left):
        z = rng.beta(d / 2, d / 2, len(left))
        w = (1 - (1 + b[left]) * z) / (1 - (1 - b[left]) * z)
        bound = np.log(rng.random(len(left)))
        taken = concentration[left] * w + d * np.log1p(-x[left] * w) - c[left] >= bound
        found[left[taken]] = w[taken]
        left = left[~taken]
    return found


def concentration_of(likeness: float, D: int) -> float:
    r"""Return the concentration at which two vectors around one direction have about this expected cosine.

    The expected cosine is :math:`r^2`, r the length of the distribution's mean;
    :math:`\kappa \approx r (D - r^2) / (1 - r^2)`, to some per cent.

    Parameters
    ----------
    likeness : float
        In [0, 1).
    D : int

    >>> round(concentration_of(0.25, 64), 1)
    42.5
    """
    r = float(np.sqrt(likeness))
    return r * (D - likeness) / (1 - likeness)
